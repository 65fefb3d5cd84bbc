#include "sqltext/stored_relation.h"

#include "sqltext/quote.h"

namespace tandem::sqltext {
namespace {

// `a`, or (`a`, `b`), hidden from the primary key: the server would look up the whole set in every
// granule's range, and no granule's rows are all in it.
std::string key_of(std::span<const std::string> keys) {
    std::string list = "materialize(" + ch_ident(keys[0]) + ")";
    if (keys.size() == 1) return list;
    return "(" + list + ", " + ch_ident_list(keys.subspan(1)) + ")";
}

std::string visible(const StoredRelation& relation) {
    std::string position(relation.position);
    std::string sql = "_tandem_from < " + position;
    for (const LeafSeen& leaf : relation.leaves) {
        std::string is = "_tandem_leaf = " + std::to_string(leaf.leaf);
        std::string cut = std::to_string(leaf.cut);
        sql += leaf.hidden ? " AND NOT " + is
                           : " AND NOT (" + is + " AND _tandem_from < " + cut + " AND " + cut +
                                 " < " + position + ")";
    }
    return sql;
}

}  // namespace

std::string newest_of_delta(const StoredRelation& relation, std::string_view condition) {
    std::string keys = ch_ident_list(relation.keys);
    return "SELECT " + ch_ident_list(relation.columns) + ", _tandem_from, _tandem_deleted FROM " +
           ch_qualified(relation.database, relation.delta) + " WHERE " + std::string(condition) +
           " ORDER BY " + keys + ", _tandem_from DESC, _tandem_ordinal DESC LIMIT 1 BY " + keys;
}

std::string stored_relation(const StoredRelation& relation) {
    std::string columns = ch_ident_list(relation.columns);
    std::string sql = "SELECT " + columns + " FROM " +
                      ch_qualified(relation.database, relation.main) + " WHERE " +
                      visible(relation);
    if (relation.delta_empty) return sql;
    std::string open = visible(relation);
    if (relation.oldest != "0")
        open += " AND _tandem_generation >= " + std::string(relation.oldest);
    return sql + " AND " + key_of(relation.keys) + " NOT IN (SELECT " +
           ch_ident_list(relation.keys) + " FROM " +
           ch_qualified(relation.database, relation.delta) + " WHERE " + open +
           ") UNION ALL SELECT " + columns + " FROM (" + newest_of_delta(relation, open) +
           ") WHERE _tandem_deleted = 0";
}

}  // namespace tandem::sqltext
