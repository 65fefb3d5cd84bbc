#include "extension/shell/pg.h"

extern "C" {
#include "catalog/pg_class.h"
#include "nodes/nodeFuncs.h"
#include "utils/lsyscache.h"
}

#include "extension/telemetry/relations.h"

namespace tandem::shell {

namespace {

// Of a partitioned table of thousands this many partitions are named.
constexpr int kBytesMax = 4096;

bool collect(Node* node, void* argument) {
    if (node == nullptr) return false;
    if (IsA(node, RangeTblEntry)) {
        const RangeTblEntry* entry = reinterpret_cast<const RangeTblEntry*>(node);
        PgList** oids = static_cast<PgList**>(argument);
        if (entry->rtekind == RTE_RELATION) *oids = lappend_oid(*oids, entry->relid);
        return false;
    }
    if (IsA(node, Query))
        return query_tree_walker(reinterpret_cast<Query*>(node), as_walker(collect), argument,
                                 QTW_EXAMINE_RTES_BEFORE);
    return expression_tree_walker(node, as_walker(collect), argument);
}

}  // namespace

void append_relations(const PgList* oids, bool views, StringInfo names) {
    PgList* seen = NIL;
    const ListCell* cell;
    foreach (cell, oids) {
        Oid oid = lfirst_oid(cell);
        if (list_member_oid(seen, oid)) continue;
        seen = lappend_oid(seen, oid);
        char kind = get_rel_relkind(oid);
        if (kind == '\0' || (kind == RELKIND_VIEW && !views)) continue;
        const char* schema = get_namespace_name(get_rel_namespace(oid));
        const char* name = get_rel_name(oid);
        if (schema == nullptr || name == nullptr) continue;
        if (names->len + static_cast<int>(strlen(schema) + strlen(name)) + 2 > kBytesMax) return;
        appendStringInfo(names, "%s.%s", schema, name);
        appendStringInfoChar(names, '\0');
    }
}

void append_relations_of(const Query* query, StringInfo names) {
    PgList* oids = NIL;
    collect(reinterpret_cast<Node*>(const_cast<Query*>(query)), &oids);
    append_relations(oids, true, names);
}

}  // namespace tandem::shell
