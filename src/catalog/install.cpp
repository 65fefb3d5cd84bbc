#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>

#include "catalog/catalog.h"
#include "catalog/catalog_sql.h"
#include "postgres/client/connection.h"
#include "sqltext/quote.h"

namespace tandem::catalog {
namespace {

using sqltext::pg_literal;

// Any constant: keeps two daemons from running the script at once.
constexpr const char* kInstallLock = "SELECT pg_advisory_xact_lock(7235, 0)";

std::string upsert_target(const TargetOptions& target) {
    return "INSERT INTO tandem.target (name, host, native_port, http_port, username, password, "
           "secure) VALUES (" +
           pg_literal(target.name) + ", " + pg_literal(target.host) + ", " +
           std::to_string(target.native_port) + ", " + std::to_string(target.http_port) + ", " +
           pg_literal(target.user) + ", " + pg_literal(target.password) + ", " +
           (target.secure ? "true" : "false") +
           ") ON CONFLICT (name) DO UPDATE SET host = excluded.host, native_port = "
           "excluded.native_port, http_port = excluded.http_port, username = excluded.username, "
           "password = excluded.password, secure = excluded.secure";
}

std::string fingerprint() {
    return std::to_string(XXH3_64bits(kFunctionsSql, std::strlen(kFunctionsSql)));
}

// How far the tables are: 0 when there are none, 1 for a catalog that does not say.
Result<size_t> migrations_done(postgres::Connection& connection) {
    auto known = TRY(connection.query(
        "SELECT to_regclass('tandem.catalog_version') IS NOT NULL, EXISTS (SELECT FROM "
        "pg_attribute WHERE attrelid = to_regclass('tandem.catalog_version') AND attname = "
        "'migration')"));
    if (!TRY(known.boolean(0, 0))) return size_t{0};
    if (!TRY(known.boolean(0, 1))) return size_t{1};
    auto found = TRY(connection.query("SELECT max(migration) FROM tandem.catalog_version"));
    if (found.is_null(0, 0)) return size_t{1};
    return static_cast<size_t>(TRY(found.integer(0, 0)));
}

Status migrate(postgres::Connection& connection, size_t done) {
    if (done > kMigrationCount)
        return Error(ErrorCode::kUnsupportedVersion,
                     "schema tandem is at migration " + std::to_string(done) +
                         ", this program knows " + std::to_string(kMigrationCount) +
                         "; upgrade the program (tandem and tandem-daemon)");
    for (size_t next = done; next < kMigrationCount; ++next) {
        Status run = connection.execute(kMigrations[next].sql);
        if (!run.ok())
            return std::move(run).context("migration " + std::string(kMigrations[next].name) +
                                          " of schema tandem");
    }
    return {};
}

Result<bool> is_current(postgres::Connection& connection, size_t done) {
    if (done != kMigrationCount) return false;
    auto found = TRY(connection.query("SELECT FROM tandem.catalog_version WHERE fingerprint = " +
                                      pg_literal(fingerprint())));
    return found.rows() > 0;
}

Status bring_up_to_date(postgres::Connection& connection) {
    size_t done = TRY(migrations_done(connection));
    if (TRY(is_current(connection, done))) return {};
    TRY(connection.execute("SET LOCAL client_min_messages = warning"));
    // A reader of the catalog that does not end must not block everybody behind us.
    TRY(connection.execute("SET LOCAL lock_timeout = '10s'"));
    TRY(migrate(connection, done));
    if (Status run = connection.execute(kFunctionsSql); !run.ok())
        return std::move(run).context("installing the functions of schema tandem");
    TRY(connection.execute("DELETE FROM tandem.catalog_version"));
    return connection.execute(
        "INSERT INTO tandem.catalog_version (fingerprint, migration) VALUES (" +
        pg_literal(fingerprint()) + ", " + std::to_string(kMigrationCount) + ")");
}

}  // namespace

Status check_version(postgres::Connection& connection) {
    size_t done = TRY(migrations_done(connection));
    if (done == 0 || done == kMigrationCount) return {};
    std::string numbers = "schema tandem is at migration " + std::to_string(done) +
                          ", this program knows " + std::to_string(kMigrationCount);
    if (done > kMigrationCount)
        return Error(ErrorCode::kUnsupportedVersion,
                     numbers + "; upgrade this program (package tandem) to the daemon's version");
    return Error(ErrorCode::kUnsupportedVersion,
                 numbers +
                     "; the daemon is older than this program: upgrade and restart it (`tandem "
                     "down`, `tandem up`, or `systemctl restart tandem`)");
}

Status install(const std::string& source, const TargetOptions& target) {
    postgres::ConnectOptions options;
    options.conninfo = source;
    options.application_name = "tandem control";
    auto connection = TRY(postgres::Connection::open(options));
    TRY(connection.execute("BEGIN"));
    TRY(connection.execute(kInstallLock));
    TRY(bring_up_to_date(connection));
    TRY(connection.execute(upsert_target(target)));
    return connection.execute("COMMIT");
}

}  // namespace tandem::catalog
