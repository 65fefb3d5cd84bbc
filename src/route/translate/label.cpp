// Enums: the mirror holds their labels, whose order is that of the type.
#include "route/translate/translator.h"

namespace tandem::route {

// The place of the label in its type. One that was added after planning fails the query.
const sql::Node* Translator::position_of(const Value& value) {
    Nodes labels;
    for (const Text& label : enum_of(value.type)->labels) labels.push_back(sql_.string(label));
    const Node* list = sql_.form("[$,]", std::move(labels));
    const Node* text = sql_.form("toString($1)", {value.node});
    const Node* place = sql_.form("toInt32(indexOf($1, assumeNotNull($2)))", {list, text});
    Nodes parts = {text, place};
    return sql_.guarded(sql_.form("($1 IS NOT NULL) AND $2 = 0", parts),
                        sql_.form("if($1 IS NULL, NULL, $2)", parts));
}

Result<Value> Translator::compare_labels(const Expr& expr, std::span<const Value> values) {
    std::string_view name = expr.name;
    if (values[1].cls != Class::kEnum) return refuse(Reason::kOperator, std::string(name));
    Value result{.cls = Class::kBool, .nullable = values[0].nullable || values[1].nullable};
    if (name == "=" || name == "<>") {
        result.node =
            sql_.form(name == "=" ? "($1 = $2)" : "($1 != $2)", {values[0].node, values[1].node});
        return result;
    }
    std::string_view form = name == "<"    ? "($1 < $2)"
                            : name == "<=" ? "($1 <= $2)"
                            : name == ">"  ? "($1 > $2)"
                            : name == ">=" ? "($1 >= $2)"
                                           : "";
    if (form.empty() || enum_of(values[0].type) == nullptr || enum_of(values[1].type) == nullptr)
        return refuse(Reason::kOperator, std::string(name));
    result.nullable = true;
    result.node = sql_.form(form, {position_of(values[0]), position_of(values[1])});
    return result;
}

// min and max by the place in the type.
Result<Value> Translator::extreme_label(const Expr& expr, const Value& argument) {
    if (enum_of(argument.type) == nullptr) return refuse(Reason::kAggregate);
    Nodes labels;
    for (const Text& label : enum_of(argument.type)->labels) labels.push_back(sql_.string(label));
    const Node* place = TRY(aggregate_call(expr, expr.name == "min" ? "minOrNull" : "maxOrNull",
                                           {position_of(argument)}));
    Value result{.cls = Class::kEnum, .type = argument.type};
    result.node = sql_.form("if($1 IS NULL, NULL, $2[assumeNotNull($1)])",
                            {place, sql_.form("[$,]", std::move(labels))});
    return result;
}

}  // namespace tandem::route
