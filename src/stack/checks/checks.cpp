#include "stack/checks/checks.h"

#include <charconv>
#include <filesystem>

#include "postgres/client/connection.h"
#include "stack/clickhouse/clickhouse_http.h"
#include "stack/clickhouse/clickhouse_server.h"
#include "stack/machine/files.h"
#include "stack/postgres/postgres_server.h"

namespace tandem::stack {
namespace {

using Outcome = Check::Outcome;

constexpr uint64_t kGibibyte = uint64_t{1} << 30;
constexpr int kClickHouseMajorMin = 24;

std::string in_gib(uint64_t bytes) {
    std::string tenths = std::to_string(bytes * 10 / kGibibyte);
    if (tenths.size() < 2) tenths.insert(0, "0");
    return tenths.insert(tenths.size() - 1, ".") + " GiB";
}

// The part of a Postgres check that needs no more than one query: a text and a verdict.
struct Question {
    const char* name;
    const char* sql;  // columns: found text, good boolean
    Outcome if_bad;
    const char* fix;
};

constexpr Question kQuestions[] = {
    {"wal_level", "SELECT current_setting('wal_level'), current_setting('wal_level') = 'logical'",
     Outcome::failed,
     "Run ALTER SYSTEM SET wal_level = 'logical' and restart Postgres (on a managed service, set "
     "the parameter that its manual names, e.g. rds.logical_replication = 1)."},
    {"rights",
     "SELECT 'user ' || current_user || CASE WHEN rolsuper THEN ' is superuser' WHEN "
     "rolreplication THEN ' may replicate' ELSE ' may not replicate' END, rolsuper OR "
     "rolreplication FROM pg_roles WHERE rolname = current_user",
     Outcome::failed,
     "Run ALTER ROLE <user> REPLICATION as a superuser (on RDS: GRANT rds_replication TO <user>)."},
    {"create_schema",
     "SELECT CASE WHEN n IS NOT NULL THEN 'schema tandem exists' ELSE 'database ' || "
     "current_database() END, n IS NOT NULL OR has_database_privilege(current_database(), "
     "'CREATE') FROM (SELECT to_regnamespace('tandem') AS n) AS s",
     Outcome::failed, "Run GRANT CREATE ON DATABASE <database> TO <user>."},
    {"replication_slots",
     "SELECT used || ' of ' || max || ' replication slots are in use', used < max FROM (SELECT "
     "(SELECT count(*) FROM pg_replication_slots) AS used, "
     "current_setting('max_replication_slots')::int AS max) AS s",
     Outcome::failed,
     "Run ALTER SYSTEM SET max_replication_slots = <more> and restart Postgres, or drop a slot "
     "that nobody reads: SELECT pg_drop_replication_slot(...)."},
    {"wal_senders",
     "SELECT used || ' of ' || max || ' WAL senders are in use', used < max FROM (SELECT (SELECT "
     "count(*) FROM pg_stat_replication) AS used, current_setting('max_wal_senders')::int AS max) "
     "AS s",
     Outcome::failed, "Run ALTER SYSTEM SET max_wal_senders = <more> and restart Postgres."},
    {"primary",
     "SELECT CASE WHEN pg_is_in_recovery() THEN 'a standby' ELSE 'a primary' END, NOT "
     "pg_is_in_recovery()",
     Outcome::failed, "Give the URL of the primary."},
    {"encoding",
     "SELECT 'database encoding is ' || current_setting('server_encoding'), "
     "current_setting('server_encoding') = 'UTF8'",
     Outcome::failed,
     "Use a database with encoding UTF8: ClickHouse's strings are compared as it."},
    {"slot_wal_limit",
     "SELECT 'max_slot_wal_keep_size is ' || current_setting('max_slot_wal_keep_size'), "
     "current_setting('max_slot_wal_keep_size') <> '-1'",
     Outcome::warning,
     "Consider ALTER SYSTEM SET max_slot_wal_keep_size = '50GB': without a limit, a long outage of "
     "the daemon can fill the disk of this Postgres."},
    {"extension",
     "SELECT CASE WHEN count(*) > 0 THEN 'extension tandem is available' ELSE 'extension tandem is "
     "not installed' END, count(*) > 0 FROM pg_available_extensions WHERE name = 'tandem'",
     Outcome::warning,
     "Run `make install` on the server's machine to route queries; mirroring works without it."},
    {"preload",
     "SELECT 'shared_preload_libraries is ''' || current_setting('shared_preload_libraries') || "
     "'''', current_setting('shared_preload_libraries') ~ '(^|[ ,])\"?tandem\"?($|[ ,])'",
     Outcome::warning,
     "Add tandem to shared_preload_libraries and restart Postgres, so that every session can "
     "route queries; without it a session has to run LOAD 'tandem' first."},
};

Check ask(postgres::Connection& connection, const Question& question) {
    Result<postgres::QueryResult> result = connection.query(question.sql);
    if (!result.ok())
        return {question.name, Outcome::warning, result.error().message(),
                "Allow this user to read the catalog, or check by hand."};
    Check check{question.name, Outcome::ok, result->text(0, 0)};
    Result<bool> good = result->boolean(0, 1);
    if (good.ok() && *good) return check;
    check.outcome = question.if_bad;
    check.fix = question.fix;
    return check;
}

Check check_version(const postgres::Connection& connection) {
    int major = connection.server_version() / 10000;
    Check check{"postgres_version", Outcome::ok, "Postgres " + std::to_string(major)};
    if (major >= kPostgresMajorMin) return check;
    check.outcome = Outcome::failed;
    check.fix = "Upgrade to Postgres " + std::to_string(kPostgresMajorMin) + " or later.";
    return check;
}

Check from_error(const char* name, const Error& error) {
    return {name, Outcome::failed, error.message(), std::string(error.info().advice)};
}

}  // namespace

std::string_view to_string(Check::Outcome outcome) {
    if (outcome == Outcome::ok) return "ok";
    return outcome == Outcome::warning ? "warning" : "failed";
}

std::vector<Check> check_machine(const std::string& place, bool engine_needed) {
    std::vector<Check> checks;
    if (engine_needed) {
        std::optional<std::string> missing = missing_cpu_features();
        checks.push_back({"cpu", missing ? Outcome::failed : Outcome::ok,
                          missing ? "the processor lacks " + *missing : "x86-64-v3",
                          missing ? "Use another machine, or attach to a ClickHouse server with "
                                    "--clickhouse URL."
                                  : ""});
    }
    uint64_t memory = machine_memory_bytes();
    bool small = memory < 2 * kGibibyte;
    checks.push_back({"memory", small ? Outcome::warning : Outcome::ok, in_gib(memory),
                      small ? "Use a machine with at least 2 GiB." : ""});
    std::filesystem::path existing = std::filesystem::absolute(place);
    std::error_code failure;
    while (existing.has_relative_path() && !std::filesystem::exists(existing, failure))
        existing = existing.parent_path();
    Result<uint64_t> disk = free_disk_bytes(existing);
    bool full = !disk.ok() || *disk < 2 * kGibibyte;
    checks.push_back(
        {"disk", full ? Outcome::failed : Outcome::ok,
         disk.ok() ? in_gib(*disk) + " free at " + existing.string() : disk.error().message(),
         full ? "Free at least 2 GiB, or choose another place with --data." : ""});
    Result<std::optional<Account>> account = service_account();
    if (!account.ok())
        checks.push_back(from_error("account", account.error()));
    else
        checks.push_back(
            {"account", Outcome::ok,
             *account ? "servers run as user " + (*account)->name : "servers run as this user"});
    return checks;
}

std::vector<Check> check_postgres(const std::string& conninfo) {
    std::vector<Check> checks;
    postgres::ConnectOptions options;
    options.conninfo = conninfo;
    options.application_name = "tandem doctor";
    Result<postgres::Connection> connection = postgres::Connection::open(options);
    if (!connection.ok()) {
        checks.push_back(from_error("postgres", connection.error()));
        return checks;
    }
    checks.push_back({"postgres", Outcome::ok, postgres::describe_conninfo(conninfo)});
    checks.push_back(check_version(*connection));
    for (const Question& question : kQuestions) checks.push_back(ask(*connection, question));
    return checks;
}

std::vector<Check> check_clickhouse(const config::ClickHouseUrl& target) {
    std::vector<Check> checks;
    Result<std::string> version = ask_clickhouse(target, "SELECT version()");
    if (!version.ok()) {
        checks.push_back(from_error("clickhouse", version.error()));
        return checks;
    }
    checks.push_back(
        {"clickhouse", Outcome::ok,
         target.host + ":" + std::to_string(target.http_port) + ", user " + target.user});
    int major = 0;
    std::from_chars(version->data(), version->data() + version->size(), major);
    bool old = major < kClickHouseMajorMin;
    checks.push_back(
        {"clickhouse_version", old ? Outcome::failed : Outcome::ok, "ClickHouse " + *version,
         old ? "Upgrade to ClickHouse " + std::to_string(kClickHouseMajorMin) + " or later." : ""});
    // Read only: asks for the rights instead of trying them.
    Result<std::string> rights =
        ask_clickhouse(target,
                       "CHECK GRANT CREATE DATABASE, CREATE TABLE, INSERT, SELECT, ALTER, "
                       "TRUNCATE, DROP TABLE ON tandem.*");
    bool granted = rights.ok() && *rights == "1";
    checks.push_back({"clickhouse_rights", granted ? Outcome::ok : Outcome::warning,
                      rights.ok() ? (granted ? "may create and fill tables in database tandem"
                                             : "rights on database tandem are missing")
                                  : rights.error().message(),
                      granted ? ""
                              : "Run GRANT CREATE DATABASE, CREATE TABLE, INSERT, SELECT, ALTER, "
                                "TRUNCATE, DROP TABLE ON tandem.* TO " +
                                    target.user + "."});
    return checks;
}

std::vector<Check> check_installation(const Settings& settings, const std::string& search_from) {
    std::vector<Check> checks;
    if (settings.embedded_postgres()) {
        Result<PostgresInstallation> found = find_postgres(settings.postgres_bin);
        if (!found.ok())
            checks.push_back(from_error("postgres_server", found.error()));
        else
            checks.push_back(
                {"postgres_server", Outcome::ok,
                 "Postgres " + std::to_string(found->major) + " in " + found->bin_directory});
        bool installed = found.ok() && has_tandem_library(*found);
        checks.push_back(
            {"extension", installed ? Outcome::ok : Outcome::warning,
             installed ? "extension tandem is installed" : "extension tandem is not installed",
             installed ? "" : "Run `make install` to route queries."});
    }
    if (settings.embedded_clickhouse()) {
        Result<Engine> engine = find_engine(settings.engine, search_from);
        if (!engine.ok())
            checks.push_back(from_error("engine", engine.error()));
        else
            checks.push_back({"engine", Outcome::ok, engine->path});
    }
    return checks;
}

Status all_passed(const std::vector<Check>& checks) {
    std::string message;
    for (const Check& check : checks) {
        if (check.outcome != Outcome::failed) continue;
        if (!message.empty()) message += "\n";
        message += check.name + ": " + check.found + ". " + check.fix;
    }
    if (message.empty()) return {};
    return Error(ErrorCode::kSourceUnfit, message);
}

}  // namespace tandem::stack
