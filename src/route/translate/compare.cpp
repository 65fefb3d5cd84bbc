// Comparisons written so that a column is read as it is stored: nothing is computed for each row,
// and the server's indexes can be used.
#include <algorithm>

#include "route/translate/translator.h"

namespace tandem::route {
namespace {

int characters(std::string_view text) {
    return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;  // not the rest of one in UTF-8
    }));
}

// Of a date and a timestamp: whether the date is compared with the day that begins at or after the
// timestamp, and not with the one it lies in.
std::optional<bool> day_begins_after(std::string_view name) {
    if (name == "<" || name == ">=") return true;
    if (name == ">" || name == "<=") return false;
    return std::nullopt;
}

}  // namespace

// `other` with as many spaces at its end as the column's values have; they do not count.
std::optional<const sql::Node*> Translator::padded_like(const Value& column, const Value& other) {
    if (is_padded(other) && other.padded == column.padded) return other.node;
    if (!other.literal || other.node->kind != sql::Kind::kString) return std::nullopt;
    std::string text(other.node->text);
    text.erase(text.find_last_not_of(' ') + 1);
    int length = characters(text);
    if (length > column.padded) return std::nullopt;
    text.append(static_cast<size_t>(column.padded - length), ' ');
    return sql_.string(text);
}

void Translator::compare_as_stored(std::string_view name, std::vector<Value>& values) {
    Value& left = values[0];
    Value& right = values[1];
    if (left.cls == Class::kBpchar && right.cls == Class::kBpchar && is_padded(left) &&
        (name == "=" || name == "<>")) {
        auto padded = padded_like(left, right);
        if (!padded) return;
        right.node = *padded;
        left.cls = right.cls = Class::kText;
        return;
    }
    std::optional<bool> after = day_begins_after(name);
    if (left.cls != Class::kDate || right.cls != Class::kTimestamp || !after ||
        right.node->kind != sql::Kind::kParameter)
        return;
    right.node =
        sql_.form(*after ? "toDate32($1 + toIntervalMicrosecond(86399999999))" : "toDate32($1)",
                  {right.node});
    right.cls = Class::kDate;
}

}  // namespace tandem::route
