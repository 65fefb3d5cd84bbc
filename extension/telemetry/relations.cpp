#include "extension/shell/pg.h"

extern "C" {
#include "catalog/pg_class.h"
#include "utils/lsyscache.h"
}

#include "extension/telemetry/relations.h"

namespace tandem::shell {

namespace {

// Of a partitioned table of thousands this many partitions are named.
constexpr int kBytesMax = 4096;

}  // namespace

void append_relations(const PgList* oids, StringInfo names) {
    PgList* seen = NIL;
    const ListCell* cell;
    foreach (cell, oids) {
        Oid oid = lfirst_oid(cell);
        if (list_member_oid(seen, oid)) continue;
        seen = lappend_oid(seen, oid);
        char kind = get_rel_relkind(oid);
        if (kind == '\0' || kind == RELKIND_VIEW) continue;
        const char* schema = get_namespace_name(get_rel_namespace(oid));
        const char* name = get_rel_name(oid);
        if (schema == nullptr || name == nullptr) continue;
        if (names->len + static_cast<int>(strlen(schema) + strlen(name)) + 2 > kBytesMax) return;
        appendStringInfo(names, "%s.%s", schema, name);
        appendStringInfoChar(names, '\0');
    }
}

}  // namespace tandem::shell
