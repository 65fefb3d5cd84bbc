// Asks the queries of the demo in Postgres and through the router, and compares the two answers.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "postgres/client/connection.h"

namespace tandem::cli {

struct Comparison {
    std::string name;
    double postgres_ms = 0;  // the faster of two runs, as for routed_ms
    double routed_ms = 0;
    int rows = 0;
    bool identical = false;
    std::string difference = {};  // where the answers differ first
    std::string remote_sql = {};
};

// Pauses the writers, waits until ClickHouse has what is committed, and runs each query of the demo
// both ways in one transaction, so that now() is the same. kNotRoutable with the router's reason
// when one would not be routed.
Result<std::vector<Comparison>> compare_answers(postgres::Connection& connection);

// Empty when both results have the same columns, types and values in the same order.
std::string first_difference(const postgres::QueryResult& left, const postgres::QueryResult& right);

}  // namespace tandem::cli
