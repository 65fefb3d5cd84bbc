// Text.
#include "route/rules/rule.h"

namespace tandem::route {
namespace {

using enum Class;
using enum Form;
using namespace rule;

// Which letters beyond ASCII have cases, and which ones, differs from locale to locale.
constexpr std::string_view kLowerAscii =
    "if(throwIf(ifNull(length($1) != lengthUTF8($1), 0)) = 0, lower($1), NULL)";
constexpr std::string_view kUpperAscii =
    "if(throwIf(ifNull(length($1) != lengthUTF8($1), 0)) = 0, upper($1), NULL)";

constexpr Rule kRules[] = {
    {kOperator, "||", {kText, kText}, kText, "concat($1, $2)"},
    {kFunction, "length", {kText}, kInt4, "toInt32(lengthUTF8($1))"},
    {kFunction, "char_length", {kText}, kInt4, "toInt32(lengthUTF8($1))"},
    {kFunction, "character_length", {kText}, kInt4, "toInt32(lengthUTF8($1))"},
    {kFunction, "octet_length", {kText}, kInt4, "toInt32(length($1))"},
    {kFunction, "lower", {kText}, kText, kLowerAscii, kAsciiCase | kMaybeNull | kRaises},
    {kFunction, "upper", {kText}, kText, kUpperAscii, kAsciiCase | kMaybeNull | kRaises},
    {kFunction, "starts_with", {kText, kText}, kBool, "startsWith($1, $2)", kDeterministic},
    {kOperator, "^@", {kText, kText}, kBool, "startsWith($1, $2)", kDeterministic},
};

}  // namespace

std::span<const Rule> text_rules() {
    return kRules;
}

}  // namespace tandem::route
