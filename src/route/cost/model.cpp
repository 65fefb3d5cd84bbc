// Two straight lines, one for each server, whose slopes are corrected by what is measured: over all
// queries (Rates) until the query itself has been run on that side, by its own runs from then on.
#include <algorithm>
#include <cmath>

#include "route/cost/facade.h"

namespace tandem::route::cost {

namespace {

// What is assumed of servers that nothing is known of. A page from memory costs Postgres some 8 us
// and its planner 1.
constexpr double kMsPerCost = 0.008;
constexpr double kFixedMs = 3;
constexpr double kScannedRowsPerMs = 50000;
constexpr double kScannedBytesPerMs = 1e6;
constexpr double kJoinedRowsPerMs = 20000;
constexpr double kResultRowsPerMs = 1500;
constexpr double kResultBytesPerMs = 1e5;
constexpr double kWaitMs = 10;

// ClickHouse reads whole granules of the key.
constexpr double kGranuleRows = 8192;
// Rows of the delta are read besides and take part in a set difference.
constexpr double kDeltaFactor = 1.5;

// Nothing measured says that a server is further than this from what is assumed.
constexpr double kLogFactorMax = 4.6;  // a hundred times
// The assumption counts as that many measurements.
constexpr uint32_t kAssumptionRuns = 2;
constexpr uint32_t kCalibrationRunsMax = 64;
// How far back a query's own times reach.
constexpr uint32_t kTimingRunsMax = 8;

// What another side must be better by.
constexpr double kMarginFactor = 1.25;
constexpr double kMarginMs = 5;

// ClickHouse is tried again after so many runs in Postgres, or so long; twice as many each time it
// was in vain.
constexpr uint32_t kRunsUntilAgain = 4;
constexpr int64_t kUsUntilAgain = int64_t{10} * 60 * 1000000;
constexpr uint32_t kDoublingsMax = 10;

// Postgres is given one chance when ClickHouse's time is known, and worth it.
constexpr uint32_t kRunsBeforeChance = 3;
constexpr double kChanceMsMin = 20;

double work_ms(const Facts& facts) {
    return facts.scanned_rows / kScannedRowsPerMs + facts.scanned_bytes / kScannedBytesPerMs +
           facts.joined_rows / kJoinedRowsPerMs + facts.result_rows / kResultRowsPerMs +
           facts.result_bytes / kResultBytesPerMs + facts.finish_cost * kMsPerCost;
}

void calibrate(double* log_factor, uint32_t* runs, double measured, double assumed) {
    if (!(measured > 0) || !(assumed > 0)) return;
    double seen = std::clamp(std::log(measured / assumed), -kLogFactorMax, kLogFactorMax);
    *runs = std::min(*runs + 1, kCalibrationRunsMax);
    *log_factor += (seen - *log_factor) / (*runs + kAssumptionRuns);
}

void add_run(Timing* timing, double ms, double units, bool afresh) {
    if (timing->runs < UINT32_MAX) ++timing->runs;
    double weight = afresh ? 1.0 : 1.0 / std::min(timing->runs, kTimingRunsMax);
    timing->ms += (ms - timing->ms) * weight;
    timing->units += (units - timing->units) * weight;
}

double local_units(const Facts& facts) {
    return std::max(facts.local_cost, 1.0);
}

double remote_units(const Facts& facts) {
    return kFixedMs + work_ms(facts);
}

double from_runs(const Timing& timing, double units) {
    return timing.ms * units / timing.units;
}

bool much_slower(double slow, double fast) {
    return slow > fast * kMarginFactor && slow > fast + kMarginMs;
}

double chance_ms(const Learnt& learnt, const Estimate& estimate) {
    bool known = learnt.local.runs > 0 || learnt.remote.runs < kRunsBeforeChance;
    return known || estimate.clickhouse_ms < kChanceMsMin ? 0 : estimate.clickhouse_ms;
}

bool is_back(const Learnt& learnt) {
    return learnt.side == Side::kPostgres && learnt.remote.runs > 0;
}

uint32_t runs_wanted(const Learnt& learnt) {
    return kRunsUntilAgain << std::min(learnt.tries_in_vain, kDoublingsMax);
}

}  // namespace

void add_table(Facts* facts, const TableFacts& table) noexcept {
    double rows = std::max(table.rows, 0.0);
    if (table.key_prefix && table.wanted_rows >= 0)
        rows = std::min(rows, table.wanted_rows + kGranuleRows);
    if (table.deltas) rows *= kDeltaFactor;
    facts->scanned_rows += rows;
    facts->scanned_bytes += rows * std::max(table.row_bytes, 0.0);
}

Estimate estimate(const Facts& facts, const Rates& rates, const Learnt& learnt,
                  bool may_wait) noexcept {
    Estimate result;
    result.postgres_ms = learnt.local.runs > 0
                             ? from_runs(learnt.local, local_units(facts))
                             : local_units(facts) * kMsPerCost * std::exp(rates.local);
    result.clickhouse_ms = learnt.remote.runs > 0
                               ? from_runs(learnt.remote, remote_units(facts))
                               : kFixedMs * std::exp(rates.remote_fixed) +
                                     work_ms(facts) * std::exp(rates.remote_work);
    if (may_wait) result.clickhouse_ms += rates.waits > 0 ? rates.wait_ms : kWaitMs;
    return result;
}

Choice choose(const Learnt& learnt, const Estimate& estimate, int64_t now_us) noexcept {
    bool measured = learnt.local.runs > 0 || learnt.remote.runs > 0;
    if (learnt.side == Side::kUndecided || !measured)
        return {estimate.clickhouse_ms < estimate.postgres_ms ? Side::kClickHouse : Side::kPostgres,
                false};
    if (learnt.side == Side::kClickHouse) {
        if (much_slower(estimate.clickhouse_ms, estimate.postgres_ms))
            return {Side::kPostgres, false};
        return {Side::kClickHouse, false, chance_ms(learnt, estimate)};
    }
    if (much_slower(estimate.postgres_ms, estimate.clickhouse_ms))
        return {Side::kClickHouse, false};
    if (!is_back(learnt)) return {Side::kPostgres, false};
    int64_t wait_us = kUsUntilAgain << std::min(learnt.tries_in_vain, kDoublingsMax);
    bool due = learnt.runs_since >= runs_wanted(learnt) || now_us - learnt.tried_us >= wait_us;
    return {due ? Side::kClickHouse : Side::kPostgres, due};
}

void take(Learnt* learnt, const Choice& choice, int64_t now_us) noexcept {
    if (choice.again) {
        // The side stays: whether the query changes it is known when this run has ended. Sessions
        // that run it meanwhile do not try as well.
        learnt->runs_since = 0;
        learnt->tried_us = now_us;
        ++learnt->tries_in_vain;
        return;
    }
    if (choice.side == Side::kPostgres && learnt->side != Side::kPostgres) {
        learnt->runs_since = 0;
        learnt->tried_us = now_us;
    }
    if (choice.side == Side::kClickHouse && learnt->side == Side::kPostgres &&
        learnt->tries_in_vain > 0)
        --learnt->tries_in_vain;
    learnt->side = choice.side;
    if (choice.side == Side::kPostgres && learnt->runs_since < UINT32_MAX) ++learnt->runs_since;
}

uint32_t runs_until_again(const Learnt& learnt) noexcept {
    if (!is_back(learnt)) return 0;
    uint32_t wanted = runs_wanted(learnt);
    return learnt.runs_since >= wanted ? 1 : wanted - learnt.runs_since + 1;
}

void note_local(Learnt* learnt, Rates* rates, const Facts& facts, double ms) noexcept {
    add_run(&learnt->local, ms, local_units(facts), false);
    calibrate(&rates->local, &rates->local_runs, ms, local_units(facts) * kMsPerCost);
}

void note_remote(Learnt* learnt, Rates* rates, const Facts& facts, double ms, bool again) noexcept {
    add_run(&learnt->remote, ms, remote_units(facts), again);
    double work = work_ms(facts);
    double fixed = kFixedMs * std::exp(rates->remote_fixed);
    // Of a small query the time says how long a round trip takes, of a large one how fast it reads.
    if (work < kFixedMs)
        calibrate(&rates->remote_fixed, &rates->remote_fixed_runs,
                  std::max(ms - work * std::exp(rates->remote_work), ms / 2), kFixedMs);
    else
        calibrate(&rates->remote_work, &rates->remote_work_runs, std::max(ms - fixed, ms / 10),
                  work);
}

void note_local_in_vain(Learnt* learnt, const Facts& facts, double ms) noexcept {
    add_run(&learnt->local, ms, local_units(facts), false);
}

void note_remote_in_vain(Learnt* learnt, const Facts& facts, double ms, bool again) noexcept {
    add_run(&learnt->remote, ms, remote_units(facts), again);
}

void note_wait(Rates* rates, double ms) noexcept {
    rates->waits = std::min(rates->waits + 1, kCalibrationRunsMax);
    rates->wait_ms += (ms - rates->wait_ms) / rates->waits;
}

}  // namespace tandem::route::cost
