// What a query is expected to cost on either side, and what its runs have taught: plain arithmetic
// over plain structs, so that the extension can keep them in shared memory under a spin lock.
//
// Nothing here allocates, fails, waits or reads a clock. The numbers are milliseconds of wall time,
// rows and bytes. docs/decisions/0008 says why the model is as simple as it is.
#pragma once

#include <cstdint>

namespace tandem::route::cost {

// One mirrored table, as often as the query reads it.
struct TableFacts {
    double rows = 0;          // that it has
    double row_bytes = 0;     // of the columns that are read
    double wanted_rows = -1;  // that its conditions leave, as Postgres expects; below 0: not known
    bool key_prefix = false;  // a condition ties the first column of ClickHouse's order key
    bool deltas = false;      // changed rows have not been folded yet
};

// What is known of a query when it is planned.
struct Facts {
    double local_cost = 0;    // the planner's, of Postgres' finished plan
    double scanned_rows = 0;  // in ClickHouse
    double scanned_bytes = 0;
    double joined_rows = 0;  // that come out of joins
    double result_rows = 0;  // over the wire
    double result_bytes = 0;
    double finish_cost = 0;  // the planner's, of what Postgres does with results of pieces
};

void add_table(Facts* facts, const TableFacts& table) noexcept;

// What both servers have shown so far, over all queries: factors on what the model assumes of a
// server it does not know. All zero: nothing yet. Each is the logarithm of a factor.
struct Rates {
    double local = 0;         // Postgres' milliseconds for a unit of cost
    double remote_work = 0;   // ClickHouse's for scanning, joining, sending
    double remote_fixed = 0;  // for the smallest query: round trip, parsing
    double wait_ms = 0;       // for freshness, where one is asked for
    uint32_t local_runs = 0;
    uint32_t remote_work_runs = 0;
    uint32_t remote_fixed_runs = 0;
    uint32_t waits = 0;
};

// Times of one query on one side: of what it takes (`units`) and took.
struct Timing {
    double ms = 0;  // means; the last ones weigh most
    double units = 0;
    uint32_t runs = 0;
};

enum class Side : uint8_t { kUndecided, kClickHouse, kPostgres };

// What is known of one query. All zero: nothing yet.
struct Learnt {
    Timing local;
    Timing remote;
    Side side = Side::kUndecided;
    // While it is back in Postgres: runs and time since ClickHouse was tried last, and how often
    // that has been in vain.
    uint32_t runs_since = 0;
    uint32_t tries_in_vain = 0;
    int64_t tried_us = 0;
};

struct Estimate {
    double postgres_ms = 0;
    double clickhouse_ms = 0;
};

// `may_wait`: the query asks for fresh data, so the usual wait counts.
Estimate estimate(const Facts& facts, const Rates& rates, const Learnt& learnt,
                  bool may_wait) noexcept;

struct Choice {
    Side side = Side::kUndecided;
    bool again = false;  // ClickHouse is tried though it was slower: it may not be any more
    // Not 0: nobody knows how long Postgres takes, and its estimate may be wrong. It is given so
    // long first, which is as long as ClickHouse takes.
    double postgres_first_ms = 0;
};

// Where it should run now. The side it has counts: it leaves it only for one that is better by a
// margin, so that what is about equal does not go to and fro.
Choice choose(const Learnt& learnt, const Estimate& estimate, int64_t now_us) noexcept;
// Notes that the query goes where `choice` says.
void take(Learnt* learnt, const Choice& choice, int64_t now_us) noexcept;
// Runs in Postgres until ClickHouse is tried again; 0 when it is not going to be.
uint32_t runs_until_again(const Learnt& learnt) noexcept;

// A run that went to its end. `ms` is without the wait for freshness.
void note_local(Learnt* learnt, Rates* rates, const Facts& facts, double ms) noexcept;
void note_remote(Learnt* learnt, Rates* rates, const Facts& facts, double ms, bool again) noexcept;
// A run that did not: it failed or was given up after `ms`, so it takes at least as long. Of the
// servers it says nothing.
void note_local_in_vain(Learnt* learnt, const Facts& facts, double ms) noexcept;
void note_remote_in_vain(Learnt* learnt, const Facts& facts, double ms, bool again) noexcept;
void note_wait(Rates* rates, double ms) noexcept;

}  // namespace tandem::route::cost
