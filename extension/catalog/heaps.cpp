#include "extension/shell/pg.h"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "lib/stringinfo.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

#include "extension/catalog/heaps.h"
#include "extension/shell/memory.h"

namespace tandem::shell {

namespace {

struct Heap {
    Oid relid;
    const char* attached;  // "/xid" for each step up to the table
};

int by_oid(const ListCell* a, const ListCell* b) {
    Oid left = static_cast<const Heap*>(lfirst(a))->relid;
    Oid right = static_cast<const Heap*>(lfirst(b))->relid;
    return left < right ? -1 : left > right ? 1 : 0;
}

PgList* add_heap(PgList* heaps, Oid relid, const char* attached);

PgList* add_partitions(PgList* heaps, Oid parent, const char* attached) {
    Relation inherits = table_open(InheritsRelationId, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_inherits_inhparent, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(parent));
    SysScanDesc scan = systable_beginscan(inherits, InheritsParentIndexId, true, nullptr, 1, &key);
    HeapTuple tuple;
    while (HeapTupleIsValid(tuple = systable_getnext(scan))) {
        Form_pg_inherits row = reinterpret_cast<Form_pg_inherits>(GETSTRUCT(tuple));
        if (row->inhdetachpending) continue;
        TransactionId xid = HeapTupleHeaderGetRawXmin(tuple->t_data);
        heaps = add_heap(heaps, row->inhrelid, psprintf("%s/%u", attached, xid));
    }
    systable_endscan(scan);
    table_close(inherits, AccessShareLock);
    return heaps;
}

PgList* add_heap(PgList* heaps, Oid relid, const char* attached) {
    if (get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE)
        return add_partitions(heaps, relid, attached);
    Heap* heap = make<Heap>();
    heap->relid = relid;
    heap->attached = attached;
    return lappend(heaps, heap);
}

void append_heap(StringInfo text, const Heap& heap) {
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(heap.relid));
    if (!HeapTupleIsValid(tuple)) return;
    Form_pg_class relation = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
    // The WAL does not tell of an unlogged partition: such a table is never as the mirror knows it.
    const char* unlogged = relation->relpersistence == RELPERSISTENCE_PERMANENT ? "" : "/unlogged";
    appendStringInfo(text, "%s%u/%u%s%s", text->len == 0 ? "" : " ", heap.relid,
                     relation->relfilenode, heap.attached, unlogged);
    ReleaseSysCache(tuple);
}

}  // namespace

const char* heaps_of(Oid relid) {
    StringInfoData text;
    initStringInfo(&text);
    PgList* heaps = add_heap(NIL, relid, "");
    list_sort(heaps, by_oid);
    ListCell* cell;
    foreach (cell, heaps) append_heap(&text, *static_cast<const Heap*>(lfirst(cell)));
    return text.data;
}

}  // namespace tandem::shell
