#include "clickhouse/codec/value_text.h"

#include <bit>
#include <cmath>

#include "clickhouse/codec/number_text.h"

namespace tandem::clickhouse {

using types::Bytes;
using types::ChKind;
using types::ChType;
using types::Column;

namespace {

void put(std::string_view text, Bytes& out) {
    out.append(text.data(), text.size());
}

void append_quoted(std::string_view value, Bytes& out) {
    out.push_back('\'');
    for (char c : value) {
        switch (c) {
            case '\b':
                put("\\b", out);
                break;
            case '\f':
                put("\\f", out);
                break;
            case '\n':
                put("\\n", out);
                break;
            case '\r':
                put("\\r", out);
                break;
            case '\t':
                put("\\t", out);
                break;
            case '\0':
                put("\\0", out);
                break;
            case '\\':
                put("\\\\", out);
                break;
            case '\'':
                put("\\'", out);
                break;
            default:
                out.push_back(c);
        }
    }
    out.push_back('\'');
}

// Text that is no number: in quotes wherever strings are.
void append_word(std::string_view text, TextForm form, Bytes& out) {
    switch (form) {
        case TextForm::kPlain:
            put(text, out);
            break;
        case TextForm::kQuoted:
            append_quoted(text, out);
            break;
        case TextForm::kJson:
            append_json_string(text, out);
            break;
    }
}

void append_float(double value, std::string_view text, TextForm form, Bytes& out) {
    put(form == TextForm::kJson && !std::isfinite(value) ? "null" : text, out);
}

std::string enum_text(const ChType& type, int value) {
    for (const auto& [name, number] : type.enum_values)
        if (number == value) return name;
    return std::to_string(value);
}

std::string zoned_text(const ChType& type, int64_t ticks) {
    std::string text = instant_text(ticks, type.scale);
    return type.timezone == "UTC" ? text : text + "Z";
}

void append_integer(const Column& column, size_t row, bool is_signed, Bytes& out) {
    size_t width = column.value_width();
    const char* at = column.data.data() + row * width;
    put(integer_text(at, width, is_signed, column.type->value_type().scale), out);
}

void append_elements(const Column& column, size_t row, TextForm form, Bytes& out) {
    auto [first, end] = column.elements(row);
    out.push_back('[');
    for (size_t i = first; i < end; ++i) {
        if (i != first) out.push_back(',');
        append_value_text(column.children[0], i, form, out);
    }
    out.push_back(']');
}

void append_map(const Column& column, size_t row, TextForm form, Bytes& out) {
    auto [first, end] = column.elements(row);
    out.push_back('{');
    for (size_t i = first; i < end; ++i) {
        if (i != first) out.push_back(',');
        if (form == TextForm::kJson) {  // keys of an object are strings, whatever their type
            Bytes key;
            append_value_text(column.children[0], i, TextForm::kPlain, key);
            append_json_string(key.view(), out);
        } else {
            append_value_text(column.children[0], i, form, out);
        }
        out.push_back(':');
        append_value_text(column.children[1], i, form, out);
    }
    out.push_back('}');
}

void append_tuple(const Column& column, size_t row, TextForm form, Bytes& out) {
    const ChType& type = column.type->value_type();
    bool object = form == TextForm::kJson && !type.child_names.empty();
    bool json_list = form == TextForm::kJson && !object;
    out.push_back(object ? '{' : json_list ? '[' : '(');
    for (size_t i = 0; i < column.children.size(); ++i) {
        if (i != 0) out.push_back(',');
        if (object) {
            append_json_string(type.child_names[i], out);
            out.push_back(':');
        }
        append_value_text(column.children[i], row, form, out);
    }
    out.push_back(object ? '}' : json_list ? ']' : ')');
}

void append_composite(const Column& column, size_t row, TextForm form, Bytes& out) {
    TextForm inner = form == TextForm::kPlain ? TextForm::kQuoted : form;
    switch (column.value_kind()) {
        case ChKind::kArray:
            append_elements(column, row, inner, out);
            break;
        case ChKind::kMap:
            append_map(column, row, inner, out);
            break;
        case ChKind::kTuple:
            append_tuple(column, row, inner, out);
            break;
        case ChKind::kVariant:
            append_value_text(column.children[static_cast<uint8_t>(column.data[row])],
                              static_cast<size_t>(column.offsets[row]), form, out);
            break;
        default:
            break;
    }
}

// The kinds whose text is a word rather than a number.
std::string word_of(const Column& column, size_t row) {
    const ChType& type = column.type->value_type();
    switch (type.kind) {
        case ChKind::kDate:
            return date_text(column.fixed<uint16_t>(row));
        case ChKind::kDate32:
            return date_text(column.fixed<int32_t>(row));
        case ChKind::kDateTime:
            return zoned_text(type, column.fixed<uint32_t>(row));
        case ChKind::kDateTime64:
            return zoned_text(type, column.fixed<int64_t>(row));
        case ChKind::kTime:
            return duration_text(column.fixed<int32_t>(row), 0);
        case ChKind::kTime64:
            return duration_text(column.fixed<int64_t>(row), type.scale);
        case ChKind::kUuid:
            return uuid_text(column.data.data() + row * 16);
        case ChKind::kIpv4:
            return ipv4_text(column.fixed<uint32_t>(row));
        case ChKind::kIpv6:
            return ipv6_text(column.data.data() + row * 16);
        case ChKind::kEnum8:
            return enum_text(type, column.fixed<int8_t>(row));
        case ChKind::kEnum16:
            return enum_text(type, column.fixed<int16_t>(row));
        default:
            return std::string(column.string(row));
    }
}

}  // namespace

void append_json_string(std::string_view value, Bytes& out) {
    static constexpr char kHex[] = "0123456789abcdef";
    out.push_back('"');
    for (char c : value) {
        switch (c) {
            case '"':
                put("\\\"", out);
                break;
            case '\\':
                put("\\\\", out);
                break;
            case '\b':
                put("\\b", out);
                break;
            case '\f':
                put("\\f", out);
                break;
            case '\n':
                put("\\n", out);
                break;
            case '\r':
                put("\\r", out);
                break;
            case '\t':
                put("\\t", out);
                break;
            default:
                if (static_cast<unsigned char>(c) >= 0x20) {
                    out.push_back(c);
                } else {
                    put("\\u00", out);
                    out.push_back(kHex[c >> 4]);
                    out.push_back(kHex[c & 15]);
                }
        }
    }
    out.push_back('"');
}

void append_value_text(const Column& column, size_t row, TextForm form, Bytes& out) {
    if (column.is_null(row)) return put(form == TextForm::kJson ? "null" : "NULL", out);
    switch (column.value_kind()) {
        case ChKind::kNothing:
        case ChKind::kAggregateFunction:
            break;
        case ChKind::kBool:
            put(column.data[row] != 0 ? "true" : "false", out);
            break;
        case ChKind::kInt8:
            put(std::to_string(column.fixed<int8_t>(row)), out);
            break;
        case ChKind::kInt16:
            put(std::to_string(column.fixed<int16_t>(row)), out);
            break;
        case ChKind::kUInt8:
            put(std::to_string(column.fixed<uint8_t>(row)), out);
            break;
        case ChKind::kUInt16:
            put(std::to_string(column.fixed<uint16_t>(row)), out);
            break;
        case ChKind::kUInt32:
        case ChKind::kUInt64:
        case ChKind::kUInt128:
        case ChKind::kUInt256:
            append_integer(column, row, false, out);
            break;
        case ChKind::kInt32:
        case ChKind::kInt64:
        case ChKind::kInt128:
        case ChKind::kInt256:
        case ChKind::kInterval:
        case ChKind::kDecimal32:
        case ChKind::kDecimal64:
        case ChKind::kDecimal128:
        case ChKind::kDecimal256:
            append_integer(column, row, true, out);
            break;
        case ChKind::kFloat32: {
            auto value = column.fixed<float>(row);
            append_float(static_cast<double>(value), float_text(value), form, out);
            break;
        }
        case ChKind::kFloat64:
            append_float(column.fixed<double>(row), float_text(column.fixed<double>(row)), form,
                         out);
            break;
        case ChKind::kBFloat16: {
            auto value = std::bit_cast<float>(uint32_t{column.fixed<uint16_t>(row)} << 16);
            append_float(static_cast<double>(value), float_text(value), form, out);
            break;
        }
        case ChKind::kDynamic:  // within JSON its text is JSON already
        case ChKind::kJson:
            if (form == TextForm::kJson) return put(column.string(row), out);
            append_word(column.string(row), form, out);
            break;
        case ChKind::kArray:
        case ChKind::kMap:
        case ChKind::kTuple:
        case ChKind::kVariant:
            append_composite(column, row, form, out);
            break;
        default:
            append_word(word_of(column, row), form, out);
            break;
    }
}

}  // namespace tandem::clickhouse
