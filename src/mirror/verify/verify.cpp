#include "mirror/verify/verify.h"

#include <algorithm>

#include "mirror/session/catalog_store.h"
#include "sqltext/quote.h"

namespace tandem::mirror {
namespace {

Result<std::vector<std::string>> inexact_columns(postgres::Connection& source, int mirror_id,
                                                 Oid relid) {
    auto rows = TRY(source.query(
        "SELECT column_name FROM tandem.mirror_column WHERE inexact_since IS NOT NULL AND "
        "mirror_id = " +
        std::to_string(mirror_id) + " AND relid = " + std::to_string(relid.value)));
    std::vector<std::string> names;
    names.reserve(static_cast<size_t>(rows.rows()));
    for (int i = 0; i < rows.rows(); ++i) names.push_back(rows.text(i, 0));
    return names;
}

}  // namespace

Result<std::vector<VerifiedTable>> verify_mirror(const std::string& source,
                                                 const clickhouse::Endpoint& target,
                                                 const std::string& name,
                                                 const std::vector<std::string>& tables,
                                                 const CompareOptions& options) {
    postgres::ConnectOptions connect;
    connect.conninfo = source;
    connect.application_name = "tandem verify";
    connect.statement_timeout = std::chrono::hours(6);
    auto connection = TRY(postgres::Connection::open(connect));
    auto id =
        TRY(connection.query("SELECT tandem.mirror_by_name(" + sqltext::pg_literal(name) + ")"));
    auto mirror_id = static_cast<int>(TRY(id.integer(0, 0)));
    CatalogStore catalog({connect, mirror_id, 1}, nullptr);
    MirrorRow mirror = TRY(catalog.read_mirror());
    auto client = TRY(clickhouse::connect_native(target));

    CompareOptions compare = options;
    compare.catch_up = [&]() -> Status {
        auto caught_up =
            TRY(connection.query("SELECT tandem.wait_for(" + sqltext::pg_literal(name) + ")"));
        if (TRY(caught_up.boolean(0, 0))) return {};
        return Error(ErrorCode::kTimeout, "the mirror does not catch up");
    };
    if (options.rounds > 1) TRY(compare.catch_up());

    std::vector<VerifiedTable> result;
    for (const TableRow& row : TRY(catalog.read_tables())) {
        VerifiedTable verified{row.schema, row.name, row.state, {}, {}};
        if (!tables.empty() &&
            std::find(tables.begin(), tables.end(), row.schema + "." + row.name) == tables.end())
            continue;
        if (row.state == "live") {
            TablePtr table = TRY(catalog.read_table(row, mirror.database, 1));
            verified.inexact_columns = TRY(inexact_columns(connection, mirror_id, row.relid));
            compare.without = verified.inexact_columns;
            verified.comparison = TRY(compare_table(*table, connection, *client, compare));
        }
        result.push_back(std::move(verified));
    }
    return result;
}

}  // namespace tandem::mirror
