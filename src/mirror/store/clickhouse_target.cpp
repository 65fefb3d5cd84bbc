#include "mirror/store/clickhouse_target.h"

#include <unistd.h>

#include <atomic>

#include "base/back_off.h"
#include "mirror/schema/source_types.h"
#include "sqltext/quote.h"

namespace tandem::mirror {
namespace {

using clickhouse::Query;
using sqltext::ch_ident;
using sqltext::ch_qualified;
using sqltext::ch_string;

constexpr int kUnknownDatabase = 81;

std::string qualified(const Table& table) {
    return ch_qualified(table.database, table.target);
}

// Measured, see test/bench: our blocks are as large as we want them and collapsed already, and two
// workers insert at once, so the server shall neither collect, nor collapse, nor spread them.
const std::vector<clickhouse::Setting>& insert_settings() {
    static const std::vector<clickhouse::Setting> settings = {
        {"async_insert", "0"},
        {"optimize_on_insert", "0"},
        {"max_insert_threads", "1"},
        {"insert_deduplicate", "0"},
    };
    return settings;
}

}  // namespace

Result<clickhouse::Client*> ClickHouseTarget::client() {
    if (client_ == nullptr) {
        clickhouse::ClientOptions options;
        options.compression = options_.compression;
        options.client_name = "tandem mirror";
        client_ = TRY(clickhouse::connect_native(options_.endpoint, options));
    }
    return client_.get();
}

void ClickHouseTarget::interrupt() noexcept {
    if (client_ != nullptr) client_->interrupt();
}

Query ClickHouseTarget::query(std::string sql) const {
    Query query;
    query.sql = std::move(sql);
    query.timeout = options_.timeout;
    return query;
}

Status ClickHouseTarget::execute(std::string sql) {
    clickhouse::Client* connection = TRY(client());
    return connection->execute(query(std::move(sql)));
}

Query ClickHouseTarget::insert_query(const Table& table, const types::Block& block) {
    static std::atomic<uint64_t> counter{0};
    std::string columns;
    for (const types::NamedColumn& column : block.columns) {
        if (!columns.empty()) columns += ", ";
        columns += ch_ident(column.name);
    }
    Query insert = query("INSERT INTO " + qualified(table) + " (" + columns + ")");
    insert.settings = insert_settings();
    insert.query_id =
        options_.query_prefix + "_" + std::to_string(getpid()) + "_" + std::to_string(++counter);
    return insert;
}

Status ClickHouseTarget::insert(const Table& table, const types::Block& block) {
    if (!unsettled_.empty()) TRY(settle(unsettled_));
    clickhouse::Client* connection = TRY(client());
    Query insert = insert_query(table, block);
    unsettled_ = insert.query_id;
    TRY(connection->insert(insert, block));
    insert_acknowledged();
    return {};
}

Result<std::unique_ptr<clickhouse::InsertStream>> ClickHouseTarget::begin_insert(
    const Table& table, const types::Block& columns) {
    if (!unsettled_.empty()) TRY(settle(unsettled_));
    clickhouse::Client* connection = TRY(client());
    Query insert = insert_query(table, columns);
    unsettled_ = insert.query_id;
    return connection->begin_insert(insert);
}

Status ClickHouseTarget::settle(const std::string& query_prefix) {
    clickhouse::Client* connection = TRY(client());
    Query running = query("SELECT count() FROM system.processes WHERE startsWith(query_id, " +
                          ch_string(query_prefix) + ")");
    for (int attempt = 0; attempt < 600; ++attempt) {
        types::Block count = TRY(clickhouse::select_all(*connection, running));
        if (count.rows() == 1 && count.columns[0].column.fixed<uint64_t>(0) == 0) {
            unsettled_.clear();
            return {};
        }
        back_off(std::chrono::milliseconds(100));
    }
    return Error(ErrorCode::kTimeout, "an insert of an earlier connection does not end");
}

Status ClickHouseTarget::truncate(const Table& table) {
    if (!unsettled_.empty()) TRY(settle(unsettled_));
    return execute("TRUNCATE TABLE " + qualified(table) + " SYNC");
}

Status ClickHouseTarget::create_table(const Table& table) {
    TRY(execute("CREATE DATABASE IF NOT EXISTS " + ch_ident(table.database)));
    clickhouse::Client* connection = TRY(client());
    Query ours =
        query("SELECT countIf(name = " + ch_string(kVersionColumn) +
              "), count() FROM system.columns WHERE database = " + ch_string(table.database) +
              " AND table = " + ch_string(table.target));
    types::Block found = TRY(clickhouse::select_all(*connection, ours));
    bool exists = found.rows() == 1 && found.columns[1].column.fixed<uint64_t>(0) > 0;
    if (exists && found.columns[0].column.fixed<uint64_t>(0) == 0)
        return Error(ErrorCode::kAlreadyExists, "ClickHouse has a table " + table.database + "." +
                                                    table.target + " that no mirror made");
    if (exists) TRY(drop_table(table));
    return execute(create_table_sql(table));
}

Status ClickHouseTarget::drop_table(const Table& table) {
    Status dropped = execute("DROP TABLE IF EXISTS " + qualified(table) + " SYNC");
    if (!dropped.ok() && dropped.error().foreign_code() == kUnknownDatabase) return {};
    return dropped;
}

// What old rows have, as an expression: the value is sent as a block, so ClickHouse itself writes
// it as text.
Result<std::string> ClickHouseTarget::default_expression(const AddedColumn& added) {
    if (!added.old_value) return std::string();
    types::Converter converter(added.column.mapping, types::Unholdable::reject);
    types::Column value = converter.make_column();
    TRY(converter.append_text(*added.old_value, value));
    Query text = query("SELECT toString(v) FROM _value");
    types::Block block;
    block.columns.push_back({"v", std::move(value)});
    text.external_tables.push_back({"_value", std::move(block)});
    clickhouse::Client* connection = TRY(client());
    types::Block answer = TRY(clickhouse::select_all(*connection, text));
    if (answer.rows() != 1 || answer.columns[0].column.is_null(0)) return std::string();
    return " DEFAULT CAST(" + ch_string(answer.columns[0].column.string(0)) + ", " +
           ch_string(added.column.mapping.type->name) + ")";
}

Status ClickHouseTarget::alter(const TableChange& change) {
    std::string prefix = "ALTER TABLE " + qualified(*change.before) + " ";
    for (const TableColumn& column : change.dropped)
        TRY(execute(prefix + "DROP COLUMN IF EXISTS " + ch_ident(column.target_name)));
    for (const RenamedColumn& renamed : change.renamed)
        TRY(execute(prefix + "RENAME COLUMN IF EXISTS " + ch_ident(renamed.before.target_name) +
                    " TO " + ch_ident(renamed.name)));
    for (const TableColumn& column : change.retyped)
        TRY(execute(prefix + "MODIFY COLUMN " + column_definition(column)));
    for (const AddedColumn& added : change.added) {
        std::string old_value = TRY(default_expression(added));
        TRY(execute(prefix + "ADD COLUMN IF NOT EXISTS " + column_definition(added.column) +
                    old_value));
    }
    return {};
}

Result<types::Block> ClickHouseTarget::rows_by_key(const Table& table, types::Block keys,
                                                   std::span<const size_t> columns,
                                                   size_t bytes_max) {
    std::string key_list;
    for (size_t key : table.key) {
        if (!key_list.empty()) key_list += ", ";
        key_list += ch_ident(table.columns[key].target_name);
    }
    std::string sql = "SELECT " + key_list;
    for (size_t column : columns) sql += ", " + ch_ident(table.columns[column].target_name);
    sql += ", " + std::string(kVersionColumn) + " FROM " + qualified(table) + " FINAL WHERE (" +
           key_list + ") IN (SELECT " + key_list + " FROM _keys)";
    Query select = query(std::move(sql));
    select.external_tables.push_back({"_keys", std::move(keys)});
    clickhouse::Client* connection = TRY(client());
    return clickhouse::select_all(*connection, select, bytes_max);
}

}  // namespace tandem::mirror
