// Every row of the rule table × boundary values × {column, literal, parameter} × nullable or not:
// PostgreSQL and the router answer alike. A new row is tested by being there.
#include <map>

#include "integration/route/differential.h"
#include "route/rules/rule.h"

namespace tandem::route_test {

namespace {

using route::Class;
using route::Form;
using route::Rule;

struct Kind {
    const char* type;
    std::vector<std::string> values;
};

const std::map<Class, Kind>& kinds() {
    static const std::map<Class, Kind> kKinds = {
        {Class::kBool, {"boolean", {"true", "false"}}},
        {Class::kInt2,
         {"smallint", {"0", "1", "-1", "127", "128", "-128", "255", "256", "32767", "-32768"}}},
        {Class::kInt4,
         {"int",
          {"0", "1", "-1", "3", "255", "256", "-32769", "65536", "2147483647", "-2147483648"}}},
        {Class::kInt8,
         {"bigint",
          {"0", "1", "-1", "7", "65535", "4294967296", "9223372036854775807",
           "-9223372036854775808"}}},
        {Class::kNumeric,
         {"numeric(12,3)",
          {"0", "0.001", "-0.001", "1.5", "-2.5", "7", "999999999.999", "-999999999.999"}}},
        {Class::kFloat4,
         {"real", {"0", "-0.0", "1.5", "NaN", "Infinity", "-Infinity", "1e-30", "3e38"}}},
        {Class::kFloat8,
         {"double precision",
          {"0", "-0.0", "2.5", "-2.5", "NaN", "Infinity", "-Infinity", "1e-300", "1e300"}}},
        {Class::kText,
         {"text",
          {"", " a ", "abc", "ABC", "a%_\\", "äÄß日本", "12", "-7", "true", "2024-02-29",
           "80000000-0000-0000-0000-0000000000aF"}}},
        {Class::kBpchar, {"char(4)", {"", "a", " a", "abcd", "ä"}}},
        {Class::kDate,
         {"date", {"1900-01-01", "1969-12-31", "1970-01-01", "2000-02-29", "2299-12-31"}}},
        {Class::kTimestamp,
         {"timestamp",
          {"1900-01-01 00:00:00", "1969-12-31 23:59:59.999999", "2024-02-29 12:00:00.5"}}},
        {Class::kTimestamptz,
         {"timestamptz",
          {"1900-01-01 00:00:00Z", "1969-12-31 23:59:59.999999Z", "2024-03-31 01:30:00Z"}}},
        {Class::kUuid,
         {"uuid",
          {"00000000-0000-0000-0000-000000000000", "80000000-0000-0000-0000-000000000001",
           "ffffffff-ffff-ffff-ffff-ffffffffffff"}}},
        {Class::kInet, {"inet", {"10.0.0.1", "10.0.0.1/8", "::1", "fe80::/10", "255.255.255.255"}}},
        {Class::kBytea, {"bytea", {"", "\\x00ff", "abc", "\\xdeadbeef", "\\x80"}}},
        {Class::kTime,
         {"time", {"00:00:00", "08:15:30.25", "23:59:59.999999", "24:00:00", "12:00:00"}}},
        {Class::kMoney,
         {"money", {"0", "1.25", "-1.25", "92233720368547758.07", "-92233720368547758.08"}}},
        {Class::kOid, {"oid", {"0", "1", "4294967295"}}},
        {Class::kEnum, {"mood", {"low", "Ärger", "high"}}},
    };
    return kKinds;
}

std::string literal(const Kind& kind, const std::string& value) {
    return "'" + value + "'::" + kind.type;
}

std::string column(Class cls, bool nullable) {
    return (nullable ? "n_" : "v_") + std::to_string(static_cast<int>(cls));
}

bool long_run() {
    return std::getenv("TANDEM_BUDGET_SECONDS") != nullptr;
}

// The classes that an argument of a row may have; of pairs of integers a few unless there is time.
std::vector<Class> choices(Class wanted, const std::vector<Class>& before) {
    if (wanted == Class::kAnyInt && !before.empty() && !long_run())
        return {before[0] == Class::kInt2   ? Class::kInt8
                : before[0] == Class::kInt4 ? Class::kInt4
                                            : Class::kInt2};
    if (wanted == Class::kAnyInt) return {Class::kInt2, Class::kInt4, Class::kInt8};
    if (wanted == Class::kAny) return {Class::kInt4, Class::kText, Class::kNumeric};
    if (wanted == Class::kSame) return {before.empty() ? wanted : before[0]};
    return {wanted};
}

class RouteRules : public RouteDifferential {
  protected:
    void SetUp() override {
        quick_ = true;
        RouteDifferential::SetUp();
        if (HasFatalFailure()) return;
        std::string columns = "id int PRIMARY KEY";
        size_t rows = 0;
        for (const auto& [cls, kind] : kinds()) {
            columns += ", " + column(cls, false) + " " + kind.type + " NOT NULL, " +
                       column(cls, true) + " " + kind.type;
            rows = std::max(rows, kind.values.size());
        }
        run("CREATE TYPE mood AS ENUM ('low', 'Ärger', 'high')");
        run("CREATE TABLE edges (" + columns + ")");
        for (size_t row = 0; row <= rows; ++row)
            run("INSERT INTO edges VALUES (" + row_of(row, row == rows) + ")");
        columns_ = columns;
        rows_ = rows + 1;
        hold_in_both("edges");
    }

    // Value `row` of every class, twice; the second may be NULL instead.
    static std::string row_of(size_t row, bool null) {
        std::string values = std::to_string(row);
        for (const auto& [cls, kind] : kinds()) {
            std::string value = literal(kind, kind.values[row % kind.values.size()]);
            values += ", " + value + ", " + (null ? "NULL" : value);
        }
        return values;
    }

    std::string call(const Rule& row, const std::vector<std::string>& arguments) const {
        std::string name(row.name);
        if (name == "position") name = "\"position\"";  // which is syntax otherwise
        if (row.form == Form::kOperator)
            return arguments.size() == 1
                       ? "(" + name + " " + arguments[0] + ")"
                       : "(" + arguments[0] + " " + name + " " + arguments[1] + ")";
        if (row.form == Form::kCast) return "(" + arguments[0] + ")::" + name;
        std::string text = name + "(" + ((row.flags & route::rule::kDistinct) ? "DISTINCT " : "");
        for (size_t i = 0; i < arguments.size(); ++i) text += (i > 0 ? ", " : "") + arguments[i];
        if (row.form == Form::kAggregate && arguments.empty()) text += "*";
        return text + (row.form == Form::kWindow ? ") OVER (ORDER BY id)" : ")");
    }

    // All in one query; where that fails, each by itself, and in long runs each for every row.
    void ask_both(const std::vector<std::string>& expressions, bool grouped) {
        std::string all;
        for (const std::string& one : expressions) all += (all.empty() ? "" : ", ") + one;
        std::string start = grouped ? "SELECT " : "SELECT id, ";
        std::string sql = start + all + " FROM edges";
        ++asked_;
        routed_ += compare(sql, false) ? 1 : 0;
        if (grouped || !answer(sql).starts_with("ERROR")) return;
        if (expressions.size() > 1) {
            for (const std::string& one : expressions) ask_both({one}, grouped);
        } else if (long_run()) {
            for (size_t row = 0; row < rows_; ++row)
                compare(sql + " WHERE id = " + std::to_string(row), false);
        }
    }

    void try_row(const Rule& row, const std::vector<Class>& classes) {
        bool grouped = row.form == Form::kAggregate;
        for (bool nullable : {false, true}) {
            if (!nullable && !long_run()) continue;
            std::vector<std::string> columns;
            for (Class cls : classes) columns.push_back(column(cls, nullable));
            ask_both({call(row, columns)}, grouped);
        }
        if (grouped || classes.empty()) return;
        // Each argument as a literal of every value, the others being columns.
        size_t first = long_run() ? 0 : classes.size() - 1;
        for (size_t at = first; at < classes.size() && classes.size() > 1; ++at) {
            std::vector<std::string> expressions;
            for (const std::string& value : kinds().at(classes[at]).values) {
                std::vector<std::string> arguments;
                for (Class cls : classes) arguments.push_back(column(cls, true));
                arguments[at] = literal(kinds().at(classes[at]), value);
                expressions.push_back(call(row, arguments));
            }
            ask_both(expressions, grouped);
        }
        // And the last one as a parameter.
        std::vector<std::string> arguments;
        for (Class cls : classes) arguments.push_back(column(cls, false));
        arguments.back() = "$1";
        const Kind& kind = kinds().at(classes.back());
        std::string prepare = "PREPARE one (" + std::string(kind.type) + ") AS SELECT id, " +
                              call(row, arguments) + " FROM edges WHERE id < 3";
        if (!connection_->execute(prepare).ok()) return;  // there is no such operator
        for (const std::string& value : {literal(kind, kind.values.back()), std::string("NULL")})
            compare("EXECUTE one(" + value + ")", false);
        run("DEALLOCATE one");
    }

    // One row each, because one value that raises an error would fail the query for all; beside it
    // one with NULLs if they are asked for: of columns that hold nothing else little is computed.
    void hold_single_rows(const std::string& prefix, bool null) {
        for (size_t row = 0; row + 1 < rows_; ++row) {
            std::string table = prefix + std::to_string(row);
            run("CREATE TABLE " + table + " (" + columns_ + ")");
            run("INSERT INTO " + table + " VALUES (" + row_of(row, false) + ")");
            if (null) run("INSERT INTO " + table + " VALUES (-" + row_of(row + 1, true) + ")");
            hold_in_both(table);
        }
    }

    // Whether a query that cannot be answered without the row ran in ClickHouse: what is counted
    // cannot be left to Postgres, as a value that is only shown can.
    bool fires(const Rule& row, const std::vector<Class>& classes) {
        bool literal_second = (row.flags & route::rule::kLiteralSecond) != 0;
        Class result = row.result == Class::kSame ? classes[0] : row.result;
        if (route::find_rule(row.form, row.name, classes, result,
                             (row.flags & route::rule::kDistinct) != 0, literal_second) != &row)
            return false;
        std::vector<std::string> arguments;
        for (Class cls : classes) arguments.push_back(column(cls, false));
        for (size_t at = 0; at + 1 < rows_; ++at) {
            if (literal_second) {
                const Kind& kind = kinds().at(classes[1]);
                arguments[1] = literal(kind, kind.values[at % kind.values.size()]);
            }
            std::string sql = counted(row, arguments) + " FROM edge_" + std::to_string(at);
            if (compare(sql, false)) return true;
            why_not_ = sql + ": " + reason(sql);
        }
        return false;
    }

    std::string counted(const Rule& row, const std::vector<std::string>& arguments) const {
        bool whole = row.form == Form::kAggregate || row.form == Form::kWindow;
        std::string value = call(row, arguments);
        return "SELECT " + (whole ? value : "count(" + value + ")");
    }

    // Whether a query in which the argument at `null` is a column that holds a NULL fails in
    // ClickHouse whatever the other arguments are: ClickHouse computes with what lies behind a
    // NULL.
    bool always_fails(const Rule& row, const std::vector<Class>& classes, size_t null) {
        std::vector<std::string> arguments;
        for (Class cls : classes) arguments.push_back(column(cls, false));
        arguments[null] = column(classes[null], true);
        bool literal_second = (row.flags & route::rule::kLiteralSecond) != 0;
        if (literal_second && null == 1) return false;
        bool failed = false;
        for (size_t at = 0; at + 1 < rows_; ++at) {
            if (literal_second) {
                const Kind& kind = kinds().at(classes[1]);
                arguments[1] = literal(kind, kind.values[at % kind.values.size()]);
            }
            std::string sql = counted(row, arguments) + " FROM edge_null_" + std::to_string(at);
            if (reason_for(sql) != "routed") return false;
            if (compare(sql, false)) return false;
            if (answer(sql).starts_with("ERROR")) continue;
            failed = true;
            why_not_ = sql + ": " + reason(sql);
        }
        return failed;
    }

    std::string columns_;
    std::string why_not_;
    size_t rows_ = 0;
    int asked_ = 0;
    int routed_ = 0;
};

// The classes of all arguments that a row is tried with.
std::vector<std::vector<Class>> combinations_of(const Rule& row) {
    std::vector<std::vector<Class>> combinations = {{}};
    for (Class wanted : row.arguments) {
        if (wanted == Class::kNone) break;
        std::vector<std::vector<Class>> longer;
        for (const std::vector<Class>& one : combinations)
            for (Class cls : choices(wanted, one)) {
                longer.push_back(one);
                longer.back().push_back(cls);
            }
        combinations = std::move(longer);
    }
    std::erase_if(combinations, [](const std::vector<Class>& classes) {
        return !std::all_of(classes.begin(), classes.end(),
                            [](Class cls) { return kinds().contains(cls); });
    });
    return combinations;
}

TEST_F(RouteRules, answer_boundary_values_like_postgres) {
    run("SET tandem.float_aggregates = any_order");
    for (std::span<const Rule> family : route::rule_table())
        for (const Rule& row : family) {
            for (const std::vector<Class>& classes : combinations_of(row)) try_row(row, classes);
            if (HasFatalFailure()) return;
        }
    std::cout << routed_ << " of " << asked_ << " queries ran in ClickHouse\n";
    EXPECT_GT(routed_ * 2, asked_);
}

TEST_F(RouteRules, are_each_needed_by_a_query_that_routes) {
    run("SET tandem.float_aggregates = any_order");
    hold_single_rows("edge_", false);
    for (std::span<const Rule> family : route::rule_table())
        for (const Rule& row : family) {
            if ((row.flags & route::rule::kRefuse) != 0) continue;
            auto combinations = combinations_of(row);
            bool fired =
                std::any_of(combinations.begin(), combinations.end(),
                            [&](const std::vector<Class>& classes) { return fires(row, classes); });
            EXPECT_TRUE(fired) << "form " << static_cast<int>(row.form) << ", " << row.name << " → "
                               << row.sql << "\n"
                               << why_not_;
        }
}

TEST_F(RouteRules, do_not_fail_over_a_null) {
    run("SET tandem.float_aggregates = any_order");
    hold_single_rows("edge_null_", true);
    for (std::span<const Rule> family : route::rule_table())
        for (const Rule& row : family) {
            if ((row.flags & route::rule::kRefuse) != 0) continue;
            auto combinations = combinations_of(row);
            if (combinations.empty()) continue;
            for (size_t null = 0; null < combinations[0].size(); ++null)
                EXPECT_FALSE(always_fails(row, combinations[0], null))
                    << "form " << static_cast<int>(row.form) << ", " << row.name << " → " << row.sql
                    << "\n"
                    << why_not_;
            if (HasFatalFailure()) return;
        }
}

}  // namespace

}  // namespace tandem::route_test
