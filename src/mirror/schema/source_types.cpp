#include "mirror/schema/source_types.h"

#include <algorithm>
#include <map>

#include "sqltext/quote.h"

namespace tandem::mirror {
namespace {

using postgres::TypeInfo;
using types::PgTypeKind;

// Domains over arrays over composites ...: deeper than this is no schema but an attack.
constexpr int kDepthMax = 32;

class Resolver {
  public:
    explicit Resolver(const postgres::TypeMap& types) : types_(types) {}

    Result<types::PgTypePtr> resolve(Oid oid, int32_t typmod, int depth) {
        auto found = types_.find(oid);
        if (found == types_.end())
            return Error(ErrorCode::kUnsupportedType,
                         "type " + std::to_string(oid.value) + " is not in the catalog");
        if (depth > kDepthMax)
            return Error(ErrorCode::kUnsupportedType,
                         "type " + found->second.name + " is nested too deeply");
        const TypeInfo& info = found->second;
        auto type = std::make_shared<types::PgType>();
        type->oid = oid;
        type->typmod = typmod;
        type->kind = info.kind;
        type->schema = info.schema;
        type->name = info.name;
        type->extension = info.extension;
        type->has_send = info.has_send;
        type->enum_labels = info.enum_labels;
        TRY(resolve_below(info, typmod, depth, *type));
        for (const postgres::CompositeField& field : info.fields) {
            auto field_type = TRY(resolve(field.type, field.typmod, depth + 1));
            type->fields.push_back({field.name, std::move(field_type)});
        }
        return types::PgTypePtr(std::move(type));
    }

  private:
    Status resolve_below(const TypeInfo& info, int32_t typmod, int depth, types::PgType& type) {
        switch (info.kind) {
            case PgTypeKind::kArray:
                type.below = TRY(resolve(info.element, typmod, depth + 1));
                break;
            case PgTypeKind::kDomain:
                type.below = TRY(resolve(info.domain_base, info.domain_typmod, depth + 1));
                type.ndims = info.domain_ndims;
                break;
            case PgTypeKind::kRange:
            case PgTypeKind::kMultirange:
                type.below = TRY(resolve(info.subtype, -1, depth + 1));
                break;
            default:
                break;
        }
        return {};
    }

    const postgres::TypeMap& types_;
};

// Key columns in key order: of the replica identity; with FULL, of the primary key, which the old
// row then carries as well. None: rows are told apart by all their values.
Result<std::vector<int16_t>> key_of(const postgres::TableInfo& info) {
    std::string label = info.schema + "." + info.name;
    switch (info.replica_identity) {
        case postgres::ReplicaIdentity::nothing:
            return Error(ErrorCode::kNoReplicaIdentity, label + " has REPLICA IDENTITY NOTHING");
        case postgres::ReplicaIdentity::full:
            if (!info.primary_key.empty() && !info.primary_key_lazy) return info.primary_key;
            if (info.kind != 'p') return std::vector<int16_t>();
            return Error(ErrorCode::kNoReplicaIdentity,
                         label + " is partitioned and has no primary key");
        default:
            if (!info.identity_key.empty()) return info.identity_key;
            return Error(ErrorCode::kNoReplicaIdentity, label + " has no primary key");
    }
}

}  // namespace

Result<types::PgTypePtr> source_type(const postgres::TypeMap& types, Oid type, int32_t typmod) {
    return Resolver(types).resolve(type, typmod, 0);
}

Result<TableColumn> map_column(const postgres::TypeMap& types, const postgres::ColumnInfo& column,
                               int key_position) {
    TableColumn result;
    result.attnum = column.attnum;
    result.name = column.name;
    result.type = column.type;
    result.typmod = column.typmod;
    result.target_name = column.name;
    result.key_position = key_position;
    if (column.name.starts_with("_tandem_"))
        return Error(ErrorCode::kInvalidArgument,
                     "column " + column.name + " has a name that Tandem needs for itself");
    types::PgTypePtr type = TRY(source_type(types, column.type, column.typmod));
    result.source_type = *type;
    result.source_type.not_null = column.not_null || key_position > 0;
    result.source_type.key = key_position > 0;
    if (column.ndims > 0) result.source_type.ndims = column.ndims;
    auto mapping = types::map_type(result.source_type);
    if (!mapping.ok()) return std::move(mapping).error().context("column " + column.name);
    result.mapping = std::move(mapping).value();
    return result;
}

Result<TablePtr> map_table(const postgres::TableInfo& info, const postgres::TypeMap& types,
                           const TargetName& target) {
    auto table = std::make_shared<Table>();
    table->relid = info.oid;
    table->schema = info.schema;
    table->name = info.name;
    table->database = target.database;
    table->target = target.table;
    table->partitioned = info.kind == 'p';
    std::vector<int16_t> key = TRY(key_of(info));
    table->key.resize(key.size());
    for (const postgres::ColumnInfo& column : info.columns) {
        table->natts = std::max(table->natts, static_cast<int>(column.attnum));
        if (column.generated != 0) continue;
        auto at = std::find(key.begin(), key.end(), column.attnum);
        int position = at == key.end() ? 0 : static_cast<int>(at - key.begin()) + 1;
        if (position > 0) table->key[static_cast<size_t>(position - 1)] = table->columns.size();
        auto mapped = map_column(types, column, position);
        if (!mapped.ok()) return std::move(mapped).error().context(table->label());
        table->columns.push_back(std::move(mapped).value());
    }
    auto keys = std::count_if(table->columns.begin(), table->columns.end(),
                              [](const TableColumn& column) { return column.is_key(); });
    if (table->columns.empty())
        return Error(ErrorCode::kUnsupportedType, table->label() + " has no columns to mirror");
    if (static_cast<size_t>(keys) != key.size())
        return Error(ErrorCode::kNoReplicaIdentity,
                     table->label() + " has a generated column in its key");
    return TablePtr(std::move(table));
}

namespace {

// What grows from row to row is stored as differences: keys, read with every row while the delta
// holds rows, and times. Measured by test/bench/read.py: the key column of a scan costs a third,
// and random times cost what they did.
bool stored_as_differences(const TableColumn& column) {
    if (column.mapping.type->kind == types::ChKind::kLowCardinality) return false;
    switch (column.mapping.type->value_type().kind) {
        case types::ChKind::kDate32:
        case types::ChKind::kDateTime64:
            return true;
        case types::ChKind::kInt16:
        case types::ChKind::kInt32:
        case types::ChKind::kInt64:
        case types::ChKind::kUInt32:
            return column.is_key();
        default:
            return false;
    }
}

std::string codec_of(const TableColumn& column) {
    if (!column.codec.empty()) return " CODEC(" + column.codec + ")";
    return stored_as_differences(column) ? " CODEC(Delta, LZ4)" : "";
}

}  // namespace

std::string column_definition(const TableColumn& column, std::string_view old_value) {
    return sqltext::ch_ident(column.target_name) + " " + column.mapping.type->name +
           std::string(old_value) + codec_of(column);
}

namespace {

std::string columns_sql(const Table& table) {
    std::string sql = " (";
    for (const TableColumn& column : table.columns) sql += column_definition(column) + ", ";
    for (const JsonKey& key : table.json_keys)
        sql += sqltext::ch_ident(key.text_name) + " " + std::string(key.text_type()) + ", " +
               sqltext::ch_ident(key.kind_name) + " UInt8, ";
    return sql;
}

std::string key_sql(const Table& table) {
    std::string sql;
    for (size_t key : table.key)
        sql += (sql.empty() ? "" : ", ") + sqltext::ch_ident(table.columns[key].target_name);
    return sql;
}

// As the user wants it, else by the key. Without one rows lie in the order in which they came.
std::string order_sql(const Table& table) {
    std::map<int, std::string> wanted;
    for (const TableColumn& column : table.columns)
        if (column.order_position > 0)
            wanted[column.order_position] = sqltext::ch_ident(column.target_name);
    std::string list;
    for (const auto& [position, name] : wanted) list += (list.empty() ? "" : ", ") + name;
    if (list.empty() && table.keyless()) return "tuple()";
    return "(" + (list.empty() ? key_sql(table) : list) + ")";
}

std::string partition_sql(const Table& table) {
    for (const TableColumn& column : table.columns) {
        if (!column.partition_function) continue;
        std::string name = sqltext::ch_ident(column.target_name);
        const std::string& function = *column.partition_function;
        return " PARTITION BY " + (function.empty() ? name : function + "(" + name + ")");
    }
    return "";
}

std::string leaf_sql(const Table& table) {
    return table.partitioned ? ", " + std::string(kLeafColumn) + " UInt32" : "";
}

// A hash does not compress.
std::string row_sql(const Table& table) {
    return table.keyless() ? ", " + std::string(kRowColumn) + " UInt128 CODEC(NONE)" : "";
}

// Acknowledged means on disk: the source forgets what it was told is here. Merges replace parts
// that are, so theirs have to be as well.
constexpr std::string_view kDurable =
    " SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, "
    "min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1";

}  // namespace

std::string create_main_sql(const Table& table) {
    return "CREATE TABLE IF NOT EXISTS " +
           sqltext::ch_qualified(table.rows_database(), table.main_name()) + columns_sql(table) +
           std::string(kFromColumn) + " UInt64, " + std::string(kOriginColumn) + " UInt32" +
           leaf_sql(table) + row_sql(table) + ") ENGINE = MergeTree" + partition_sql(table) +
           " ORDER BY " + order_sql(table) + std::string(kDurable);
}

std::string create_delta_sql(const Table& table) {
    return "CREATE TABLE IF NOT EXISTS " +
           sqltext::ch_qualified(table.rows_database(), table.delta_name()) + columns_sql(table) +
           std::string(kFromColumn) + " UInt64, " + std::string(kOrdinalColumn) + " UInt64, " +
           std::string(kDeletedColumn) + " UInt8, " + std::string(kGenerationColumn) + " UInt32" +
           leaf_sql(table) + row_sql(table) +
           (table.keyless() ? ", " + std::string(kCountColumn) + " Int64" : "") +
           ") ENGINE = MergeTree PARTITION BY " + std::string(kGenerationColumn) + " ORDER BY (" +
           (table.keyless() ? std::string(kRowColumn) : key_sql(table)) + ", " +
           std::string(kFromColumn) + ", " + std::string(kOrdinalColumn) + ")" +
           std::string(kDurable);
}

}  // namespace tandem::mirror
