// Runtime constants: literals where the text is known and safe to write, parameters otherwise.
#include <algorithm>
#include <cstdlib>
#include <optional>

#include "route/translate/translator.h"

namespace tandem::route {
namespace {

// Parameters of type numeric carry this much; what does not fit runs in Postgres.
constexpr int kParameterPrecision = 56;
constexpr int kParameterScale = 20;

bool is_digits(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// 08:15:30.25 as microseconds, as Postgres writes it.
std::optional<int64_t> time_of_day(std::string_view text) {
    constexpr std::string_view kForm = "00:00:00.000000";
    if (text.size() < 8 || text.size() == 9 || text.size() > kForm.size()) return std::nullopt;
    std::string digits;
    for (size_t i = 0; i < text.size(); ++i) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        if (kForm[i] == '0' ? !digit : text[i] != kForm[i]) return std::nullopt;
        if (digit) digits += text[i];
    }
    digits.resize(12, '0');
    auto part = [&](size_t at, size_t size) {
        return std::strtoll(digits.substr(at, size).c_str(), nullptr, 10);
    };
    return ((part(0, 2) * 60 + part(2, 2)) * 60 + part(4, 2)) * 1'000'000 + part(6, 6);
}

}  // namespace

// Equal constants share a parameter, so that an expression of GROUP BY reads the same in the select
// list: each of its occurrences is a constant of its own.
const sql::Node* Translator::parameter(const Expr& expr, std::string_view type, ConstantPart part) {
    auto same = [&](const Expr& other) {
        if (other.constant == expr.constant && expr.constant != UINT32_MAX) return true;
        return other.known && expr.known && other.type == expr.type &&
               other.constant_null == expr.constant_null && other.known_text == expr.known_text;
    };
    for (size_t i = 0; i < output_.constants.size(); ++i) {
        const UsedConstant& used = output_.constants[i];
        if (same(*constant_exprs_[i]) && used.clickhouse_type == type && used.part == part)
            return sql_.parameter(used.parameter, type);
    }
    constant_exprs_.push_back(&expr);
    std::string& name =
        output_.texts.emplace_back("p" + std::to_string(output_.constants.size() + 1));
    std::string& kept_type = output_.texts.emplace_back(type);
    output_.constants.push_back(
        {.constant = expr.constant,
         .type = expr.type,
         .parameter = name,
         .clickhouse_type = kept_type,
         .part = part,
         .text = part == ConstantPart::kZoneSince ? expr.known_text : Text()});
    return sql_.parameter(name, kept_type);
}

// Bit by bit: servers before 26.7 may read the last digit of a number's text wrongly.
const sql::Node* Translator::float_parameter(const Expr& expr, bool nullable) {
    bool wide = expr.type == oid::kFloat8;
    Class bits = wide ? Class::kInt8 : Class::kInt4;
    return sql_.form(wide ? "reinterpretAsFloat64($1)" : "reinterpretAsFloat32($1)",
                     {parameter(expr, clickhouse_type(bits, nullable), ConstantPart::kBits)});
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
    const char* function = result.precision <= 18   ? "toDecimal64($1, "
                           : result.precision <= 38 ? "toDecimal128($1, "
                                                    : "toDecimal256($1, ";
    result.node =
        sql_.form(sql_.keep(function + std::to_string(result.scale) + ")"), {sql_.string(text)});
    return result;
}

// As bytea_output = hex writes them.
Result<Value> Translator::bytes_literal(const Expr& expr, Value result) {
    std::string_view text = expr.known_text;
    bool hex = text.starts_with("\\x") && text.size() % 2 == 0 &&
               text.find_first_not_of("0123456789abcdef", 2) == std::string_view::npos;
    if (!hex) return refuse(Reason::kConstant, "of type bytea");
    result.node = sql_.form("unhex($1)", {sql_.string(text.substr(2))});
    return result;
}

Result<Value> Translator::known_constant(const Expr& expr, Value result) {
    result.nullable = false;
    result.literal = true;
    switch (result.cls) {
        case Class::kNumeric:
            return numeric_literal(expr);
        // ClickHouse gives a bare number the smallest type that holds it, often an unsigned one,
        // and computes in types derived from that: -5 % 1000 would be 291.
        case Class::kInt2:
        case Class::kInt4:
        case Class::kInt8:
            result.node = sql_.form(sql_.keep("to" + clickhouse_type(result.cls, false) + "(" +
                                              std::string(expr.known_text) + ")"),
                                    {});
            result.bounded = true;
            result.least = result.greatest =
                std::strtoll(std::string(expr.known_text).c_str(), nullptr, 10);
            return result;
        case Class::kBpchar:
            result.padded = static_cast<int>(std::count_if(
                expr.known_text.begin(), expr.known_text.end(),
                [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
            [[fallthrough]];
        case Class::kText:
        case Class::kEnum:
        case Class::kInet:
            result.node = sql_.string(expr.known_text);
            return result;
        case Class::kBytea:
            return bytes_literal(expr, result);
        case Class::kBool:
            result.node = sql_.form(expr.known_text == "t" ? "true" : "false", {});
            return result;
        case Class::kFloat4:
        case Class::kFloat8:
            result.literal = expr.known_text != "NaN";
            result.node = float_parameter(expr, false);
            return result;
        default:
            result.node = parameter(expr, clickhouse_type(result.cls, false));
            return result;
    }
}

Result<Value> Translator::constant(const Expr& expr) {
    Class cls = class_of(expr.type);
    if (is_array_type(expr.type) && expr.known && !expr.constant_null) return array_result(expr);
    if (cls == Class::kOther || cls == Class::kJsonb || cls == Class::kInterval)
        return refuse(Reason::kConstant, "of type with OID " + std::to_string(expr.type));
    Value result{.cls = cls, .type = expr.type};
    if (expr.known && expr.constant_null) {
        if (cls == Class::kNumeric) result.precision = 1;
        result.null = true;
        result.node = sql_.form("CAST(NULL, $1)",
                                {sql_.type(clickhouse_type(cls, true, result.precision, 0))});
        return result;
    }
    if (cls == Class::kTime || cls == Class::kMoney) {
        result.nullable = !expr.known;
        result.literal = expr.known;
        std::optional<int64_t> time;
        if (expr.known && cls == Class::kTime) time = time_of_day(expr.known_text);
        if (time) {
            result.node = sql_.int64(*time);
            return result;
        }
        // An element of a list that is known is no constant by itself.
        if (expr.constant == UINT32_MAX) return refuse(Reason::kConstant, "in a list");
        result.node = parameter(expr, clickhouse_type(result), ConstantPart::kBits);
        return result;
    }
    if (expr.known) return known_constant(expr, result);
    if (cls == Class::kInet) return refuse(Reason::kConstantUnknown, "of type inet");
    if (cls == Class::kBytea) return refuse(Reason::kConstantUnknown, "of type bytea");
    if (is_float(cls)) {
        result.node = float_parameter(expr, true);
        return result;
    }
    if (cls == Class::kNumeric) {
        result.precision = kParameterPrecision;
        result.scale = kParameterScale;
        result.digits = parameter(expr, "Nullable(Int32)", ConstantPart::kDigits);
    }
    result.node = parameter(expr, clickhouse_type(cls, true, result.precision, result.scale));
    return result;
}

}  // namespace tandem::route
