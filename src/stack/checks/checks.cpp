#include "stack/checks/checks.h"

#include <charconv>
#include <filesystem>
#include <utility>

#include "postgres/client/connection.h"
#include "stack/clickhouse/clickhouse_http.h"
#include "stack/clickhouse/clickhouse_server.h"
#include "stack/machine/files.h"
#include "stack/postgres/postgres_server.h"

namespace tandem::stack {
namespace {

using Outcome = Check::Outcome;

constexpr uint64_t kGibibyte = uint64_t{1} << 30;
// The mirror needs the first; what the router writes came with the second (extension/remote).
constexpr int kClickHouseMajorMin = 24;
constexpr std::pair kClickHouseToRoute(25, 8);

std::string in_gib(uint64_t bytes) {
    std::string tenths = std::to_string(bytes * 10 / kGibibyte);
    if (tenths.size() < 2) tenths.insert(0, "0");
    return tenths.insert(tenths.size() - 1, ".") + " GiB";
}

// The part of a Postgres check that needs no more than one query. Columns: what was found; whether
// it is good, NULL when this role cannot tell; the statements that mend it, for the role at hand.
struct Question {
    const char* name;
    const char* sql;
    Outcome if_bad;
};

constexpr Question kQuestions[] = {
    {"wal_level",
     "SELECT current_setting('wal_level'), current_setting('wal_level') = 'logical', 'Run as a "
     "superuser: ALTER SYSTEM SET wal_level = ''logical''; then restart Postgres (on a managed "
     "service set the parameter that its manual names, e.g. rds.logical_replication = 1).'",
     Outcome::failed},
    {"rights",
     "SELECT 'role ' || current_user || CASE WHEN rolsuper THEN ' is superuser' WHEN "
     "rolreplication THEN ' may replicate' ELSE ' may not replicate' END, rolsuper OR "
     "rolreplication, format('Run as a superuser: ALTER ROLE %I REPLICATION; (on RDS: GRANT "
     "rds_replication TO %1$I;)', current_user) FROM pg_roles WHERE rolname = current_user",
     Outcome::failed},
    {"schema",
     "SELECT CASE WHEN n.oid IS NULL THEN 'schema tandem is not there yet' ELSE 'schema tandem "
     "belongs to ' || pg_get_userbyid(n.nspowner) END, CASE WHEN n.oid IS NULL THEN "
     "has_database_privilege(current_database(), 'CREATE') ELSE has_schema_privilege(n.oid, "
     "'CREATE') AND has_schema_privilege(n.oid, 'USAGE') AND NOT EXISTS (SELECT FROM pg_class c "
     "WHERE c.relnamespace = n.oid AND c.relname = 'mirror' AND NOT pg_has_role(c.relowner, "
     "'USAGE')) END, CASE WHEN n.oid IS NULL THEN format('Run as the owner of the database or a "
     "superuser: GRANT CREATE ON DATABASE %I TO %I;', current_database(), current_user) WHEN "
     "EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = 'mirror') THEN "
     "format('Its tables were made by another role; attach as %s, or run as a superuser: GRANT %s "
     "TO %I;', pg_get_userbyid(n.nspowner), quote_ident(pg_get_userbyid(n.nspowner)), "
     "current_user) ELSE format('The extension was created first, by another role. Run as a "
     "superuser: ALTER SCHEMA tandem OWNER TO %I;', current_user) END FROM (SELECT 1) AS one LEFT "
     "JOIN pg_namespace n ON n.nspname = 'tandem'",
     Outcome::failed},
    {"replication_slots",
     "SELECT used || ' of ' || max || ' replication slots are in use', used < max, 'Run as a "
     "superuser: ALTER SYSTEM SET max_replication_slots = ' || max + 10 || '; then restart "
     "Postgres; or drop a slot that nobody reads: SELECT pg_drop_replication_slot(...);' FROM "
     "(SELECT (SELECT count(*) FROM pg_replication_slots) AS used, "
     "current_setting('max_replication_slots')::int AS max) AS s",
     Outcome::failed},
    {"wal_senders",
     "SELECT used || ' of ' || max || ' WAL senders are in use', used < max, 'Run as a superuser: "
     "ALTER SYSTEM SET max_wal_senders = ' || max + 10 || '; then restart Postgres.' FROM (SELECT "
     "(SELECT count(*) FROM pg_stat_replication) AS used, "
     "current_setting('max_wal_senders')::int AS max) AS s",
     Outcome::failed},
    {"primary",
     "SELECT CASE WHEN pg_is_in_recovery() THEN 'a standby' ELSE 'a primary' END, NOT "
     "pg_is_in_recovery(), 'Give the URL of the primary.'",
     Outcome::failed},
    {"encoding",
     "SELECT 'database encoding is ' || current_setting('server_encoding'), "
     "current_setting('server_encoding') = 'UTF8', 'Use a database with encoding UTF8: "
     "ClickHouse''s strings are compared as it.'",
     Outcome::failed},
    {"collation",
     "SELECT CASE WHEN d.datcollversion <> pg_database_collation_actual_version(d.oid) THEN 'the "
     "collation ' || d.datcollate || ' has changed from version ' || d.datcollversion || ' to ' || "
     "pg_database_collation_actual_version(d.oid) ELSE 'collation is ' || d.datcollate END, "
     "d.datcollversion IS NOT DISTINCT FROM pg_database_collation_actual_version(d.oid), "
     "format('Indexes on text may be out of order, so Postgres itself may miss rows. Run as a "
     "superuser: REINDEX DATABASE %I; ALTER DATABASE %1$I REFRESH COLLATION VERSION;', "
     "current_database()) FROM pg_database d WHERE d.datname = current_database()",
     Outcome::warning},
    {"slot_wal_limit",
     "SELECT 'max_slot_wal_keep_size is ' || current_setting('max_slot_wal_keep_size'), "
     "current_setting('max_slot_wal_keep_size') <> '-1', 'Without a limit, a long outage of the "
     "daemon can fill the disk of this Postgres. Consider, as a superuser: ALTER SYSTEM SET "
     "max_slot_wal_keep_size = ''50GB''; SELECT pg_reload_conf();'",
     Outcome::warning},
    {"extension",
     "SELECT CASE WHEN count(*) = 0 THEN 'extension tandem is not installed' WHEN "
     "bool_and(installed_version IS NULL) THEN 'extension tandem is not created' ELSE 'extension "
     "tandem ' || max(installed_version) END, count(*) > 0 AND coalesce(bool_and(installed_version "
     "= default_version), false), CASE WHEN max(installed_version) <> max(default_version) THEN "
     "'Run as a superuser: ALTER EXTENSION tandem UPDATE;' WHEN count(*) = 0 THEN 'Install it on "
     "the machine of the server (package "
     "tandem-postgresql-' || current_setting('server_version_num')::int / 10000 || ', or make "
     "install) to route queries; mirroring works without it.' ELSE 'To route queries, run as a "
     "superuser: CREATE EXTENSION tandem;' END FROM pg_available_extensions WHERE name = 'tandem'",
     Outcome::warning},
    // shared_preload_libraries is hidden from most roles; a setting of the library's own is not.
    {"preload",
     "SELECT CASE WHEN current_setting('tandem.route', true) IS NULL THEN 'the library tandem is "
     "not loaded' ELSE 'the library tandem is loaded' END, current_setting('tandem.route', true) "
     "IS "
     "NOT NULL, 'To route queries in every session, run as a superuser: ALTER SYSTEM SET "
     "shared_preload_libraries = tandem; (append it when others are there), then restart Postgres; "
     "without it a session has to run LOAD ''tandem'' first.'",
     Outcome::warning},
    // A slot made while other transactions run could miss the invalidation of what they change, and
    // decode with an old definition of the table or the publication.
    {"known_bugs",
     "SELECT 'Postgres ' || current_setting('server_version'), NOT (v < 140018 OR v BETWEEN 150000 "
     "AND 150012 OR v BETWEEN 160000 AND 160008 OR v BETWEEN 170000 AND 170004), 'Its logical "
     "decoding may miss changes of tables and publications made by concurrent transactions. "
     "Upgrade to 14.18, 15.13, 16.9, 17.5 or later.' FROM (SELECT "
     "current_setting('server_version_num')::int AS v) AS s",
     Outcome::warning},
};

Check ask(postgres::Connection& connection, const Question& question) {
    Result<postgres::QueryResult> result = connection.query(question.sql);
    if (!result.ok() || result->rows() == 0)
        return {question.name, Outcome::unknown,
                result.ok() ? "this role cannot see it" : result.error().message(),
                "Check by hand, or attach as a role with pg_read_all_settings."};
    Check check{question.name, Outcome::ok, result->text(0, 0)};
    Result<bool> good = result->boolean(0, 1);
    if (good.ok() && *good) return check;
    check.outcome = result->is_null(0, 1) ? Outcome::unknown : question.if_bad;
    check.fix = result->text(0, 2);
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

// What mirror and router take for granted, by name: an engine that was built without some of it, or
// a server that calls itself ClickHouse, is told apart before it is needed.
Check check_features(const config::ClickHouseUrl& target) {
    Result<std::string> missing = ask_clickhouse(
        target,
        "SELECT arrayStringConcat(groupArray(n), ', ') FROM (SELECT n FROM (SELECT arrayJoin(["
        "'throwIf', 'accurateCast', 'uniqExact', 'toDecimal128', 'toDecimal256', 'lengthUTF8', "
        "'substringUTF8', 'toTimeZone', 'JSONExtractString', 'reinterpretAsFloat64', 'cityHash64'"
        "]) AS n) WHERE n NOT IN (SELECT name FROM system.functions) UNION ALL SELECT 'setting ' "
        "|| "
        "n FROM (SELECT arrayJoin(['async_insert', 'optimize_on_insert', 'max_insert_threads', "
        "'insert_deduplicate', 'lightweight_deletes_sync', 'join_use_nulls']) AS n) WHERE n NOT IN "
        "(SELECT name FROM system.settings) UNION ALL SELECT 'engine MergeTree' WHERE 'MergeTree' "
        "NOT IN (SELECT name FROM system.table_engines))");
    if (!missing.ok())
        return {"clickhouse_features", Outcome::unknown, missing.error().message(),
                "Allow this user to read system.functions, system.settings and "
                "system.table_engines, or check by hand."};
    if (missing->empty())
        return {"clickhouse_features", Outcome::ok, "has what mirror and router use"};
    return {"clickhouse_features", Outcome::failed, "lacks " + *missing,
            "Use a ClickHouse that has it; the versions of the README do."};
}

}  // namespace

std::string_view to_string(Check::Outcome outcome) {
    if (outcome == Outcome::ok) return "ok";
    if (outcome == Outcome::unknown) return "unknown";
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

Check check_clickhouse_version(const std::string& version) {
    Check check{"clickhouse_version", Outcome::ok, "ClickHouse " + version};
    std::pair given(0, 0);
    const char* end = version.data() + version.size();
    const char* point = std::from_chars(version.data(), end, given.first).ptr;
    if (point != end) std::from_chars(point + 1, end, given.second);
    if (given.first < kClickHouseMajorMin) {
        check.outcome = Outcome::failed;
        check.fix = "Upgrade to ClickHouse " + std::to_string(kClickHouseMajorMin) +
                    " or later to mirror, to 25.8 or later to route queries as well.";
    } else if (given < kClickHouseToRoute) {
        check.outcome = Outcome::warning;
        check.found += ", which is enough to mirror";
        check.fix = "Upgrade to ClickHouse 25.8 or later to route queries.";
    }
    return check;
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
    checks.push_back(check_clickhouse_version(*version));
    checks.push_back(check_features(target));
    // Read only: asks for the rights instead of trying them.
    Result<std::string> rights =
        ask_clickhouse(target,
                       "CHECK GRANT CREATE DATABASE, CREATE TABLE, CREATE VIEW, DROP TABLE, "
                       "DROP VIEW, SELECT, INSERT, ALTER ON tandem.*, CREATE DATABASE, CREATE "
                       "TABLE, DROP TABLE, SELECT, INSERT, ALTER ON tandem_rows.*");
    bool granted = rights.ok() && *rights == "1";
    checks.push_back({"clickhouse_rights", granted ? Outcome::ok : Outcome::warning,
                      rights.ok() ? (granted ? "may create and fill tables in database tandem"
                                             : "rights on database tandem are missing")
                                  : rights.error().message(),
                      granted ? ""
                              : "Run GRANT CREATE DATABASE, CREATE TABLE, CREATE VIEW, DROP TABLE, "
                                "DROP VIEW, SELECT, INSERT, ALTER ON tandem.* TO " +
                                    target.user +
                                    "; GRANT CREATE DATABASE, CREATE TABLE, DROP TABLE, SELECT, "
                                    "INSERT, ALTER ON tandem_rows.* TO " +
                                    target.user + ";"});
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
