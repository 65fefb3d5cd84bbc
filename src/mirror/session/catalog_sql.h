// Small pieces of SQL that the files of CatalogStore share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/lsn.h"
#include "base/result.h"
#include "postgres/client/connection.h"

namespace tandem::mirror {

inline std::string number(int64_t value) {
    return std::to_string(value);
}
inline std::string lsn_literal(Lsn lsn) {
    return "'" + to_string(lsn) + "'::pg_lsn";
}
inline std::string boolean(bool value) {
    return value ? "true" : "false";
}

// Of mirror_chunk c: not those of a leaf that joined and is loaded by itself.
inline constexpr std::string_view kOfTheTable =
    " AND NOT EXISTS (SELECT FROM tandem.mirror_leaf l WHERE (l.mirror_id, l.relid, l.leaf) = "
    "(c.mirror_id, c.relid, c.part_relid) AND l.loads)";

inline Result<Oid> oid_at(const postgres::QueryResult& rows, int row, int column) {
    auto value = TRY(rows.integer(row, column));
    return Oid{static_cast<uint32_t>(value)};
}

}  // namespace tandem::mirror
