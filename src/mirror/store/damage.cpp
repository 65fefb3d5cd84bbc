// What ClickHouse has lost of rows that it had acknowledged: a disk that was full or failed leaves
// parts that cannot be read. Such a part is set aside at the server's next start, and the table
// goes on without its rows; until then queries that need it fail, and system.errors counts them.
// (Engine 26.7 goes on silently when a merge meets a full disk.)
#include "clickhouse/client/exceptions.h"
#include "mirror/store/clickhouse_target.h"
#include "sqltext/quote.h"

namespace tandem::mirror {

using sqltext::ch_qualified;
using sqltext::ch_string;

namespace {

constexpr int kAccessDenied = 497;

}  // namespace

Result<std::set<std::string>> ClickHouseTarget::tables_with_lost_parts(
    const std::string& rows_database) {
    clickhouse::Client* connection = TRY(client());
    auto found = clickhouse::select_all(
        *connection, query("SELECT DISTINCT table FROM system.detached_parts WHERE database = " +
                           ch_string(rows_database) + " AND startsWith(reason, 'broken')"));
    std::set<std::string> tables;
    if (!found.ok() && found.error().foreign_code() == kAccessDenied) return tables;
    types::Block lost = TRY(std::move(found));
    for (size_t i = 0; i < lost.rows(); ++i) tables.emplace(lost.columns[0].column.string(i));
    return tables;
}

Result<uint64_t> ClickHouseTarget::damage_met() {
    std::string codes;
    for (int code : clickhouse::kDamageCodes)
        codes += (codes.empty() ? "" : ", ") + std::to_string(code);
    auto met = count("SELECT toUInt64(sum(value)) FROM system.errors WHERE code IN (" + codes +
                     ") AND NOT remote");
    if (!met.ok() && met.error().foreign_code() == kAccessDenied) return uint64_t{0};
    return met;
}

Result<bool> ClickHouseTarget::is_whole(const Table& table) {
    for (const std::string& name : {table.main_name(), table.delta_name()}) {
        clickhouse::Client* connection = TRY(client());
        auto checked = clickhouse::select_all(
            *connection, query("CHECK TABLE " + ch_qualified(table.rows_database(), name) +
                               " SETTINGS check_query_single_value_result = 1"));
        if (!checked.ok() && checked.error().foreign_code() == kAccessDenied) return true;
        types::Block answer = TRY(std::move(checked));
        if (answer.rows() == 1 && answer.columns[0].column.fixed<uint8_t>(0) == 0) return false;
    }
    return true;
}

}  // namespace tandem::mirror
