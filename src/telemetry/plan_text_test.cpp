#include "telemetry/plan_text.h"

#include <gtest/gtest.h>

#include <string>

namespace tandem::telemetry {
namespace {

std::string text(const std::string& plan) {
    std::string out(plan.size(), '\0');
    out.resize(mask_plan_text(plan, out.data()));
    return out;
}

std::string json(const std::string& plan) {
    std::string out(plan.size(), '\0');
    out.resize(mask_plan_json(plan, out.data()));
    return out;
}

TEST(PlanText, has_no_constants_and_keeps_costs_names_and_counts) {
    EXPECT_EQ(
        text("Gather  (cost=1000.00..9.50 rows=10 width=4)\n"
             "  Workers Planned: 2\n"
             "  ->  Index Scan using t1_pkey on \"2024 t\" t_1  (cost=0.00..35.50 rows=1)\n"
             "        Index Cond: (id = 42)\n"
             "        Filter: ((name = 'O''Neil'::text) AND (x < '-5'::integer) AND (y = $1))"),
        "Gather  (cost=1000.00..9.50 rows=10 width=4)\n"
        "  Workers Planned: 2\n"
        "  ->  Index Scan using t1_pkey on \"2024 t\" t_1  (cost=0.00..35.50 rows=1)\n"
        "        Index Cond: (id = ?)\n"
        "        Filter: ((name = ?::text) AND (x < ?::integer) AND (y = $1))");
}

TEST(PlanText, knows_numbers_that_are_names) {
    EXPECT_EQ(
        text("Filter: ((a = $0) OR (hashed SubPlan 2) OR (b = 2))\n  InitPlan 1 (returns $0)"),
        "Filter: ((a = $0) OR (hashed SubPlan 2) OR (b = ?))\n  InitPlan 1 (returns $0)");
}

TEST(PlanText, hides_literals_of_several_lines) {
    EXPECT_EQ(text("Filter: (a = 'one\nsecret: 5\ntwo'::text)\nRows: 3"),
              "Filter: (a = ?::text)\nRows: 3");
    EXPECT_EQ(text("Filter: (a = 'unfinished\nsecret"), "Filter: (a = ?");
    EXPECT_EQ(text(""), "");
}

TEST(PlanText, stays_json) {
    EXPECT_EQ(json(R"x([{"Plan": {"Node Type": "Seq Scan", "Relation Name": "2024_t",
        "Total Cost": 35.50, "Filter": "((name = 'say \"x\"'::text) AND (\"Odd 1\" > 7))",
        "Sort Key": ["(a + 1)", "b"], "Remote SQL": "SELECT\n'abc', \\ 5"}}])x"),
              R"x([{"Plan": {"Node Type": "Seq Scan", "Relation Name": "2024_t",
        "Total Cost": 35.50, "Filter": "((name = ?::text) AND (\"Odd 1\" > ?))",
        "Sort Key": ["(a + ?)", "b"], "Remote SQL": "SELECT\n?, \\ ?"}}])x");
    EXPECT_EQ(json(R"("half \)"), R"("half \)");
    EXPECT_EQ(json("\""), "\"");
}

}  // namespace
}  // namespace tandem::telemetry
