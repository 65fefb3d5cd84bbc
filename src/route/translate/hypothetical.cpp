// Hypothetical-set aggregates: where a value would stand among those of the group.
#include "route/translate/translator.h"

namespace tandem::route {

// rank(x), dense_rank(x), percent_rank(x) and cume_dist(x) WITHIN GROUP (ORDER BY y)
Result<Value> Translator::hypothetical(const Expr& expr) {
    const SortKey& key = expr.within_group[0];
    Value wanted = TRY(value(*expr.direct_args[0]));
    Value argument = TRY(value(*key.expr));
    bool fits = is_sortable_set(argument, *key.expr) && !is_float(argument.cls) &&
                argument.cls == wanted.cls && wanted.literal;
    if (!fits) return refuse(Reason::kAggregate, std::string(expr.name) + " of this type");
    Nodes both = {argument.node, wanted.node};
    bool peers = expr.name == "cume_dist";
    std::string form = std::string("if(ifNull($1 ") + (key.descending ? ">" : "<") +
                       (peers ? "= $2, " : " $2, ") + (key.nulls_first ? "1" : "0") +
                       "), $3, NULL)";
    auto counted = [&](std::string_view function, const Node* what) {
        return aggregate_call(expr, function,
                              {sql_.form(sql_.keep(form), {both[0], both[1], what})});
    };
    const Node* one = sql_.form("1", {});
    Value result{.cls = class_of(expr.type), .nullable = false};
    if (expr.name == "dense_rank") {
        const Node* different = TRY(counted("uniqExact", argument.node));
        const Node* nulls = sql_.int64(0);
        if (key.nulls_first) {
            const Node* missing = sql_.form("if($1 IS NULL, 1, NULL)", {argument.node});
            nulls = TRY(aggregate_call(expr, "count", {missing}));
        }
        result.node = sql_.form("toInt64(1 + $1 + if($2 > 0, 1, 0))", {different, nulls});
        return result;
    }
    const Node* before = TRY(counted("count", one));
    if (expr.name == "rank") {
        result.node = sql_.form("toInt64($1 + 1)", {before});
        return result;
    }
    const Node* rows = TRY(aggregate_call(expr, "count", {one}));
    result.node = sql_.form(peers ? "(toFloat64($1 + 1) / toFloat64($2 + 1))"
                                  : "if($2 = 0, 0., toFloat64($1) / toFloat64($2))",
                            {before, rows});
    return result;
}

}  // namespace tandem::route
