// Table: what a mirror knows of one mirrored table. Immutable; a schema change makes a new one.
//
// Made from the catalog (source_types.h) when a table joins, from tandem.mirror_column after a
// restart. Shared between threads by pointer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/lsn.h"
#include "types/clickhouse/type.h"
#include "types/mapping.h"
#include "types/postgres/convert.h"

namespace tandem::mirror {

struct TableColumn {
    int16_t attnum = 0;
    std::string name;  // in Postgres, as the Relation message spells it
    Oid type;
    int32_t typmod = -1;
    std::string target_name;
    int key_position = 0;  // 1.. for columns of the key, 0 otherwise
    // What the user says of the layout: the place in ClickHouse's order, a function of it by which
    // the table is partitioned (empty: by itself), the codec.
    int order_position = 0;
    std::optional<std::string> partition_function = {};
    std::string codec = {};
    types::PgType source_type;
    types::Mapping mapping;  // mapping.type is the ClickHouse type

    bool is_key() const { return key_position > 0; }
};

// A key of a jsonb column that has columns of its own, see store/README.md.
struct JsonKey {
    int16_t attnum = 0;  // of the document
    std::string key;
    std::string text_name;  // what ->> gives
    std::string kind_name;  // what that is of: types/postgres/json_keys.h
    bool few_values = false;

    std::string_view text_type() const {
        return few_values ? "LowCardinality(Nullable(String))" : "Nullable(String)";
    }
};

struct Table {
    Oid relid;
    std::string schema;
    std::string name;
    std::string database;  // in ClickHouse: of the view under the table's name
    std::string target;    // name of that view
    int copy = 1;          // which copy of the rows: raised by TRUNCATE and by every new load
    int era = 0;           // see session/ownership.h
    bool partitioned = false;
    int natts = 0;                     // highest attnum it has had: a column above it is new
    std::vector<TableColumn> columns;  // by attnum
    std::vector<size_t> key;           // indexes into columns, in key order
    std::vector<JsonKey> json_keys;    // of this copy

    // Rows are told apart by all their values and counted: docs/decisions/0009.
    bool keyless() const { return key.empty(); }

    std::optional<size_t> column(std::string_view column_name) const {
        for (size_t i = 0; i < columns.size(); ++i)
            if (columns[i].name == column_name) return i;
        return std::nullopt;
    }
    std::string label() const { return schema + "." + name; }

    // Where the rows lie, see store/README.md.
    std::string rows_database() const { return database + "_rows"; }
    std::string main_name() const {
        if (copy == 1 && era == 0) return target;
        std::string numbered = target + "@" + std::to_string(copy);
        return era == 0 ? numbered : numbered + "." + std::to_string(era);
    }
    std::string delta_name() const { return "_tandem_delta_" + main_name(); }
};

using TablePtr = std::shared_ptr<const Table>;

// Columns of ours, see store/README.md.
inline constexpr std::string_view kFromColumn = "_tandem_from";
inline constexpr std::string_view kOriginColumn = "_tandem_origin";
inline constexpr std::string_view kOrdinalColumn = "_tandem_ordinal";
inline constexpr std::string_view kDeletedColumn = "_tandem_deleted";
inline constexpr std::string_view kGenerationColumn = "_tandem_generation";
inline constexpr std::string_view kLeafColumn = "_tandem_leaf";    // of partitioned tables
inline constexpr std::string_view kRowColumn = "_tandem_row";      // of tables without a key
inline constexpr std::string_view kCountColumn = "_tandem_count";  // in their deltas

// A partition that was emptied, left the table or joined it, at the commit `cut`: from there on its
// rows from before are gone. What it holds itself is not seen while it loads. `loaded`: what it
// held when it joined is there.
struct LeafCut {
    Oid leaf;
    Lsn cut;
    bool loads = false;
    bool loaded = false;
};

}  // namespace tandem::mirror
