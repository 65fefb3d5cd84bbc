#include "types/postgres/convert.h"

#include "types/postgres/plan.h"

namespace tandem::types {
namespace {

struct Refusal {
    std::string_view code;
    std::string_view why;
};

constexpr Refusal kRefusals[kOutcomes] = {
    {"", ""},
    {"malformed", "the bytes are not a value of the type"},
    {"out_of_range", "the value is beyond the range of the ClickHouse type"},
    {"infinity", "the ClickHouse type has no infinity"},
    {"nan", "the ClickHouse type has no NaN"},
    {"fraction", "the value has more fractional digits than the ClickHouse type"},
    {"array_shape", "the array has several dimensions or does not count from 1"},
    {"null_value", "the ClickHouse column cannot hold NULL"},
    {"object_name", "the name of an object arrived where its OID is needed"},
};

// The start of a text, cut between characters.
std::string_view beginning(std::string_view text) {
    if (text.size() <= kReportedValueMax) return text;
    size_t size = kReportedValueMax;
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
    return text.substr(0, size);
}

}  // namespace

Converter::Converter(Mapping mapping, Unholdable policy)
    : plan_(mapping.plan.get()),
      binary_(plan_->append_binary),
      text_(plan_->append_text),
      mapping_(std::move(mapping)),
      policy_(mapping_.key ? Unholdable::kReject : policy) {}

Status Converter::refused(uint8_t outcome, std::string_view value, bool binary, Column& column) {
    const Refusal& refusal = kRefusals[outcome];
    std::string text(beginning(value));
    if (binary && plan_->print != nullptr) {
        Bytes printed;
        if (plan_->print(*plan_, value, printed) == kOk) text = beginning(printed.view());
    }
    if (outcome == kMalformed)
        return Error(ErrorCode::kMalformedData,
                     "value of type " + mapping_.type->name + ": " + std::string(refusal.why));
    if (report_.count++ == 0) {
        report_.code = refusal.code;
        report_.why = refusal.why;
        report_.first_value = text;
    }
    if (policy_ == Unholdable::kReject)
        return Error(ErrorCode::kValueOutOfRange, text + " does not fit " + mapping_.type->name +
                                                      ": " + std::string(refusal.why));
    column.append_null();
    return {};
}

Status Converter::append_null(Column& column) {
    if (!mapping_.nullable) return refused(kNullValue, "NULL", false, column);
    column.append_null();
    return {};
}

ConvertReport Converter::take_report() {
    return std::exchange(report_, {});
}

Status append_pg_text(const Column& column, size_t row, const Mapping& mapping, std::string& out) {
    if (column.type == nullptr || column.type->name != mapping.type->name)
        return Error(ErrorCode::kMalformedData,
                     "column has type " + (column.type == nullptr ? "none" : column.type->name) +
                         ", expected " + mapping.type->name);
    if (row >= column.rows || column.is_null(row))
        return Error(ErrorCode::kInvalidArgument, "NULL has no text");
    Bytes text;
    mapping.plan->reverse(*mapping.plan, column, row, text);
    out += text.view();
    return {};
}

Status binary_to_text(const Mapping& mapping, std::string_view binary, std::string& out) {
    Bytes text;
    if (mapping.plan->print == nullptr || mapping.plan->print(*mapping.plan, binary, text) != kOk)
        return Error(ErrorCode::kMalformedData, "not a value of type " + mapping.type->name);
    out += text.view();
    return {};
}

}  // namespace tandem::types
