#include <gtest/gtest.h>

#include "route/cost/facade.h"

namespace tandem::route::cost {
namespace {

constexpr int64_t kMinuteUs = 60000000;

// A million rows added up: Postgres expects to read 20 000 pages' worth.
Facts large() {
    Facts facts = {.local_cost = 20000, .result_rows = 1, .result_bytes = 8};
    add_table(&facts, {.rows = 1e6, .row_bytes = 8});
    return facts;
}

// One query over time: where it goes and what it takes there.
struct Query {
    Facts facts;
    double local_ms;
    double remote_ms;
    Learnt learnt = {};
    Rates rates = {};
    int64_t now_us = 0;

    Side run() {
        Choice choice = choose(learnt, estimate(facts, rates, learnt, false), now_us);
        take(&learnt, choice, now_us);
        if (choice.side == Side::kClickHouse)
            note_remote(&learnt, &rates, facts, remote_ms, choice.again);
        else
            note_local(&learnt, &rates, facts, local_ms);
        return choice.side;
    }
    int runs_until(Side side) {
        for (int runs = 1; runs < 10000; ++runs)
            if (run() == side) return runs;
        return -1;
    }
};

TEST(cost_model, sends_large_aggregates_to_clickhouse) {
    Query query = {large(), 100, 10};
    for (int i = 0; i < 100; ++i) EXPECT_EQ(query.run(), Side::kClickHouse);
}

TEST(cost_model, keeps_what_is_small) {
    Facts facts = {.local_cost = 100, .result_rows = 1, .result_bytes = 8};
    add_table(&facts, {.rows = 2000, .row_bytes = 8});
    Query query = {facts, 0.8, 4};
    for (int i = 0; i < 100; ++i) EXPECT_EQ(query.run(), Side::kPostgres);
}

TEST(cost_model, counts_rows_on_the_wire) {
    Facts facts = large();
    double few = estimate(facts, {}, {}, false).clickhouse_ms;
    facts.result_rows = 1e6;
    facts.result_bytes = 1e8;
    EXPECT_GT(estimate(facts, {}, {}, false).clickhouse_ms, few + 500);
}

TEST(cost_model, counts_the_wait_for_fresh_data) {
    Rates rates;
    for (int i = 0; i < 5; ++i) note_wait(&rates, 80);
    double waits = estimate(large(), rates, {}, true).clickhouse_ms;
    EXPECT_NEAR(waits - estimate(large(), rates, {}, false).clickhouse_ms, 80, 0.001);
}

TEST(cost_model, reads_less_behind_a_prefix_of_the_key) {
    Facts all;
    add_table(&all, {.rows = 1e6, .row_bytes = 10, .wanted_rows = 100});
    Facts some;
    add_table(&some, {.rows = 1e6, .row_bytes = 10, .wanted_rows = 100, .key_prefix = true});
    EXPECT_EQ(all.scanned_rows, 1e6);
    EXPECT_EQ(some.scanned_rows, 100 + 8192);
    Facts few;
    add_table(&few, {.rows = 50, .wanted_rows = 100, .key_prefix = true});
    EXPECT_EQ(few.scanned_rows, 50);
}

TEST(cost_model, counts_changed_rows_that_are_not_folded) {
    Facts folded, changed;
    add_table(&folded, {.rows = 1000});
    add_table(&changed, {.rows = 1000, .deltas = true});
    EXPECT_GT(changed.scanned_rows, folded.scanned_rows);
}

TEST(cost_model, takes_back_what_was_slower_than_the_estimate_and_tries_again) {
    Query query = {large(), 100, 900};
    EXPECT_EQ(query.run(), Side::kClickHouse);
    EXPECT_EQ(query.run(), Side::kPostgres);
    int first = query.runs_until(Side::kClickHouse);
    int second = query.runs_until(Side::kClickHouse);
    int third = query.runs_until(Side::kClickHouse);
    EXPECT_GT(first, 1);
    EXPECT_GT(second, first);
    EXPECT_GT(third, second);
}

TEST(cost_model, stays_in_clickhouse_when_it_has_become_fast) {
    Query query = {large(), 100, 900};
    query.run();
    query.run();
    query.remote_ms = 10;
    EXPECT_GT(query.runs_until(Side::kClickHouse), 1);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(query.run(), Side::kClickHouse);
}

TEST(cost_model, tries_a_rare_query_again_after_minutes) {
    Query query = {large(), 100, 900};
    query.run();
    EXPECT_EQ(query.run(), Side::kPostgres);
    query.now_us += 9 * kMinuteUs;
    EXPECT_EQ(query.run(), Side::kPostgres);
    query.now_us += 2 * kMinuteUs;
    EXPECT_EQ(query.run(), Side::kClickHouse);
    query.now_us += 11 * kMinuteUs;  // twice as long the second time
    EXPECT_EQ(query.run(), Side::kPostgres);
    query.now_us += 10 * kMinuteUs;
    EXPECT_EQ(query.run(), Side::kClickHouse);
}

TEST(cost_model, says_when_it_tries_again) {
    Query query = {large(), 100, 900};
    EXPECT_EQ(runs_until_again(query.learnt), 0U);
    query.run();
    query.run();
    auto announced = static_cast<int>(runs_until_again(query.learnt));
    EXPECT_EQ(query.runs_until(Side::kClickHouse), announced);
}

TEST(cost_model, sends_what_was_slow_in_postgres) {
    Facts facts = {.local_cost = 100, .result_rows = 1};
    add_table(&facts, {.rows = 10000, .row_bytes = 8});
    Query query = {facts, 400, 5};
    EXPECT_EQ(query.run(), Side::kPostgres);
    for (int i = 0; i < 50; ++i) EXPECT_EQ(query.run(), Side::kClickHouse);
}

TEST(cost_model, gives_postgres_one_chance_of_as_long_as_clickhouse_takes) {
    Query query = {large(), 2, 60};
    auto chance = [&] {
        return choose(query.learnt, estimate(query.facts, query.rates, query.learnt, false), 0)
            .postgres_first_ms;
    };
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(chance(), 0);
        EXPECT_EQ(query.run(), Side::kClickHouse);
    }
    EXPECT_NEAR(chance(), 60, 0.001);
    Query slow = query;
    note_local(&query.learnt, &query.rates, query.facts, 2);
    EXPECT_EQ(query.run(), Side::kPostgres);
    query = slow;
    note_local_in_vain(&query.learnt, query.facts, 60);
    for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(chance(), 0);
        EXPECT_EQ(query.run(), Side::kClickHouse);
    }
    // Not for what is fast anyway.
    query = {large(), 2, 10};
    for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(chance(), 0);
        query.run();
    }
}

TEST(cost_model, does_not_change_sides_for_a_few_milliseconds) {
    // Twice as slow, and still only three milliseconds.
    Query query = {large(), 3, 6};
    for (int i = 0; i < 200; ++i) EXPECT_EQ(query.run(), Side::kClickHouse);
    // Many milliseconds, and still only a tenth.
    Query slow = {large(), 1000, 1100};
    slow.learnt.local = {1000, 20000, 3};
    for (int i = 0; i < 200; ++i) EXPECT_EQ(slow.run(), Side::kClickHouse);
}

TEST(cost_model, only_one_session_tries_again) {
    Query query = {large(), 100, 900};
    query.run();
    query.run();
    while (runs_until_again(query.learnt) > 1) query.run();
    Estimate both = estimate(query.facts, query.rates, query.learnt, false);
    Choice first = choose(query.learnt, both, 0);
    EXPECT_TRUE(first.again);
    take(&query.learnt, first, 0);
    EXPECT_EQ(choose(query.learnt, both, 0).side, Side::kPostgres);
}

TEST(cost_model, takes_runs_in_vain_for_slow_ones) {
    Query query = {large(), 100, 10};
    Choice choice = choose(query.learnt, estimate(query.facts, {}, {}, false), 0);
    take(&query.learnt, choice, 0);
    EXPECT_EQ(choice.side, Side::kClickHouse);
    note_remote_in_vain(&query.learnt, query.facts, 5000, false);
    EXPECT_EQ(query.run(), Side::kPostgres);
    note_local_in_vain(&query.learnt, query.facts, 60000);
    EXPECT_EQ(query.run(), Side::kClickHouse);
    EXPECT_EQ(query.rates.local_runs, 1U);  // of the servers they say nothing
}

TEST(cost_model, learns_what_a_unit_of_cost_takes_here) {
    Rates rates;
    Learnt other;
    double before = estimate(large(), rates, {}, false).postgres_ms;
    for (int i = 0; i < 100; ++i) note_local(&other, &rates, large(), before * 10);
    double after = estimate(large(), rates, {}, false).postgres_ms;
    EXPECT_NEAR(after / before, 10, 1);
}

TEST(cost_model, learns_how_fast_clickhouse_is_here) {
    Facts small = {.local_cost = 5000, .result_rows = 1};
    add_table(&small, {.rows = 1000, .row_bytes = 8});
    Facts huge = {.local_cost = 2e6, .result_rows = 1};
    add_table(&huge, {.rows = 1e8, .row_bytes = 8});
    Rates rates;
    Learnt first, second;
    for (int i = 0; i < 100; ++i) {
        note_remote(&first, &rates, small, 20, false);
        note_remote(&second, &rates, huge, 9000, false);
    }
    EXPECT_NEAR(estimate(small, rates, {}, false).clickhouse_ms, 20, 2);
    EXPECT_NEAR(estimate(huge, rates, {}, false).clickhouse_ms, 9000, 1000);
}

TEST(cost_model, one_measurement_is_not_believed_blindly) {
    Rates rates;
    Learnt learnt;
    note_local(&learnt, &rates, large(), 1e9);
    double unknown = estimate(large(), rates, {}, false).postgres_ms;
    EXPECT_LT(unknown, 160 * 5);
    note_local(&learnt, &rates, large(), 0);
    EXPECT_GT(estimate(large(), rates, {}, false).postgres_ms, 0);
}

TEST(cost_model, scales_what_it_learnt_with_the_size_of_the_question) {
    Learnt learnt;
    Rates rates;
    note_local(&learnt, &rates, large(), 50);
    Facts tenfold = large();
    tenfold.local_cost *= 10;
    EXPECT_NEAR(estimate(tenfold, rates, learnt, false).postgres_ms, 500, 0.001);
}

}  // namespace
}  // namespace tandem::route::cost
