// Window functions, and aggregates as such.
#include <algorithm>

#include "route/translate/translator.h"
#include "route/translate/walk.h"

namespace tandem::route {
namespace {

// The number of a constant offset; -1 for anything else.
int64_t known_count(const Expr* expr) {
    if (expr == nullptr || expr->kind != ExprKind::kConstant || !expr->known ||
        expr->constant_null || (expr->type != oid::kInt8 && expr->type != oid::kInt4))
        return -1;
    return std::strtoll(std::string(expr->known_text).c_str(), nullptr, 10);
}

std::string bound(FrameBound bound, int64_t offset) {
    switch (bound) {
        case FrameBound::kUnboundedPreceding:
            return "UNBOUNDED PRECEDING";
        case FrameBound::kPreceding:
            return std::to_string(offset) + " PRECEDING";
        case FrameBound::kCurrentRow:
            return "CURRENT ROW";
        case FrameBound::kFollowing:
            return std::to_string(offset) + " FOLLOWING";
        case FrameBound::kUnboundedFollowing:
            break;
    }
    return "UNBOUNDED FOLLOWING";
}

bool has_offset(FrameBound bound) {
    return bound == FrameBound::kPreceding || bound == FrameBound::kFollowing;
}

constexpr const char* kWholePartition = "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING";

}  // namespace

Result<sql::Window> Translator::window_of(const Window& window) {
    sql::Window over;
    for (const Expr* key : window.partition_by) over.partition_by.push_back(TRY(group_key(*key)));
    over.order_by = TRY(sort_keys(window.order_by));
    return over;
}

// An offset of RANGE in whole units of what is sorted by.
Result<const sql::Node*> Translator::range_offset(const Expr& offset, const Value& key) {
    if (offset.kind != ExprKind::kConstant || (offset.known && offset.constant_null))
        return refuse(Reason::kConstantUnknown, "an offset of a frame");
    if (is_int(key.cls)) {
        if (class_of(offset.type) == Class::kNumeric) return refuse(Reason::kWindow, "this offset");
        return parameter(offset, "Int64");
    }
    Value number = TRY(value(offset));
    if (!number.literal || number.cls != Class::kNumeric || number.scale > key.scale)
        return refuse(Reason::kConstantUnknown, "an offset of a frame");
    return sql_.form("toInt64($1)", {unscaled(fixed(number, 38, key.scale))});
}

// Of times: ClickHouse wants integers below 2^31. Microseconds are more; but divided by a power of
// two, which loses nothing of a number below 2^53, what is sorted by stays exact, and the offsets
// are integers still.
Status Translator::range_of_time(const Window& window, const Value& key, Range& range) {
    const Expr* offsets[] = {has_offset(window.start) ? window.start_offset : nullptr,
                             has_offset(window.end) ? window.end_offset : nullptr};
    int64_t micros[] = {0, 0};
    int64_t bits = 0;
    constexpr int64_t kDay = 86400000000;
    bool days = key.cls == Class::kDate;
    for (int i = 0; i < 2; ++i) {
        if (offsets[i] == nullptr) continue;
        if (!known_microseconds(*offsets[i], micros[i]))
            return refuse(Reason::kConstantUnknown, "an offset of a frame");
        if (key.cls == Class::kTimestamptz && !is_clock_interval(*offsets[i])) TRY(needs_utc());
        bits |= micros[i];
        days = days && micros[i] % kDay == 0;
    }
    int64_t unit = days ? kDay : bits == 0 ? 1 : bits & -bits;
    for (int i = 0; i < 2; ++i) {
        if (micros[i] / unit > INT32_MAX) return refuse(Reason::kWindow, "RANGE of this length");
        range.offsets[i] = sql_.form(sql_.keep(std::to_string(micros[i] / unit)), {});
    }
    const Node* plain = sql_.form("assumeNotNull($1)", {key.node});
    if (days) {
        range.key = sql_.form("toInt32($1)", {plain});
        return {};
    }
    const Node* time = in_utc(key);
    const Node* late = sql_.form("toYear($1) > 2250", {time});
    const Node* number = sql_.form(
        sql_.keep("toFloat64(toUnixTimestamp64Micro(assumeNotNull($1))) / " + std::to_string(unit)),
        {time});
    range.key = sql_.form("assumeNotNull($1)", {sql_.guarded(late, number)});
    return {};
}

Status Translator::range_of_number(const Window& window, const Value& key, Range& range) {
    if (key.cls == Class::kNumeric) {
        if (key.digits != nullptr || key.precision > 17) return refuse(Reason::kScale, "RANGE");
        range.key = sql_.form("assumeNotNull(toInt64($1))", {unscaled(key)});
    } else if (is_int(key.cls)) {
        range.key = sql_.form("toInt64(assumeNotNull($1))", {key.node});
    } else {
        return refuse(Reason::kWindow, "RANGE over this type");
    }
    if (has_offset(window.start)) range.offsets[0] = TRY(range_offset(*window.start_offset, key));
    if (has_offset(window.end)) range.offsets[1] = TRY(range_offset(*window.end_offset, key));
    return {};
}

// RANGE with offsets. Rows whose value is NULL see each other only, which makes them partitions of
// their own.
Status Translator::range_frame(const Window& window, sql::Window& over) {
    if (window.order_by.size != 1) return refuse(Reason::kWindow, "RANGE");
    Value key = TRY(value(*window.order_by[0].expr));
    bool unbounded = window.start == FrameBound::kUnboundedPreceding ||
                     window.end == FrameBound::kUnboundedFollowing;
    // Peers of NULL are in its frame wherever that begins and ends; here only where it holds the
    // row itself.
    unbounded =
        unbounded || window.start == FrameBound::kFollowing || window.end == FrameBound::kPreceding;
    if (key.nullable && unbounded) return refuse(Reason::kWindow, "RANGE over what may be NULL");
    bool time =
        key.cls == Class::kDate || key.cls == Class::kTimestamp || key.cls == Class::kTimestamptz;
    Range range;
    TRY(time ? range_of_time(window, key, range) : range_of_number(window, key, range));
    if (key.nullable) over.partition_by.push_back(sql_.form("($1 IS NULL)", {key.node}));
    over.order_by = {{range.key, window.order_by[0].descending, window.order_by[0].nulls_first}};
    Nodes parts;
    std::string text = "RANGE BETWEEN ";
    const FrameBound bounds[] = {window.start, window.end};
    for (int i = 0; i < 2; ++i) {
        if (i > 0) text += " AND ";
        if (!has_offset(bounds[i])) {
            text += bound(bounds[i], 0);
            continue;
        }
        parts.push_back(range.offsets[i]);
        text += "$" + std::to_string(parts.size()) +
                (bounds[i] == FrameBound::kPreceding ? " PRECEDING" : " FOLLOWING");
    }
    over.ranged = sql_.form(sql_.keep(std::move(text)), std::move(parts));
    return {};
}

// The frame, for what looks at one.
Status Translator::add_frame(const Window& window, sql::Window& over) {
    if (window.exclude) return refuse(Reason::kWindow, "EXCLUDE");
    if (window.default_frame) return {};
    if (window.unit == FrameUnit::kGroups) return refuse(Reason::kWindow, "GROUPS");
    bool rows = window.unit == FrameUnit::kRows;
    bool offsets = has_offset(window.start) || has_offset(window.end);
    if (offsets && !rows) return range_frame(window, over);
    int64_t start = has_offset(window.start) ? known_count(window.start_offset) : 0;
    int64_t end = has_offset(window.end) ? known_count(window.end_offset) : 0;
    if (start < 0 || end < 0 || start > INT32_MAX || end > INT32_MAX)
        return refuse(Reason::kConstantUnknown, "an offset of a frame");
    // Which of its peers a row comes after is up to Postgres, and so is what lies in its frame; but
    // so it is for everybody who asks for this.
    over.frame = std::string(rows ? "ROWS" : "RANGE") + " BETWEEN " + bound(window.start, start) +
                 " AND " + bound(window.end, end);
    return {};
}

// Aggregates: every aggregate call that computes them looks at the window.
Result<Value> Translator::window_aggregate(const Expr& expr, const sql::Window& over) {
    if (expr.distinct) return refuse(Reason::kWindow, "DISTINCT");
    Expr call = expr;
    call.kind = ExprKind::kAggregate;
    const sql::Window* before = over_;
    over_ = &over;
    Result<Value> result = [&]() -> Result<Value> {
        if (!is_average(call)) return sum_of(call);
        Average parts = TRY(average(call));
        parts.count.node = sql_.form("nullIf($1, 0)", {parts.count.node});
        parts.count.nullable = true;
        return divide(parts.sum, parts.count);
    }();
    over_ = before;
    return result;
}

// lag, lead, first_value, last_value and nth_value: a value of another row, or NULL.
Result<Value> Translator::value_of_row(const Expr& expr, const Window& window, sql::Window over) {
    std::string_view name = expr.name;
    if (window.order_by.empty())
        return refuse(Reason::kImpliedOrder, std::string(name) + "() without ORDER BY");
    if (expr.args.empty()) return refuse(Reason::kWindow, std::string(name));
    Value result = TRY(value(*expr.args[0]));
    if (result.cls == Class::kOther || !result.digits_known)
        return refuse(Reason::kWindow, std::string(name) + " of this type");
    int64_t count = expr.args.size > 1 ? known_count(expr.args[1]) : 1;
    bool moves = name == "lag" || name == "lead";
    if (count < (moves ? 0 : 1) || count > INT32_MAX)
        return refuse(Reason::kConstantUnknown, "an argument of " + std::string(name));
    const Node* digits = result.digits;
    Value other;
    int shown_scale = 0;
    if (expr.args.size > 2) {
        other = TRY(value(*expr.args[2]));
        if (!moves || !other.literal || other.cls != result.cls)
            return refuse(Reason::kWindow, "a default that is no literal of the same type");
        shown_scale = other.scale;
        if (result.cls == Class::kNumeric) {
            if (other.scale != result.scale) digits = digits_of(result);
            int scale = std::max(result.scale, other.scale);
            int whole = std::max(result.precision - result.scale, other.precision - other.scale);
            if (whole + scale > kDecimalDigitsMax) return refuse(Reason::kScale);
            result = fixed(result, std::max(1, whole + scale), scale);
            other = fixed(other, std::max(1, whole + scale), scale);
        }
    }
    result.nullable = true;
    result.literal = result.null = result.bounded = false;
    if (moves)
        over.frame = kWholePartition;
    else
        TRY(add_frame(window, over));
    auto call = [&](const Node* one, const Node* instead) {
        Nodes args = {one};
        if (moves || name == "nth_value")
            args.push_back(sql_.form(sql_.keep(std::to_string(count)), {}));
        if (instead != nullptr) args.push_back(instead);
        std::string_view function = name == "lag"           ? "lagInFrame"
                                    : name == "lead"        ? "leadInFrame"
                                    : name == "first_value" ? "first_value_respect_nulls"
                                    : name == "last_value"  ? "last_value_respect_nulls"
                                                            : "nth_value";
        return sql_.over(sql_.call(function, std::move(args)), over);
    };
    bool instead = other.node != nullptr;
    result.digits = nullptr;
    std::string_view type = type_text(result);
    result.node =
        call(sql_.cast(result.node, type), instead ? sql_.cast(other.node, type) : nullptr);
    if (digits == nullptr) return result;
    constexpr std::string_view kDigits = "Nullable(Int32)";
    const Node* shown = instead ? sql_.cast(sql_.int32(shown_scale), kDigits) : nullptr;
    result.digits = call(sql_.cast(digits, kDigits), shown);
    return result;
}

// percent_rank and cume_dist from numbers of rows.
Result<Value> Translator::part_of_rows(const Expr& expr, const sql::Window& over) {
    sql::Window whole;
    whole.partition_by = over.partition_by;
    const Node* rows = sql_.over(sql_.call("count", {}), std::move(whole));
    Value result{.cls = Class::kFloat8, .nullable = false};
    if (expr.name == "cume_dist") {
        const Node* until = sql_.over(sql_.call("count", {}), over);
        result.node = sql_.form("(toFloat64($1) / toFloat64($2))", {until, rows});
        return result;
    }
    const Node* rank = sql_.over(sql_.call("rank", {}), over);
    result.node =
        sql_.form("if($2 <= 1, toFloat64(0), toFloat64($1 - 1) / toFloat64($2 - 1))", {rank, rows});
    return result;
}

namespace {

// What is different from peer to peer.
bool tells_peers_apart(const Expr& expr, const Window& window) {
    std::string_view name = expr.name;
    return name == "row_number" || name == "ntile" || name == "lag" || name == "lead" ||
           name == "first_value" || name == "last_value" || name == "nth_value" ||
           (!window.default_frame && window.unit == FrameUnit::kRows);
}

// Everything below windows that the results are made of.
void find_leaves(const Expr& expr, std::vector<const Expr*>& leaves) {
    if (expr.kind == ExprKind::kColumn || expr.kind == ExprKind::kAggregate ||
        expr.kind == ExprKind::kSubquery)
        return leaves.push_back(&expr);
    for (const Expr* argument : expr.args) find_leaves(*argument, leaves);
    if (expr.filter != nullptr) find_leaves(*expr.filter, leaves);
}

}  // namespace

// Sorts peers by all that is read of them, so that those still alike may take each other's place;
// which is so for one such window only.
Status Translator::break_ties(const Expr& expr, const Window& window, sql::Window& over) {
    if (!tells_peers_apart(expr, window)) return {};
    bool framed = expr.name == "last_value" || expr.name == "nth_value";
    if (framed && window.unit != FrameUnit::kRows)
        return refuse(Reason::kSharedCte, std::string(expr.name));
    uint32_t others = 0;
    std::vector<const Expr*> leaves;
    for (const Target& target : scope_->query->targets)
        if (target.expr != nullptr) find_leaves(*target.expr, leaves);
    for (const Window& one : scope_->query->windows) {
        others += !one.order_by.empty() ? 1 : 0;
        for (const Expr* key : one.partition_by) find_leaves(*key, leaves);
        for (const SortKey& key : one.order_by) find_leaves(*key.expr, leaves);
    }
    if (others > 1) return refuse(Reason::kSharedCte, "several windows");
    for (const Expr* leaf : leaves) {
        if (leaf->kind == ExprKind::kSubquery) return refuse(Reason::kSharedCte);
        Value one = TRY(value(*leaf));
        over.order_by.push_back({one.node});
    }
    return {};
}

Result<Value> Translator::window_call(const Expr& expr) {
    std::string name(expr.name);
    if (!expr.builtin || expr.window >= scope_->query->windows.size)
        return refuse(Reason::kWindow, name);
    const Window& window = scope_->query->windows[expr.window];
    sql::Window over = TRY(window_of(window));
    if (total_) TRY(break_ties(expr, window, over));
    if (name == "lag" || name == "lead" || name == "first_value" || name == "last_value" ||
        name == "nth_value")
        return value_of_row(expr, window, std::move(over));
    if (name == "percent_rank" || name == "cume_dist") return part_of_rows(expr, over);
    // Peers get different numbers only here; in which order is up to the rows' own.
    bool numbers = name == "row_number" || name == "ntile";
    if (window.order_by.empty() && numbers)
        return refuse(Reason::kImpliedOrder, name + "() without ORDER BY");
    if (name == "ntile") {
        int64_t count = known_count(expr.args[0]);
        if (count < 1 || count > INT32_MAX) return refuse(Reason::kConstantUnknown, name);
        const Node* buckets = sql_.form(sql_.keep(std::to_string(count)), {});
        over.frame = kWholePartition;
        const Node* call = sql_.over(sql_.call("ntile", {buckets}), std::move(over));
        return Value{
            .node = sql_.form("toInt32($1)", {call}), .cls = Class::kInt4, .nullable = false};
    }
    const Rule* row = expr.args.empty() && expr.filter == nullptr
                          ? find_rule(Form::kWindow, name, {}, class_of(expr.type))
                          : nullptr;
    if (row == nullptr) {
        TRY(add_frame(window, over));
        return window_aggregate(expr, over);
    }
    const Node* call = sql_.over(sql_.form(row->sql, {}), std::move(over));
    return Value{.node = sql_.form("toInt64($1)", {call}), .cls = Class::kInt8, .nullable = false};
}

}  // namespace tandem::route
