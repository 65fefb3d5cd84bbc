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
    return std::to_string(XXH3_64bits(kCatalogSql, std::strlen(kCatalogSql)));
}

Result<bool> is_current(postgres::Connection& connection) {
    auto table = TRY(connection.query("SELECT to_regclass('tandem.catalog_version') IS NOT NULL"));
    if (!TRY(table.boolean(0, 0))) return false;
    auto found = TRY(connection.query("SELECT FROM tandem.catalog_version WHERE fingerprint = " +
                                      pg_literal(fingerprint())));
    return found.rows() > 0;
}

Status run_script(postgres::Connection& connection) {
    TRY(connection.execute("SET LOCAL client_min_messages = warning"));
    // A reader of the catalog that does not end must not block everybody behind us.
    TRY(connection.execute("SET LOCAL lock_timeout = '10s'"));
    if (Status run = connection.execute(kCatalogSql); !run.ok())
        return std::move(run).context("installing the catalog (schema tandem)");
    TRY(connection.execute("DELETE FROM tandem.catalog_version"));
    return connection.execute("INSERT INTO tandem.catalog_version VALUES (" +
                              pg_literal(fingerprint()) + ")");
}

}  // namespace

Status install(const std::string& source, const TargetOptions& target) {
    postgres::ConnectOptions options;
    options.conninfo = source;
    options.application_name = "tandem control";
    auto connection = TRY(postgres::Connection::open(options));
    TRY(connection.execute("BEGIN"));
    TRY(connection.execute(kInstallLock));
    if (!TRY(is_current(connection))) TRY(run_script(connection));
    TRY(connection.execute(upsert_target(target)));
    return connection.execute("COMMIT");
}

}  // namespace tandem::catalog
