// Subqueries in expressions.
#include "route/translate/translator.h"

namespace tandem::route {

// Uncorrelated scalar subqueries, and `x IN (SELECT ...)` where NULL counts as false.
Result<Value> Translator::subquery(const Expr& expr, Place place) {
    if (expr.subquery == nullptr) return refuse(Reason::kSubquery);
    if (expr.subquery_kind == SubqueryKind::kScalar) {
        Derived derived = TRY(write_subquery(*expr.subquery));
        if (derived.columns.size() != 1 || derived.columns[0].cls == Class::kOther ||
            derived.columns[0].digits != nullptr)
            return refuse(Reason::kSubquery);
        Value result = derived.columns[0];
        result.nullable = true;
        result.literal = false;
        result.node = sql_.select(derived.select);
        return result;
    }
    bool in = expr.subquery_kind == SubqueryKind::kAny && place == Place::kFilter &&
              expr.name == "=" && expr.builtin && expr.args.size == 1;
    if (!in) return refuse(Reason::kSubquery);
    Value left = TRY(value(*expr.args[0]));
    Derived derived = TRY(write_subquery(*expr.subquery));
    if (derived.columns.size() != 1) return refuse(Reason::kSubquery);
    const Value& right = derived.columns[0];
    Class classes[] = {left.cls, right.cls};
    const Rule* row = find_rule(Form::kOperator, "=", classes, Class::kBool);
    bool plain = row != nullptr && (left.cls == right.cls || is_int(left.cls)) &&
                 !is_float(left.cls) && left.cls != Class::kBpchar && left.cls != Class::kNumeric;
    if (!plain) return refuse(Reason::kSubquery, "compared types");
    TRY(check_collation(expr, *row));
    return Value{.node = sql_.form("($1 IN $2)", {left.node, sql_.select(derived.select)}),
                 .cls = Class::kBool};
}

}  // namespace tandem::route
