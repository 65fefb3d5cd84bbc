#include "integration/route/route_fixture.h"

#include <cstdlib>

namespace tandem::route_test {

namespace {

std::string replace_all(std::string text, const std::string& from, const std::string& to) {
    for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
    return text;
}

// The ClickHouse type of a column, and the literal of its value, both made by Postgres.
constexpr const char* kColumnsSql = R"sql(
SELECT attname, attnum, CASE WHEN attnotnull THEN t WHEN t = 'LowCardinality(String)'
           THEN 'LowCardinality(Nullable(String))' ELSE 'Nullable(' || t || ')' END,
       exactness,
       CASE WHEN atttypid = 'bpchar'::regtype THEN format('coalesce('''''''' || textin(bpcharout(%I)) || '''''''', ''NULL'')', attname)
            WHEN atttypid = 'inet'::regtype THEN format('coalesce('''''''' || textin(inet_out(%I)) || '''''''', ''NULL'')', attname)
            WHEN atttypid = 'bytea'::regtype THEN format('coalesce(''unhex('''''' || encode(%I, ''hex'') || '''''')'', ''NULL'')', attname)
            WHEN atttypid = 'money'::regtype THEN format('coalesce((%I::numeric * 100)::bigint::text, ''NULL'')', attname)
            WHEN t = 'String' THEN format('coalesce('''''''' || replace(replace(%I::text, ''\'', ''\\''), '''''''', ''\'''''') || '''''''', ''NULL'')', attname)
            WHEN t LIKE 'DateTime64(6, %%' THEN format('coalesce('''''''' || (%I AT TIME ZONE ''UTC'')::text || '''''''', ''NULL'')', attname)
            WHEN t = 'DateTime64(6)' THEN format('coalesce(''toDateTime64('''''' || %I::text || '''''', 6, ''''UTC'''')'', ''NULL'')', attname)
            WHEN t LIKE 'Array%%' THEN format('''['' || coalesce((SELECT string_agg(coalesce(quote_literal(e), ''NULL''), '','') FROM unnest(%I) e), '''') || '']''', attname)
            WHEN t LIKE 'Float%%' THEN format('coalesce(replace(replace(%I::text, ''Infinity'', ''inf''), ''NaN'', ''nan''), ''NULL'')', attname)
            WHEN t LIKE 'Int%%' OR t LIKE 'UInt%%' OR t = 'Bool' THEN format('coalesce(%I::text, ''NULL'')', attname)
            ELSE format('coalesce('''''''' || %I::text || '''''''', ''NULL'')', attname) END
FROM pg_attribute a
JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
CROSS JOIN LATERAL (SELECT CASE atttypid
    WHEN 'bool'::regtype THEN 'Bool' WHEN 'int2'::regtype THEN 'Int16' WHEN 'int4'::regtype THEN 'Int32'
    WHEN 'int8'::regtype THEN 'Int64' WHEN 'oid'::regtype THEN 'UInt32' WHEN 'float4'::regtype THEN 'Float32'
    WHEN 'float8'::regtype THEN 'Float64' WHEN 'date'::regtype THEN 'Date32'
    WHEN 'timestamp'::regtype THEN 'DateTime64(6)'
    WHEN 'timestamptz'::regtype THEN 'DateTime64(6, ''UTC'')' WHEN 'uuid'::regtype THEN 'UUID'
    WHEN 'numeric'::regtype THEN CASE WHEN atttypmod < 0 THEN 'String' ELSE format('Decimal(%s, %s)',
        ((atttypmod - 4) >> 16) & 65535, (atttypmod - 4) & 65535) END
    WHEN 'money'::regtype THEN 'Int64' WHEN 'time'::regtype THEN 'Time64(6)'
    WHEN 'int[]'::regtype THEN CASE WHEN attnotnull THEN 'Array(Nullable(Int32))' ELSE 'String' END
    WHEN 'text[]'::regtype THEN CASE WHEN attnotnull THEN 'Array(Nullable(String))' ELSE 'String' END
    ELSE CASE WHEN atttypid >= 16384 AND attnum <> ALL (indkey)
        THEN 'LowCardinality(String)' ELSE 'String' END END AS t) x
CROSS JOIN LATERAL (SELECT CASE WHEN t = 'String' AND atttypid NOT IN
    ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype, 'bytea'::regtype)
    THEN 'text' ELSE 'exact' END AS exactness) e
WHERE attrelid = '%TABLE%'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum)sql";

}  // namespace

void RouteTest::SetUp() {
    start_servers();
    if (HasFatalFailure()) return;
    make_catalog();
}

void RouteTest::start_servers() {
    quick_ = quick_ && std::getenv("TANDEM_BUDGET_SECONDS") == nullptr;
    const char* compiles = quick_ ? "0" : "1";
    auto both = test_support::start_both(
        TANDEM_MODULE, {.settings = {{"timezone", "UTC"}},
                        .profile = {{"compile_expressions", compiles},
                                    {"compile_aggregate_expressions", compiles}}});
    ASSERT_TRUE(both.ok()) << both.error().to_string();
    servers_ = *std::move(both);
    postgres_ = servers_.postgres.get();
    clickhouse_ = servers_.clickhouse.get();
    connection_ = connect();
    ASSERT_NE(connection_, nullptr);
    auto client = clickhouse::connect_http({.host = clickhouse_->host(),
                                            .port = clickhouse_->http_port(),
                                            .user = clickhouse_->user(),
                                            .password = clickhouse_->password()});
    ASSERT_TRUE(client.ok()) << client.error().to_string();
    client_ = *std::move(client);
}

void RouteTest::make_catalog() {
    for (const char* migration : {"0001_first", "0002_copies", "0003_leaves"})
        run(test_support::source_text("src/catalog/migrations/" + std::string(migration) + ".sql"));
    run(test_support::extension_script(servers_.module));
    run_clickhouse("CREATE DATABASE IF NOT EXISTS tandem");
    run_clickhouse("CREATE DATABASE IF NOT EXISTS tandem_rows");
    run("INSERT INTO tandem.target (name, host, native_port, http_port, username, password) VALUES "
        "('t', '" +
        clickhouse_->host() + "', " + std::to_string(clickhouse_->native_port()) + ", " +
        std::to_string(clickhouse_->http_port()) + ", '" + clickhouse_->user() + "', '" +
        clickhouse_->password() + "')");
    run("INSERT INTO tandem.mirror (name, target_id, database, slot_name, publication, state, "
        "position) VALUES ('m', 1, 'tandem', 'tandem_m', 'tandem_m', 'running', '0/3E8')");
    run("SET tandem.freshness = eventual");
}

std::unique_ptr<postgres::Connection> RouteTest::connect() const {
    auto connection = postgres::Connection::open(
        {.conninfo = postgres_->conninfo(), .pinned_search_path = false});
    EXPECT_TRUE(connection.ok()) << (connection.ok() ? "" : connection.error().to_string());
    if (!connection.ok()) return nullptr;
    return std::make_unique<postgres::Connection>(*std::move(connection));
}

void RouteTest::run(const std::string& sql) {
    Status status = connection_->execute(sql);
    ASSERT_TRUE(status.ok()) << status.error().to_string() << "\n" << sql;
}

void RouteTest::run_clickhouse(const std::string& sql) {
    Status status = client_->execute({.sql = sql});
    ASSERT_TRUE(status.ok()) << status.error().to_string() << "\n" << sql.substr(0, 2000);
}

std::string RouteTest::ask(const std::string& sql) {
    auto result = connection_->query(sql);
    if (!result.ok())
        return "ERROR " + std::string(result.error().sqlstate()) + ": " + result.error().message();
    return result->rows() > 0 && result->columns() > 0 ? result->text(0, 0) : "";
}

std::string RouteTest::answer(const std::string& sql) {
    auto result = connection_->query(sql);
    if (!result.ok())
        return "ERROR " + std::string(result.error().sqlstate()) + ": " + result.error().message();
    std::string text;
    for (int column = 0; column < result->columns(); ++column)
        text += std::string(result->column_name(column)) + ":" +
                std::to_string(result->column_type(column).value) + "|";
    for (int row = 0; row < result->rows(); ++row) {
        text += "\n";
        for (int column = 0; column < result->columns(); ++column)
            text +=
                (result->is_null(row, column) ? "NULL" : "'" + result->text(row, column) + "'") +
                "|";
    }
    return text;
}

std::string RouteTest::explain(const std::string& sql, const std::string& options) {
    auto result = connection_->query("EXPLAIN (" + options + ") " + sql);
    if (!result.ok()) return "ERROR " + result.error().message();
    std::string text;
    for (int row = 0; row < result->rows(); ++row) text += result->text(row, 0) + "\n";
    return text;
}

std::string RouteTest::reason_for(const std::string& sql) {
    return ask("SELECT coalesce(reason_code, 'routed') FROM tandem.explain_route($tandem_sql$" +
               sql + "$tandem_sql$)");
}

void RouteTest::hold_in_both(const std::string& table) {
    auto columns = connection_->query(replace_all(kColumnsSql, "%TABLE%", table));
    ASSERT_TRUE(columns.ok()) << columns.error().to_string();
    ASSERT_GT(columns->rows(), 0) << "table " << table << " needs a primary key";
    std::string definition;
    std::string names;
    std::string literals;
    run("INSERT INTO tandem.mirror_table (mirror_id, relid, schema_name, table_name, target_table, "
        "state) "
        "VALUES (1, '" +
        table + "'::regclass, 'public', '" + table + "', '" + table + "', 'live')");
    for (int row = 0; row < columns->rows(); ++row) {
        std::string name = columns->text(row, 0);
        std::string type = columns->text(row, 2);
        std::string made =
            zone_.empty() ? type
                          : replace_all(type, "DateTime64(6)", "DateTime64(6, '" + zone_ + "')");
        definition += "`" + name + "` " + made + ", ";
        names += "`" + name + "`, ";
        literals += (row == 0 ? "" : " || ', ' || ") + columns->text(row, 4);
        run("INSERT INTO tandem.mirror_column (mirror_id, relid, attnum, column_name, type_oid, "
            "typmod, "
            "target_column, target_type, key_position, exactness) "
            "SELECT 1, attrelid, attnum, attname, atttypid, atttypmod, attname, $type$" +
            type +
            "$type$, array_position((SELECT indkey::int2[] FROM pg_index WHERE indrelid = attrelid "
            "AND indisprimary), attnum) + 1, '" +
            columns->text(row, 3) + "' FROM pg_attribute WHERE attrelid = '" + table +
            "'::regclass AND attnum = " + columns->text(row, 1));
    }
    std::string key =
        ask("SELECT string_agg(attname, ', ') FROM pg_index JOIN pg_attribute ON "
            "attrelid = indrelid AND attnum = ANY (indkey) WHERE indisprimary AND "
            "indrelid = '" +
            table + "'::regclass");
    std::string main = "tandem_rows.`" + table + "`";
    std::string delta = "tandem_rows.`_tandem_delta_" + table + "`";
    run_clickhouse("CREATE TABLE " + main + " (" + definition +
                   "_tandem_from UInt64, _tandem_origin UInt32) ENGINE = MergeTree ORDER BY (" +
                   key + ")");
    run_clickhouse("CREATE TABLE " + delta + " (" + definition +
                   "_tandem_from UInt64, _tandem_ordinal UInt64, _tandem_deleted UInt8, "
                   "_tandem_generation UInt32) ENGINE = MergeTree PARTITION BY _tandem_generation "
                   "ORDER BY (" +
                   key + ", _tandem_from, _tandem_ordinal)");
    run("INSERT INTO tandem.mirror_copy (mirror_id, relid, copy, main, delta, visible_from, "
        "oldest_generation, delta_empty) VALUES (1, '" +
        table + "'::regclass, 1, '" + table + "', '_tandem_delta_" + table + "', '0/1', 3, " +
        (quick_ ? "true)" : "false)"));
    auto rows =
        connection_->query("SELECT string_agg('(' || " + literals +
                           " || ', 10)', ',') FROM (SELECT *, row_number() OVER () / 2000 AS "
                           "part_number_ FROM " +
                           table + ") x GROUP BY part_number_");
    ASSERT_TRUE(rows.ok()) << rows.error().to_string();
    for (int row = 0; row < rows->rows(); ++row)
        run_clickhouse("INSERT INTO " + main + " (" + names + "_tandem_from) VALUES " +
                       rows->text(row, 0));
    if (!quick_) add_what_nobody_sees(main, delta, names, key);
    run("ANALYZE " + table);
}

// Of some rows the newest version lies in the delta. Older tombstones of the same keys, tombstones
// of a generation that is folded, and whatever was committed at or after the position, which is
// 1000, count for nothing.
void RouteTest::add_what_nobody_sees(const std::string& main, const std::string& delta,
                                     const std::string& names, const std::string& key) {
    constexpr int64_t kFuture = int64_t{1} << 62;
    struct Kind {
        int64_t from;
        int deleted, generation, limit;
    };
    const Kind kinds[] = {{20, 0, 3, 100}, {15, 1, 3, 100}, {12, 1, 2, 150}, {kFuture, 1, 4, 200}};
    // The same keys every time: the first ones.
    const std::string first =
        " FROM " + main + " WHERE _tandem_from = 10 ORDER BY " + key + " LIMIT ";
    for (const Kind& kind : kinds)
        run_clickhouse(
            "INSERT INTO " + delta + " (" + names +
            "_tandem_from, _tandem_ordinal, _tandem_deleted, _tandem_generation) SELECT " + names +
            std::to_string(kind.from) + ", 2, " + std::to_string(kind.deleted) + ", " +
            std::to_string(kind.generation) + first + std::to_string(kind.limit));
    run_clickhouse("INSERT INTO " + main + " (" + names + "_tandem_from) SELECT " + names +
                   std::to_string(kFuture) + first + "50");
}

}  // namespace tandem::route_test
