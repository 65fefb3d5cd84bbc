// Window functions.
#include "route/translate/translator.h"

namespace tandem::route {

Result<Value> Translator::window_call(const Expr& expr) {
    std::string name(expr.name);
    if (!expr.builtin || expr.filter != nullptr || !expr.args.empty() ||
        expr.window >= scope_->query->windows.size)
        return refuse(Reason::kWindow, name);
    const Rule* row = find_rule(Form::kWindow, name, {}, class_of(expr.type));
    if (row == nullptr) return refuse(Reason::kWindow, name);
    const Window& window = scope_->query->windows[expr.window];
    // Peers get different numbers only here; in which order is up to the rows' own.
    if (window.order_by.empty() && name == "row_number")
        return refuse(Reason::kImpliedOrder, "row_number() without ORDER BY");
    sql::Window over;
    for (const Expr* key : window.partition_by) over.partition_by.push_back(TRY(group_key(*key)));
    over.order_by = TRY(sort_keys(window.order_by));
    const Node* call = sql_.over(sql_.form(row->sql, {}), std::move(over));
    return Value{.node = sql_.form("toInt64($1)", {call}), .cls = Class::kInt8, .nullable = false};
}

}  // namespace tandem::route
