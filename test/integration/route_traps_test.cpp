// Where the router once answered wrongly, or easily could: a test per trap.
#include "integration/route_differential.h"

namespace tandem::route_test {

namespace {

// ClickHouse gives a bare number the smallest type that holds it: each width has a first number.
TEST_F(RouteDifferential, computes_with_literals_of_every_width) {
    run("CREATE TABLE numbers (id int PRIMARY KEY, a2 smallint, a4 int, a8 bigint)");
    run("INSERT INTO numbers SELECT i, v, v, v FROM unnest(ARRAY[-128, -127, -100, -7, -5, -1, 0, "
        "1, 3, 7, 100, 127, NULL]) WITH ORDINALITY x (v, i)");
    hold_in_both("numbers");
    const char* values[] = {"127",   "128",   "200",   "255",        "256",        "1000",
                            "32767", "32768", "65535", "65536",      "2147483647", "2147483648",
                            "0",     "1",     "3",     "4294967296", "-1"};
    for (const std::string column : {"a2", "a4", "a8"})
        for (const std::string type : {"smallint", "int", "bigint"})
            for (const std::string value : values) {
                int64_t number = std::atoll(value.c_str());
                if (number > (type == "smallint" ? 32767 : type == "int" ? 2147483647 : 1LL << 40))
                    continue;
                std::string literal = "(" + value + ")::" + type;
                std::string minus = "(-(" + value + "))::" + type;
                auto both = [&](const std::string& op) {
                    return column + op + literal + ", " + literal + op + column + ", " + column +
                           op + minus + ", " + minus + op + column;
                };
                std::string sums = "SELECT id, " + both(" + ") + ", " + both(" - ") +
                                   ", coalesce(nullif(" + column + ", " + literal + "), " +
                                   literal + ") FROM numbers WHERE id < 13 AND abs(a2) <= 1";
                compare(sums, false);
                compare("SELECT id, " + both(" * ") + " FROM numbers WHERE a2 BETWEEN -1 AND 1",
                        false);
                std::string divisor = column + " <> 0";
                if (number == 0) continue;
                EXPECT_TRUE(compare("SELECT id, " + both(" / ") + ", " + both(" % ") +
                                        " FROM numbers WHERE " + divisor,
                                    false))
                    << column << " " << literal;
            }
    // What overflows is an error on either side, the quotient of the smallest number too.
    run("CREATE TABLE smallest (id int PRIMARY KEY, a2 smallint, a4 int, a8 bigint)");
    run("INSERT INTO smallest VALUES (1, -32768, -2147483648, -9223372036854775808)");
    hold_in_both("smallest");
    for (const std::string column : {"a2", "a4", "a8"})
        for (const std::string type : {"smallint", "int", "bigint"})
            for (const std::string op : {" / ", " % ", " * ", " + ", " - "})
                compare("SELECT " + column + op + "(-1)::" + type + " FROM smallest", false);
}

}  // namespace

}  // namespace tandem::route_test
