// Networks: what lies in which. Addresses are texts as Postgres writes them, with the bits of the
// network behind a slash unless it is one address.
#include "route/translate/translator.h"

namespace tandem::route {
namespace {

constexpr std::string_view kBits =
    "if(position($1, '/') > 0, toInt32OrZero(extract($1, '/([0-9]+)$')), if(position($1, ':') > 0, "
    "toInt32(128), toInt32(32)))";

int bits_of(std::string_view text) {
    size_t slash = text.find('/');
    if (slash == std::string_view::npos) return text.find(':') == std::string_view::npos ? 32 : 128;
    int bits = 0;
    for (char c : text.substr(slash + 1)) bits = bits * 10 + (c - '0');
    return bits;
}

bool known_inet(const Expr& expr) {
    return expr.kind == ExprKind::kConstant && expr.known && !expr.constant_null &&
           expr.type == oid::kInet;
}

}  // namespace

// x << '10.0.0.0/8' and <<=, >>, >>=, && with a literal network.
Result<Value> Translator::network_test(const Expr& expr) {
    std::string_view name = expr.name;
    bool swapped = known_inet(*expr.args[0]);
    const Expr& known = *expr.args[swapped ? 0 : 1];
    if (!known_inet(known)) return refuse(Reason::kConstantUnknown, std::string(name) + " of inet");
    if (swapped)
        name = name == "<<"    ? ">>"
               : name == "<<=" ? ">>="
               : name == ">>"  ? "<<"
               : name == ">>=" ? "<<="
                               : name;
    Value one = TRY(value(*expr.args[swapped ? 1 : 0]));
    if (one.cls != Class::kInet) return refuse(Reason::kOperator, std::string(name) + " of inet");
    std::string_view text = known.known_text;
    std::string address(text.substr(0, text.find('/')));
    int bits = bits_of(text);
    std::string whole = address + "/" + std::to_string(bits);
    bool six = address.find(':') != std::string::npos;
    // NULL is in every network for ClickHouse; the address stands in for it.
    const Node* given = sql_.form("ifNull($1, $2)", {one.node, sql_.string(address)});
    const Node* number = sql_.form("replaceRegexpOne($1, '/.*', '')", {given});
    const Node* length = sql_.form(kBits, {given});
    const Node* family =
        sql_.form("(position($1, ':') > 0) = $2", {given, sql_.int64(six ? 1 : 0)});
    const Node* inside = sql_.form("isIPAddressInRange($1, $2)", {number, sql_.string(whole)});
    const Node* around = sql_.form("isIPAddressInRange($1, concat($2, '/', toString($3)))",
                                   {sql_.string(address), number, length});
    Nodes parts = {family, length, sql_.int64(bits), inside, around};
    std::string_view form = name == "<<"    ? "($1 AND $2 > $3 AND $4)"
                            : name == "<<=" ? "($1 AND $2 >= $3 AND $4)"
                            : name == ">>"  ? "($1 AND $2 < $3 AND $5)"
                            : name == ">>=" ? "($1 AND $2 <= $3 AND $5)"
                                            : "($1 AND if($2 >= $3, $4, $5))";
    const Node* test = sql_.form(form, parts);
    if (one.nullable) test = sql_.form("if($1 IS NULL, NULL, $2)", {one.node, test});
    Value result{.cls = Class::kBool, .nullable = one.nullable};
    result.node = sql_.cast(test, type_text(result));
    return result;
}

// What addresses are sorted by; of networks Postgres compares less than that.
const sql::Node* Translator::inet_key(const Node* address) {
    return sql_.guarded(
        sql_.form("position($1, '/') > 0", {address}),
        sql_.form("if(position($1, ':') > 0, concat('6', hex(IPv6StringToNumOrNull($1))), "
                  "concat('4', leftPad(hex(IPv4StringToNumOrNull($1)), 8, '0')))",
                  {address}));
}

}  // namespace tandem::route
