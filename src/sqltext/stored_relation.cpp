#include "sqltext/stored_relation.h"

#include <algorithm>
#include <vector>

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

// That the delta does not speak of the key of a row of main.
std::string not_in_delta(const StoredRelation& relation, const std::string& open) {
    auto not_in = [&](const std::string& condition) {
        return key_of(relation.keys) + " NOT IN (SELECT " + ch_ident_list(relation.keys) +
               " FROM " + ch_qualified(relation.database, relation.delta) + " WHERE " + condition +
               ")";
    };
    std::string sql = not_in(open);
    bool any_loaded = false;
    for (const LeafSeen& leaf : relation.leaves) {
        if (!leaf.loaded || leaf.hidden) continue;
        any_loaded = true;
        std::string is = "_tandem_leaf = " + std::to_string(leaf.leaf);
        std::string cut = std::to_string(leaf.cut);
        sql += " OR " + is + " AND _tandem_from = " + cut + " AND " +
               not_in(open + " AND (_tandem_from > " + cut + " OR " + is + ")");
    }
    return any_loaded ? "(" + sql + ")" : sql;
}

// One row of each kind in the delta, with how many there are of it. Of main only the kinds are
// read.
std::string of_each_kind(const StoredRelation& relation, const std::string& condition,
                         const std::string& amounts) {
    std::string delta = ch_qualified(relation.database, relation.delta);
    return "(SELECT " + ch_ident_list(relation.columns) + ", _tandem_row FROM " + delta +
           " WHERE " + condition + " LIMIT 1 BY _tandem_row) AS _tandem_kind INNER JOIN (" +
           amounts + ") AS _tandem_amount ON _tandem_kind._tandem_row = _tandem_amount._tandem_r";
}

// Rows of main of the kinds that the delta speaks of.
std::string kinds_of_main(const StoredRelation& relation, const std::string& condition) {
    return ch_qualified(relation.database, relation.main) + " WHERE _tandem_from < " +
           std::string(relation.position) + " AND _tandem_row IN (SELECT _tandem_row FROM " +
           ch_qualified(relation.database, relation.delta) + " WHERE " + condition + ")";
}

// What the delta has of a kind of row, and main beside it: `_tandem_is` 0 for rows of main, 1 for
// rows of the delta that went, 2 for one that says how many there are: it counts all of main up to
// its position and all of the delta up to its generation. They are first added up by what that
// depends on, because of one kind there may be very many.
std::string counted(const StoredRelation& relation, const std::string& open) {
    std::string parts =
        "SELECT _tandem_row AS _tandem_r, toUInt8(0) AS _tandem_is, toUInt32(0) AS _tandem_g, "
        "_tandem_from AS _tandem_f, toInt64(count()) AS _tandem_n FROM " +
        kinds_of_main(relation, open) +
        " GROUP BY _tandem_r, _tandem_f UNION ALL SELECT _tandem_row AS _tandem_r, "
        "if(_tandem_deleted = 1, toUInt8(1), toUInt8(2)) AS _tandem_is, _tandem_generation AS "
        "_tandem_g, _tandem_from AS _tandem_f, _tandem_count AS _tandem_n FROM " +
        ch_qualified(relation.database, relation.delta) + " WHERE " + open;
    std::string sums =
        "SELECT _tandem_r, maxIf((_tandem_g, _tandem_f, _tandem_n), _tandem_is = 2) AS "
        "_tandem_last, groupArrayIf((_tandem_is, _tandem_g, _tandem_f, _tandem_n), _tandem_is < "
        "2) AS _tandem_parts FROM (" +
        parts + ") GROUP BY _tandem_r";
    std::string amount =
        "SELECT _tandem_r, toUInt64(greatest(0, tupleElement(_tandem_last, 3) + arraySum(x -> "
        "if(tupleElement(_tandem_last, 1) = 0 OR (x.1 = 0 AND x.3 > tupleElement(_tandem_last, 2)) "
        "OR (x.1 = 1 AND x.2 > tupleElement(_tandem_last, 1)), x.4, 0), _tandem_parts))) AS "
        "_tandem_n FROM (" +
        sums + ")";
    std::string columns = ch_ident_list(relation.columns);
    return "SELECT " + columns + " FROM (SELECT " + columns + ", _tandem_n FROM " +
           of_each_kind(relation, open, amount) + ") ARRAY JOIN range(_tandem_n) AS _tandem_i";
}

// What was folded and what took its place lie side by side, in the delta and in main: the newest
// row of a key is looked for in both.
std::string newest_of_both(const StoredRelation& relation, const std::string& open,
                           const std::string& set) {
    std::vector<std::string> columns(relation.keys.begin(), relation.keys.end());
    for (const std::string& column : relation.columns)
        if (std::find(columns.begin(), columns.end(), column) == columns.end())
            columns.push_back(column);
    std::string list = ch_ident_list(columns);
    std::string keys = ch_ident_list(relation.keys);
    return "SELECT " + ch_ident_list(relation.columns) + " FROM (SELECT * FROM (SELECT " + list +
           ", _tandem_from, _tandem_ordinal, _tandem_deleted FROM " +
           ch_qualified(relation.database, relation.delta) + " WHERE " + open +
           " UNION ALL SELECT " + list +
           ", _tandem_from, toUInt64(0) AS _tandem_ordinal, toUInt8(0) AS _tandem_deleted FROM " +
           ch_qualified(relation.database, relation.main) + " WHERE " + visible(relation) +
           " AND " + key_of(relation.keys) + " IN " + set + ") ORDER BY " + keys +
           ", _tandem_from DESC, _tandem_ordinal DESC LIMIT 1 BY " + keys +
           ") WHERE _tandem_deleted = 0";
}

}  // namespace

std::string amounts(const StoredRelation& relation, std::string_view generations) {
    std::string went = "_tandem_deleted = 1 AND " + std::string(generations);
    std::string sums =
        "SELECT _tandem_r, sum(_tandem_n) AS _tandem_count FROM (SELECT _tandem_row AS _tandem_r, "
        "toInt64(1) AS _tandem_n FROM " +
        kinds_of_main(relation, went) +
        " UNION ALL SELECT _tandem_row AS _tandem_r, _tandem_count AS _tandem_n FROM " +
        ch_qualified(relation.database, relation.delta) + " WHERE " + went + ") GROUP BY _tandem_r";
    return "SELECT " + ch_ident_list(relation.columns) + ", _tandem_row, _tandem_count FROM " +
           of_each_kind(relation, went, sums);
}

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
    if (relation.keys.empty())
        return sql + " AND _tandem_row NOT IN (SELECT _tandem_row FROM " +
               ch_qualified(relation.database, relation.delta) + " WHERE " + open + ") UNION ALL " +
               counted(relation, open);
    sql += " AND ";
    if (relation.folded_to != 0) {
        // Also of rows behind the position: of their keys main may lose what it shows. All of
        // them were there before anybody knew of the fold, so both halves find the same keys.
        std::string set = "(SELECT " + ch_ident_list(relation.keys) + " FROM " +
                          ch_qualified(relation.database, relation.delta) +
                          " WHERE _tandem_from < " + std::to_string(relation.folded_to) +
                          " AND _tandem_generation >= " + std::string(relation.oldest) + ")";
        return sql + key_of(relation.keys) + " NOT IN " + set + " UNION ALL " +
               newest_of_both(relation, open, set);
    }
    return sql + not_in_delta(relation, open) + " UNION ALL SELECT " + columns + " FROM (" +
           newest_of_delta(relation, open) + ") WHERE _tandem_deleted = 0";
}

}  // namespace tandem::sqltext
