// tandem top and tandem diff, run as a user runs them, against what was just executed.
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "integration/telemetry/telemetry_fixture.h"
#include "stack/machine/process.h"

namespace tandem::telemetry_test {
namespace {

using nlohmann::json;

class TelemetryCommands : public TelemetryTest {
  protected:
    static std::vector<std::string> words(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), TANDEM_BINARY);
        for (const std::string& more : {std::string("--postgres"), servers.postgres->conninfo(),
                                        std::string("--data"), servers.directory->path() + "/none"})
            arguments.push_back(more);
        return arguments;
    }
    static Result<std::string> command(std::vector<std::string> arguments) {
        return stack::run_program({.arguments = words(std::move(arguments))},
                                  std::chrono::seconds(60));
    }
    static json answer(std::vector<std::string> arguments) {
        arguments.emplace_back("--json");
        auto output = command(std::move(arguments));
        EXPECT_TRUE(output.ok()) << output.error().to_string();
        return output.ok() ? json::parse(*output, nullptr, false) : json();
    }
    static void say(const std::string& sql, int count) {
        for (int i = 0; i < count; ++i) run(sql);
    }
    // The row of the query whose text has `part`.
    static json row_of(const json& rows, const std::string& part) {
        for (const json& row : rows)
            if (row["query"].get<std::string>().find(part) != std::string::npos) return row;
        return {};
    }
};

TEST_F(TelemetryCommands, top_shows_what_ran_in_the_order_asked_for) {
    run("CREATE TABLE top_rows AS SELECT g FROM generate_series(1, 5000) g");
    say("SELECT g AS top_many FROM top_rows", 3);
    say("SELECT 'top_often'", 40);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(failure_of("SELECT 1 / 0 AS top_wrong"), "22012");
    wait_until_stored();
    json rows = answer({"top", "--since", "1h", "--limit", "500"});
    json many = row_of(rows, "top_many");
    ASSERT_TRUE(many.is_object()) << rows.dump(1);
    EXPECT_EQ(many["calls"], 3);
    EXPECT_EQ(many["rows"], 15000);
    EXPECT_EQ(many["errors"], 0);
    EXPECT_EQ(many["database"], "postgres");
    EXPECT_GT(many["total_ms"], 0);
    EXPECT_EQ(answer({"top", "--since", "1h", "--sort", "rows"})[0]["query_id"], many["query_id"]);
    json wrong = answer({"top", "--since", "1h", "--sort", "errors"})[0];
    EXPECT_EQ(wrong["errors"], 5) << wrong.dump();
    EXPECT_EQ(wrong["calls"], 5);
    EXPECT_GE(answer({"top", "--since", "1h", "--sort", "calls"})[0]["calls"], 40);
    EXPECT_EQ(answer({"top", "--since", "1h", "--database", "nowhere"}), json::array());
    auto table = command({"top", "--since", "1h", "--sort", "rows"});
    ASSERT_TRUE(table.ok()) << table.error().to_string();
    EXPECT_NE(table->find("query id"), std::string::npos) << *table;
    EXPECT_NE(table->find("SELECT g AS top_many FROM top_rows"), std::string::npos) << *table;
}

TEST_F(TelemetryCommands, top_sums_a_long_time_out_of_the_roll_up) {
    say("SELECT 'rolled', 1, 'up'", 7);
    wait_until_stored();
    json recent = row_of(answer({"top", "--since", "1h", "--limit", "900"}), "SELECT $1, $2, $3");
    json rolled = row_of(answer({"top", "--since", "7d", "--limit", "900"}), "SELECT $1, $2, $3");
    ASSERT_TRUE(recent.is_object() && rolled.is_object());
    for (const char* name : {"calls", "errors", "rows", "total_ms", "max_ms", "routed"})
        EXPECT_EQ(recent[name], rolled[name]) << name;
    EXPECT_EQ(command({"top", "--since", "7d"})->find("the last 7d, by total; in steps"), 0);
}

TEST_F(TelemetryCommands, top_leaves_out_what_runs_inside_unless_asked) {
    run("CREATE FUNCTION top_outer() RETURNS int LANGUAGE plpgsql AS $$ BEGIN "
        "PERFORM 'top_inner' || g FROM generate_series(1, 2) g; RETURN 1; END $$");
    run("SELECT top_outer()");
    wait_until_stored();
    const std::string inner = "|| g FROM generate_series";
    EXPECT_TRUE(row_of(answer({"top", "--since", "1h", "--limit", "900"}), inner).is_null());
    json seen = answer({"top", "--since", "1h", "--limit", "900", "--nested"});
    EXPECT_EQ(row_of(seen, inner)["calls"], 1) << seen.dump(1);
}

TEST_F(TelemetryCommands, one_query_is_shown_in_every_respect) {
    run("CREATE TABLE drill (id int PRIMARY KEY)");
    for (int i = 0; i < 3; ++i) run("INSERT INTO drill VALUES (" + std::to_string(i) + ")");
    for (int i = 0; i < 2; ++i) EXPECT_EQ(failure_of("INSERT INTO drill VALUES (1)"), "23505");
    ASSERT_TRUE(connect("postgres", "other")->execute("INSERT INTO drill VALUES (9)").ok());
    wait_until_stored();
    const std::string id = stored(
        "SELECT any(query_id) FROM tandem_telemetry.query_texts WHERE text LIKE "
        "'INSERT INTO drill VALUES%'");
    json seen = answer({"top", "--since", "1h", "--query", id});
    EXPECT_EQ(seen["query"], "INSERT INTO drill VALUES ($1)");
    EXPECT_EQ(seen["databases"][0]["calls"], 6);
    EXPECT_EQ(seen["errors"][0]["sqlstate"], "23505");
    EXPECT_EQ(seen["errors"][0]["times"], 2);
    double calls = 0;
    for (const json& slot : seen["latency"]) calls += slot["calls"].get<double>();
    EXPECT_EQ(calls, 6);
    ASSERT_EQ(seen["applications"].size(), 2) << seen.dump(1);
    for (const json& row : seen["applications"])
        EXPECT_EQ(row["calls"], row["application"] == "other" ? 1 : 5);
    auto text = command({"top", "--since", "1h", "--query", id});
    for (const char* part : {"latency over time", "by application", "23505"})
        EXPECT_NE(text->find(part), std::string::npos) << *text;
    EXPECT_NE(command({"top", "--query", "1234"}).error().message().find("did not run"),
              std::string::npos);
    EXPECT_FALSE(command({"top", "--query", "SELECT"}).ok());
}

TEST_F(TelemetryCommands, top_is_live_on_a_terminal_and_gives_it_back) {
    run("SELECT 'live'");
    wait_until_stored();
    std::vector<std::string> arguments = words({"top", "--since", "1h"});
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    winsize size = {.ws_row = 24, .ws_col = 100, .ws_xpixel = 0, .ws_ypixel = 0};
    int terminal = -1;
    pid_t pid = forkpty(&terminal, nullptr, nullptr, &size);
    if (pid == 0) {
        execv(argv[0], argv.data());
        _exit(127);
    }
    std::string shown;
    auto read_until = [&](const std::string& part) {
        char buffer[4096];
        while (shown.find(part) == std::string::npos) {
            ssize_t got = read(terminal, buffer, sizeof buffer);
            if (got <= 0) return false;
            shown.append(buffer, static_cast<size_t>(got));
        }
        return true;
    };
    EXPECT_TRUE(read_until("the last 1h, by total")) << shown;
    EXPECT_EQ(write(terminal, "c", 1), 1);
    EXPECT_TRUE(read_until("the last 1h, by calls")) << shown;
    EXPECT_EQ(write(terminal, "q", 1), 1);
    EXPECT_TRUE(read_until("\x1b[?1049l")) << shown;
    int status = 0;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    close(terminal);
}

TEST_F(TelemetryCommands, diff_names_what_is_new_gone_slower_more_frequent_and_failing) {
    wait_until_stored();
    // Events of nobody, one and three hours ago.
    const std::string cluster = ask("SELECT system_identifier FROM pg_control_system()");
    auto put = [&](int hours_ago, int id, int count, int us, const std::string& sqlstate) {
        const std::string sql =
            "INSERT INTO tandem_telemetry.events_raw (ts, system_id, database, query_id, "
            "operation, weight, duration_us, sqlstate) SELECT now() - INTERVAL " +
            std::to_string(hours_ago) + " HOUR, " + cluster + ", 'diffed', " + std::to_string(id) +
            ", 'SELECT', 1, " + std::to_string(us) + ", '" + sqlstate + "' FROM numbers(" +
            std::to_string(count) + ")";
        ASSERT_TRUE(client->execute({.sql = sql}).ok());
    };
    put(3, 1, 30, 1000, "");  // the same
    put(1, 1, 30, 1000, "");
    put(3, 2, 30, 1000, "");  // gone
    put(1, 3, 30, 1000, "");  // new
    put(3, 4, 30, 1000, "");  // slower
    put(1, 4, 30, 9000, "");
    put(3, 5, 30, 1000, "");  // more frequent
    put(1, 5, 90, 1000, "");
    put(3, 6, 30, 1000, "");  // failing
    put(1, 6, 25, 1000, "");
    put(1, 6, 5, 1000, "40P01");
    json seen = answer(
        {"diff", "--from", "4h..2h", "--to", "2h", "--length", "2h", "--database", "diffed"});
    std::map<std::string, std::string> changes;
    for (const json& row : seen["queries"])
        changes[row["query_id"].get<std::string>()] = row["changes"].dump();
    EXPECT_EQ(changes, (std::map<std::string, std::string>{{"2", R"(["gone"])"},
                                                           {"3", R"(["new"])"},
                                                           {"4", R"(["slower"])"},
                                                           {"5", R"(["more_frequent"])"},
                                                           {"6", R"(["failing"])"}}))
        << seen.dump(1);
    EXPECT_EQ(seen["from"]["end"], seen["to"]["begin"]);
    auto text = command({"diff", "--from", "4h..2h", "--to", "2h..now", "--database", "diffed"});
    EXPECT_NE(text->find("more frequent"), std::string::npos) << *text;
    auto same = command({"diff", "--from", "4h..2h", "--to", "4h..2h", "--database", "diffed"});
    EXPECT_NE(same->find("nothing changed"), std::string::npos) << *same;
    EXPECT_FALSE(command({"diff", "--from", "1h..2h", "--to", "now"}).ok());
}

// The last: what they read is taken away.
TEST_F(TelemetryCommands, zz_without_events_they_say_what_is_missing) {
    ask("ALTER SYSTEM SET tandem.telemetry = off");
    ask("SELECT pg_reload_conf()");
    connection.reset();
    wait_until_stored();
    ASSERT_TRUE(client->execute({.sql = "TRUNCATE TABLE tandem_telemetry.events_raw"}).ok());
    std::string said = command({"top"}).error().message();
    EXPECT_NE(said.find("no event of this Postgres"), std::string::npos) << said;
    EXPECT_NE(said.find("tandem.telemetry = on"), std::string::npos) << said;
    ASSERT_TRUE(client->execute({.sql = "DROP DATABASE tandem_telemetry SYNC"}).ok());
    said = command({"diff", "--from", "2h", "--to", "1h", "--json"}).error().message();
    EXPECT_NE(said.find("telemetry_missing"), std::string::npos) << said;
    EXPECT_NE(said.find("ClickHouse has no telemetry"), std::string::npos) << said;
}

}  // namespace
}  // namespace tandem::telemetry_test
