#include "types/postgres/parameter.h"

#include <algorithm>

#include "types/oid.h"
#include "types/postgres/convert.h"
#include "types/postgres/plan.h"

namespace tandem::types {
namespace {

Error no_equal(const PgType& type, std::string_view text) {
    return Error(ErrorCode::kValueOutOfRange,
                 "no ClickHouse value equals " + std::string(text) + " of type " + type.name);
}

// Smallest Decimal for the digits of a numeric's text.
Result<ParameterValue> decimal_parameter(const PgType& type, std::string_view text) {
    if (text.find_first_not_of("-0123456789.") != std::string_view::npos)
        return no_equal(type, text);
    std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
    size_t point = std::min(digits.find('.'), digits.size());
    size_t scale = point == digits.size() ? 0 : digits.size() - point - 1;
    size_t precision = std::max<size_t>(point + scale, 1);
    if (precision > 76) return no_equal(type, text);
    return ParameterValue{
        .type = "Decimal(" + std::to_string(precision) + ", " + std::to_string(scale) + ")",
        .text = std::string(text)};
}

// As ClickHouse reads it: no zone, words for booleans.
std::string plain_text(std::string text, const ChType& type) {
    if (type.kind == ChKind::kDateTime64 && text.ends_with("+00")) text.resize(text.size() - 3);
    return text;
}

bool is_number(ChKind kind) {
    return (kind >= ChKind::kBool && kind <= ChKind::kDecimal256);
}

std::string quoted(std::string_view text) {
    std::string result = "'";
    for (char c : text) {
        if (c == '\'' || c == '\\') result.push_back('\\');
        result.push_back(c);
    }
    return result + "'";
}

Result<std::string> array_text(const Column& column, const TypePlan& plan) {
    const Column& elements = column.children[0];
    const ChType& type = elements.type->value_type();
    std::string text = "[";
    for (size_t i = 0; i < elements.rows; ++i) {
        if (elements.is_null(i))
            return Error(ErrorCode::kValueOutOfRange, "an array with NULL elements");
        Bytes element;
        plan.parts[0]->reverse(*plan.parts[0], elements, i, element);
        std::string value = plain_text(std::string(element.view()), type);
        if (i != 0) text += ", ";
        text += is_number(type.kind) ? value : quoted(value);
    }
    return text + "]";
}

Result<ParameterValue> make(const PgType& declared, std::string_view value) {
    PgType type = declared;
    type.not_null = true;
    type.key = false;
    Mapping mapping = TRY(map_type(type));
    if (type.oid.value == oid::kNumeric) {
        std::string text;
        TRY(binary_to_text(mapping, value, text));
        return decimal_parameter(type, text);
    }
    if (!mapping.binary)
        return Error(ErrorCode::kUnsupportedType, "constants of type " + type.name);
    Converter converter(mapping, Unholdable::kReject);
    Column column = converter.make_column();
    TRY(converter.append_binary(value, column));
    ParameterValue result{.type = mapping.type->name, .text = {}};
    if (mapping.type->kind == ChKind::kArray && !mapping.plan->parts.empty()) {
        result.text = TRY(array_text(column, *mapping.plan));
        return result;
    }
    TRY(append_pg_text(column, 0, mapping, result.text));
    result.text = plain_text(std::move(result.text), *mapping.type);
    if (mapping.plan->reverse == bytea_reverse) result.text = std::string(column.string(0));
    return result;
}

}  // namespace

Result<ParameterValue> parameter_from_binary(const PgType& type, std::string_view binary) {
    return make(type, binary);
}

Result<ParameterValue> parameter_from_binary(Oid type, int32_t typmod, std::string_view binary) {
    PgType builtin = TRY(builtin_type(type, typmod));
    return make(builtin, binary);
}

}  // namespace tandem::types
