// Attached as an operator would: a role that is no superuser and owns nothing, on a server that
// belongs to somebody else. What `doctor` and errors give to paste is pasted, and must suffice.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/back_off.h"
#include "postgres/client/connection.h"
#include "stack/machine/process.h"
#include "support/servers.h"

namespace tandem::test {
namespace {

using nlohmann::json;
using test_support::TestClickHouse;
using test_support::TestDirectory;
using test_support::TestPostgres;

constexpr std::chrono::minutes kPatience(2);

struct Outcome {
    bool ok = false;
    std::string output;  // both streams
};

class AttachTest : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        auto clickhouse = TestClickHouse::start();
        ASSERT_TRUE(clickhouse.ok()) << clickhouse.error().to_string();
        clickhouse_ = std::move(*clickhouse);
    }
    static void TearDownTestSuite() { clickhouse_.reset(); }

    void SetUp() override {
        auto postgres = TestPostgres::start();
        ASSERT_TRUE(postgres.ok()) << postgres.error().to_string();
        postgres_ = std::move(*postgres);
        auto directory = TestDirectory::create();
        ASSERT_TRUE(directory.ok());
        directory_ = std::move(*directory);
        as_superuser("CREATE ROLE app LOGIN PASSWORD 'secret'", "postgres");
        as_superuser("CREATE ROLE shop_owner", "postgres");
        as_superuser("CREATE DATABASE shop", "postgres");
        as_superuser(
            "CREATE TABLE orders (id bigint PRIMARY KEY, total numeric(12, 2)); "
            "INSERT INTO orders SELECT i, i FROM generate_series(1, 500) i; "
            "CREATE TABLE \"Odd name\" (id int PRIMARY KEY); "
            "ALTER TABLE orders OWNER TO shop_owner; ALTER TABLE \"Odd name\" OWNER TO shop_owner; "
            "REVOKE ALL ON SCHEMA public FROM public");
    }
    void TearDown() override { run({"down"}); }

    void as_superuser(const std::string& sql, const std::string& database = "shop") {
        postgres::ConnectOptions options;
        options.conninfo = postgres_->conninfo(database);
        options.pinned_search_path = false;
        auto connection = postgres::Connection::open(options);
        ASSERT_TRUE(connection.ok()) << connection.error().to_string();
        Status done = connection->execute(sql);
        ASSERT_TRUE(done.ok()) << sql << ": " << done.error().to_string();
    }

    std::string value(const std::string& sql) {
        postgres::ConnectOptions options;
        options.conninfo = postgres_->conninfo("shop");
        auto connection = postgres::Connection::open(options);
        auto rows = connection.ok() ? connection->query(sql)
                                    : Result<postgres::QueryResult>(connection.error());
        if (!rows.ok()) return rows.error().to_string();
        return rows->rows() == 0 ? "" : rows->text(0, 0);
    }

    Outcome run(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), TANDEM_BINARY);
        arguments.insert(arguments.end(), {"--data", directory_->path() + "/data"});
        auto output = stack::run_program(
            {.arguments = arguments,
             .environment = {{"TANDEM_POSTGRES", "postgresql://app:secret@127.0.0.1:" +
                                                     std::to_string(postgres_->port()) + "/shop"},
                             {"TANDEM_CLICKHOUSE",
                              "clickhouse://" + clickhouse_->user() +
                                  "@127.0.0.1:" + std::to_string(clickhouse_->native_port()) +
                                  "/?http_port=" + std::to_string(clickhouse_->http_port())},
                             {"TANDEM_CLICKHOUSE_PASSWORD", clickhouse_->password()}}},
            kPatience);
        return {output.ok(), output.ok() ? *output : output.error().message()};
    }

    // What doctor finds wrong: check → fix.
    std::map<std::string, std::string> failures() {
        Outcome doctor = run({"doctor", "--json", "--mirror", "shop"});
        std::map<std::string, std::string> found;
        size_t begin = doctor.output.find("[\n");
        size_t end = doctor.output.rfind("\n]");
        if (begin == std::string::npos || end == std::string::npos)
            return {{"doctor", doctor.output}};
        json checks = json::parse(doctor.output.substr(begin, end + 2 - begin), nullptr, false);
        for (const json& check : checks)
            if (check["outcome"] == "failed") found[check["check"]] = check["fix"];
        return found;
    }

    // The statements of an advice: those of a way that begin with `first`, or all after ": ".
    static std::string statements(const std::string& fix, const std::string& first = {}) {
        size_t at = first.empty() ? fix.find(": ") + 2 : fix.find(first);
        if (at == std::string::npos) return fix;
        return fix.substr(at, fix.find('\n', at) - at);
    }

    // Follows doctor for everything but the publication.
    void grant_rights() {
        for (const auto& [check, fix] : failures()) {
            if (check == "publication") continue;
            std::string sql = statements(fix);
            as_superuser(sql.substr(0, sql.find("(on RDS")));
        }
    }

    static std::unique_ptr<TestClickHouse> clickhouse_;
    std::unique_ptr<TestPostgres> postgres_;
    std::unique_ptr<TestDirectory> directory_;
};

std::unique_ptr<TestClickHouse> AttachTest::clickhouse_;

class WayToPublish : public AttachTest, public testing::WithParamInterface<const char*> {};

TEST_P(WayToPublish, of_doctor_suffices) {
    EXPECT_EQ(failures().size(), 4u);  // rights, schema, select, publication
    grant_rights();
    auto left = failures();
    ASSERT_EQ(left.size(), 1u);
    as_superuser(statements(left["publication"], GetParam()));
    for (const auto& [check, fix] : failures()) ADD_FAILURE() << check << ": " << fix;
    Outcome up = run({"up"});
    ASSERT_TRUE(up.ok) << up.output;
    Outcome created = run({"mirror", "create", "shop", "--table", "public.*"});
    ASSERT_TRUE(created.ok) << created.output;
    EXPECT_EQ(value("SELECT sum(rows_loaded) FROM tandem.mirror_tables"), "500");
    as_superuser("INSERT INTO orders VALUES (501, 1)");
    Outcome verified = run({"verify", "shop"});
    EXPECT_TRUE(verified.ok) << verified.output;
    Outcome dropped = run({"mirror", "drop", "shop"});
    EXPECT_TRUE(dropped.ok) << dropped.output;
    EXPECT_EQ(value("SELECT count(*) FROM pg_replication_slots"), "0");
    // Somebody else's publication is not ours to drop; ours is, when the owner's rights were lent.
    EXPECT_EQ(value("SELECT count(*) FROM pg_publication"),
              std::string(GetParam()).starts_with("GRANT") ? "0" : "1");
    Outcome again = run({"mirror", "create", "shop", "--table", "public.orders"});
    EXPECT_TRUE(again.ok) << again.output;
}

INSTANTIATE_TEST_SUITE_P(each, WayToPublish,
                         testing::Values("CREATE PUBLICATION tandem_shop FOR TABLE ONLY",
                                         "GRANT shop_owner",
                                         "CREATE PUBLICATION tandem_shop FOR TABLES IN SCHEMA"));

TEST_F(AttachTest, tells_each_way_to_publish_when_none_was_taken) {
    grant_rights();
    ASSERT_TRUE(run({"up"}).ok);
    Outcome created = run({"mirror", "create", "shop", "--table", "public.orders"});
    EXPECT_FALSE(created.ok);
    for (const char* part :
         {"FOR TABLE ONLY public.orders", "GRANT shop_owner TO app;", "[source_unfit]"})
        EXPECT_NE(created.output.find(part), std::string::npos) << created.output;
    as_superuser(statements(created.output, "GRANT shop_owner"));
    Outcome resumed = run({"mirror", "resume", "shop"});
    ASSERT_TRUE(resumed.ok) << resumed.output;
    EXPECT_EQ(value("SELECT tandem.wait_until_live('shop', '30s')"), "t");
}

// Needs the extension where Postgres looks for it, as `make test` sees to.
TEST_F(AttachTest, goes_on_where_the_extension_was_created_first) {
    as_superuser("CREATE EXTENSION tandem; ALTER ROLE app REPLICATION");
    as_superuser(
        "GRANT CREATE ON DATABASE shop TO app; GRANT shop_owner TO app; "
        "GRANT USAGE ON SCHEMA public TO app");
    auto left = failures();
    ASSERT_EQ(left.size(), 1u);
    as_superuser(statements(left["schema"], "ALTER SCHEMA"));
    Outcome up = run({"up"});
    EXPECT_TRUE(up.ok) << up.output;
}

TEST_F(AttachTest, shows_what_became_of_tables_within_a_hundred_columns) {
    grant_rights();
    as_superuser("GRANT shop_owner TO app");
    ASSERT_TRUE(run({"up"}).ok);
    Outcome created = run({"mirror", "create", "shop", "-t", "public.orders", "-t", "public.Odd*"});
    ASSERT_TRUE(created.ok) << created.output;
    as_superuser("DROP TABLE \"Odd name\"");
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    std::string state_sql = "SELECT state FROM tandem.mirror_tables WHERE table_name = 'Odd name'";
    while (value(state_sql) != "dropped" && std::chrono::steady_clock::now() < deadline)
        back_off(std::chrono::milliseconds(50));
    EXPECT_EQ(value(state_sql), "dropped");
    Outcome shown = run({"mirror", "show", "shop"});
    for (const std::string& text : {created.output, shown.output})
        for (size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
            size_t end = std::min(text.find('\n', at), text.size());
            EXPECT_LE(end - at, 100u) << text.substr(at, end - at);
            if (end == text.size()) break;
        }
    EXPECT_EQ(created.output.find("error"), std::string::npos) << created.output;
}

// As systemd runs it: told where to say that it is ready, with credentials in files.
class ServiceTest : public AttachTest {
  protected:
    void SetUp() override {
        AttachTest::SetUp();
        as_superuser(
            "ALTER ROLE app REPLICATION; GRANT CREATE ON DATABASE shop TO app; GRANT shop_owner TO "
            "app; GRANT USAGE ON SCHEMA public TO app");
        home_ = directory_->path();
        write("credentials/tandem_postgres_password", "secret\n");
        write("credentials/tandem_clickhouse_password", clickhouse_->password() + "\n");
        configure("info");
        socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        sockaddr_un address = {};
        address.sun_family = AF_UNIX;
        std::string path = home_ + "/notify";
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        ASSERT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        timeval patience = {30, 0};
        setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }
    void TearDown() override {
        if (pid_ > 0) stack::stop_child(pid_, SIGKILL, std::chrono::seconds(5));
        close(socket_);
    }

    void write(const std::string& name, const std::string& text) {
        std::filesystem::create_directories(
            std::filesystem::path(home_ + "/" + name).parent_path());
        std::ofstream(home_ + "/" + name) << text;
    }
    void configure(const std::string& level) {
        write(
            "tandem.toml",
            "[postgres]\nurl = \"postgresql://app@127.0.0.1:" + std::to_string(postgres_->port()) +
                "/shop\"\n[clickhouse]\nurl = \"clickhouse://" + clickhouse_->user() +
                "@127.0.0.1:" + std::to_string(clickhouse_->native_port()) +
                "/\"\n[log]\nlevel = \"" + level + "\"\n");
    }
    void start() {
        auto pid = stack::spawn({.arguments = {TANDEM_DAEMON, "--config", home_ + "/tandem.toml"},
                                 .environment = {{"NOTIFY_SOCKET", home_ + "/notify"},
                                                 {"CREDENTIALS_DIRECTORY", home_ + "/credentials"},
                                                 {"JOURNAL_STREAM", "1:1"}},
                                 .death_signal = SIGKILL,
                                 .output_path = home_ + "/log"});
        ASSERT_TRUE(pid.ok()) << pid.error().to_string();
        pid_ = *pid;
    }
    std::string notified() {
        char text[256];
        ssize_t size = recv(socket_, text, sizeof text, 0);
        return size > 0 ? std::string(text, static_cast<size_t>(size)) : "nothing";
    }
    std::string log() {
        std::ifstream file(home_ + "/log");
        return std::string(std::istreambuf_iterator<char>(file), {});
    }

    std::string home_;
    int socket_ = -1;
    pid_t pid_ = -1;
};

TEST_F(ServiceTest, says_when_it_is_ready_reloads_and_stops) {
    start();
    ASSERT_EQ(notified(), "READY=1") << log();
    Outcome created = run({"mirror", "create", "shop", "--table", "public.orders"});
    ASSERT_TRUE(created.ok) << created.output;
    // Wrong settings change nothing, right ones are gone on with.
    configure("loud");
    kill(pid_, SIGHUP);
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (log().find("<3>daemon: the settings stay") == std::string::npos &&
           std::chrono::steady_clock::now() < deadline)
        back_off(std::chrono::milliseconds(20));
    EXPECT_NE(log().find("log.level must be one of"), std::string::npos) << log();
    configure("debug");
    kill(pid_, SIGHUP);
    EXPECT_EQ(notified(), "RELOADING=1");
    EXPECT_EQ(notified(), "READY=1");
    as_superuser("INSERT INTO orders VALUES (501, 1)");
    EXPECT_EQ(value("SELECT tandem.wait_for('shop')"), "t") << log();
    kill(pid_, SIGTERM);
    EXPECT_EQ(notified(), "STOPPING=1");
    EXPECT_EQ(stack::stop_child(pid_, SIGTERM, std::chrono::seconds(30)), 0);
    pid_ = -1;
    EXPECT_EQ(log().find("secret"), std::string::npos);
    EXPECT_NE(log().find("<6>daemon: ready"), std::string::npos);
}

TEST_F(ServiceTest, names_what_its_settings_lack) {
    write("tandem.toml", "[postgres]\nurl = \"postgresql://app@127.0.0.1/shop\"\n");
    auto ended = stack::run_program(
        {.arguments = {TANDEM_DAEMON, "--config", home_ + "/tandem.toml"}}, kPatience);
    ASSERT_FALSE(ended.ok());
    EXPECT_NE(ended.error().message().find("code 78"), std::string::npos);
    EXPECT_NE(ended.error().message().find("lacks clickhouse.url"), std::string::npos);
}

}  // namespace
}  // namespace tandem::test
