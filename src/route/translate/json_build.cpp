// Aggregates that make json of values: json_agg(), jsonb_object_agg() and what they are made of.
//
// A json keeps its text as it was made, so that every blank counts; a jsonb is read again.
#include "route/translate/translator.h"

namespace tandem::route {
namespace {

// A text as json writes it; of other control characters the query fails.
constexpr std::string_view kString =
    "if(throwIf(ifNull(match($1, '[\\\\x00-\\\\x08\\\\x0b\\\\x0c\\\\x0e-\\\\x1f]'), 0)) = 0, "
    "concat('\"', replaceAll(replaceAll(replaceAll(replaceAll(replaceAll($1, '\\\\', '\\\\\\\\'), "
    "'\"', '\\\\\"'), '\\n', '\\\\n'), '\\r', '\\\\r'), '\\t', '\\\\t'), '\"'), NULL)";

bool builds_object(const Expr& expr) {
    return expr.kind == ExprKind::kFunction && expr.builtin &&
           (expr.name == "json_build_object" || expr.name == "jsonb_build_object");
}

}  // namespace

const sql::Node* Translator::json_string(const Node* text) {
    return sql_.form(kString, {text}, {}, {}, true);
}

// {"a" : 1, "b" : "x"}, of keys that are literals.
Result<const sql::Node*> Translator::json_object(const Expr& expr) {
    Nodes parts;
    for (uint32_t i = 0; i + 1 < expr.args.size; i += 2) {
        Value key = TRY(value(*expr.args[i]));
        if (!key.literal || key.cls != Class::kText)
            return refuse(Reason::kConstantUnknown, "the keys of " + std::string(expr.name));
        parts.push_back(sql_.string(i == 0 ? "{" : ", "));
        parts.push_back(json_string(key.node));
        parts.push_back(sql_.string(" : "));
        parts.push_back(TRY(json_of(*expr.args[i + 1])));
    }
    if (parts.empty() || expr.args.size % 2 != 0) return refuse(Reason::kFunction, "of this form");
    parts.push_back(sql_.string("}"));
    const Node* text = sql_.form("concat($,)", std::move(parts));
    return sql_.form("assumeNotNull($1)", {text});
}

// A value as json, never NULL.
Result<const sql::Node*> Translator::json_of(const Expr& expr) {
    if (builds_object(expr)) return json_object(expr);
    Value one = TRY(value(expr));
    const Node* text = nullptr;
    if (is_int(one.cls)) {
        text = sql_.form("toString($1)", {one.node});
    } else if (one.cls == Class::kBool) {
        text = sql_.form("if($1, 'true', 'false')", {one.node});
    } else if (one.cls == Class::kText || one.cls == Class::kEnum) {
        text = json_string(one.node);
    } else if (one.cls == Class::kUuid || one.cls == Class::kDate) {
        text = sql_.form("concat('\"', toString($1), '\"')", {one.node});
    } else if (one.cls == Class::kNumeric && one.digits == nullptr && one.digits_known) {
        text = as_text(one);
    } else if (one.cls == Class::kJsonb && is_json_part(expr)) {
        text = one.node;
    } else if (one.cls == Class::kTimestamp) {
        text = iso_text(one);
        if (text != nullptr)
            text = sql_.form("concat('\"', replaceOne($1, ' ', 'T'), '\"')", {text});
    }
    if (text == nullptr)
        return refuse(Reason::kAggregate, "json of " + std::string(class_name(one.cls)));
    // That of a test is not NULL where its value is.
    if (one.nullable) text = sql_.form("if($1 IS NULL, 'null', $2)", {one.node, text});
    return sql_.form("assumeNotNull(CAST($1, 'Nullable(String)'))", {text});
}

// json_agg() and jsonb_agg()
Result<Value> Translator::json_agg(const Expr& expr) {
    if (expr.args.size != 1 || expr.distinct || over_ != nullptr)
        return refuse(Reason::kAggregate, std::string(expr.name) + " of this form");
    const Node* element = TRY(json_of(*expr.args[0]));
    Value one{.node = element, .cls = Class::kText, .nullable = false};
    const Node* values = TRY(ordered_values(expr, one, true));
    Value result{.cls = Class::kOther, .other_type = "Nullable(String)"};
    result.node =
        sql_.form("if(empty($1), NULL, concat('[', arrayStringConcat($1, ', '), ']'))", {values});
    return result;
}

// json_object_agg() and jsonb_object_agg(). The order is that of a jsonb's own, if no key comes
// twice.
Result<Value> Translator::json_object_agg(const Expr& expr) {
    if (expr.args.size != 2 || expr.distinct || over_ != nullptr)
        return refuse(Reason::kAggregate, std::string(expr.name) + " of this form");
    Value key = TRY(value(*expr.args[0]));
    const Node* name = as_text(key);
    if (key.cls == Class::kEnum) name = key.node;
    if (name == nullptr || key.cls == Class::kJsonb || key.cls == Class::kBool)
        return refuse(Reason::kAggregate, std::string(expr.name) + " of this form");
    name = sql_.guarded(sql_.form("$1 IS NULL", {key.node}), json_string(name));
    const Node* element = TRY(json_of(*expr.args[1]));
    const Node* pair = sql_.form("assumeNotNull(concat($1, ' : ', $2))", {name, element});
    Value one{.node = pair, .cls = Class::kText, .nullable = false};
    bool any_order = expr.order_by.empty() && expr.name == "jsonb_object_agg";
    Result<const Node*> listed =
        any_order ? aggregate_call(expr, "groupArray", {pair}) : ordered_values(expr, one, true);
    const Node* values = TRY(std::move(listed));
    const Node* text =
        sql_.form("if(empty($1), NULL, concat('{ ', arrayStringConcat($1, ', '), ' }'))", {values});
    if (any_order) {
        const Node* keys = TRY(aggregate_call(expr, "uniqExact", {name}));
        text = sql_.guarded(sql_.form("$1 != length($2)", {keys, values}), text);
    }
    return Value{.node = text, .cls = Class::kOther, .other_type = "Nullable(String)"};
}

}  // namespace tandem::route
