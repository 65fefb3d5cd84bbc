// numeric whose digits behind the point differ from value to value, as those of quotients do.
#include <algorithm>
#include <optional>

#include "route/translate/translator.h"

namespace tandem::route {
namespace {

// What a quotient carries. Of more digits than these the query fails and runs in Postgres.
constexpr int kQuotientPrecision = 56;
constexpr int kQuotientScale = 28;

std::string number(int value) {
    return std::to_string(value);
}

std::string power_of_ten(int exponent) {
    return "1" + std::string(static_cast<size_t>(exponent), '0');
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

// The weight to the base 10000 of the first digit, as text of ClickHouse.
std::string Translator::weight_of(const std::string& x, int scale) {
    return "tupleElement(" + leading(x, scale) + ", 1)";
}

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

// The digits of the number without its point, as an Int256.
const sql::Node* Translator::unscaled(const Value& value) {
    return sql_.form(sql_.keep("toInt256(toDecimal256($1, " + number(value.scale) +
                               ") * toDecimal256('" + power_of_ten(value.scale) + "', 0))"),
                     {value.node});
}

Value Translator::from_unscaled(const Node* node, bool nullable, int precision, int scale) {
    Value result{.cls = Class::kNumeric,
                 .nullable = nullable,
                 .precision = std::max(precision, 1),
                 .scale = scale};
    std::string unit = scale == 0 ? "1" : "0." + power_of_ten(scale - 1).substr(1) + "1";
    result.node = sql_.form(
        sql_.keep("toDecimal256($1, 0) * toDecimal256('" + unit + "', " + number(scale) + ")"),
        {node});
    result.node = typed(result);
    return result;
}

// As many digits behind the point as `scale` says, below zero before it; `cut` drops the others,
// otherwise the number is rounded, halves away from zero.
Value Translator::rounded(const Value& value, int scale, bool cut) {
    int shown = std::max(scale, 0);
    if (scale >= value.scale) {
        Value result = fixed(value, value.precision + shown - value.scale, shown);
        result.digits = nullptr;
        return result;
    }
    std::string power = "toInt256('" + power_of_ten(value.scale - scale) + "')";
    std::string half = cut ? "" : " + intDiv(" + power + ", 2)";
    std::string back = scale < 0 ? " * toInt256('" + power_of_ten(-scale) + "')" : "";
    const Node* node = once(value, sql_.keep("toInt256(intDiv(abs($1)" + half + ", " + power +
                                             ") * if($1 < 0, -1, 1)" + back + ")"));
    return from_unscaled(node, value.nullable, value.precision - value.scale + shown + 1, shown);
}

// The digits without the point, for a form that names them more than once: a quotient is long.
const sql::Node* Translator::once(const Value& value, std::string_view form) {
    const Node* digits = unscaled(value);
    if (value.digits == nullptr) return sql_.form(form, {digits});
    return sql_.form("arrayMap(q -> $1, [$2])[1]", {sql_.form(form, {sql_.form("q", {})}), digits});
}

// The next whole number, up or down.
Value Translator::whole(const Value& value, bool up) {
    std::string power = "toInt256('" + power_of_ten(value.scale) + "')";
    std::string more = up ? " + if($1 > 0 AND $1 % " + power + " != 0, 1, 0)"
                          : " - if($1 < 0 AND $1 % " + power + " != 0, 1, 0)";
    const Node* node = once(value, sql_.keep("toInt256(intDiv($1, " + power + ")" + more + ")"));
    return from_unscaled(node, value.nullable, value.precision - value.scale + 1, 0);
}

// What is left of a division of whole numbers, with the sign of the dividend.
Result<Value> Translator::remainder(const Value& dividend, const Value& divisor) {
    int scale = std::max(dividend.scale, divisor.scale);
    int whole = std::max(dividend.precision - dividend.scale, divisor.precision - divisor.scale);
    if (whole + scale > kDecimalDigitsMax) return refuse(Reason::kScale, "more than 76 digits");
    const Node* a = unscaled(fixed(dividend, whole + scale, scale));
    const Node* b = unscaled(fixed(divisor, whole + scale, scale));
    const Node* node =
        sql_.form("if(throwIf(ifNull($2 = 0, 0)) = 0, toInt256($1 % nullIf($2, 0)), NULL)", {a, b},
                  {}, {}, true);
    Value result = from_unscaled(node, true, whole + scale, scale);
    if (dividend.digits != nullptr || divisor.digits != nullptr)
        result.digits = sql_.form("greatest($1, $2)", {digits_of(dividend), digits_of(divisor)});
    return result;
}

// A text as a number with the digits it is written with.
Value Translator::number_of_text(const Value& text) {
    const Node* wrong = sql_.form("NOT match($1, '^-?[0-9]{1,28}([.][0-9]{1,28})?$')", {text.node});
    const Node* plain = sql_.guarded(wrong, text.node);
    Value result{.cls = Class::kNumeric, .precision = kQuotientPrecision, .scale = kQuotientScale};
    result.node = sql_.form("toDecimal256OrNull($1, 28)", {plain});
    result.digits = sql_.form(
        "toInt32(if(position($1, '.') = 0, 0, length($1) - position($1, '.')))", {text.node});
    return result;
}

// Functions of numeric that are no rows, because their digits depend on what they are given.
Result<std::optional<Value>> Translator::numeric_function(const Expr& expr, std::string_view name,
                                                          std::span<const Value> values) {
    std::optional<Value> result;
    if (values.empty() || values[0].cls != Class::kNumeric || !values[0].digits_known)
        return result;
    const Value& first = values[0];
    bool two = values.size() == 2 && values[1].cls == Class::kNumeric && values[1].digits_known;
    if (two && name == "/") return std::optional<Value>(TRY(divide(first, values[1])));
    if (two && (name == "%" || name == "mod"))
        return std::optional<Value>(TRY(remainder(first, values[1])));
    if (values.size() == 1 && (name == "ceil" || name == "ceiling" || name == "floor"))
        result = whole(first, name[0] == 'c');
    bool literal = values.size() == 2 && values[1].literal && values[1].cls == Class::kInt4 &&
                   values[1].least >= -20 && values[1].least <= 28;
    if ((name == "round" || name == "trunc") && (values.size() == 1 || literal)) {
        int scale = literal ? static_cast<int>(values[1].least) : 0;
        if (scale - first.scale + first.precision > kDecimalDigitsMax)
            return refuse(Reason::kScale, "more than 76 digits");
        result = rounded(first, scale, name == "trunc");
    }
    if (name == "sign" && values.size() == 1) {
        const Node* sign = sql_.form("toInt256(sign($1))", {first.node});
        result = from_unscaled(sign, first.nullable, 1, 0);
    }
    (void)expr;
    if (!result) return numeric_part(name, values);
    return result;
}

// Casts from and to numeric.
Result<std::optional<Value>> Translator::numeric_cast(const Expr& expr, std::string_view name,
                                                      std::span<const Value> values) {
    std::optional<Value> result;
    Class to = class_of(expr.type);
    const Value& from = values[0];
    if (to == Class::kNumeric && from.cls == Class::kText && values.size() == 1) {
        result = number_of_text(from);
    } else if (to == Class::kNumeric && is_float(from.cls) && values.size() == 1) {
        // Postgres goes through 15 or 6 significant digits as well.
        Value text = from;
        text.node = sql_.form(
            from.cls == Class::kFloat8 ? "printf('%.15g', $1)" : "printf('%.6g', toFloat64($1))",
            {from.node});
        result = number_of_text(text);
    } else if (from.cls != Class::kNumeric || !from.digits_known) {
        return result;
    } else if (is_int(to) && values.size() == 1) {
        Value whole = rounded(from, 0, false);
        result = Value{.cls = to, .nullable = from.nullable};
        result->node =
            sql_.form("accurateCast($1, $T)", {unscaled(whole)}, type_text(*result), {}, true);
    } else if (to == Class::kNumeric && values.size() == 2 && values[1].literal) {
        // numeric(precision, scale)
        int typmod = static_cast<int>(values[1].least) - 4;
        int precision = typmod >> 16 & 0xffff;
        int scale = typmod & 0x7ff;
        if (typmod < 0 || scale > precision || precision > 38)
            return refuse(Reason::kCast, "to numeric of this form");
        Value cut = rounded(from, scale, false);
        const Node* limit = sql_.form(sql_.keep("toInt256('" + power_of_ten(precision) + "')"), {});
        const Node* wrong = sql_.form("abs($1) >= $2", {unscaled(cut), limit});
        // Rounding may carry over into one digit more.
        int whole = from.precision - from.scale + (scale < from.scale ? 1 : 0);
        if (whole > precision - scale) {
            cut.node = sql_.guarded(wrong, cut.node);
            cut.nullable = true;
        }
        cut.precision = precision;
        cut.node = typed(cut);
        result = cut;
    } else if (to == Class::kFloat8 && values.size() == 1 && from.precision <= 15) {
        // Both are exact in a double, so that their quotient is the nearest one.
        result = Value{.cls = to, .nullable = from.nullable};
        result->node = sql_.form(
            sql_.keep("toFloat64(toInt64($1)) / toFloat64(" + power_of_ten(from.scale) + ")"),
            {unscaled(from)});
        result->node = sql_.form("($1)", {result->node});
    } else if (to == Class::kFloat8 && values.size() == 1) {
        result = wide_to_float(from);
    } else if (to == Class::kText && name == "text" && from.digits == nullptr) {
        result = Value{.cls = to, .nullable = from.nullable};
        result->node =
            sql_.form(sql_.keep("toDecimalString($1, " + number(from.scale) + ")"), {from.node});
    }
    return result;
}

// As numeric_div does: as many digits as give 16 significant ones by the weights of the operands,
// at least those of either side; rounded half away from zero.
Result<Value> Translator::divide(const Value& dividend, const Value& divisor) {
    if (!dividend.digits_known || !divisor.digits_known) return refuse(Reason::kScale);
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
    auto filled = [&](const Node* node, const Value& of) {
        std::string one = "ifNull($1, toInt256('" + power_of_ten(of.scale) + "'))";
        return of.nullable ? sql_.form(sql_.keep(one), {node}) : node;
    };
    const Node* a = unscaled(dividend);
    const Node* b = unscaled(divisor);
    const Node* d = sql_.form("ifNull($1, toInt32(0))", {digits_of(dividend)});
    const Node* e = sql_.form("ifNull($1, toInt32(0))", {digits_of(divisor)});
    const Node* both = sql_.form(sql_.keep(std::move(text)),
                                 {filled(a, dividend), filled(b, divisor), d, e}, {}, {}, true);
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
