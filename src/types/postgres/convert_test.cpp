#include "types/postgres/convert.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include <rapidcheck/gtest.h>

#include "types/postgres/plan.h"
#include "types/postgres/test_values.h"

namespace tandem::types {
namespace {

using test::big;
using test::field;

Mapping builtin(uint32_t oid, int32_t typmod = -1, bool not_null = false) {
    PgType type = MUST(builtin_type(Oid{oid}, typmod));  // the tests name OIDs of the table
    type.not_null = not_null;
    return MUST(map_type(type));
}

// Both forms of one value through the value layer; empty when they agree and come back as `text`.
std::string disagreement(const Mapping& mapping, const std::string& binary,
                         const std::string& text) {
    Converter converter(mapping, Unholdable::kReject);
    Column column = converter.make_column();
    if (Status status = converter.append_binary(binary, column); !status.ok())
        return "binary of " + text + ": " + status.error().to_string();
    if (Status status = converter.append_text(text, column); !status.ok())
        return "text " + text + ": " + status.error().to_string();
    Column other = converter.make_column();
    MUST(converter.append_text(text, other));  // the same call has just succeeded
    Column first = converter.make_column();
    MUST(converter.append_binary(binary, first));
    if (first.data.view() != other.data.view() || first.offsets != other.offsets)
        return "binary and text of " + text + " give different bytes";
    std::string printed;
    if (Status status = append_pg_text(column, 0, mapping, printed); !status.ok())
        return status.error().to_string();
    return printed == text ? "" : text + " came back as " + printed;
}

void expect_agreement(const Mapping& mapping, const std::string& binary, const std::string& text) {
    EXPECT_EQ(disagreement(mapping, binary, text), "") << mapping.type->name;
}

// --- properties: the same value in both forms --------------------------------------------------

RC_GTEST_PROP(converter, keeps_integers, (int64_t value, int32_t small, int16_t tiny)) {
    RC_ASSERT(disagreement(builtin(20), big(value), std::to_string(value)) == "");
    RC_ASSERT(disagreement(builtin(23), big(small), std::to_string(small)) == "");
    RC_ASSERT(disagreement(builtin(21), big(tiny), std::to_string(tiny)) == "");
}

// Digits with `scale` behind the point, without leading zeros.
std::string decimal_text(const std::vector<char>& raw, int precision, int scale, bool negative) {
    std::string digits;
    for (size_t i = 0; i < raw.size() && digits.size() < static_cast<size_t>(precision); ++i)
        digits.push_back(static_cast<char>('0' + static_cast<unsigned char>(raw[i]) % 10));
    digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
    if (digits.empty()) negative = false;
    const auto behind = static_cast<size_t>(scale);
    if (digits.size() <= behind) digits.insert(0, behind + 1 - digits.size(), '0');
    if (scale != 0) digits.insert(digits.size() - behind, ".");
    return (negative ? "-" : "") + digits;
}

RC_GTEST_PROP(converter, keeps_decimals_of_every_precision,
              (std::vector<char> raw, bool negative, bool full)) {
    const int precision = *rc::gen::inRange(1, 77);
    const int scale = *rc::gen::inRange(0, precision + 1);
    if (full) raw = std::vector<char>(76, 9);
    const std::string text = decimal_text(raw, precision, scale, negative);
    const Mapping mapping = builtin(1700, test::numeric_typmod(precision, scale));
    RC_ASSERT(disagreement(mapping, test::numeric(text), text) == "");
}

RC_GTEST_PROP(converter, keeps_the_text_of_unconstrained_numerics,
              (const std::vector<char>& raw, bool negative)) {
    const int scale = *rc::gen::inRange(0, 40);
    const std::string text = decimal_text(raw, 200, scale, negative);
    RC_ASSERT(disagreement(builtin(1700), test::numeric(text), text) == "");
}

RC_GTEST_PROP(converter, keeps_dates_and_times, ()) {
    const auto day = *rc::gen::inRange<int64_t>(-25'567, 120'530);
    const auto micros = *rc::gen::inRange<int64_t>(0, 86'400'000'000);
    const std::string date = test::date_text(day);
    const std::string clock = test::clock_text(micros);
    const int64_t moment = (day - 10'957) * 86'400'000'000 + micros;
    RC_ASSERT(disagreement(builtin(1082), big(static_cast<int32_t>(day - 10'957)), date) == "");
    RC_ASSERT(disagreement(builtin(1083), big(micros), clock) == "");
    RC_ASSERT(disagreement(builtin(1114), big(moment), date + " " + clock) == "");
    RC_ASSERT(disagreement(builtin(1184), big(moment), date + " " + clock + "+00") == "");
}

template <typename T, typename Bits>
void check_float(uint32_t oid, Bits bits) {
    const T value = std::bit_cast<T>(bits);
    const Mapping mapping = builtin(oid);
    Converter converter(mapping);
    Column column = converter.make_column();
    RC_ASSERT(converter.append_binary(big(bits), column).ok());
    std::string text;
    RC_ASSERT(append_pg_text(column, 0, mapping, text).ok());
    RC_ASSERT(converter.append_text(text, column).ok());
    RC_ASSERT(std::bit_cast<Bits>(column.fixed<T>(0)) == std::bit_cast<Bits>(column.fixed<T>(1)));
    if (!std::isnan(value)) RC_ASSERT(std::bit_cast<Bits>(column.fixed<T>(0)) == bits);
}

RC_GTEST_PROP(converter, reads_back_every_float_it_prints, (uint64_t wide, uint32_t narrow)) {
    check_float<double, uint64_t>(701, wide);
    check_float<float, uint32_t>(700, narrow);
}

RC_GTEST_PROP(converter, keeps_bytes_and_uuids, (std::string bytes)) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string hex;
    for (char byte : bytes) {
        hex.push_back(kDigits[static_cast<unsigned char>(byte) / 16]);
        hex.push_back(kDigits[static_cast<unsigned char>(byte) % 16]);
    }
    RC_ASSERT(disagreement(builtin(17), bytes, "\\x" + hex) == "");
    bytes.resize(16);
    hex.resize(32, '0');
    std::string uuid;
    for (size_t i = 0; i < 16; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) uuid.push_back('-');
        uuid.push_back(kDigits[static_cast<unsigned char>(bytes[i]) / 16]);
        uuid.push_back(kDigits[static_cast<unsigned char>(bytes[i]) % 16]);
    }
    RC_ASSERT(disagreement(builtin(2950), bytes, uuid) == "");
}

RC_GTEST_PROP(converter, keeps_arrays_with_nulls, (std::vector<rc::Maybe<int32_t>> values)) {
    std::string binary = big<int32_t>(values.empty() ? 0 : 1) + big<int32_t>(1) + big<uint32_t>(23);
    if (!values.empty()) binary += big(static_cast<int32_t>(values.size())) + big<int32_t>(1);
    std::string text = "{";
    for (size_t i = 0; i < values.size(); ++i) {
        if (i != 0) text += ",";
        text += values[i] ? std::to_string(*values[i]) : "NULL";
        binary += values[i] ? field(big(*values[i])) : big<int32_t>(-1);
    }
    text += "}";
    RC_ASSERT(disagreement(builtin(1007, -1, true), binary, text) == "");
    RC_ASSERT(disagreement(builtin(1007, -1, false), binary, text) == "");
}

// Any bytes at all, for every type: refused or taken, never a broken column.
RC_GTEST_PROP(converter, survives_any_bytes, (const std::string& bytes)) {
    for (const TypeRow* row : builtin_rows()) {
        for (uint32_t oid : {row->oid, row->array_oid}) {
            if (oid == 0) continue;
            for (bool not_null : {false, true}) {
                Converter converter(builtin(oid, oid == 1700 ? 0x000A0006 : -1, not_null));
                Column column = converter.make_column();
                const bool first = converter.append_binary(bytes, column).ok();
                const bool second = converter.append_text(bytes, column).ok();
                RC_ASSERT(column.rows == static_cast<size_t>(first) + static_cast<size_t>(second));
                RC_ASSERT(column.consistent());
                std::string text;
                for (size_t i = 0; i < column.rows; ++i)
                    if (!column.is_null(i))
                        RC_ASSERT(append_pg_text(column, i, converter.mapping(), text).ok());
            }
        }
    }
}

// --- floating point text -------------------------------------------------------------------------

TEST(float_text, prints_what_postgres_prints) {
    struct Sample {
        double value;
        std::string_view text;
    };
    for (const Sample& sample :
         {Sample{0.0, "0"}, Sample{-0.0, "-0"}, Sample{1e14, "100000000000000"},
          Sample{1e15, "1e+15"}, Sample{0.0001, "0.0001"}, Sample{0.00001, "1e-05"},
          Sample{123456.789, "123456.789"}, Sample{1e23, "9.999999999999999e+22"},
          Sample{5e-324, "5e-324"}, Sample{1.7976931348623157e308, "1.7976931348623157e+308"},
          Sample{-1.5, "-1.5"}, Sample{9007199254740993.0, "9.007199254740992e+15"}}) {
        Bytes out;
        append_float(out, sample.value);
        EXPECT_EQ(out.view(), sample.text);
    }
    for (const auto& [value, text] : {std::pair{1e5f, "100000"}, std::pair{1e6f, "1e+06"},
                                      std::pair{0.1f, "0.1"}, std::pair{1e-45f, "1e-45"}}) {
        Bytes out;
        append_float(out, value);
        EXPECT_EQ(out.view(), text);
    }
}

// --- values that the target cannot hold
// ------------------------------------------------------------

TEST(converter, reports_an_unholdable_value_and_writes_null) {
    Converter converter(builtin(1082));
    Column column = converter.make_column();
    ASSERT_TRUE(converter.append_binary(big(std::numeric_limits<int32_t>::max()), column).ok());
    ASSERT_TRUE(converter.append_text("1899-12-31", column).ok());
    EXPECT_TRUE(column.is_null(0) && column.is_null(1));
    EXPECT_EQ(converter.report().count, 2u);
    EXPECT_EQ(converter.report().code, "infinity");
    EXPECT_EQ(converter.report().first_value, "infinity");
    EXPECT_EQ(converter.take_report().count, 2u);
    EXPECT_TRUE(converter.report().empty());
}

TEST(converter, rejects_an_unholdable_value_when_told_to) {
    Converter converter(builtin(1700, test::numeric_typmod(10, 2)), Unholdable::kReject);
    Column column = converter.make_column();
    Status status = converter.append_binary(test::numeric("NaN"), column);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code(), ErrorCode::kValueOutOfRange);
    EXPECT_EQ(column.rows, 0u);
    EXPECT_EQ(converter.report().count, 1u);
}

TEST(converter, never_gives_a_key_a_default) {
    PgType type = MUST(builtin_type(Oid{1114}));  // timestamp
    type.key = true;
    Converter converter(MUST(map_type(type)), Unholdable::kAppendNull);
    Column column = converter.make_column();
    EXPECT_FALSE(converter.append_text("infinity", column).ok());
    EXPECT_EQ(column.rows, 0u);
}

TEST(converter, does_not_round_decimals) {
    Converter converter(builtin(1700, test::numeric_typmod(5, 2)));
    Column column = converter.make_column();
    for (const char* text : {"1.234", "1000", "-12345.6"}) {
        ASSERT_TRUE(converter.append_binary(test::numeric(text), column).ok());
        ASSERT_TRUE(converter.append_text(text, column).ok());
    }
    for (size_t i = 0; i < column.rows; ++i) EXPECT_TRUE(column.is_null(i)) << i;
    EXPECT_EQ(converter.report().count, 6u);
}

// Postgres never sends them; any other sender must not get past the range check with them.
TEST(converter, looks_past_leading_zeros_of_numerics) {
    const auto zero_then = [](int16_t weight, int16_t digit) {
        return big<int16_t>(2) + big(weight) + big<uint16_t>(0x4000) + big<int16_t>(0) +
               big<int16_t>(0) + big(digit);
    };
    const Mapping mapping = builtin(1700, test::numeric_typmod(6, 0));
    expect_agreement(mapping, zero_then(1, 3389), "-3389");
    expect_agreement(builtin(1700), zero_then(1, 3389), "-3389");
    Converter converter(mapping);
    Column column = converter.make_column();
    ASSERT_TRUE(converter.append_binary(zero_then(32, 3389), column).ok());
    EXPECT_TRUE(column.is_null(0));
    EXPECT_EQ(converter.report().code, "out_of_range");
}

// No decimal of 38 digits, but a column of ClickHouse can hold it.
TEST(converter, prints_the_smallest_integer_under_a_decimal) {
    const Mapping mapping = builtin(1700, test::numeric_typmod(38, 0));
    Column column = Converter(mapping).make_column();
    column.append_fixed(static_cast<Int128>(UInt128{1} << 127));
    std::string text;
    ASSERT_TRUE(append_pg_text(column, 0, mapping, text).ok());
    EXPECT_EQ(text, "-170141183460469231731687303715884105728");
}

TEST(converter, reports_arrays_of_other_shapes) {
    Converter converter(builtin(1007, -1, true));
    Column column = converter.make_column();
    ASSERT_TRUE(converter.append_text("{{1,2},{3,4}}", column).ok());
    ASSERT_TRUE(converter.append_text("[0:1]={1,2}", column).ok());
    ASSERT_TRUE(converter.append_null(column).ok());
    EXPECT_EQ(converter.report().count, 3u);
    EXPECT_EQ(converter.report().code, "array_shape");
    for (size_t i = 0; i < 3; ++i) EXPECT_EQ(column.elements(i).first, column.elements(i).second);
}

TEST(converter, leaves_the_column_alone_after_malformed_bytes) {
    Converter converter(builtin(1007, -1, true));
    Column column = converter.make_column();
    for (const char* text : {"", "{1", "{1,}", "{1,x}", "{1}}", "1,2"})
        EXPECT_FALSE(converter.append_text(text, column).ok()) << text;
    EXPECT_EQ(column.rows, 0u);
    EXPECT_EQ(column.children[0].rows, 0u);
    EXPECT_TRUE(converter.report().empty());
}

// --- text forms made from binary
// -------------------------------------------------------------------

TEST(converter, prints_intervals_as_postgres_does) {
    auto interval = [](int64_t micros, int32_t days, int32_t months) {
        return big(micros) + big(days) + big(months);
    };
    const Mapping mapping = builtin(1186);
    expect_agreement(mapping, interval(0, 0, 0), "00:00:00");
    expect_agreement(mapping, interval(-1, 1, -13), "-1 years -1 mons +1 day -00:00:00.000001");
    expect_agreement(mapping, interval(1, -1, 0), "-1 days +00:00:00.000001");
    expect_agreement(mapping, interval(std::numeric_limits<int64_t>::min(), 0, 0),
                     "-2562047788:00:54.775808");
}

TEST(converter, prints_search_queries_with_the_brackets_they_need) {
    auto value = [](std::string_view text) {
        return std::string("\1\0\0", 3) + std::string(text) + '\0';
    };
    const std::string both = std::string("\2\2", 2);    // AND
    const std::string either = std::string("\2\3", 2);  // OR
    // a & (b | c): operator, right operand, left operand
    expect_agreement(builtin(3615),
                     big<int32_t>(5) + both + either + value("c") + value("b") + value("a"),
                     "'a' & ( 'b' | 'c' )");
    Converter converter(builtin(3615));
    Column column = converter.make_column();
    EXPECT_FALSE(converter.append_binary(big<int32_t>(2) + both + value("a"), column).ok());
}

TEST(converter, prints_times_before_christ_in_text_forms) {
    std::string text;
    ASSERT_TRUE(binary_to_text(builtin(1082), big<int32_t>(-730'500), text).ok());
    EXPECT_EQ(text, "0002-12-17 BC");
}

}  // namespace
}  // namespace tandem::types
