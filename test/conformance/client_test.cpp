// The client against the real server: everything both drivers promise, and how they fail.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

#include "clickhouse/client/client.h"
#include "conformance/proxy.h"
#include "support/servers.h"

namespace tandem::clickhouse {
namespace {

using std::chrono::milliseconds;
using test_support::Proxy;
using test_support::ProxyOptions;
using test_support::TestClickHouse;

// One server for all tests of this binary.
TestClickHouse& server() {
    static std::unique_ptr<TestClickHouse> started = [] {
        auto result = TestClickHouse::start();
        if (!result.ok()) ADD_FAILURE() << result.error().to_string();
        return result.ok() ? std::move(result).value() : nullptr;
    }();
    return *started;
}

struct Driver {
    const char* name;
    bool http;
    Compression compression;
};

std::ostream& operator<<(std::ostream& out, const Driver& driver) {
    return out << driver.name;
}

class EveryDriver : public testing::TestWithParam<Driver> {
  protected:
    uint16_t server_port() const {
        return GetParam().http ? server().http_port() : server().native_port();
    }
    Endpoint endpoint() const {
        return {.host = server().host(),
                .port = server_port(),
                .user = server().user(),
                .password = server().password()};
    }
    ClientOptions options() const { return {.compression = GetParam().compression}; }

    Result<std::unique_ptr<Client>> connect_to(const Endpoint& to) const {
        return GetParam().http ? connect_http(to, options()) : connect_native(to, options());
    }
    std::unique_ptr<Client> connect() const {
        auto client = connect_to(endpoint());
        EXPECT_TRUE(client.ok()) << client.error().to_string();
        return std::move(client).value();
    }
    std::unique_ptr<Client> connect_through(const Proxy& proxy) const {
        Endpoint to = endpoint();
        to.port = proxy.port();
        auto client = connect_to(to);
        EXPECT_TRUE(client.ok()) << client.error().to_string();
        return std::move(client).value();
    }
};

INSTANTIATE_TEST_SUITE_P(all, EveryDriver,
                         testing::Values(Driver{"native_plain", false, Compression::kNone},
                                         Driver{"native_lz4", false, Compression::kLz4},
                                         Driver{"native_zstd", false, Compression::kZstd},
                                         Driver{"http_plain", true, Compression::kNone},
                                         Driver{"http_lz4", true, Compression::kLz4},
                                         Driver{"http_zstd", true, Compression::kZstd}),
                         [](const auto& driver) { return driver.param.name; });

uint64_t number(Client& client, const std::string& sql) {
    auto block = select_all(client, {.sql = "SELECT toUInt64(" + sql + ")"});
    EXPECT_TRUE(block.ok()) << sql << ": " << block.error().to_string();
    return block.ok() && block->rows() == 1 ? block->columns[0].column.fixed<uint64_t>(0) : 0;
}

types::Block sample_block(uint64_t first, size_t rows) {
    types::Block block;
    const auto type = [](const char* text) { return MUST(types::parse_clickhouse_type(text)); };
    block.columns.push_back({"id", types::Column(type("UInt64"))});
    block.columns.push_back({"name", types::Column(type("String"))});
    for (size_t i = 0; i < rows; ++i) {
        block.columns[0].column.append_fixed<uint64_t>(first + i);
        block.columns[1].column.append_string("name " + std::to_string(first + i));
    }
    return block;
}

std::string fresh_table(Client& client, const std::string& columns = "id UInt64, name String") {
    static int count = 0;
    const std::string name = "client_test_" + std::to_string(++count);
    const auto made = client.execute(
        {.sql = "CREATE TABLE " + name + " (" + columns + ") ENGINE = MergeTree ORDER BY id"});
    EXPECT_TRUE(made.ok()) << made.error().to_string();
    return name;
}

TEST_P(EveryDriver, knows_the_server) {
    const auto client = connect();
    EXPECT_EQ(client->server().name, "ClickHouse");
    EXPECT_GE(client->server().version_major, 24u);
    EXPECT_FALSE(client->server().timezone.empty());
    EXPECT_EQ(client->server().revision > 0, !GetParam().http);
    EXPECT_TRUE(client->ping().ok());
}

TEST_P(EveryDriver, reads_many_blocks_in_order) {
    const auto client = connect();
    uint64_t next = 0;
    size_t blocks = 0;
    const auto status =
        client->select({.sql = "SELECT number, toString(number) FROM numbers(1000000)"},
                       [&](types::Block&& block) -> Status {
                           ++blocks;
                           for (size_t i = 0; i < block.rows(); ++i, ++next) {
                               if (block.columns[0].column.fixed<uint64_t>(i) != next)
                                   return Error(ErrorCode::kInternal, "order");
                               if (block.columns[1].column.string(i) != std::to_string(next))
                                   return Error(ErrorCode::kInternal, "text");
                           }
                           return {};
                       });
    EXPECT_TRUE(status.ok()) << status.error().to_string();
    EXPECT_EQ(next, 1000000u);
    EXPECT_GT(blocks, 1u);
}

TEST_P(EveryDriver, reads_a_row_larger_than_a_frame) {
    const auto client = connect();
    auto block =
        select_all(*client, {.sql = "SELECT randomPrintableASCII(5000000) AS a, length(a)"});
    ASSERT_TRUE(block.ok()) << block.error().to_string();
    EXPECT_EQ(block->columns[0].column.string(0).size(), 5000000u);
}

TEST_P(EveryDriver, gives_an_empty_result_for_no_rows) {
    const auto client = connect();
    auto block = select_all(*client, {.sql = "SELECT 1 WHERE 0"});
    ASSERT_TRUE(block.ok()) << block.error().to_string();
    EXPECT_EQ(block->rows(), 0u);
}

TEST_P(EveryDriver, refuses_a_result_beyond_the_limit) {
    const auto client = connect();
    const auto block = select_all(*client, {.sql = "SELECT number FROM numbers(1000000)"}, 100000);
    ASSERT_FALSE(block.ok());
    EXPECT_EQ(block.error().code(), ErrorCode::kLimitExceeded);
    EXPECT_EQ(number(*client, "1"), 1u);
}

TEST_P(EveryDriver, reports_an_exception_with_its_code_and_goes_on) {
    const auto client = connect();
    const auto status = client->execute({.sql = "SELECT nonsense"});
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code(), ErrorCode::kClickHouseError);
    EXPECT_EQ(status.error().foreign_code(), 47);
    EXPECT_NE(status.error().message().find("nonsense"), std::string::npos);
    EXPECT_EQ(number(*client, "2"), 2u);
}

TEST_P(EveryDriver, recognises_an_exception_in_the_middle_of_a_result) {
    const auto client = connect();
    size_t rows = 0;
    const auto status = client->select(
        {.sql = "SELECT number, throwIf(number = 300000, 'half way') FROM numbers(1000000)",
         .settings = {{"max_block_size", "1000"},
                      {"max_threads", "1"},
                      {"http_write_exception_in_output_format", "0"}}},
        [&](types::Block&& block) -> Status {
            rows += block.rows();
            return {};
        });
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().foreign_code(), 395) << status.error().to_string();
    EXPECT_NE(status.error().message().find("half way"), std::string::npos);
    EXPECT_EQ(status.error().message().find("__exception__"), std::string::npos);
    EXPECT_GT(rows, 0u);
    EXPECT_EQ(number(*client, "3"), 3u);
}

TEST_P(EveryDriver, says_what_can_be_retried) {
    const auto client = connect();
    const auto memory = client->execute({.sql = "SELECT groupArray(number) FROM numbers(10000000)",
                                         .settings = {{"max_memory_usage", "1000000"}}});
    ASSERT_FALSE(memory.ok());
    EXPECT_EQ(memory.error().code(), ErrorCode::kClickHouseRetry) << memory.error().to_string();
    EXPECT_EQ(memory.error().foreign_code(), 241);
}

TEST_P(EveryDriver, refuses_a_wrong_password) {
    Endpoint wrong = endpoint();
    wrong.password += "x";
    const auto client = connect_to(wrong);
    ASSERT_FALSE(client.ok());
    EXPECT_EQ(client.error().code(), ErrorCode::kAuthenticationFailed);
    EXPECT_EQ(client.error().foreign_code(), 516);
    EXPECT_EQ(client.error().message().find(wrong.password), std::string::npos);
}

TEST_P(EveryDriver, passes_settings_and_refuses_unknown_ones) {
    const auto client = connect();
    auto block = select_all(*client, {.sql = "SELECT toUInt64(getSetting('max_threads'))",
                                      .settings = {{"max_threads", "3"}}});
    ASSERT_TRUE(block.ok()) << block.error().to_string();
    EXPECT_EQ(block->columns[0].column.fixed<uint64_t>(0), 3u);
    const auto unknown =
        client->execute({.sql = "SELECT 1", .settings = {{"no_such_setting", "1"}}});
    ASSERT_FALSE(unknown.ok());
    EXPECT_EQ(unknown.error().foreign_code(), 115) << unknown.error().to_string();
    EXPECT_EQ(number(*client, "4"), 4u);
}

TEST_P(EveryDriver, passes_parameters_as_they_are) {
    const auto client = connect();
    const std::string texts[] = {"",
                                 "plain",
                                 "it's",
                                 "a\\b\\N",
                                 "\\N",
                                 "tab\tand\nline\r",
                                 "üñí🙂",
                                 "{x:String}",
                                 "\"double\" `back`",
                                 std::string("nul\0in", 6),
                                 "%41&b=c+d",
                                 "'",
                                 "\\'"};
    for (const std::string& text : texts) {
        auto block = select_all(*client, {.sql = "SELECT {p:String}, {n:Nullable(String)}",
                                          .parameters = {{"p", text}, {"n", text}}});
        ASSERT_TRUE(block.ok()) << text << ": " << block.error().to_string();
        EXPECT_EQ(block->columns[0].column.string(0), text);
        EXPECT_FALSE(block->columns[1].column.is_null(0));
        EXPECT_EQ(block->columns[1].column.string(0), text);
    }
}

TEST_P(EveryDriver, passes_parameters_of_other_types) {
    const auto client = connect();
    auto block = select_all(
        *client,
        {.sql = "SELECT {n:Nullable(Int32)} IS NULL AND {i:Int64} = -5 AND {d:Date} = "
                "'2024-02-29' AND {a:Array(String)} = ['it\\'s', 'b\\\\c'] AND {f:Float64} "
                "= 0.5 AND {dec:Decimal(10, 2)} = toDecimal64('12.34', 2) AS ok",
         .parameters = {{"n", "", ParameterForm::kNull},
                        {"i", "-5"},
                        {"d", "2024-02-29"},
                        {"a", "['it\\'s', 'b\\\\c']", ParameterForm::kLiteral},
                        {"f", "0.5"},
                        {"dec", "12.34"}}});
    ASSERT_TRUE(block.ok()) << block.error().to_string();
    EXPECT_EQ(block->columns[0].column.fixed<uint8_t>(0), 1u);
}

TEST_P(EveryDriver, reads_external_tables) {
    const auto client = connect();
    Query query{.sql = "SELECT sum(id), max(name) FROM ext WHERE id IN (SELECT id FROM other)"};
    query.external_tables.push_back({"ext", sample_block(0, 100)});
    query.external_tables.push_back({"other", sample_block(90, 50)});
    auto block = select_all(*client, query);
    ASSERT_TRUE(block.ok()) << block.error().to_string();
    EXPECT_EQ(block->columns[0].column.fixed<uint64_t>(0), 945u);
    EXPECT_EQ(block->columns[1].column.string(0), "name 99");
}

TEST_P(EveryDriver, inserts_blocks_by_column_name) {
    const auto client = connect();
    const std::string table = fresh_table(*client);
    types::Block block = sample_block(0, 1000);
    EXPECT_TRUE(client->insert({.sql = "INSERT INTO " + table + " (id, name)"}, block).ok());
    std::swap(block.columns[0], block.columns[1]);
    const auto swapped = client->insert({.sql = "INSERT INTO " + table + " (id, name)"}, block);
    EXPECT_TRUE(swapped.ok()) << swapped.error().to_string();
    EXPECT_EQ(number(*client, "(SELECT count() FROM " + table + ")"), 2000u);
    EXPECT_EQ(number(*client,
                     "(SELECT countIf(name = concat('name ', toString(id))) FROM " + table + ")"),
              2000u);
}

TEST_P(EveryDriver, streams_an_insert_of_many_blocks) {
    const auto client = connect();
    const std::string table = fresh_table(*client);
    auto stream = client->begin_insert({.sql = "INSERT INTO " + table + " (id, name)"});
    ASSERT_TRUE(stream.ok()) << stream.error().to_string();
    for (uint64_t i = 0; i < 20; ++i)
        ASSERT_TRUE((*stream)->write(sample_block(i * 50000, 50000)).ok());
    const auto finished = (*stream)->finish();
    ASSERT_TRUE(finished.ok()) << finished.error().to_string();
    stream->reset();
    EXPECT_EQ(number(*client, "(SELECT count() FROM " + table + ")"), 1000000u);
    EXPECT_EQ(number(*client, "(SELECT sum(id) FROM " + table + ")"), 499999500000u);
}

TEST_P(EveryDriver, refuses_an_insert_that_does_not_fit) {
    const auto client = connect();
    const std::string table =
        fresh_table(*client, "id UInt64, name String, CONSTRAINT c CHECK id < 10");
    const auto missing =
        client->insert({.sql = "INSERT INTO no_such_table (id)"}, sample_block(0, 1));
    ASSERT_FALSE(missing.ok());
    EXPECT_EQ(missing.error().foreign_code(), 60) << missing.error().to_string();
    const auto violated =
        client->insert({.sql = "INSERT INTO " + table + " (id, name)"}, sample_block(0, 100));
    ASSERT_FALSE(violated.ok());
    EXPECT_EQ(violated.error().foreign_code(), 469) << violated.error().to_string();
    EXPECT_TRUE(
        client->insert({.sql = "INSERT INTO " + table + " (id, name)"}, sample_block(0, 5)).ok());
    EXPECT_EQ(number(*client, "(SELECT count() FROM " + table + ")"), 5u);
}

TEST_P(EveryDriver, checks_the_statement_of_an_insert_without_rows) {
    const auto client = connect();
    const std::string table = fresh_table(*client);
    EXPECT_TRUE(
        client->insert({.sql = "INSERT INTO " + table + " (id, name)"}, sample_block(0, 0)).ok());
    EXPECT_FALSE(
        client->insert({.sql = "INSERT INTO " + table + " (id, nome)"}, sample_block(0, 0)).ok());
}

TEST_P(EveryDriver, says_that_a_killed_query_may_be_tried_again) {
    const auto client = connect();
    const auto other = connect();
    Query query{.sql = "SELECT count() FROM system.numbers", .query_id = "kill_me"};
    query.query_id += GetParam().name;
    std::jthread killer([&] {
        // Until the query is there and its end was acknowledged.
        for (uint64_t killed = 0; killed == 0;) {
            auto block = select_all(*other, {.sql = "KILL QUERY WHERE query_id = {id:String} SYNC",
                                             .parameters = {{"id", query.query_id}}});
            if (!block.ok()) break;
            killed = block->rows();
        }
    });
    const auto status = client->execute(query);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code(), ErrorCode::kClickHouseRetry) << status.error().to_string();
    EXPECT_EQ(status.error().foreign_code(), 394);
}

TEST_P(EveryDriver, survives_an_insert_that_is_given_up) {
    const auto client = connect();
    const std::string table = fresh_table(*client);
    {
        auto stream = client->begin_insert({.sql = "INSERT INTO " + table + " (id, name)"});
        ASSERT_TRUE(stream.ok());
        ASSERT_TRUE((*stream)->write(sample_block(0, 10)).ok());
    }
    EXPECT_EQ(number(*client, "5"), 5u);
}

TEST_P(EveryDriver, stops_a_query_when_the_callback_fails) {
    const auto client = connect();
    int blocks = 0;
    const auto status =
        client->select({.sql = "SELECT number FROM system.numbers"}, [&](types::Block&&) -> Status {
            if (++blocks < 3) return {};
            return Error(ErrorCode::kInvalidArgument, "seen enough");
        });
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().message(), "seen enough");
    EXPECT_EQ(blocks, 3);
    EXPECT_EQ(number(*client, "6"), 6u);
}

TEST_P(EveryDriver, keeps_its_deadline) {
    const auto client = connect();
    const auto begin = std::chrono::steady_clock::now();
    const auto status = client->execute({.sql = "SELECT sleep(3)", .timeout = milliseconds(300)});
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code(), ErrorCode::kTimeout) << status.error().to_string();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(2500));
    EXPECT_EQ(number(*client, "7"), 7u);
}

TEST_P(EveryDriver, can_be_interrupted_from_another_thread) {
    const auto client = connect();
    std::jthread other([&] { client->interrupt(); });
    const auto status = client->execute({.sql = "SELECT count() FROM system.numbers"});
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code(), ErrorCode::kCancelled) << status.error().to_string();
    EXPECT_EQ(number(*client, "8"), 8u);
}

TEST_P(EveryDriver, reports_progress) {
    const auto client = connect();
    Progress last;
    Query query{.sql = "SELECT sum(number) FROM numbers(20000000)",
                .settings = {{"max_threads", "1"}}};
    if (GetParam().http) query.settings.push_back({"http_headers_progress_interval_ms", "1"});
    query.on_progress = [&](const Progress& progress) {
        EXPECT_GE(progress.rows_read, last.rows_read);
        last = progress;
    };
    ASSERT_TRUE(client->execute(query).ok());
    EXPECT_GT(last.rows_read, 0u);
}

TEST_P(EveryDriver, connects_again_after_a_loss) {
    Proxy proxy({.target_port = server_port()});
    const auto client = connect_through(proxy);
    EXPECT_EQ(number(*client, "1"), 1u);
    proxy.cut_all();
    // The loss may only show while the next query is under way; the one after it is served.
    (void)client->ping().ok();
    EXPECT_EQ(number(*client, "2"), 2u);
    EXPECT_GE(proxy.connections(), 2);
}

TEST_P(EveryDriver, survives_a_cut_after_any_number_of_bytes) {
    Proxy proxy({.target_port = server_port()});
    Endpoint to = endpoint();
    to.port = proxy.port();
    int failures = 0;
    for (int64_t bytes = 0; bytes < 60000; bytes += bytes < 700 ? 29 : 7001) {
        proxy.set_options({.target_port = server_port(), .cut_after_answer_bytes = bytes});
        auto client = connect_to(to);
        if (!client.ok()) {
            ++failures;
            continue;
        }
        const auto whole = select_all(
            **client, {.sql = "SELECT number, randomPrintableASCII(20) FROM numbers(5000)"});
        if (whole.ok()) {
            EXPECT_EQ(whole->rows(), 5000u);
            continue;
        }
        ++failures;
        EXPECT_TRUE(whole.error().code() == ErrorCode::kConnectionLost ||
                    whole.error().code() == ErrorCode::kConnectionFailed)
            << bytes << ": " << whole.error().to_string();
    }
    EXPECT_GT(failures, 10);
}

TEST_P(EveryDriver, says_when_an_insert_was_cut) {
    Proxy proxy({.target_port = server_port()});
    auto direct = connect();
    const std::string table = fresh_table(*direct);
    const auto client = connect_through(proxy);
    client->close();
    proxy.set_options({.target_port = server_port(), .cut_after_request_bytes = 20000});
    const auto status =
        client->insert({.sql = "INSERT INTO " + table + " (id, name)"}, sample_block(0, 100000));
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code(), ErrorCode::kConnectionLost) << status.error().to_string();
    proxy.set_options({.target_port = server_port()});
    EXPECT_TRUE(
        client->insert({.sql = "INSERT INTO " + table + " (id, name)"}, sample_block(0, 10)).ok());
}

TEST_P(EveryDriver, times_out_when_the_server_falls_silent) {
    Proxy proxy({.target_port = server_port()});
    const auto client = connect_through(proxy);
    client->close();
    proxy.set_options({.target_port = server_port(), .stall_after_answer_bytes = 20000});
    const auto status = client->execute(
        {.sql = "SELECT number FROM numbers(1000000)", .timeout = milliseconds(500)});
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code(), ErrorCode::kTimeout) << status.error().to_string();
}

TEST_P(EveryDriver, fails_to_connect_where_nobody_listens) {
    uint16_t port = 0;
    {
        Proxy gone({.target_port = 1});
        port = gone.port();
    }
    Endpoint to = endpoint();
    to.port = port;
    const auto client = connect_to(to);
    ASSERT_FALSE(client.ok());
    EXPECT_EQ(client.error().code(), ErrorCode::kConnectionFailed) << client.error().to_string();
}

TEST_P(EveryDriver, fails_in_time_at_the_wrong_port) {
    Endpoint to = endpoint();
    to.port = GetParam().http ? server().native_port() : server().http_port();
    ClientOptions hasty = options();
    hasty.connect_timeout = milliseconds(500);
    const auto client = GetParam().http ? connect_http(to, hasty) : connect_native(to, hasty);
    ASSERT_FALSE(client.ok());
    // An HTTP server waits for the end of what it takes for a request line.
    const ErrorCode code = client.error().code();
    EXPECT_TRUE(code == ErrorCode::kProtocolViolation || code == ErrorCode::kConnectionLost ||
                code == ErrorCode::kTimeout)
        << client.error().to_string();
}

TEST_P(EveryDriver, speaks_tls_and_checks_the_certificate) {
    Proxy proxy({.target_port = server_port(), .tls = true});
    Endpoint to = endpoint();
    to.port = proxy.port();
    to.secure = true;

    const auto unknown = connect_to(to);
    ASSERT_FALSE(unknown.ok());
    EXPECT_EQ(unknown.error().code(), ErrorCode::kTlsFailed) << unknown.error().to_string();

    to.tls.ca_file = proxy.certificate_file();
    const auto other_name = connect_to(to);
    ASSERT_FALSE(other_name.ok());  // the certificate is for localhost, not for 127.0.0.1
    EXPECT_EQ(other_name.error().code(), ErrorCode::kTlsFailed);

    to.tls.server_name = "localhost";
    auto client = connect_to(to);
    ASSERT_TRUE(client.ok()) << client.error().to_string();
    auto block = select_all(**client, {.sql = "SELECT number FROM numbers(500000)"});
    ASSERT_TRUE(block.ok()) << block.error().to_string();
    EXPECT_EQ(block->rows(), 500000u);
    const std::string table = fresh_table(**client);
    EXPECT_TRUE(
        (*client)
            ->insert({.sql = "INSERT INTO " + table + " (id, name)"}, sample_block(0, 200000))
            .ok());

    to.tls = {.verify = false};
    EXPECT_TRUE(connect_to(to).ok());
}

TEST_P(EveryDriver, says_when_the_other_side_does_not_speak_tls) {
    Endpoint to = endpoint();
    to.secure = true;
    const auto client = connect_to(to);
    ASSERT_FALSE(client.ok());
    EXPECT_TRUE(client.error().code() == ErrorCode::kTlsFailed ||
                client.error().code() == ErrorCode::kConnectionLost)
        << client.error().to_string();
}

TEST(native_revisions, every_revision_from_the_oldest_on_works) {
    for (const uint64_t revision :
         {54400u, 54401u, 54412u, 54420u, 54428u, 54429u, 54441u, 54442u, 54448u, 54449u,
          54451u, 54453u, 54454u, 54458u, 54459u, 54460u, 54461u, 54462u, 54463u, 54464u,
          54465u, 54469u, 54470u, 54471u, 54472u, 54473u, 54474u, 54475u, 54476u, 54477u,
          54479u, 54480u, 54481u, 54482u, 54483u, 54484u, 54485u, 54486u, 54487u, 54488u}) {
        const Endpoint to{.host = server().host(),
                          .port = server().native_port(),
                          .user = server().user(),
                          .password = server().password()};
        auto client = connect_native(to, {.revision_max = revision});
        ASSERT_TRUE(client.ok()) << revision << ": " << client.error().to_string();
        EXPECT_EQ((*client)->server().revision, revision);
        const std::string table = fresh_table(**client);
        const auto inserted = (*client)->insert(
            {.sql = "INSERT INTO " + table + " (id, name)", .settings = {{"max_threads", "1"}}},
            sample_block(0, 1000));
        ASSERT_TRUE(inserted.ok()) << revision << ": " << inserted.error().to_string();
        auto rows =
            select_all(**client, {.sql = "SELECT id, name FROM " + table + " ORDER BY id",
                                  .settings = {{"send_logs_level", "trace"}, {"extremes", "1"}}});
        ASSERT_TRUE(rows.ok()) << revision << ": " << rows.error().to_string();
        ASSERT_EQ(rows->rows(), 1000u) << revision;
        EXPECT_EQ(rows->columns[1].column.string(999), "name 999");
        EXPECT_EQ((*client)->execute({.sql = "SELECT throwIf(1)"}).error().foreign_code(), 395);
        EXPECT_TRUE((*client)->ping().ok()) << revision;
    }
}

}  // namespace
}  // namespace tandem::clickhouse
