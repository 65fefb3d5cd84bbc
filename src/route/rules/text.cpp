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
constexpr std::string_view kPosition =
    "toInt32(if(empty($2), 1 + 0 * length($1), positionUTF8($1, $2)))";
constexpr std::string_view kReplace =
    "if(empty($2), concat($1, substring($3, 1, 0)), replaceAll($1, $2, $3))";
// Below zero: all but that many characters of the other end.
constexpr std::string_view kLeft =
    "if($2 IS NULL, NULL, if($2 < 0, substringUTF8($1, 1, greatest(toInt64(lengthUTF8($1)) + $2, "
    "0)), substringUTF8($1, 1, toInt64($2))))";
// Postgres has no number for the opposite of the least one.
constexpr std::string_view kRight =
    "if($2 IS NULL OR throwIf(ifNull($2 = -2147483648, 0)) = 1, NULL, if($2 < 0, substringUTF8($1, "
    "1 + abs(toInt64($2))), substringUTF8($1, greatest(toInt64(lengthUTF8($1)) - $2 + 1, 1))))";
constexpr std::string_view kRepeat =
    "if($2 IS NULL OR throwIf(ifNull($2 > 1000, 0)) = 1, NULL, repeat($1, greatest($2, 0)))";
constexpr std::string_view kChr =
    "if(throwIf(ifNull($1 NOT BETWEEN 1 AND 127, 0)) = 0, char($1), NULL)";

// What stands before the first character counts, but is not there.
constexpr std::string_view kSubstring =
    "if($2 IS NULL, NULL, substringUTF8($1, greatest(toInt64($2), 1)))";
constexpr std::string_view kSubstringOf =
    "if($3 IS NULL OR $2 IS NULL OR throwIf(ifNull($3 < 0, 0)) = 1, NULL, substringUTF8($1, "
    "greatest(toInt64($2), 1), greatest(toInt64($2) + $3 - greatest(toInt64($2), 1), 0)))";
constexpr std::string_view kInitcap =
    "if(throwIf(ifNull(length($1) != lengthUTF8($1), 0)) = 0, initcap($1), NULL)";
constexpr std::string_view kAscii =
    "if(throwIf(ifNull(length(substringUTF8($1, 1, 1)) > 1, 0)) = 0, toInt32(ascii($1)), NULL)";
constexpr std::string_view kToHex = "if($1 = 0, '0', lower(replaceRegexpOne(hex($1), '^0+', '')))";

// Where there is a backslash, as a literal with escapes.
constexpr std::string_view kQuoted =
    "concat(if(position($1, '\\\\') > 0, 'E', ''), '\\'', replaceAll(replaceAll($1, '\\\\', "
    "'\\\\\\\\'), '\\'', '\\'\\''), '\\'')";

constexpr std::string_view kMaskLength =
    "if($1 IS NULL, NULL, if(position($1, '/') > 0, toInt32OrZero(extract($1, '/([0-9]+)$')), "
    "if(position($1, ':') > 0, toInt32(128), toInt32(32))))";

constexpr Rule kRules[] = {
    {kFunction, "substring", {kText, kInt4}, kText, kSubstring, kMaybeNull},
    {kFunction, "substr", {kText, kInt4}, kText, kSubstring, kMaybeNull},
    {kFunction, "substring", {kText, kInt4, kInt4}, kText, kSubstringOf, kMaybeNull | kRaises},
    {kFunction, "substr", {kText, kInt4, kInt4}, kText, kSubstringOf, kMaybeNull | kRaises},
    {kFunction, "initcap", {kText}, kText, kInitcap, kAsciiCase | kMaybeNull | kRaises},
    {kFunction, "ascii", {kText}, kInt4, kAscii, kMaybeNull | kRaises},
    {kFunction, "host", {kInet}, kText, "replaceRegexpOne($1, '/.*', '')"},
    {kFunction, "family", {kInet}, kInt4, "toInt32(4 + 2 * (position($1, ':') > 0))"},
    {kFunction, "masklen", {kInet}, kInt4, kMaskLength, kMaybeNull},
    {kFunction, "to_hex", {kInt4}, kText, kToHex},
    {kFunction, "to_hex", {kInt8}, kText, kToHex},
    {kFunction, "length", {kBpchar}, kInt4, "toInt32(lengthUTF8(trimRight($1)))"},
    {kFunction, "char_length", {kBpchar}, kInt4, "toInt32(lengthUTF8(trimRight($1)))"},
    {kFunction, "character_length", {kBpchar}, kInt4, "toInt32(lengthUTF8(trimRight($1)))"},
    {kFunction, "btrim", {kText}, kText, "trimBoth($1)"},
    {kFunction, "ltrim", {kText}, kText, "trimLeft($1)"},
    {kFunction, "rtrim", {kText}, kText, "trimRight($1)"},
    {kFunction, "reverse", {kText}, kText, "reverseUTF8($1)"},
    {kFunction, "md5", {kText}, kText, "lower(hex(MD5($1)))"},
    {kFunction, "length", {kBytea}, kInt4, "toInt32(length($1))"},
    {kFunction, "octet_length", {kBytea}, kInt4, "toInt32(length($1))"},
    {kFunction, "md5", {kBytea}, kText, "lower(hex(MD5($1)))"},
    {kFunction, "sha224", {kBytea}, kBytea, "CAST(SHA224($1), $T)"},
    {kFunction, "sha256", {kBytea}, kBytea, "CAST(SHA256($1), $T)"},
    {kFunction, "sha512", {kBytea}, kBytea, "CAST(SHA512($1), $T)"},
    {kOperator, "||", {kBytea, kBytea}, kBytea, "concat($1, $2)"},
    {kFunction, "quote_literal", {kText}, kText, kQuoted},
    // An empty text to look for is found at the start by one side and nowhere by the other.
    {kFunction, "strpos", {kText, kText}, kInt4, kPosition, kDeterministic},
    {kFunction, "position", {kText, kText}, kInt4, kPosition, kDeterministic},
    {kFunction, "replace", {kText, kText, kText}, kText, kReplace, kDeterministic},
    {kFunction, "left", {kText, kInt4}, kText, kLeft, kMaybeNull},
    {kFunction, "right", {kText, kInt4}, kText, kRight, kMaybeNull | kRaises},
    {kFunction, "repeat", {kText, kInt4}, kText, kRepeat, kMaybeNull | kRaises},
    {kFunction, "chr", {kInt4}, kText, kChr, kMaybeNull | kRaises},
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
