// What a role may do with the tables that are to be mirrored, and the statements for what it may
// not. Asks the catalog of Postgres alone: schema tandem need not be there.
#include "postgres/client/connection.h"
#include "sqltext/quote.h"
#include "stack/checks/checks.h"

namespace tandem::stack {
namespace {

using Outcome = Check::Outcome;
using postgres::Connection;
using postgres::Parameter;

constexpr int kNamed = 20;  // tables that are named; more would bury the statement

// The tables of $1, a list of patterns like those of create_mirror; all when it is empty.
constexpr const char* kChosen =
    "WITH chosen AS (SELECT c.oid, c.relkind, c.relowner, c.relname, n.nspname, "
    "format('%I.%I', n.nspname, c.relname) AS name, CASE WHEN c.relkind = 'p' THEN '' ELSE 'ONLY ' "
    "END || format('%I.%I', n.nspname, c.relname) AS spelled FROM pg_class c JOIN pg_namespace n "
    "ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND "
    "c.relpersistence = 'p' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'tandem') "
    "AND n.nspname NOT LIKE 'pg\\_%' AND ($1::text[] = '{}' OR EXISTS (SELECT FROM "
    "unnest($1::text[]) p WHERE n.nspname || '.' || c.relname LIKE replace(replace(replace(CASE "
    "WHEN strpos(p, '.') = 0 THEN 'public.' ELSE '' END || replace(p, '\"', ''), '\\', '\\\\'), "
    "'_', '\\_'), '*', '%')))) ";

std::string listed(const char* column, const char* condition) {
    return std::string("SELECT string_agg(") + column +
           ", ', ' ORDER BY oid) FROM (SELECT * FROM " + "chosen WHERE " + condition +
           " ORDER BY oid LIMIT " + std::to_string(kNamed) + ") AS few";
}

std::string all_spelled() {
    return "SELECT string_agg(spelled, ', ' ORDER BY oid) FROM chosen";
}

std::string counted(const char* condition) {
    return std::string("SELECT count(*) FROM chosen WHERE ") + condition;
}

Check select_right(const postgres::QueryResult& rows) {
    Check check{"select", Outcome::ok, "may read all of " + rows.text(0, 0) + " tables"};
    if (rows.text(0, 1) == "0") return check;
    check.outcome = Outcome::failed;
    check.found = "may not read " + rows.text(0, 1) + " of " + rows.text(0, 0) + " tables";
    check.fix = "Run as their owner or a superuser: GRANT SELECT ON " + rows.text(0, 2) + " TO " +
                rows.text(0, 9) + "; GRANT USAGE ON SCHEMA " + rows.text(0, 10) + " TO " +
                rows.text(0, 9) + ";";
    return check;
}

// Publishing takes the owner's rights, unless somebody has done it.
Check publish_right(const postgres::QueryResult& rows, const std::string& mirror) {
    std::string publication = "tandem_" + mirror;
    Check check{"publication", Outcome::ok, "may publish all of " + rows.text(0, 0) + " tables"};
    if (rows.text(0, 3) == "0") return check;
    if (rows.text(0, 8) == "0") {
        check.found = "publication " + publication + " has all of " + rows.text(0, 0) + " tables";
        return check;
    }
    check.outcome = Outcome::failed;
    check.found = rows.text(0, 3) + " of " + rows.text(0, 0) +
                  " tables belong to others, and only an owner may publish a table";
    check.fix = "Do one of these:\n  -- as " + rows.text(0, 5) +
                " (with CREATE on the database) or a superuser:\n  CREATE PUBLICATION " +
                publication + " FOR TABLE " + rows.text(0, 4) + ";" +
                "\n  -- or let this role act for the owner:\n  GRANT " + rows.text(0, 5) + " TO " +
                rows.text(0, 9) +
                ";\n  -- or as a superuser, for all tables of a schema, also those to come:\n"
                "  CREATE PUBLICATION " +
                publication + " FOR TABLES IN SCHEMA " + rows.text(0, 10) + ";";
    return check;
}

Check identity(const postgres::QueryResult& rows) {
    Check check{"identity", Outcome::ok, "every table has a replica identity"};
    if (rows.text(0, 6) == "0") return check;
    check.outcome = Outcome::warning;
    check.found = rows.text(0, 6) +
                  " tables have no primary key and no replica identity index: " + rows.text(0, 7);
    check.fix =
        "They are left out. As their owner: ALTER TABLE ... ADD PRIMARY KEY (...); or ALTER "
        "TABLE ... REPLICA IDENTITY USING INDEX ...; or, but for partitioned ones, ALTER TABLE "
        "... REPLICA IDENTITY FULL;";
    return check;
}

Result<postgres::QueryResult> look(Connection& connection, const std::string& mirror,
                                   const std::vector<std::string>& patterns) {
    const char* unreadable =
        "NOT has_table_privilege(oid, 'SELECT') OR NOT has_schema_privilege(nspname, 'USAGE')";
    const char* foreign = "NOT pg_has_role(relowner, 'USAGE')";
    const char* keyless =
        "NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = chosen.oid AND (i.indisprimary AND "
        "i.indimmediate OR i.indisreplident)) AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = "
        "chosen.oid AND c.relkind = 'r' AND c.relreplident = 'f')";
    std::string list = sqltext::pg_array(patterns);
    std::string publication = "tandem_" + mirror;
    std::string sql =
        std::string(kChosen) + "SELECT (" + counted("true") + "), (" + counted(unreadable) +
        "), (" + listed("name", unreadable) + "), (" + counted(foreign) + "), (" + all_spelled() +
        "), (SELECT string_agg(DISTINCT quote_ident(pg_get_userbyid(relowner)), ', ') "
        "FROM chosen WHERE " +
        foreign + "), (" + counted(keyless) + "), (" + listed("name", keyless) +
        "), (SELECT count(*) FROM chosen c WHERE NOT EXISTS (SELECT FROM "
        "pg_publication_rel r JOIN pg_publication b ON b.oid = r.prpubid WHERE b.pubname = $2 AND "
        "r.prrelid = c.oid) AND NOT EXISTS (SELECT FROM pg_publication_tables p JOIN pg_namespace "
        "n ON n.nspname = p.schemaname JOIN pg_class l ON l.relnamespace = n.oid AND l.relname = "
        "p.tablename WHERE p.pubname = $2 AND (l.oid = c.oid OR c.oid IN (SELECT "
        "pg_partition_ancestors(l.oid))))), quote_ident(current_user), (SELECT "
        "string_agg(DISTINCT quote_ident(nspname), ', ') FROM chosen)";
    const Parameter parameters[] = {{.value = list}, {.value = publication}};
    return connection.query(sql, parameters);
}

}  // namespace

std::vector<Check> check_tables(const std::string& conninfo, const std::string& mirror,
                                const std::vector<std::string>& patterns) {
    postgres::ConnectOptions options;
    options.conninfo = conninfo;
    options.application_name = "tandem doctor";
    Result<Connection> connection = Connection::open(options);
    if (!connection.ok()) return {};  // check_postgres says so
    Result<postgres::QueryResult> rows = look(*connection, mirror, patterns);
    if (!rows.ok()) return {{"tables", Outcome::unknown, rows.error().message(), ""}};
    if (rows->text(0, 0) == "0")
        return {{"tables", patterns.empty() ? Outcome::ok : Outcome::failed, "no table is there",
                 patterns.empty() ? "" : "Give schema.table; * is a wildcard."}};
    return {select_right(*rows), publish_right(*rows, mirror), identity(*rows)};
}

}  // namespace tandem::stack
