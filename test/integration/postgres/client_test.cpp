// Connection against a real Postgres.
#include <thread>

#include "base/bytes.h"
#include "integration/postgres/postgres_fixture.h"
#include "postgres/decoder/copy_binary.h"

namespace tandem::postgres {
namespace {

class PostgresClient : public PostgresTest {};

std::optional<std::string> keep(const CopyField& field) {
    return field.is_null() ? std::nullopt : std::optional<std::string>(field.bytes());
}

TEST_F(PostgresClient, runs_statements_and_reads_values) {
    EXPECT_EQ(ask("SELECT 1; SELECT 'two'"), "two");
    auto result = connection_->query("SELECT 42 AS n, NULL::text, true, '16/B374D848'::pg_lsn");
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->column_name(0), "n");
    EXPECT_EQ(result->column_type(0), Oid{23});
    EXPECT_EQ(*result->integer(0, 0), 42);
    EXPECT_TRUE(result->is_null(0, 1));
    EXPECT_FALSE(result->integer(0, 1).ok());
    EXPECT_TRUE(*result->boolean(0, 2));
    EXPECT_EQ(result->lsn(0, 3)->value, 0x16B374D848u);
    auto inserted =
        connection_->query("CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 7)");
    ASSERT_TRUE(inserted.ok());
    EXPECT_EQ(inserted->affected(), 7u);
}

TEST_F(PostgresClient, passes_parameters_in_text_and_binary) {
    const std::string four = std::string("\0\0\0\4", 4);
    const Parameter parameters[] = {{.value = "it's"},
                                    {.value = std::nullopt},
                                    {.value = four, .type = Oid{23}, .binary = true}};
    auto result = connection_->query("SELECT $1::text, $2::text, $3 + 1", parameters);
    ASSERT_TRUE(result.ok()) << result.error().to_string();
    EXPECT_EQ(result->value(0, 0), "it's");
    EXPECT_TRUE(result->is_null(0, 1));
    EXPECT_EQ(result->value(0, 2), "5");
    auto binary = connection_->query("SELECT 258::int4", {.binary_result = true});
    ASSERT_TRUE(binary.ok());
    EXPECT_EQ(load_big<int32_t>(binary->value(0, 0).data()), 258);
}

TEST_F(PostgresClient, gives_every_session_one_form_of_text) {
    run("ALTER DATABASE postgres SET DateStyle = 'SQL, DMY'");
    run("ALTER DATABASE postgres SET TimeZone = 'Asia/Tokyo'");
    run("ALTER DATABASE postgres SET bytea_output = 'escape'");
    run("ALTER DATABASE postgres SET statement_timeout = '1s'");
    auto session = Connection::open(options());
    ASSERT_TRUE(session.ok());
    auto result = session->query(
        "SELECT '2024-02-03 04:05:06+00'::timestamptz, '\\x00ff'::bytea, '1 day 02:00'::interval,"
        " current_setting('statement_timeout'), current_setting('application_name')");
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->value(0, 0), "2024-02-03 04:05:06+00");
    EXPECT_EQ(result->value(0, 1), "\\x00ff");
    EXPECT_EQ(result->value(0, 2), "1 day 02:00:00");
    EXPECT_EQ(result->value(0, 3), "0");
    EXPECT_EQ(result->value(0, 4), "tandem");
}

TEST_F(PostgresClient, keeps_sqlstates_and_stays_usable_after_errors) {
    Status status = connection_->execute("SELECT 1/0");
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code(), ErrorCode::kPostgresError);
    EXPECT_EQ(status.error().sqlstate(), "22012");
    EXPECT_EQ(connection_->execute("SELECT * FROM nowhere").error().code(), ErrorCode::kNotFound);
    EXPECT_EQ(connection_->execute("COPY pg_class TO STDOUT").error().code(),
              ErrorCode::kInvalidArgument);
    run("BEGIN");
    EXPECT_TRUE(connection_->in_transaction());
    run("COMMIT");
    EXPECT_EQ(ask("SELECT 'still here'"), "still here");
}

TEST_F(PostgresClient, ends_a_statement_at_its_deadline_and_goes_on) {
    Status status = connection_->execute("SELECT pg_sleep(60)", {.timeout = Millis(50)});
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code(), ErrorCode::kTimeout);
    EXPECT_TRUE(connection_->usable());
    EXPECT_EQ(ask("SELECT 'still here'"), "still here");
}

TEST_F(PostgresClient, cancels_from_another_thread) {
    Canceller canceller = connection_->canceller();
    std::thread other([&] {
        auto watcher = Connection::open(options());
        ASSERT_TRUE(watcher.ok());
        // Waits until the statement runs, then cancels it.
        while (true) {
            auto running = watcher->query(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
            ASSERT_TRUE(running.ok());
            if (running->value(0, 0) != "0") break;
        }
        EXPECT_TRUE(canceller.cancel().ok());
    });
    Status status = connection_->execute("SELECT pg_sleep(60)");
    other.join();
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code(), ErrorCode::kCancelled);
    EXPECT_TRUE(connection_->usable());
}

TEST_F(PostgresClient, notices_a_killed_backend) {
    auto victim = Connection::open(options());
    ASSERT_TRUE(victim.ok());
    ask("SELECT pg_terminate_backend(" + std::to_string(victim->backend_pid()) + ")");
    Status status = victim->execute("SELECT 1");
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code(), ErrorCode::kConnectionLost);
    EXPECT_FALSE(victim->usable());
    EXPECT_EQ(victim->execute("SELECT 1").error().code(), ErrorCode::kConnectionLost);
}

TEST_F(PostgresClient, refuses_connections_with_a_reason_and_without_secrets) {
    ConnectOptions wrong = options();
    wrong.conninfo += " password=hunter2";
    run("CREATE ROLE guest LOGIN PASSWORD 'right'");
    wrong.conninfo = "host=127.0.0.1 dbname=postgres user=guest password=hunter2 port=" +
                     std::to_string(server_->port());
    auto refused = Connection::open(wrong);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), ErrorCode::kAuthenticationFailed);
    EXPECT_EQ(refused.error().to_string().find("hunter2"), std::string::npos);

    wrong.conninfo = server_->conninfo("no_such_database");
    EXPECT_EQ(Connection::open(wrong).error().code(), ErrorCode::kNotFound);
    wrong.conninfo = "host=127.0.0.1 port=1 user=x";
    EXPECT_EQ(Connection::open(wrong).error().code(), ErrorCode::kConnectionFailed);
}

TEST_F(PostgresClient, streams_copy_out_row_by_row) {
    run("CREATE TABLE t AS SELECT i AS id, repeat('x', i % 50) AS body,"
        " CASE WHEN i % 3 = 0 THEN i::float8 / 7 END AS ratio FROM generate_series(1, 5000) i");
    CopyBinaryReader reader({.columns = 3});
    int64_t sum = 0;
    int64_t nulls = 0;
    size_t bytes = 0;
    auto rows =
        connection_->copy_out("COPY (SELECT * FROM t ORDER BY id) TO STDOUT (FORMAT binary)",
                              [&](std::string_view data) -> Status {
                                  TRY(reader.feed(data));
                                  while (TRY(reader.next()) == CopyBinaryReader::Step::row) {
                                      sum += load_big<int32_t>(reader.row()[0].bytes().data());
                                      bytes += reader.row()[1].bytes().size();
                                      nulls += reader.row()[2].is_null() ? 1 : 0;
                                  }
                                  return {};
                              });
    ASSERT_TRUE(rows.ok()) << rows.error().to_string();
    ASSERT_TRUE(reader.finish().ok());
    EXPECT_EQ(*rows, 5000u);
    EXPECT_EQ(reader.rows_read(), 5000u);
    EXPECT_EQ(std::to_string(sum), ask("SELECT sum(id) FROM t"));
    EXPECT_EQ(std::to_string(bytes), ask("SELECT sum(length(body)) FROM t"));
    EXPECT_EQ(std::to_string(nulls), ask("SELECT count(*) FROM t WHERE ratio IS NULL"));
}

// Each value of the binary COPY goes back to the server as a binary parameter, which prints it: so
// field borders and NULLs are checked for every type without a second decoder.
TEST_F(PostgresClient, splits_rows_of_every_type_at_the_right_places) {
    run("CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE TYPE pair AS (a int, b text);"
        "CREATE TABLE wide AS SELECT true AS c1, 1::int2 AS c2, 2::int4 AS c3, 3::int8 AS c4,"
        " 1.5::float4 AS c5, 'NaN'::float8 AS c6, 12345.678::numeric AS c7, 'x'::text AS c8,"
        " 'ab'::char(5) AS c9, '\\xdeadbeef'::bytea AS c10, '2024-02-29'::date AS c11,"
        " '24:00'::time AS c12, 'infinity'::timestamp AS c13, '2024-01-01+05'::timestamptz AS c14,"
        " '1 mon 2 days 03:00'::interval AS c15, '{\"a\": [1, null]}'::jsonb AS c16,"
        " '{ \"b\":1}'::json AS c17, '{{1,NULL},{3,4}}'::int[] AS c18, '[1,5)'::int4range AS c19,"
        " '{[1,2),[5,6)}'::int4multirange AS c20, '10.0.0.1/8'::inet AS c21, 'happy'::mood AS c22,"
        " ROW(1, 'q')::pair AS c23, NULL::text AS c24, '1.5'::money AS c25, B'101'::bit(3) AS c26,"
        " '(1,2)'::point AS c27, 'a & b'::tsquery AS c28, '16/B'::pg_lsn AS c29, ''::text AS c30,"
        " 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS c31, '08:00:2b:01:02:03'::macaddr AS "
        "c32");
    auto expected = connection_->query("SELECT * FROM wide");
    ASSERT_TRUE(expected.ok()) << expected.error().to_string();
    CopyBinaryReader reader({.columns = expected->columns()});
    std::vector<std::optional<std::string>> fields;
    auto rows = connection_->copy_out("COPY wide TO STDOUT (FORMAT binary)",
                                      [&](std::string_view data) -> Status {
                                          TRY(reader.feed(data));
                                          while (TRY(reader.next()) == CopyBinaryReader::Step::row)
                                              for (const CopyField& field : reader.row())
                                                  fields.push_back(keep(field));
                                          return {};
                                      });
    ASSERT_TRUE(rows.ok()) << rows.error().to_string();
    ASSERT_TRUE(reader.finish().ok());
    ASSERT_EQ(fields.size(), static_cast<size_t>(expected->columns()));
    for (int i = 0; i < expected->columns(); ++i) {
        const auto& field = fields[static_cast<size_t>(i)];
        ASSERT_EQ(field.has_value(), !expected->is_null(0, i));
        if (!field) continue;
        Parameter parameter{.value = *field, .type = expected->column_type(i), .binary = true};
        auto printed = connection_->query("SELECT $1", {&parameter, 1});
        ASSERT_TRUE(printed.ok()) << expected->column_name(i) << printed.error().to_string();
        EXPECT_EQ(printed->value(0, 0), expected->value(0, i)) << expected->column_name(i);
    }
}

TEST_F(PostgresClient, stops_a_copy_when_the_receiver_refuses) {
    int calls = 0;
    auto rows = connection_->copy_out(
        "COPY (SELECT repeat('x', 1000) FROM generate_series(1, 1000000)) TO STDOUT",
        [&](std::string_view) -> Status {
            if (++calls < 10) return {};
            return Error(ErrorCode::kLimitExceeded, "enough");
        });
    ASSERT_FALSE(rows.ok());
    EXPECT_EQ(rows.error().code(), ErrorCode::kLimitExceeded);
    EXPECT_EQ(calls, 10);
    EXPECT_EQ(ask("SELECT 'still here'"), "still here");
    auto failing =
        connection_->copy_out("COPY (SELECT 1/(5-i) FROM generate_series(1, 9) i) TO STDOUT",
                              [](std::string_view) -> Status { return {}; });
    ASSERT_FALSE(failing.ok());
    EXPECT_EQ(failing.error().sqlstate(), "22012");
    EXPECT_EQ(ask("SELECT 'still here'"), "still here");
}

TEST_F(PostgresClient, waits_for_notifications) {
    run("LISTEN tandem");
    auto nothing = connection_->wait_notification(Millis(10));
    ASSERT_TRUE(nothing.ok());
    EXPECT_FALSE(nothing->has_value());
    auto other = Connection::open(options());
    ASSERT_TRUE(other.ok());
    ASSERT_TRUE(other->execute("NOTIFY tandem, 'hello'").ok());
    auto notification = connection_->wait_notification(Millis(10'000));
    ASSERT_TRUE(notification.ok() && notification->has_value());
    EXPECT_EQ((*notification)->channel, "tandem");
    EXPECT_EQ((*notification)->payload, "hello");
    EXPECT_EQ((*notification)->backend_pid, other->backend_pid());
}

}  // namespace
}  // namespace tandem::postgres
