// The demo's data: made by Postgres itself, the same for the same number of events.
//
// Counts per (country, event name) are a geometric series and events are dealt out by a sequence of
// low discrepancy, so that in any window of time no two groups of the demo query have the same
// count: ORDER BY n and ROW_NUMBER are defined without a further key.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "postgres/client/connection.h"

namespace tandem::cli {

inline constexpr const char* kDemoMirror = "demo";
// Writers hold it shared for each transaction; who needs the data to stand still takes it.
inline constexpr int64_t kDemoLock = 0x74616e64656d;

struct DemoQuery {
    const char* name;
    const char* sql;
};
// The first is the one of the tutorial. All have an order that leaves nothing open.
extern const DemoQuery kDemoQueries[];
extern const size_t kDemoQueryCount;

// Creates and fills the tables unless they are there complete and recent enough for the query's
// seven days. Returns the number of events. kAlreadyExists when other tables have their names.
Result<uint64_t> load_demo_data(postgres::Connection& connection, uint64_t events);

// One transaction of the live writers: inserts and updates, all under the shared lock.
Status write_once(postgres::Connection& connection);

}  // namespace tandem::cli
