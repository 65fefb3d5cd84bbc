#include "mirror/verify/sides.h"

#include <algorithm>

#include "postgres/decoder/copy_binary.h"
#include "sqltext/quote.h"
#include "sqltext/stored_relation.h"

namespace tandem::mirror {
namespace {

using sqltext::ch_ident;
using sqltext::pg_ident;
using sqltext::pg_literal;

constexpr std::chrono::hours kPatience{6};

}  // namespace

Sides::Sides(const Table& table, const std::vector<std::string>& inexact,
             postgres::Connection& source, clickhouse::Client& target, FindRows find_rows)
    : table_(table), source_(source), target_(target), find_rows_(std::move(find_rows)) {
    columns_.assign(table.key.begin(), table.key.end());
    for (size_t i = 0; i < table.columns.size(); ++i)
        if (!table.columns[i].is_key()) columns_.push_back(i);
    for (size_t i : columns_) {
        const TableColumn& column = table.columns[i];
        bool is_inexact = std::find(inexact.begin(), inexact.end(), column.name) != inexact.end();
        inexact_.push_back(is_inexact ? std::optional(types::Converter(column.mapping))
                                      : std::nullopt);
    }
}

std::string Sides::key_list(bool of_source) const {
    std::string list;
    for (size_t key : table_.key) {
        const TableColumn& column = table_.columns[key];
        list += (list.empty() ? "" : ", ") +
                (of_source ? pg_ident(column.name) : ch_ident(column.target_name));
    }
    return list;
}

bool Sides::divisible() const {
    if (keyless()) return false;
    switch (table_.columns[table_.key[0]].type.value) {
        case 20:  // int8, int2, int4
        case 21:
        case 23:
            return true;
        default:
            return false;
    }
}

Result<std::optional<std::string>> Sides::next_range(const std::optional<std::string>& from,
                                                     int64_t rows) {
    std::string key = pg_ident(table_.columns[table_.key[0]].name);
    std::string all = " FROM " + std::string(table_.partitioned ? "" : "ONLY ") +
                      sqltext::pg_qualified(table_.schema, table_.name);
    std::string begin = from ? " WHERE " + key + " >= " + *from : "";
    auto next = TRY(source_.query("SELECT " + key + all + begin + " ORDER BY 1 OFFSET " +
                                  std::to_string(rows) + " LIMIT 1"));
    if (next.rows() == 0) return std::optional<std::string>();
    if (!from || next.value(0, 0) != *from) return std::optional(next.text(0, 0));
    // More rows of one value than that: they stay together.
    next = TRY(source_.query("SELECT min(" + key + ")" + all + " WHERE " + key + " > " + *from));
    if (next.is_null(0, 0)) return std::optional<std::string>();
    return std::optional(next.text(0, 0));
}

Status Sides::read(const KeyRange& range, const OnRow& on_target, const OnRow& on_source) {
    const TableColumn& first = table_.columns[keyless() ? 0 : table_.key[0]];
    std::string source = "true";
    std::string target = "true";
    for (bool upper : {false, true}) {
        const std::optional<std::string>& end = upper ? range.below : range.from;
        if (!end) continue;
        const char* than = upper ? " < " : " >= ";
        source += " AND " + pg_ident(first.name) + than + *end;
        target += " AND " + ch_ident(first.target_name) + than + *end;
    }
    return read(source, target, {}, on_target, on_source);
}

Status Sides::read(const std::vector<Values>& keys, const OnRow& on_target,
                   const OnRow& on_source) {
    std::string tuples;
    types::Block block;
    std::vector<types::Converter> converters;
    for (size_t key : table_.key) {
        converters.emplace_back(table_.columns[key].mapping, types::Unholdable::kReject);
        block.columns.push_back({table_.columns[key].target_name, converters.back().make_column()});
    }
    for (const Values& row : keys) {
        tuples += tuples.empty() ? "(" : ", (";
        for (size_t k = 0; k < key_count(); ++k) {
            tuples += (k == 0 ? "" : ", ") + pg_literal(row[k].value_or(""));
            TRY(converters[k].append_text(row[k].value_or(""), block.columns[k].column));
        }
        tuples += ")";
    }
    std::string target = "(" + key_list(false) + ") IN (SELECT " + key_list(false) + " FROM _keys)";
    return read("(" + key_list(true) + ") IN (" + tuples + ")", target,
                {{"_keys", std::move(block)}}, on_target, on_source);
}

Status Sides::read(const std::string& source_condition, const std::string& target_condition,
                   std::vector<clickhouse::ExternalTable> tables, const OnRow& on_target,
                   const OnRow& on_source) {
    TRY(source_.execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"));
    auto both = [&]() -> Status {
        // Read by the statement that takes the snapshot, so a moment after it.
        auto now = TRY(
            source_.query("SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE "
                          "pg_current_wal_insert_lsn() END"));
        Lsn position = TRY(now.lsn(0, 0));
        RowsAt rows = TRY(find_rows_(position));
        TRY(read_target(rows, position, target_condition, std::move(tables), on_target));
        return read_source(source_condition, on_source);
    };
    Status done = both();
    if (source_.usable()) TRY(source_.execute(done.ok() ? "COMMIT" : "ROLLBACK"));
    return done;
}

Status Sides::as_stored(size_t i, std::optional<std::string>& value) {
    types::Converter& converter = *inexact_[i];
    types::Column column = converter.make_column();
    if (value)
        TRY(converter.append_text(*value, column));
    else
        TRY(converter.append_null(column));
    value.reset();
    if (column.is_null(0)) return {};
    value.emplace();
    return types::append_pg_text(column, 0, converter.mapping(), *value);
}

Status Sides::read_source(const std::string& condition, const OnRow& on_row) {
    std::string list;
    for (size_t i : columns_)
        list += (list.empty() ? "" : ", ") +
                types::compare_select(table_.columns[i].mapping, pg_ident(table_.columns[i].name));
    std::string sql = "COPY (SELECT " + list + " FROM " + (table_.partitioned ? "" : "ONLY ") +
                      sqltext::pg_qualified(table_.schema, table_.name) + " WHERE " + condition +
                      ") TO STDOUT (FORMAT binary)";
    postgres::CopyBinaryReader reader({.columns = static_cast<int>(columns_.size())});
    Values values(columns_.size());
    auto on_data = [&](std::string_view chunk) -> Status {
        TRY(reader.feed(chunk));
        while (TRY(reader.next()) == postgres::CopyBinaryReader::Step::row) {
            auto row = reader.row();
            for (size_t i = 0; i < row.size(); ++i) {
                values[i].reset();
                if (!row[i].is_null()) values[i] = std::string(row[i].bytes());
                if (inexact_[i]) TRY(as_stored(i, values[i]));
            }
            TRY(on_row(values));
            values.resize(columns_.size());
        }
        return {};
    };
    TRY(source_.copy_out(sql, on_data));
    return reader.finish();
}

Status Sides::read_target(const RowsAt& rows, Lsn position, const std::string& condition,
                          std::vector<clickhouse::ExternalTable> tables, const OnRow& on_row) {
    std::vector<std::string> keys;
    keys.reserve(table_.key.size());
    for (size_t key : table_.key) keys.push_back(table_.columns[key].target_name);
    std::vector<std::string> columns;
    columns.reserve(columns_.size());
    for (size_t i : columns_) columns.push_back(table_.columns[i].target_name);
    std::vector<sqltext::LeafSeen> leaves;
    leaves.reserve(rows.cuts.size());
    for (const LeafCut& cut : rows.cuts)
        leaves.push_back({cut.leaf.value, cut.cut.value, cut.loads, cut.loaded});
    std::string database = table_.rows_database();
    std::string at = std::to_string(position.value);
    std::string oldest = std::to_string(rows.oldest);
    sqltext::StoredRelation relation;
    relation.database = database;
    relation.main = rows.main;
    relation.delta = rows.delta;
    relation.keys = keys;
    relation.columns = columns;
    relation.position = at;
    relation.oldest = oldest;
    relation.delta_empty = rows.delta_empty;
    relation.leaves = leaves;
    clickhouse::Query query;
    query.sql = "SELECT * FROM (" + sqltext::stored_relation(relation) + ") WHERE " + condition;
    query.timeout = kPatience;
    query.external_tables = std::move(tables);
    return target_.select(query, [&](types::Block&& block) { return each_row(block, on_row); });
}

Status Sides::each_row(const types::Block& block, const OnRow& on_row) {
    if (block.columns.size() != columns_.size())
        return Error(ErrorCode::kProtocolViolation, "ClickHouse returned other columns");
    Values values(columns_.size());
    for (size_t row = 0; row < block.rows(); ++row) {
        values.resize(columns_.size());
        for (size_t i = 0; i < columns_.size(); ++i) {
            const types::Column& column = block.columns[i].column;
            values[i].reset();
            if (column.is_null(row)) continue;
            values[i].emplace();
            TRY(types::append_pg_text(column, row, table_.columns[columns_[i]].mapping,
                                      *values[i]));
        }
        TRY(on_row(values));
    }
    return {};
}

}  // namespace tandem::mirror
