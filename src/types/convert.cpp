#include "types/convert.h"

#include "types/plan.h"

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

}  // namespace

Converter::Converter(Mapping mapping, Unholdable policy)
    : plan_(mapping.plan.get()),
      binary_(plan_->append_binary),
      text_(plan_->append_text),
      mapping_(std::move(mapping)),
      policy_(policy) {}

Status Converter::refused(uint8_t outcome, std::string_view value, bool binary, Column& column) {
    const Refusal& refusal = kRefusals[outcome];
    std::string text(value.substr(0, kReportedValueMax));
    if (binary && plan_->print != nullptr) {
        Bytes printed;
        if (plan_->print(*plan_, value, printed) == kOk)
            text = printed.view().substr(0, kReportedValueMax);
    }
    if (outcome == kMalformed)
        return Error(ErrorCode::kMalformedData,
                     "value of type " + mapping_.type->name + ": " + std::string(refusal.why));
    if (policy_ == Unholdable::reject)
        return Error(ErrorCode::kValueOutOfRange, text + " does not fit " + mapping_.type->name +
                                                      ": " + std::string(refusal.why));
    if (report_.count++ == 0) {
        report_.code = refusal.code;
        report_.why = refusal.why;
        report_.first_value = std::move(text);
    }
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
