// numeric whose digits behind the point differ from value to value, as those of quotients do.
#include "route/translate/translator.h"

namespace tandem::route {
namespace {

// What a quotient carries. Of more digits than these the query fails and runs in Postgres.
constexpr int kQuotientPrecision = 56;
constexpr int kQuotientScale = 28;

std::string number(int value) {
    return std::to_string(value);
}

// Of an unscaled Int256 `x` with `scale` digits behind the point: the weight of its first digit to
// the base 10000, and that digit, as Postgres keeps them. 0 has the weight 0.
std::string leading(const std::string& x, int scale) {
    int pad = (4 - scale % 4) % 4;
    std::string digits = "toString(abs(" + x + "))";
    std::string length = "(toInt32(length(" + digits + ")) + " + number(pad) + ")";
    std::string groups = "intDiv(" + length + " + 3, 4)";
    std::string weight = "(" + groups + " - " + number(1 + (scale + pad) / 4) + ")";
    // The digits may be fewer than the first group has room for: what is cut off are zeros.
    std::string wanted = "(" + length + " - 4 * (" + groups + " - 1))";
    std::string first = "toInt32(substring(concat(" + digits + ", '000'), 1, " + wanted + "))";
    return "if(" + x + " = 0, (toInt32(0), toInt32(0)), (toInt32(" + weight + "), " + first + "))";
}

}  // namespace

const sql::Node* Translator::digits_of(const Value& value) {
    return value.digits != nullptr ? value.digits : sql_.int32(value.null ? 0 : value.scale);
}

// The same number with room for other digits.
Value Translator::fixed(const Value& value, int precision, int scale) {
    Value result = value;
    result.precision = precision;
    result.scale = scale;
    result.literal = false;
    result.node =
        sql_.cast(value.node, clickhouse_type(Class::kNumeric, value.nullable, precision, scale));
    return result;
}

// As numeric_div does: as many digits as give 16 significant ones by the weights of the operands,
// at least those of either side; rounded half away from zero.
Result<Value> Translator::divide(const Value& dividend, const Value& divisor) {
    if (!dividend.digits_known || !divisor.digits_known) return refuse(Reason::kScale);
    auto unscaled = [&](const Value& value) {
        std::string power = "1" + std::string(static_cast<size_t>(value.scale), '0');
        return sql_.form(sql_.keep("toInt256(toDecimal256($1, " + number(value.scale) +
                                   ") * toDecimal256('" + power + "', 0))"),
                         {value.node});
    };
    int shift = divisor.scale - dividend.scale;
    // w: weights and first digits; r: digits of the result, of which the scale is a power of ten.
    std::string digits = "greatest(16 - 4 * (x.1 - y.1 - if(x.2 <= y.2, 1, 0)), d, e)";
    std::string scaled = "(r + " + number(shift) + ")";
    // An Int256 has 76 digits; the numerator must not need more.
    std::string wrong = "b = 0 OR r > " + number(kQuotientScale) +
                        " OR length(toString(abs(a))) + greatest(" + scaled + ", 0) > 74 OR " +
                        "length(toString(abs(b))) + greatest(-" + scaled + ", 0) > 74";
    auto ten = [](const std::string& exponent) {
        return "toInt256(concat('1', repeat('0', toUInt8(greatest(" + exponent + ", 0)))))";
    };
    std::string top = "(abs(a) * " + ten(scaled) + ")";
    std::string bottom = "(abs(b) * " + ten("-" + scaled) + ")";
    std::string rounded = "intDiv(" + top + " * 2 + " + bottom + ", " + bottom + " * 2)";
    std::string signed_value =
        rounded + " * if((a < 0) = (b < 0), 1, -1) * " + ten(number(kQuotientScale) + " - r");
    std::string unit = "0." + std::string(kQuotientScale - 1, '0') + "1";
    std::string value = "CAST(toDecimal256(toInt256(" + signed_value + "), 0) * toDecimal256('" +
                        unit + "', " + number(kQuotientScale) + "), 'Decimal(" +
                        number(kQuotientPrecision) + ", " + number(kQuotientScale) + ")')";
    std::string text = "arrayMap((a, b, d, e) -> arrayMap((x, y) -> arrayMap(r -> if(throwIf(" +
                       wrong + ") = 0, (" + value + ", toInt32(r)), (toDecimal256(0, " +
                       number(kQuotientScale) + "), toInt32(0))), [toInt32(" + digits +
                       ")])[1], [" + leading("a", dividend.scale) + "], [" +
                       leading("b", divisor.scale) +
                       "])[1], [assumeNotNull($1)], [assumeNotNull($2)], [assumeNotNull($3)], "
                       "[assumeNotNull($4)])[1]";
    // Where an operand is NULL nothing is divided: 1 stands in for it.
    auto filled = [&](const Node* node, bool nullable) {
        return nullable ? sql_.form("ifNull($1, toInt256(1))", {node}) : node;
    };
    const Node* a = unscaled(dividend);
    const Node* b = unscaled(divisor);
    const Node* d = sql_.form("ifNull($1, toInt32(0))", {digits_of(dividend)});
    const Node* e = sql_.form("ifNull($1, toInt32(0))", {digits_of(divisor)});
    const Node* both =
        sql_.form(sql_.keep(std::move(text)),
                  {filled(a, dividend.nullable), filled(b, divisor.nullable), d, e}, {}, {}, true);
    Value result{.cls = Class::kNumeric,
                 .nullable = dividend.nullable || divisor.nullable,
                 .precision = kQuotientPrecision,
                 .scale = kQuotientScale};
    result.node = sql_.form("tupleElement($1, 1)", {both});
    result.digits = sql_.form("tupleElement($1, 2)", {both});
    if (result.nullable) {
        Nodes operands = {dividend.node, divisor.node, result.node};
        result.node = sql_.form("if($1 IS NULL OR $2 IS NULL, NULL, $3)", operands);
    }
    return result;
}

}  // namespace tandem::route
