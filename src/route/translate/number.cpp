// Functions of numbers that are no rows: buckets, powers, roots, what a numeric is made of.
#include <algorithm>
#include <cstdlib>
#include <optional>

#include "route/translate/translator.h"

namespace tandem::route {
namespace {

std::string power_of_ten(int exponent) {
    return "1" + std::string(static_cast<size_t>(exponent), '0');
}

bool known_literal(const Expr& expr) {
    return expr.kind == ExprKind::kConstant && expr.known && !expr.constant_null;
}

// Of an operand $1 between the bounds $2 and $3, in $4 buckets. The bounds are whole numbers.
constexpr std::string_view kWholeBucket =
    "toInt32(if($2 < $3, if($1 < $2, 0, if($1 >= $3, $4 + 1, 1 + intDiv(($1 - $2) * $4, $3 - $2))),"
    " if($1 > $2, 0, if($1 <= $3, $4 + 1, 1 + intDiv(($2 - $1) * $4, if($2 = $3, toInt256(1), $2 - "
    "$3))))))";
// The two ways to round on the way that releases of Postgres have, for bounds that ascend.
constexpr std::string_view kFloatBucket =
    "toInt32(if($1 < $2, 0, if($1 >= $3, $4 + 1, trunc(toFloat64($4) * ($1 - $2) / ($3 - $2) + "
    "1))))";
constexpr std::string_view kFloatBucketWrong =
    "NOT isFinite($1) OR NOT isFinite($2) OR NOT isFinite($3) OR $2 >= $3 OR $4 < 1 OR $4 > "
    "1000000 OR NOT isFinite($3 - $2) OR ($1 >= $2 AND $1 < $3 AND (trunc(toFloat64($4) * ($1 - "
    "$2) / ($3 - $2) + 1) != trunc(toFloat64($4) * (($1 - $2) / ($3 - $2))) + 1 OR "
    "trunc(toFloat64($4) * (($1 - $2) / ($3 - $2))) >= $4))";

// ClickHouse passes over a condition that is NULL, and a bucket is a number then.
const sql::Node* null_of_null(sql::Sql& sql, std::span<const Value> values,
                              const sql::Node* bucket) {
    for (const Value& one : values)
        if (one.nullable) bucket = sql.form("if($1 IS NULL, NULL, $2)", {one.node, bucket});
    return bucket;
}

}  // namespace

Result<Value> Translator::width_bucket(const Expr& expr) {
    if (expr.args.size == 2) return bucket_of_list(expr);
    if (expr.args.size != 4) return refuse(Reason::kFunction, "width_bucket");
    std::vector<Value> values;
    for (const Expr* argument : expr.args) values.push_back(TRY(value(*argument)));
    Value result{.cls = Class::kInt4};
    if (values[3].cls != Class::kInt4) return refuse(Reason::kFunction, "width_bucket");
    if (values[0].cls == Class::kFloat8) {
        Nodes nodes;
        for (const Value& one : values) nodes.push_back(one.node);
        result.node = sql_.guarded(sql_.form(kFloatBucketWrong, nodes),
                                   null_of_null(sql_, values, sql_.form(kFloatBucket, nodes)));
        return result;
    }
    int scale = 0;
    int whole = 0;
    for (size_t i = 0; i < 3; ++i) {
        if (values[i].cls != Class::kNumeric || !values[i].digits_known)
            return refuse(Reason::kFunction, "width_bucket of this type");
        scale = std::max(scale, values[i].scale);
        whole = std::max(whole, values[i].precision - values[i].scale);
    }
    if (whole + scale > 60) return refuse(Reason::kScale, "more than 60 digits");
    Nodes nodes;
    for (size_t i = 0; i < 3; ++i)
        nodes.push_back(unscaled(fixed(values[i], std::max(whole + scale, 1), scale)));
    nodes.push_back(sql_.form("toInt256($1)", {values[3].node}));
    // So many digits a quotient of Postgres has at least: it is never rounded to a whole number.
    const Node* wrong =
        sql_.form("$2 = $3 OR $4 < 1 OR abs($2 - $3) * $4 > toInt256(1000000000000000)", nodes);
    result.node = sql_.guarded(wrong, null_of_null(sql_, values, sql_.form(kWholeBucket, nodes)));
    return result;
}

// width_bucket(x, array) of a list of numbers that ascend.
Result<Value> Translator::bucket_of_list(const Expr& expr) {
    std::vector<const Expr*> bounds;
    if (!known_elements(*expr.args[1], bounds) || bounds.empty())
        return refuse(Reason::kConstantUnknown, "the bounds of width_bucket");
    Value operand = TRY(value(*expr.args[0]));
    bool number = is_int(operand.cls) || operand.cls == Class::kNumeric;
    Nodes tests;
    double before = 0;
    for (const Expr* bound : bounds) {
        double at = std::strtod(std::string(bound->known_text).c_str(), nullptr);
        bool ascends = tests.empty() || at > before;
        Value limit = TRY(constant(*bound));
        if (!number || limit.null || !ascends || limit.cls != operand.cls)
            return refuse(Reason::kConstant, "the bounds of width_bucket");
        before = at;
        tests.push_back(sql_.form("toInt32(ifNull($1 >= $2, 0))", {operand.node, limit.node}));
    }
    Value result{.cls = Class::kInt4, .nullable = operand.nullable};
    result.node = sql_.form("toInt32(arraySum([$,]))", std::move(tests));
    if (operand.nullable)
        result.node = sql_.form("if($1 IS NULL, NULL, $2)", {operand.node, result.node});
    return result;
}

// A whole number to the power of a small literal one: exact on both sides, as far as a double is.
Result<Value> Translator::float_power(const Expr& expr) {
    const Expr& exponent = *expr.args[1];
    int64_t times = -1;
    if (known_literal(exponent) && exponent.known_text.size() == 1)
        times = exponent.known_text[0] - '0';
    if (expr.type != oid::kFloat8 || times < 1 || times > 9)
        return refuse(Reason::kFunction, "power of this form: its last digit may differ");
    Value base = TRY(value(*expr.args[0]));
    if (base.cls != Class::kFloat8) return refuse(Reason::kFunction, "power of this type");
    std::string product = "$1";
    for (int64_t i = 1; i < times; ++i) product += " * $1";
    const Node* raised = sql_.form(sql_.keep("(" + product + ")"), {base.node});
    const Node* wrong = sql_.form(
        "NOT isFinite($1) OR $1 != trunc($1) OR abs($2) > toFloat64(9007199254740992) OR ($1 = 0 "
        "AND startsWith(toString($1), '-'))",
        {base.node, raised});
    return Value{.node = sql_.guarded(wrong, raised), .cls = Class::kFloat8};
}

// div(), scale(), min_scale(), trim_scale() and sqrt() of numeric.
Result<std::optional<Value>> Translator::numeric_part(std::string_view name,
                                                      std::span<const Value> values) {
    std::optional<Value> result;
    const Value& first = values[0];
    if (name == "div" && values.size() == 2 && values[1].cls == Class::kNumeric) {
        int scale = std::max(first.scale, values[1].scale);
        int whole = std::max(first.precision - first.scale, values[1].precision - values[1].scale);
        if (whole + scale > kDecimalDigitsMax) return refuse(Reason::kScale, "more than 76 digits");
        const Node* a = unscaled(fixed(first, whole + scale, scale));
        const Node* b = unscaled(fixed(values[1], whole + scale, scale));
        const Node* node =
            sql_.guarded(sql_.form("$1 = 0", {b}), sql_.form("intDiv($1, nullIf($2, 0))", {a, b}));
        result = from_unscaled(node, true, whole + scale, 0);
    } else if (values.size() == 1 && name == "scale") {
        result = Value{.cls = Class::kInt4, .nullable = first.nullable};
        result->node = sql_.form("if($1 IS NULL, NULL, $2)", {first.node, digits_of(first)});
        if (!first.nullable) result->node = digits_of(first);
    } else if (values.size() == 1 && (name == "min_scale" || name == "trim_scale")) {
        const Node* needed = digits_needed(first);
        result = Value{.node = needed, .cls = Class::kInt4, .nullable = first.nullable};
        if (name == "trim_scale") {
            result = first;
            result->literal = false;
            result->digits = needed;
        }
    } else if (values.size() == 1 && name == "sqrt") {
        return std::optional<Value>(TRY(root(first)));
    }
    return result;
}

// The digits behind the point without the zeros at their end.
const sql::Node* Translator::digits_needed(const Value& value) {
    if (value.scale == 0) return sql_.form("toInt32($1 * 0)", {value.node});
    std::string form = "toInt32(length(replaceRegexpOne(substring(toDecimalString($1, " +
                       std::to_string(value.scale) + "), -" + std::to_string(value.scale) +
                       "), '0+$', '')))";
    return sql_.form(sql_.keep(std::move(form)), {value.node});
}

// The root of a numeric, rounded to as many digits as Postgres shows: at least 16 that count.
Result<Value> Translator::root(const Value& value) {
    constexpr int kScale = 28;
    constexpr int kPrecision = 56;
    // u: the number without its point; d: its digits behind it; w: the weight of its first digit.
    std::string digits = "greatest(17 - (" + weight_of("u", value.scale) + " + 1) * 2, d)";
    std::string half = std::to_string(value.scale);
    auto ten = [](const std::string& exponent) {
        return "toInt256(concat('1', repeat('0', toUInt8(greatest(" + exponent + ", 0)))))";
    };
    std::string wrong = "u < 0 OR r > " + std::to_string(kScale) +
                        " OR length(toString(u)) + 2 * r"
                        " - " +
                        half + " > 70 OR 2 * r < " + half;
    std::string text =
        "arrayMap((u, d) -> arrayMap(r -> if(throwIf(" + wrong +
        ") = 0, (arrayMap(n -> if(n = 0, toInt256(0), " + whole_root("n") + "), [u * " +
        ten("2 * r - " + half) + "])[1] * " + ten(std::to_string(kScale) + " - r") +
        ", toInt32(r)), (toInt256(0), toInt32(0))), [toInt32(" + digits + ")])[1], [$1], [$2])[1]";
    const Node* plain = unscaled(value);
    if (value.nullable) plain = sql_.form("ifNull($1, toInt256(0))", {plain});
    const Node* shown = sql_.form("ifNull($1, toInt32(0))", {digits_of(value)});
    const Node* both = sql_.form(sql_.keep(std::move(text)), {plain, shown}, {}, {}, true);
    const Node* whole = sql_.form("tupleElement($1, 1)", {both});
    if (value.nullable) whole = sql_.form("if($1 IS NULL, NULL, $2)", {value.node, whole});
    Value result = from_unscaled(whole, value.nullable, kPrecision, kScale);
    result.digits = sql_.form("tupleElement($1, 2)", {both});
    return result;
}

// The whole number next to the root of `n`: the greatest integer x with x * x <= n is what Newton's
// steps make of the nearest floating point number.
std::string Translator::whole_root(const std::string& n) {
    auto step = [](const std::string& what, const std::string& of) {
        return "arrayMap(x -> " + what + ", [" + of + "])[1]";
    };
    std::string x = "greatest(toInt256(sqrt(toFloat64(" + n + "))), toInt256(1))";
    for (int i = 0; i < 3; ++i)
        x = step("greatest(intDiv(x + intDiv(" + n + ", x), toInt256(2)), toInt256(1))", x);
    x = step("if(x * x > " + n + ", x - 1, if((x + 1) * (x + 1) <= " + n + ", x + 1, x))", x);
    return step("if(" + n + " > x * x + x, x + 1, x)", x);
}

// As a double: exact where all digits fit, so that the quotient of both is the nearest one. Zeros
// at the end do not count.
Value Translator::wide_to_float(const Value& from) {
    constexpr int kScaleMax = 15;
    int cut = std::max(from.scale - kScaleMax, 0);
    std::string power = "toInt256('" + power_of_ten(cut) + "')";
    std::string form = "arrayMap(w -> if(throwIf(ifNull(abs(intDiv(w, " + power +
                       ")) > toInt256(9007199254740992)" +
                       (cut == 0 ? "" : " OR w % " + power + " != 0") +
                       ", 0)) = 0, toFloat64(toInt64(intDiv(w, " + power + "))) / toFloat64(" +
                       power_of_ten(from.scale - cut) + "), NULL), [$1])[1]";
    return Value{.node = sql_.form(sql_.keep(std::move(form)), {unscaled(from)}, {}, {}, true),
                 .cls = Class::kFloat8};
}

}  // namespace tandem::route
