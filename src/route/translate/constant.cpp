// Runtime constants: literals where the text is known and safe to write, parameters otherwise.
#include <algorithm>

#include "route/translate/translator.h"
#include "sqltext/quote.h"

namespace tandem::route {
namespace {

// Parameters of unconstrained numeric carry this much; what does not fit runs in Postgres.
constexpr int kParameterScale = 38;

bool is_digits(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

// Equal constants share a parameter, so that an expression of GROUP BY reads the same in the select
// list: each of its occurrences is a constant of its own.
std::string Translator::parameter(const Expr& expr, std::string_view type, ConstantPart part) {
    auto same = [&](const Expr& other) {
        if (other.constant == expr.constant) return true;
        return other.known && expr.known && other.type == expr.type &&
               other.constant_null == expr.constant_null && other.known_text == expr.known_text;
    };
    for (size_t i = 0; i < output_.constants.size(); ++i) {
        const UsedConstant& used = output_.constants[i];
        if (same(*constant_exprs_[i]) && used.clickhouse_type == type && used.part == part)
            return "{" + std::string(used.parameter) + ":" + std::string(type) + "}";
    }
    constant_exprs_.push_back(&expr);
    std::string& name =
        output_.texts.emplace_back("p" + std::to_string(output_.constants.size() + 1));
    std::string& kept_type = output_.texts.emplace_back(type);
    output_.constants.push_back({.constant = expr.constant,
                                 .type = expr.type,
                                 .parameter = name,
                                 .clickhouse_type = kept_type,
                                 .part = part});
    return "{" + name + ":" + kept_type + "}";
}

// Bit by bit: servers before 26.7 may read the last digit of a number's text wrongly.
std::string Translator::float_parameter(const Expr& expr, bool nullable) {
    bool wide = expr.type == oid::kFloat8;
    Class bits = wide ? Class::kInt8 : Class::kInt4;
    return std::string(wide ? "reinterpretAsFloat64(" : "reinterpretAsFloat32(") +
           parameter(expr, clickhouse_type(bits, nullable), ConstantPart::kBits) + ")";
}

void Translator::forget_constants(size_t keep) {
    output_.constants.resize(keep);
    constant_exprs_.resize(keep);
}

Result<Value> Translator::numeric_literal(const Expr& expr) {
    std::string_view text = expr.known_text;
    bool negative = !text.empty() && text[0] == '-';
    std::string_view digits = negative ? text.substr(1) : text;
    size_t point = digits.find('.');
    std::string_view whole = digits.substr(0, point);
    std::string_view fraction =
        point == std::string_view::npos ? std::string_view() : digits.substr(point + 1);
    if (!is_digits(whole) || (point != std::string_view::npos && !is_digits(fraction)))
        return refuse(Reason::kConstant, std::string(text));
    Value result{.cls = Class::kNumeric, .nullable = false, .literal = true};
    result.scale = static_cast<int>(fraction.size());
    result.precision = static_cast<int>(whole.size() + fraction.size());
    if (result.precision > kDecimalDigitsMax) return refuse(Reason::kConstant, std::string(text));
    const char* function = result.precision <= 18   ? "toDecimal64"
                           : result.precision <= 38 ? "toDecimal128"
                                                    : "toDecimal256";
    result.sql = std::string(function) + "('" + std::string(text) + "', " +
                 std::to_string(result.scale) + ")";
    return result;
}

Result<Value> Translator::constant(const Expr& expr) {
    Class cls = class_of_type(expr.type);
    if (cls == Class::kOther || cls == Class::kJsonb || cls == Class::kInterval)
        return refuse(Reason::kConstant, "of type with OID " + std::to_string(expr.type));
    Value result{.cls = cls};
    if (cls == Class::kNumeric) result.precision = kDecimalDigitsMax;
    if (expr.known && expr.constant_null) {
        result.sql = "CAST(NULL, " +
                     sqltext::ch_string(clickhouse_type(cls, true, result.precision, 0)) + ")";
        return result;
    }
    if (expr.known) {
        result.nullable = false;
        result.literal = true;
        if (cls == Class::kNumeric) return numeric_literal(expr);
        // ClickHouse gives a bare number the smallest type that holds it, often an unsigned one,
        // and computes in types derived from that: -5 % 1000 would be 291.
        if (is_int(cls)) {
            result.sql =
                "to" + clickhouse_type(cls, false) + "(" + std::string(expr.known_text) + ")";
            return result;
        }
        if (cls == Class::kText || cls == Class::kBpchar) {
            result.sql = sqltext::ch_string(expr.known_text);
            return result;
        }
        if (cls == Class::kBool) {
            result.sql = expr.known_text == "t" ? "true" : "false";
            return result;
        }
        if (is_float(cls)) {
            result.literal = expr.known_text != "NaN";
            result.sql = float_parameter(expr, false);
            return result;
        }
        result.sql = parameter(expr, clickhouse_type(cls, false));
        return result;
    }
    if (is_float(cls)) {
        result.sql = float_parameter(expr, true);
        return result;
    }
    if (cls == Class::kNumeric) {
        result.scale = kParameterScale;
        result.scale_known = false;
    }
    result.sql = parameter(expr, clickhouse_type(cls, true, result.precision, result.scale));
    return result;
}

}  // namespace tandem::route
