#include "control/catalog_sql.h"
#include "control/reconciler.h"
#include "postgres/client/connection.h"
#include "sqltext/quote.h"

namespace tandem::control {
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

}  // namespace

Status install_catalog(const std::string& source, const TargetOptions& target) {
    postgres::ConnectOptions options;
    options.conninfo = source;
    options.application_name = "tandem control";
    auto connection = TRY(postgres::Connection::open(options));
    TRY(connection.execute("BEGIN"));
    TRY(connection.execute(kInstallLock));
    TRY(connection.execute("SET LOCAL client_min_messages = warning"));
    if (Status run = connection.execute(kCatalogSql); !run.ok())
        return std::move(run).context("installing the catalog (schema tandem)");
    TRY(connection.execute(upsert_target(target)));
    return connection.execute("COMMIT");
}

}  // namespace tandem::control
