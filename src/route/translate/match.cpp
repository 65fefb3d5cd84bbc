// Functions and operators of regular expressions, of patterns that are known.
#include <algorithm>
#include <cstdlib>

#include "route/translate/pattern.h"
#include "route/translate/translator.h"

namespace tandem::route {
namespace {

bool known_text(const Expr& expr) {
    return expr.kind == ExprKind::kConstant && expr.known && !expr.constant_null &&
           class_of_type(expr.type) == Class::kText;
}

}  // namespace

// The pattern of a call, and the text that is searched, guarded where the sides may not agree.
Result<Translator::Search> Translator::search_of(const Expr& expr, std::string_view flags) {
    const Expr& pattern = *expr.args[1];
    bool ignore_case = flags.find('i') != std::string_view::npos;
    if (flags.find_first_not_of("gi") != std::string_view::npos || !known_text(pattern))
        return refuse(Reason::kLikePattern, "a regular expression");
    std::optional<Pattern> found = translate_pattern(pattern.known_text, ignore_case);
    if (!found) return refuse(Reason::kLikePattern, "a regular expression");
    if (ignore_case && !expr.ascii_case) return refuse(Reason::kCollation, "upper and lower case");
    if (expr.input_collation == Collation::kNondeterministic) return refuse(Reason::kCollation);
    Search search;
    search.pattern = *found;
    search.text = TRY(value(*expr.args[0]));
    if (search.text.cls != Class::kText) return refuse(Reason::kOperator, "~");
    search.node = sql_.string(found->re2);
    if (!found->classes && !found->ignore_case) return search;
    const Node* wrong = sql_.form(
        "length($1) != lengthUTF8($1) AND match(replaceRegexpAll($1, "
        "'[\\\\x00-\\\\x7f]', ''), $2)",
        {search.text.node, sql_.string(found->letters ? "." : "[\\p{Z}\\p{C}\\p{N}]")});
    if (!found->classes) wrong = sql_.form("false", {});
    if (found->ignore_case)
        wrong = sql_.form("position($1, '\xe2\x84\xaa') > 0 OR position($1, '\xc5\xbf') > 0 OR $2",
                          {search.text.node, wrong});
    search.text.node = sql_.guarded(wrong, search.text.node);
    search.text.nullable = true;
    search.text.literal = false;
    return search;
}

// x ~ 'regular expression' and its relatives
Result<Value> Translator::matches(const Expr& expr) {
    std::string_view flags = expr.name.ends_with('*') ? "i" : "";
    if (expr.kind == ExprKind::kFunction && expr.args.size > 2) {
        if (expr.args.size > 3 || !known_text(*expr.args[2]))
            return refuse(Reason::kLikePattern, "a regular expression");
        flags = expr.args[2]->known_text;
    }
    Search search = TRY(search_of(expr, flags));
    std::string_view form =
        expr.name[0] == '!' ? "CAST(NOT match($1, $2), $3)" : "CAST(match($1, $2), $3)";
    const Node* test =
        sql_.form(form, {search.text.node, search.node,
                         sql_.type(clickhouse_type(Class::kBool, search.text.nullable))});
    return Value{.node = test, .cls = Class::kBool, .nullable = search.text.nullable};
}

// Both sides have to agree on where a match ends, and on what is between empty ones.
Result<Translator::Search> Translator::exact_search(const Expr& expr, std::string_view flags,
                                                    bool empty) {
    Search search = TRY(search_of(expr, flags));
    if (!search.pattern.same_extent || (search.pattern.may_be_empty && !empty))
        return refuse(Reason::kLikePattern, "a regular expression whose match may end elsewhere");
    return search;
}

// A group that took part in no match is NULL, and empty for ClickHouse.
Value Translator::unless_left_out(const Pattern& pattern, int64_t group, Value result) {
    if ((pattern.optional_groups >> group & 1) != 0)
        result.node = sql_.form("nullIf($1, '')", {result.node});
    return result;
}

Result<Value> Translator::regexp_replace(const Expr& expr) {
    std::string_view flags;
    bool known = expr.args.size >= 3 && known_text(*expr.args[2]) &&
                 (expr.args.size == 3 || (expr.args.size == 4 && known_text(*expr.args[3])));
    if (!known) return refuse(Reason::kLikePattern, "regexp_replace of this form");
    if (expr.args.size == 4) flags = expr.args[3]->known_text;
    // An empty match that is replaced by nothing changes nothing.
    bool nothing = expr.args[2]->known_text.empty() && flags.find('g') == std::string_view::npos;
    Search search = TRY(exact_search(expr, flags, nothing));
    std::optional<std::string> by =
        translate_replacement(expr.args[2]->known_text, search.pattern.groups);
    if (!by) return refuse(Reason::kLikePattern, "the replacement");
    bool all = flags.find('g') != std::string_view::npos;
    search.text.node = sql_.call(all ? "replaceRegexpAll" : "replaceRegexpOne",
                                 {search.text.node, search.node, sql_.string(*by)});
    search.text.literal = false;
    return search.text;
}

// substring(x FROM 'pattern'): the match, or what its first group matched.
Result<Value> Translator::regexp_substring(const Expr& expr) {
    Search search = TRY(exact_search(expr, "", true));
    Value result{.cls = Class::kText};
    result.node = sql_.form("if(ifNull(match($1, $2), 0), extract(assumeNotNull($1), $2), NULL)",
                            {search.text.node, search.node});
    return unless_left_out(search.pattern, 1, result);
}

// (regexp_match(x, 'pattern'))[n]: what the n-th group matched; without groups the match.
Result<Value> Translator::regexp_group(const Expr& expr, const Expr& number) {
    if (expr.args.size != 2 || number.kind != ExprKind::kConstant || !number.known ||
        number.constant_null || number.type != oid::kInt4)
        return refuse(Reason::kLikePattern, "regexp_match of this form");
    Search search = TRY(exact_search(expr, "", true));
    int64_t group = std::strtoll(std::string(number.known_text).c_str(), nullptr, 10);
    if (group < 1 || group > std::max(search.pattern.groups, 1))
        return refuse(Reason::kLikePattern, "a group that is not there");
    Nodes parts = {search.text.node, search.node, sql_.int64(group)};
    std::string_view form =
        search.pattern.groups == 0
            ? "if(ifNull(match($1, $2), 0), extract(assumeNotNull($1), $2), NULL)"
            : "if(ifNull(match($1, $2), 0), extractGroups(assumeNotNull($1), $2)[$3], NULL)";
    Value result{.node = sql_.form(form, parts), .cls = Class::kText};
    return unless_left_out(search.pattern, group, result);
}

Result<Value> Translator::regexp_count(const Expr& expr) {
    if (expr.args.size != 2) return refuse(Reason::kLikePattern, "regexp_count of this form");
    Search search = TRY(exact_search(expr, ""));
    Value result{.cls = Class::kInt4, .nullable = search.text.nullable};
    result.node = sql_.form("toInt32(countMatches($1, $2))", {search.text.node, search.node});
    return result;
}

}  // namespace tandem::route
