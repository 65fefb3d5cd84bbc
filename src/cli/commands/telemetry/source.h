// Where telemetry is read from: database tandem_telemetry of the ClickHouse that this Postgres
// sends its events to.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/options.h"
#include "clickhouse/client/client.h"

namespace tandem::cli {

struct TelemetrySource {
    std::unique_ptr<clickhouse::Client> client;
    std::string system_id = {};  // of this Postgres; empty: of every one that sends there
    std::string state = {};      // what Postgres says of its telemetry; empty: it cannot be asked
    std::string advice = {};
};

// ClickHouse is the one of --clickhouse, else that of tandem.telemetry_clickhouse as far as the
// role may see it, else the stack's. With --clickhouse Postgres need not be there.
Result<TelemetrySource> open_telemetry(Options options);

// The rows of a query, each an object of numbers and texts by column name. kTelemetryMissing when
// ClickHouse has no tables of telemetry. {system_id:String} is the source's own.
Result<nlohmann::ordered_json> ask_telemetry(const TelemetrySource& source, const std::string& sql,
                                             std::vector<clickhouse::Parameter> parameters = {});

// kTelemetryMissing, with the reason as far as it is known, when there is no event at all.
Status check_any_event(const TelemetrySource& source);

}  // namespace tandem::cli
