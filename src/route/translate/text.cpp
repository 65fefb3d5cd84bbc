// Functions of text whose arguments have to be known.
#include "route/translate/translator.h"

namespace tandem::route {

Result<Value> Translator::substring(const Expr& expr) {
    bool literals = expr.args.size >= 2 && expr.args.size <= 3;
    for (uint32_t i = 1; i < expr.args.size && literals; ++i) {
        const Expr& at = *expr.args[i];
        literals = at.kind == ExprKind::kConstant && at.known && !at.constant_null &&
                   at.type == oid::kInt4 && at.known_text[0] != '-' &&
                   (i == 2 || at.known_text != "0");
    }
    if (!literals) return refuse(Reason::kFunction, "substring with these positions");
    Value text = TRY(value(*expr.args[0]));
    if (text.cls != Class::kText) return refuse(Reason::kFunction, "substring");
    Nodes args = {text.node};
    for (uint32_t i = 1; i < expr.args.size; ++i) {
        Value at = TRY(constant(*expr.args[i]));
        args.push_back(at.node);
    }
    text.node = sql_.form("substringUTF8($,)", std::move(args));
    text.literal = false;
    return text;
}

// Only where backslash stands before %, _ or itself do both sides agree on the pattern.
Result<Value> Translator::like(const Expr& expr) {
    const Expr& pattern = *expr.args[1];
    if (pattern.kind != ExprKind::kConstant || !pattern.known || pattern.constant_null)
        return refuse(Reason::kLikePattern);
    std::string_view text = pattern.known_text;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') continue;
        if (i + 1 == text.size() ||
            std::string_view("%_\\").find(text[i + 1]) == std::string_view::npos)
            return refuse(Reason::kLikePattern);
        ++i;
    }
    Value left = TRY(value(*expr.args[0]));
    // char(n) is matched with its blanks, which it is stored with.
    if (left.cls != Class::kText && left.cls != Class::kBpchar)
        return refuse(Reason::kOperator, "LIKE");
    if (expr.input_collation == Collation::kNondeterministic) return refuse(Reason::kCollation);
    std::string_view form = expr.name == "~~" ? "($1 LIKE $2)" : "($1 NOT LIKE $2)";
    return Value{.node = sql_.form(form, {left.node, sql_.string(text)}),
                 .cls = Class::kBool,
                 .nullable = left.nullable};
}

}  // namespace tandem::route
