#include <gtest/gtest.h>

#include <string>

#include "route/source/facade.h"
#include "types/oid.h"

namespace tandem::route::source {
namespace {

namespace oid = types::oid;

std::string form(std::string_view remote, uint32_t type, int32_t typmod = -1,
                 TypeKind kind = TypeKind::kBase) {
    Form made = {};
    Failure failure = {};
    if (!form_of({"c", remote, type, typmod, kind}, &made, &failure))
        return std::string("refused: ") + failure.message;
    const char* trust = made.trust == Trust::kExact  ? " exact"
                        : made.trust == Trust::kText ? " text"
                                                     : " opaque";
    return made.target_type + std::string(trust);
}

std::string source(std::string_view remote, uint32_t type, int32_t typmod = -1) {
    Column column = {"c", remote, type, typmod, TypeKind::kBase};
    Source from = {"db", "t", {}, false, {&column, 1}};
    std::string sql(4096, '\0');
    int64_t length = write_source(from, sql.data(), sql.size());
    return length < 0 ? "none" : sql.substr(0, static_cast<size_t>(length));
}

int32_t digits(int precision, int scale) {
    return ((precision << 16) | scale) + 4;
}

TEST(forms, reads_what_has_the_type_already_as_it_is) {
    EXPECT_EQ(form("Int64", oid::kInt8), "Int64 exact");
    EXPECT_EQ(source("Int64", oid::kInt8), "(SELECT s.`c` AS `c` FROM `db`.`t` AS s)");
    EXPECT_EQ(source("Nullable(String)", oid::kText), "(SELECT s.`c` AS `c` FROM `db`.`t` AS s)");
}

TEST(forms, casts_what_may_not_fit_so_that_it_fails) {
    EXPECT_EQ(form("UInt64", oid::kInt8), "Int64 exact");
    EXPECT_NE(source("UInt64", oid::kInt8).find("accurateCast(s.`c`, 'Int64')"), std::string::npos);
    EXPECT_NE(source("", oid::kInt8).find("accurateCast(s.`c`, 'Nullable(Int64)')"),
              std::string::npos);
    EXPECT_EQ(form("UInt64", oid::kNumeric), "Decimal(20, 0) exact");
    EXPECT_EQ(form("UInt64", oid::kNumeric, digits(20, 0)), "Decimal(20, 0) exact");
    EXPECT_EQ(form("Int256", oid::kNumeric), "String text");
}

TEST(forms, refuses_digits_that_would_be_lost) {
    EXPECT_EQ(form("Decimal(10, 2)", oid::kNumeric, digits(10, 2)), "Decimal(10, 2) exact");
    EXPECT_EQ(form("Decimal(10, 2)", oid::kNumeric, digits(12, 4)), "Decimal(12, 4) exact");
    EXPECT_TRUE(form("Decimal(10, 4)", oid::kNumeric, digits(10, 2)).starts_with("refused: "));
    EXPECT_TRUE(form("Float64", oid::kNumeric).starts_with("refused: "));
    EXPECT_TRUE(form("Int64", oid::kFloat8).starts_with("refused: "));
    EXPECT_TRUE(form("String", oid::kInt4).starts_with("refused: "));
    EXPECT_TRUE(form("DateTime", oid::kDate).starts_with("refused: "));
    EXPECT_TRUE(form("AggregateFunction(sum, Int64)", oid::kText).starts_with("refused: "));
}

TEST(forms, hands_on_texts_that_only_postgres_understands) {
    EXPECT_EQ(form("Array(Int32)", 1007, -1, TypeKind::kArray), "String opaque");
    EXPECT_TRUE(form("", 1007, -1, TypeKind::kArray).starts_with("refused: "));
    EXPECT_EQ(form("Enum8('a' = 1)", 99999, -1, TypeKind::kEnum), "String text");
    EXPECT_EQ(form("String", oid::kBpchar, 8), "String exact");
    EXPECT_TRUE(form("Int64", oid::kMoney).starts_with("refused: "));
    EXPECT_EQ(form("IPv4", oid::kInet), "String opaque");
    EXPECT_EQ(form("Map(String, Int64)", oid::kText), "String opaque");
    EXPECT_EQ(form("LowCardinality(Nullable(String))", oid::kText), "Nullable(String) exact");
    EXPECT_EQ(form("Enum8('a' = 1)", oid::kText), "String exact");
}

TEST(forms, names_a_type_of_postgres_for_each_of_clickhouse) {
    auto imported = [](std::string_view remote) {
        char type[64];
        Failure failure = {};
        return std::string(postgres_type(remote, type, sizeof type, &failure) ? type : "none");
    };
    EXPECT_EQ(imported("UInt64"), "numeric(20, 0)");
    EXPECT_EQ(imported("Array(Array(Nullable(UInt8)))"), "smallint[]");
    EXPECT_EQ(imported("LowCardinality(Nullable(String))"), "text");
    EXPECT_EQ(imported("DateTime64(3, 'Europe/Berlin')"), "timestamp with time zone");
    EXPECT_EQ(imported("AggregateFunction(uniq, String)"), "none");
    EXPECT_EQ(imported("No such type"), "none");
}

std::string mutation(std::string_view sql, int32_t condition, List<Assignment> assignments,
                     bool removes, bool rehearse = false) {
    Column columns[] = {{"c", "UInt64", oid::kInt8, -1, TypeKind::kBase},
                        {"t`1", "String", oid::kText, -1, TypeKind::kBase}};
    Mutation wanted = {sql, {columns, 2}, condition, assignments, removes, "db", "t"};
    std::string out(4096, '\0');
    Failure failure = {};
    int64_t length = write_mutation(wanted, rehearse, out.data(), out.size(), &failure);
    return length < 0 ? std::string("refused: ") + failure.message
                      : out.substr(0, static_cast<size_t>(length));
}

TEST(mutation, reads_columns_where_the_translation_names_them) {
    EXPECT_EQ(mutation("SELECT (t1.`c` = {p1:Nullable(Int64)}) AS c1 FROM \1"
                       "0\1 AS t1 SETTINGS a = 1",
                       0, {}, true),
              "DELETE FROM `db`.`t` WHERE ((accurateCast(`c`, 'Int64') = {p1:Nullable(Int64)}))");
    // Not in texts, nor in names.
    EXPECT_EQ(mutation("SELECT (t1.`t\\`1` = 't1.`c`, AS \\' FROM') AS c1 FROM \1"
                       "0\1 AS t1",
                       0, {}, true),
              "DELETE FROM `db`.`t` WHERE ((`t\\`1` = 't1.`c`, AS \\' FROM'))");
    EXPECT_EQ(mutation("", -1, {}, true), "DELETE FROM `db`.`t` WHERE (1)");
}

TEST(mutation, takes_apart_results_and_settings) {
    Assignment set = {{"t`1", "String", "", "String"}, 1, ""};
    const char* sql =
        "SELECT f(t1.`c`, 1) AS c1, [',', ' AS '] AS c2 FROM \1"
        "0\1 AS t1 SETTINGS a = 1";
    EXPECT_EQ(mutation(sql, 0, {&set, 1}, false),
              "ALTER TABLE `db`.`t` UPDATE `t\\`1` = ([',', ' AS ']) WHERE (f(accurateCast(`c`, "
              "'Int64'), 1))");
    EXPECT_EQ(
        mutation(sql, 0, {&set, 1}, false, true),
        "SELECT toString(count()), toString(ifNull(groupBitXor(sipHash64(1, ([',', ' AS ']))), "
        "0)) FROM `db`.`t` WHERE f(accurateCast(`c`, 'Int64'), 1) SETTINGS a = 1");
    for (const char* other : {"SELECT 1",
                              "WITH x SELECT 1 AS c1 FROM \1"
                              "0\1 AS t1",
                              "SELECT 1 AS c1 FROM \1"
                              "0\1 AS t1 WHERE 1",
                              "SELECT t1.`x` AS c1 FROM \1"
                              "0\1 AS t1"})
        EXPECT_TRUE(mutation(other, 0, {}, true).starts_with("refused")) << other;
}

}  // namespace
}  // namespace tandem::route::source
