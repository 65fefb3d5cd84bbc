#include "extension/shell/pg.h"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "lib/stringinfo.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

#include "extension/catalog/heaps.h"

namespace tandem::shell {

namespace {

void append_heap(StringInfo text, Oid relid) {
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
    if (!HeapTupleIsValid(tuple)) return;
    Form_pg_class relation = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
    if (relation->relkind != RELKIND_PARTITIONED_TABLE)
        appendStringInfo(text, "%s%u/%u", text->len == 0 ? "" : " ", relid, relation->relfilenode);
    ReleaseSysCache(tuple);
}

int by_oid(const ListCell* a, const ListCell* b) {
    Oid left = lfirst_oid(a);
    Oid right = lfirst_oid(b);
    return left < right ? -1 : left > right ? 1 : 0;
}

}  // namespace

const char* heaps_of(Oid relid) {
    StringInfoData text;
    initStringInfo(&text);
    PgList* leaves = list_make1_oid(relid);
    if (get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE)
        leaves = find_all_inheritors(relid, NoLock, nullptr);
    list_sort(leaves, by_oid);
    ListCell* cell;
    foreach (cell, leaves) append_heap(&text, lfirst_oid(cell));
    return text.data;
}

}  // namespace tandem::shell
