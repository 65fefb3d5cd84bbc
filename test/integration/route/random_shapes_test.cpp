// Random queries of every shape: relations that all have the columns id, k, n and t, put together
// by joins, LATERAL, subqueries, groupings and windows. The same in every run; others with
// TANDEM_SEED, as many as TANDEM_BUDGET_SECONDS leave time for.
#include <chrono>
#include <iostream>
#include <random>

#include "integration/route/differential.h"

namespace tandem::route_test {

namespace {

constexpr const char* kShapeTables = R"sql(
CREATE TABLE shop (id int PRIMARY KEY, k int, n numeric(8,2), t text);
INSERT INTO shop SELECT i, nullif(abs(hashint4(i)) % 7, 0), CASE WHEN i % 5 <> 0 THEN (abs(hashint4(i * 3)) % 2000)::numeric / 100 END,
    CASE WHEN i % 4 <> 0 THEN chr(97 + abs(hashint4(i * 7)) % 4) END FROM generate_series(1, 40) i;
CREATE TABLE spot (id int PRIMARY KEY, k int, n numeric(8,2) NOT NULL, t text NOT NULL);
INSERT INTO spot SELECT i, nullif(i % 5, 4), i * 1.5, chr(97 + i % 3) FROM generate_series(1, 9) i;
CREATE TABLE void (id int PRIMARY KEY, k int, n numeric(8,2), t text);
)sql";

class ShapeMaker {
  public:
    explicit ShapeMaker(uint64_t seed) : random_(seed) {}

    std::string next() {
        aliases_ = 0;
        with_.clear();
        with_ = chance(25) ? "WITH w AS (" + columns_of(1) + ") " : "";
        return with_ + (chance(15)
                            ? columns_of(2) +
                                  pick({" UNION ALL ", " UNION ", " EXCEPT ALL ", " INTERSECT "}) +
                                  columns_of(1)
                            : select());
    }

  private:
    using Names = std::vector<std::string>;

    bool chance(int percent) { return number(1, 100) <= percent; }
    int number(int from, int to) { return std::uniform_int_distribution<int>(from, to)(random_); }
    std::string pick(const Names& items) {
        return items[static_cast<size_t>(number(0, static_cast<int>(items.size()) - 1))];
    }
    std::string alias() { return "r" + std::to_string(++aliases_); }
    std::string integer(const Names& names) {
        return pick(names) + pick({".id", ".k", ".k", ".k"});
    }
    std::string column(const Names& names) { return pick(names) + pick({".id", ".k", ".n", ".t"}); }
    std::string order(const std::string& name) {
        return name + ".n" + pick({"", " DESC", " DESC NULLS LAST", " NULLS FIRST"}) + ", " + name +
               ".id, " + name + ".k, " + name + ".t";
    }

    // SELECT id, k, n, t
    std::string columns_of(int depth) {
        Names names;
        std::string from = join(depth, names);
        const std::string a = names.front();
        std::string where = chance(50) ? " WHERE " + condition(names, depth) : "";
        switch (number(0, 5)) {
            case 0:
                return "SELECT max(" + a + ".id) AS id, " + a + ".k, sum(" + a + ".n) AS n, min(" +
                       a + ".t) AS t FROM " + from + where + " GROUP BY " + a + ".k";
            case 1:
                return "SELECT DISTINCT ON (" + a + ".k) " + a + ".id, " + a + ".k, " + a + ".n, " +
                       a + ".t FROM " + from + where + " ORDER BY " + a + ".k, " + order(a);
            case 2: {
                // One order for both: of two, rows that are alike would not be so in either.
                const std::string over = " OVER (PARTITION BY " + a + ".k ORDER BY " + order(a);
                return "SELECT " + a + ".id, (row_number()" + over + "))::int AS k, lag(" + a +
                       ".n)" + over + ") AS n, " + a + ".t FROM " + from + where;
            }
            case 3:
                return "(SELECT " + a + ".id, " + a + ".k, " + a + ".n, " + a + ".t FROM " + from +
                       where + " ORDER BY " + order(a) + " LIMIT " + std::to_string(number(0, 7)) +
                       ")";
            default:
                return "SELECT " + a + ".id, " + pick(names) + ".k, " + a + ".n, " + pick(names) +
                       ".t FROM " + from + where;
        }
    }

    std::string relation(int depth, Names& names) {
        names.push_back(alias());
        const std::string name = " " + names.back();
        if (!with_.empty() && chance(35)) return "w" + name;
        switch (number(0, depth > 0 ? 9 : 6)) {
            case 0:
            case 1:
                return "spot" + name;
            case 2:
                return chance(40) ? "void" + name : "shop" + name;
            case 3:
                return "(VALUES (1, 2, 1.50, 'a'), (2, NULL, 3.25, 'b'), (2, 2, NULL, NULL))" +
                       name + "(id, k, n, t)";
            case 4:
                return "(SELECT g AS id, g % 3 AS k, g * 1.25 AS n, 'b' AS t FROM "
                       "generate_series(" +
                       std::to_string(number(-1, 3)) + ", " + std::to_string(number(1, 6)) +
                       ") g)" + name;
            case 7:
            case 8:
                return "(" + columns_of(depth - 1) + ")" + name;
            default:
                return "shop" + name;
        }
    }

    std::string join(int depth, Names& names) {
        std::string from = relation(depth, names);
        for (int more = number(0, depth > 0 ? 2 : 1); more > 0; --more) {
            if (chance(30)) {
                from += lateral(names);
                continue;
            }
            Names right;
            std::string other = relation(depth - 1, right);
            if (chance(25)) {
                Names inner = right;
                std::string third = relation(0, inner);
                other = "(" + other + pick({" JOIN ", " LEFT JOIN "}) + third + " ON " +
                        tie(right, {inner.back()}) + ")";
                right = inner;
            }
            std::string kind =
                pick({" JOIN ", " LEFT JOIN ", " LEFT JOIN ", " RIGHT JOIN ", ", ", " FULL JOIN "});
            std::string on;
            if (kind == " FULL JOIN ")
                on = " ON " + pick(names) + ".k = " + pick(right) + ".k";
            else if (kind != ", ")
                on = " ON " + (chance(60) ? tie(names, right) : loose_tie(names, right));
            else
                kind = " CROSS JOIN ";
            from += kind + other + on;
            names.insert(names.end(), right.begin(), right.end());
        }
        return from;
    }

    std::string tie(const Names& left, const Names& right) {
        std::string text = integer(left) + " = " + integer(right);
        if (chance(20)) text += " AND " + pick(left) + ".n < " + pick(right) + ".n";
        return text;
    }

    std::string loose_tie(const Names& left, const Names& right) {
        switch (number(0, 5)) {
            case 0:
                return integer(left) + pick({" < ", " >= ", " <> "}) + integer(right);
            case 1:
                return tie(left, right) + " OR " + tie(left, right);
            case 2:
                return pick(left) + ".t IS NOT DISTINCT FROM " + pick(right) + ".t";
            case 3:
                return pick({"true", "false", "NULL"});
            case 4:
                return comparison(left);
            default:
                return comparison(right);
        }
    }

    std::string lateral(Names& names) {
        const std::string outer = pick(names);
        const std::string name = alias();
        const std::string in = alias();
        bool left = chance(50);
        std::string head = left ? " LEFT JOIN LATERAL " : " CROSS JOIN LATERAL ";
        std::string tail = " " + name + (left ? " ON true" : "");
        const std::string table = pick({"shop ", "spot ", "void "}) + in;
        const std::string where = " WHERE " + in + ".k = " + outer + pick({".k", ".id"}) +
                                  (chance(30) ? " AND " + comparison({in}) : "");
        names.push_back(name);
        switch (number(0, 5)) {
            case 0:
                return head + "(SELECT " + in + ".* FROM " + table + where + " ORDER BY " +
                       order(in) + " LIMIT " + std::to_string(number(1, 3)) + ")" + tail;
            case 1:
                return head + "(SELECT count(*)::int AS id, max(" + in + ".k) AS k, sum(" + in +
                       ".n) AS n, min(" + in + ".t) AS t FROM " + table + where + ")" + tail;
            case 2:
                return head + "(SELECT max(" + in + ".id) AS id, " + in + ".k, sum(" + in +
                       ".n) AS n, " + in + ".t FROM " + table + where + " GROUP BY " + in + ".k, " +
                       in + ".t)" + tail;
            case 3:
                return head + "(SELECT " + outer + ".id + 1 AS id, " + outer + ".k, " + outer +
                       ".n, coalesce(" + outer + ".t, 'z') AS t)" + tail;
            case 4:
                return head + "(VALUES (" + outer + ".id, " + outer + ".k, " + outer +
                       ".n, 'v'), (0, " + outer + ".id, NULL, " + outer + ".t)) " + name +
                       "(id, k, n, t)" + (left ? " ON true" : "");
            default:
                return head + "(SELECT " + in + ".* FROM " + table + where + " AND " + in +
                       ".id > " + outer + ".k)" + tail;
        }
    }

    std::string comparison(const Names& names) {
        switch (number(0, 5)) {
            case 0:
                return pick(names) + ".n " + pick({"<", ">", ">="}) + " " +
                       std::to_string(number(0, 19)) + ".5";
            case 1:
                return pick(names) + ".t " + pick({"= 'a'", "<> 'b'", "IN ('a', 'c')"});
            case 2:
                return column(names) + pick({" IS NULL", " IS NOT NULL"});
            case 3:
                return "(" + integer(names) + ", " + integer(names) + ") " +
                       pick({"<", "<=", ">", ">=", "=", "<>"}) + " (" +
                       std::to_string(number(0, 6)) + ", " + integer(names) + ")";
            default:
                return integer(names) + pick({" = ", " <> ", " < ", " >= "}) +
                       std::to_string(number(0, 9));
        }
    }

    std::string subquery_test(const Names& names) {
        const std::string in = alias();
        const std::string from = " FROM " + pick({"shop ", "spot ", "void "}) + in;
        const std::string loose = chance(50) ? " WHERE " + comparison({in}) : "";
        const std::string tied = " WHERE " + in + ".k = " + integer(names) +
                                 (chance(30) ? " AND " + comparison({in}) : "");
        switch (number(0, 6)) {
            case 0:
                return pick({"", "NOT "}) + "EXISTS (SELECT 1" + from + tied +
                       (chance(30) ? " AND " + in + ".n > " + pick(names) + ".n" : "") + ")";
            case 1:
                return integer(names) + pick({" IN", " NOT IN"}) + " (SELECT " + in +
                       pick({".id", ".k"}) + from + loose + ")";
            case 2:
                return integer(names) + pick({" < ", " <= ", " > ", " >= ", " = ", " <> "}) +
                       pick({"ANY", "ALL"}) + " (SELECT " + in + pick({".id", ".k"}) + from +
                       loose + ")";
            case 3:
                return pick(names) + ".n " + pick({"<", ">"}) + " (SELECT " +
                       pick({"avg", "max", "min", "sum"}) + "(" + in + ".n)" + from +
                       (chance(60) ? tied : loose) + ")";
            case 4:
                return "(SELECT count(*)" + from + tied + ") " + pick({"> 1", "= 0", "< 3"});
            case 5:
                return "(" + integer(names) + ", " + integer(names) + ") IN (SELECT " + in +
                       ".id, " + in + ".k" + from + loose + ")";
            default:
                return integer(names) + " IN (SELECT " + in + ".id" + from + tied + ")";
        }
    }

    std::string condition(const Names& names, int depth) {
        std::string one = chance(35) ? subquery_test(names) : comparison(names);
        if (depth == 0 || chance(50)) return one;
        switch (number(0, 2)) {
            case 0:
                return one + " AND " + condition(names, depth - 1);
            case 1:
                return "(" + one + " OR " + condition(names, depth - 1) + ")";
            default:
                return "NOT (" + one + ")";
        }
    }

    std::string aggregate(const Names& names) {
        switch (number(0, 8)) {
            case 7:
                return pick({"stddev", "stddev_pop", "variance"}) + "(" + integer(names) + ")";
            case 8:
                return "count(DISTINCT (" + column(names) + ", " + column(names) + "))";
            case 0:
                return "count(*)";
            case 1:
                return "count(" + pick({"", "DISTINCT "}) + column(names) + ")";
            case 2:
                return pick({"sum", "max", "min"}) + "(" + pick(names) + ".n)" +
                       (chance(30) ? " FILTER (WHERE " + comparison(names) + ")" : "");
            case 3:
                return "mode() WITHIN GROUP (ORDER BY " + column(names) + pick({"", " DESC"}) + ")";
            case 4:
                return "percentile_disc(ARRAY[0, 0.4, 1]) WITHIN GROUP (ORDER BY " + column(names) +
                       pick({"", " DESC"}) + ")";
            case 5:
                return "array_agg(DISTINCT " + column(names) + ")";
            default:
                return "percentile_cont(0.4) WITHIN GROUP (ORDER BY " + integer(names) +
                       pick({"", " DESC"}) + ")";
        }
    }

    std::string window(const Names& names) {
        const std::string a = names.front();
        std::string by = chance(60) ? "PARTITION BY " + column(names) + " " : "";
        switch (number(0, 4)) {
            case 4: {
                // Peers that differ in anything that is shown would be told apart by chance.
                std::string all;
                for (const std::string& name : names)
                    all += (all.empty() ? "" : ", ") + order(name);
                return pick({"lag(", "lead("}) + a + ".n, 1, " + pick({"0", "0.5", "-1.125"}) +
                       ") OVER (" + by + "ORDER BY " + all + ")";
            }
            case 0:
                return pick({"count(*)", "sum(" + a + ".n)", "max(" + a + ".t)"}) + " OVER (" + by +
                       "ORDER BY " + integer(names) + pick({"", " DESC", " NULLS FIRST"}) +
                       " RANGE BETWEEN " + pick({"2 PRECEDING", "CURRENT ROW", "0 PRECEDING"}) +
                       " AND " + pick({"CURRENT ROW", "3 FOLLOWING"}) + ")";
            case 1:
                return pick({"rank()", "dense_rank()", "cume_dist()", "percent_rank()"}) +
                       " OVER (" + by + "ORDER BY " + column(names) + pick({"", " DESC"}) + ")";
            case 2:
                return pick({"sum(" + a + ".n)", "min(" + a + ".id)", "count(" + a + ".t)"}) +
                       " OVER (" + by + "ORDER BY " + column(names) + ")";
            default:
                return pick({"max(" + a + ".n)", "avg(" + a + ".id)"}) + " OVER (" + by + ")";
        }
    }

    std::string select() {
        Names names;
        std::string from = " FROM " + join(2, names);
        std::string where = chance(60) ? " WHERE " + condition(names, 2) : "";
        if (chance(30))
            return "SELECT " + aggregate(names) + ", " + aggregate(names) + from + where;
        if (chance(35))
            return "SELECT " + column(names) + ", " + column(names) +
                   (chance(40) ? ", " + window(names) : "") + from + where;
        const std::string key = integer(names);
        const std::string other = pick(names) + ".t";
        std::string targets = key + ", " + other + ", " + aggregate(names);
        if (chance(30)) {
            const std::string in = alias();
            targets += ", (SELECT " + pick({"max(" + in + ".n)", "count(*)"}) + " FROM shop " + in +
                       " WHERE " + in + ".k = " + key + ")";
        }
        if (chance(20)) targets += ", rank() OVER (ORDER BY count(*) DESC)";
        // Postgres 15 takes a column of GROUPING SETS that WHERE compares with a constant for
        // constant: DISTINCT there is its own affair.
        bool plain = chance(40);
        std::string sql = plain && chance(50) ? "SELECT DISTINCT " : "SELECT ";
        sql += targets + from + where + " GROUP BY ";
        sql += plain ? key + ", " + other
                     : pick({"ROLLUP (" + key + ", " + other + ")",
                             "GROUPING SETS ((" + key + "), (" + other + "), ())"});
        if (chance(20)) sql += " HAVING count(*) > " + std::to_string(number(0, 3));
        return sql;
    }

    std::mt19937_64 random_;
    std::string with_;
    int aliases_ = 0;
};

constexpr int kQueries = 250;

TEST_F(RouteDifferential, answers_random_shapes_like_postgres) {
    run(kShapeTables);
    for (const char* table : {"shop", "spot", "void"}) hold_in_both(table);
    run("SET statement_timeout = '20s'");
    const char* given = std::getenv("TANDEM_SEED");
    uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
    const char* budget = std::getenv("TANDEM_BUDGET_SECONDS");
    const auto end = std::chrono::steady_clock::now() +
                     std::chrono::seconds(budget != nullptr ? std::atoi(budget) : 0);
    ShapeMaker maker(seed);
    int asked = 0;
    int routed = 0;
    auto more = [&] {
        return budget != nullptr ? std::chrono::steady_clock::now() < end : asked < kQueries;
    };
    while (more() && !HasFailure()) {
        std::string sql = maker.next();
        bool ran = compare(sql, false);
        routed += ran ? 1 : 0;
        ++asked;
        if (!ran && std::getenv("TANDEM_PIN") != nullptr)
            std::cout << reason(sql) << "\n    " << sql << "\n";
    }
    std::cout << "seed " << seed << ": " << routed << " of " << asked
              << " queries ran in ClickHouse\n";
    EXPECT_GT(routed * 2, asked);
}

}  // namespace

}  // namespace tandem::route_test
