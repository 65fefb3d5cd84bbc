// Text that several families share, exactly as Postgres writes it.
#include <charconv>

#include "types/postgres/plan.h"

namespace tandem::types {
void append_integer(Bytes& out, int64_t value) {
    char text[24];
    auto end = std::to_chars(text, text + sizeof text, value).ptr;
    append(out, {text, static_cast<size_t>(end - text)});
}

void append_unsigned(Bytes& out, uint64_t value) {
    char text[24];
    auto end = std::to_chars(text, text + sizeof text, value).ptr;
    append(out, {text, static_cast<size_t>(end - text)});
}

void append_padded(Bytes& out, uint64_t value, int digits) {
    char text[24];
    auto end = std::to_chars(text, text + sizeof text, value).ptr;
    for (auto size = end - text; size < digits; ++size) out.push_back('0');
    append(out, {text, static_cast<size_t>(end - text)});
}

void append_hex(Bytes& out, std::string_view bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    char* to = out.extend(bytes.size() * 2);
    for (char byte : bytes) {
        *to++ = kDigits[static_cast<uint8_t>(byte) >> 4];
        *to++ = kDigits[static_cast<uint8_t>(byte) & 15];
    }
}

uint8_t append_printed(const TypePlan& plan, std::string_view value, Column& column) {
    // Straight behind the column's characters: the row is closed when the text is whole.
    size_t before = column.data.size();
    uint8_t outcome = plan.print(plan, value, column.data);
    if (outcome != kOk) {
        column.data.truncate(before);
        return outcome;
    }
    column.append_string({});
    return kOk;
}

uint8_t append_verbatim(const TypePlan&, std::string_view value, Column& column) {
    column.append_string(value);
    return kOk;
}

void reverse_string(const TypePlan&, const Column& column, size_t row, Bytes& out) {
    append(out, column.string(row));
}

uint8_t print_verbatim(const TypePlan&, std::string_view value, Bytes& out) {
    append(out, value);
    return kOk;
}

}  // namespace tandem::types
