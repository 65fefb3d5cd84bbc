#include "route/rules/rule.h"

namespace tandem::route {
namespace {

bool fits(Class wanted, Class given, Class first) {
    switch (wanted) {
        case Class::kAny:
            return true;
        case Class::kSame:
            return given == first;
        case Class::kAnyInt:
            return is_int(given);
        default:
            return wanted == given;
    }
}

bool arguments_fit(const Rule& row, std::span<const Class> arguments) {
    for (size_t i = 0; i < 3; ++i) {
        bool wanted = row.arguments[i] != Class::kNone;
        if (wanted != (i < arguments.size())) return false;
        if (wanted && !fits(row.arguments[i], arguments[i], arguments[0])) return false;
    }
    return arguments.size() <= 3;
}

}  // namespace

std::span<const std::span<const Rule>> rule_table() {
    static const std::span<const Rule> kFamilies[] = {compare_rules(), arithmetic_rules(),
                                                      text_rules(),    time_rules(),
                                                      cast_rules(),    aggregate_rules()};
    return kFamilies;
}

namespace {

bool matches(const Rule& row, std::span<const Class> arguments, Class result, bool distinct,
             bool literal_second) {
    if (((row.flags & rule::kDistinct) != 0) != distinct) return false;
    if ((row.flags & rule::kLiteralSecond) != 0 && !literal_second) return false;
    if (!arguments_fit(row, arguments)) return false;
    Class given = row.result == Class::kSame ? arguments[0] : row.result;
    return given == result;
}

}  // namespace

const Rule* find_rule(Form form, std::string_view name, std::span<const Class> arguments,
                      Class result, bool distinct, bool literal_second) {
    for (std::span<const Rule> family : rule_table())
        for (const Rule& row : family)
            if (row.form == form && row.name == name &&
                matches(row, arguments, result, distinct, literal_second))
                return &row;
    return nullptr;
}

}  // namespace tandem::route
