// Expressions: columns and the forms of SQL that are not functions (IS NULL, AND, NULLIF, ...).
#include <algorithm>
#include <cstdlib>

#include "route/translate/translator.h"
#include "route/translate/walk.h"

namespace tandem::route {
namespace {

constexpr int kTypmodHeader = 4;  // of character types: VARHDRSZ

constexpr uint32_t kDepthMax = 200;
constexpr uint32_t kNodesMax = 20000;

bool type_matches(std::string_view target, Value& value) {
    if (value.cls == Class::kEnum && target == "LowCardinality(Nullable(String))")
        target = "Nullable(String)";
    value.nullable = target.starts_with("Nullable(") && target.ends_with(")");
    if (value.nullable) target = target.substr(9, target.size() - 10);
    if (value.cls == Class::kEnum && target == "LowCardinality(String)") return true;
    if (value.cls == Class::kTimestamp && target == "DateTime64(6)") return true;
    if (value.cls == Class::kTime) return target == "Time64(6)";
    if (value.cls != Class::kNumeric) return target == clickhouse_type(value.cls, false);
    if (!target.starts_with("Decimal(")) return false;
    std::string text(target.substr(8));
    size_t comma = text.find(',');
    if (comma == std::string::npos) return false;
    value.precision = std::atoi(text.c_str());
    value.scale = std::atoi(text.c_str() + comma + 1);
    return value.precision > 0 && value.precision <= kDecimalDigitsMax && value.scale >= 0 &&
           value.scale <= value.precision;
}

bool has_null(std::string_view type) {
    constexpr std::string_view kScalars[] = {"Nullable(", "LowCardinality(", "String", "Int",
                                             "UInt",      "Float",           "Bool",   "Date",
                                             "Time",      "Decimal",         "UUID",   "Enum"};
    return std::any_of(std::begin(kScalars), std::end(kScalars),
                       [&](std::string_view scalar) { return type.starts_with(scalar); });
}

// ClickHouse knows without computing it that a value of a type without NULL is not NULL, and would
// miss the error that Postgres raises on the way.
bool is_skipped_when_tested(const Value& value) {
    return !value.nullable && value.node->raises;
}

}  // namespace

Error Translator::refuse(Reason reason, std::string_view detail) {
    reason_ = reason;
    std::string text(reason_info(reason).words);
    if (!detail.empty()) text.append(": ").append(detail);
    return Error(ErrorCode::kNotRoutable, std::move(text));
}

const EnumType* Translator::enum_of(uint32_t type) const {
    for (const EnumType& one : options_.enums)
        if (one.type == type) return &one;
    return nullptr;
}

Class Translator::class_of(uint32_t type) const {
    Class builtin = class_of_type(type);
    return builtin == Class::kOther && enum_of(type) != nullptr ? Class::kEnum : builtin;
}

Result<Value> Translator::value(const Expr& expr, Place place) {
    if (depth_ >= kDepthMax || ++nodes_ > kNodesMax) return refuse(Reason::kTooComplex);
    for (const auto& [key, written] : scope_->keys)
        if (levels_below_ == 0 && (key == &expr || (scope_->changed_keys && is_above_grouping() &&
                                                    same_expr(*key, expr))))
            return written;
    if (std::optional<Average> parts = average_cell(expr)) return divided(*parts);
    if (scope_->over_cells && levels_below_ == 0)
        for (size_t i = 0; i < scope_->cells.size(); ++i)
            if (same_expr(*scope_->cells[i], expr)) return of_source(scope_->sources[0], i + 1);
    // An expression that is grouped by here is computed from columns that may not be.
    if (const auto* absent = scope_->absent; absent != nullptr && is_present(expr)) {
        scope_->absent = nullptr;
        Result<Value> key = value(expr, place);
        scope_->absent = absent;
        return key;
    }
    if (is_absent(expr)) {
        Expr null;
        null.kind = ExprKind::kConstant;
        null.type = expr.type;
        null.known = null.constant_null = true;
        return constant(null);
    }
    ++depth_;
    Result<Value> result = value_by_kind(expr, place);
    --depth_;
    return result;
}

Result<Value> Translator::value_by_kind(const Expr& expr, Place place) {
    switch (expr.kind) {
        case ExprKind::kColumn:
            return column(expr);
        case ExprKind::kConstant:
            return constant(expr);
        case ExprKind::kFunction:
            return function(expr);
        case ExprKind::kOperator:
            return operator_value(expr, place);
        case ExprKind::kScalarArray:
            return scalar_array(expr, place);
        case ExprKind::kDistinct:
            return distinct_from(expr);
        case ExprKind::kNullIf:
            return null_if(expr);
        case ExprKind::kAnd:
        case ExprKind::kOr:
        case ExprKind::kNot:
            return logic(expr, place);
        case ExprKind::kIsNull:
        case ExprKind::kIsNotNull:
            return null_test(expr);
        case ExprKind::kIsTrue:
        case ExprKind::kIsNotTrue:
        case ExprKind::kIsFalse:
        case ExprKind::kIsNotFalse:
        case ExprKind::kIsUnknown:
        case ExprKind::kIsNotUnknown:
            return truth_test(expr);
        case ExprKind::kCase:
            return case_value(expr);
        case ExprKind::kGreatest:
        case ExprKind::kLeast:
            return extreme_of(expr);
        case ExprKind::kCoalesce:
            return coalesce(expr);
        case ExprKind::kCast:
            return cast(expr);
        case ExprKind::kRelabel:
            return relabel(expr);
        case ExprKind::kAggregate:
            return aggregate(expr);
        case ExprKind::kWindow:
            return window_call(expr);
        case ExprKind::kSubquery:
            return subquery(expr, place);
        case ExprKind::kGrouping:
            return grouping(expr);
        case ExprKind::kRow:
            return refuse(Reason::kExpression, "a row");
        case ExprKind::kSubscript:
            return subscript(expr);
        case ExprKind::kSlice:
        case ExprKind::kArray:
            return array_result(expr);
        default:
            return refuse(Reason::kExpression, std::string(expr.name));
    }
}

Result<const sql::Node*> Translator::filter(const Expr& expr) {
    Value result = TRY(value(expr, Place::kFilter));
    if (result.cls != Class::kBool) return refuse(Reason::kExpression, "a condition");
    return result.node;
}

Result<Value> Translator::column(const Expr& expr) {
    if (expr.levels_up != levels_below_) return refuse(Reason::kCorrelated);
    Scope* scope = scope_;
    for (size_t i = 0; i < scope->cells.size(); ++i) {
        const Expr& cell = *scope->cells[i];
        if (cell.kind == ExprKind::kColumn && cell.relation == expr.relation &&
            cell.attnum == expr.attnum)
            return of_source(scope->sources[0], i + 1);
    }
    if (scope->over_cells)
        return refuse(Reason::kGroupingSets, "with a column that is not grouped by");
    if (expr.relation >= scope->sources.size()) return refuse(Reason::kFromItem);
    const Source& source = scope->sources[expr.relation];
    if (source.relation->kind == RelationKind::kTable) {
        for (const MirroredColumn& candidate : source.relation->columns)
            if (candidate.attnum == expr.attnum) {
                Value one = TRY(table_column(source, candidate));
                if (source.keyed && is_above_grouping()) add_dependent(one.node);
                return one;
            }
        return refuse(Reason::kUnmirroredColumn);
    }
    Value result;
    if (source.inlined != nullptr) {
        result = TRY(inlined_column(source, expr.attnum));
    } else {
        if (expr.attnum < 1 || static_cast<size_t>(expr.attnum) > source.columns.size())
            return refuse(Reason::kFromItem);
        result = of_source(source, static_cast<size_t>(expr.attnum));
    }
    if (source.nullable) TRY(set_nullable(result, "a column of a subquery"));
    if (result.number_as_text && !as_stored_) return number_of_text(result);
    return result;
}

// NULL where an outer join finds no match. An array would be empty there instead.
Status Translator::set_nullable(Value& value, std::string_view name) {
    value.nullable = true;
    value.literal = false;
    if (value.cls != Class::kOther) return {};
    if (!has_null(value.other_type))
        return refuse(Reason::kTypeUnsupported,
                      "on the inner side of an outer join: " + std::string(name) + " is " +
                          std::string(value.other_type));
    if (!value.other_type.starts_with("Nullable("))
        value.other_type = sql_.keep("Nullable(" + std::string(value.other_type) + ")");
    return {};
}

Result<Value> Translator::table_column(const Source& source, const MirroredColumn& from) {
    std::string name(from.name);
    if (!from.exact && !from.as_text) return refuse(Reason::kInexactColumn, name);
    Value result{.cls = class_of(from.type), .type = from.type};
    if (result.cls == Class::kBpchar && from.typmod > kTypmodHeader)
        result.padded = from.typmod - kTypmodHeader;
    // A text form is not the value, but the text of a jsonb is canonical: that is what ->> reads.
    // So is the label of an enum.
    result.number_as_text =
        from.as_text && result.cls == Class::kNumeric &&
        (from.target_type == "String" || from.target_type == "Nullable(String)");
    if (from.as_text && result.cls != Class::kJsonb && result.cls != Class::kEnum &&
        result.cls != Class::kInet)
        result.cls = Class::kOther;
    bool held = result.cls != Class::kOther && result.cls != Class::kInterval &&
                type_matches(from.target_type, result);
    bool text = from.target_type.ends_with("String") || from.target_type.ends_with("String)");
    // Foreign tables hand on some types as their text.
    bool passed = text && (result.cls == Class::kTime || result.cls == Class::kMoney);
    if (result.cls != Class::kOther && result.cls != Class::kInterval && !passed) {
        if (!held)
            return refuse(Reason::kTypeUnsupported,
                          name + " is mirrored as " + std::string(from.target_type));
    } else {
        result.cls = Class::kOther;
        result.other_type = from.target_type;
    }
    if (source.nullable) TRY(set_nullable(result, name));
    note_column(source, from.name);
    result.node = through(source, sql_.column(source.number, from.name));
    if (result.number_as_text && !as_stored_) return number_of_text(result);
    if (result.cls == Class::kTime)
        result.node = sql_.form("toInt64(toDecimal64($1, 6) * 1000000)", {result.node});
    if (result.cls == Class::kInt2) {
        result.bounded = true;
        result.least = -32768;
        result.greatest = 32767;
    }
    return result;
}

Result<Value> Translator::operator_value(const Expr& expr, Place place) {
    if (!expr.builtin) return refuse(Reason::kOperator, std::string(expr.name));
    if (expr.name == "->>" || expr.name == "#>>") return json_text(expr);
    if (expr.name == "?" || expr.name == "?|" || expr.name == "?&") return json_has(expr);
    if (expr.name == "@?" || (expr.name == "@@" && expr.args[0]->type == oid::kJsonb))
        return json_path_test(expr);
    if (is_json_part(expr)) return json_scalar(expr);
    bool documents = expr.args.size == 2 && expr.args[0]->type == oid::kJsonb &&
                     expr.args[1]->type == oid::kJsonb;
    if (documents && (expr.name == "=" || expr.name == "<>")) return compare_json(expr);
    if (expr.name == "@>" && expr.args[0]->type == oid::kJsonb) return json_contains(expr);
    bool ranges = expr.args.size == 2 &&
                  (is_range_type(expr.args[0]->type) || is_range_type(expr.args[1]->type));
    if (ranges) return range_contains(expr);
    bool networks =
        expr.args.size == 2 && expr.args[0]->type == oid::kInet &&
        (expr.name.starts_with("<<") || expr.name.starts_with(">>") || expr.name == "&&");
    if (networks) return network_test(expr);
    if (std::optional<Value> test = TRY(compare_with_end(expr))) return *test;
    bool arrays = expr.args.size == 2 && is_array_type(expr.args[0]->type);
    if (expr.name == "||" && is_array_type(expr.type)) return array_result(expr);
    if (arrays && (expr.name == "@>" || expr.name == "<@" || expr.name == "&&" ||
                   expr.name == "=" || expr.name == "<>"))
        return array_operator(expr);
    if (expr.name == "~~" || expr.name == "!~~" || expr.name == "~~*" || expr.name == "!~~*")
        return like(expr);
    bool pattern = expr.name == "~" || expr.name == "!~" || expr.name == "~*" || expr.name == "!~*";
    if (pattern && expr.args.size == 2) return matches(expr);
    if (place == Place::kFilter && expr.name == "=" && expr.args.size == 2) {
        std::optional<Value> fast = TRY(json_equals(expr));
        if (fast) return *fast;
    }
    if (is_clock_span(expr)) return refuse(Reason::kOperator, "the difference of times of day");
    bool between = expr.args.size == 2 && expr.type == oid::kInterval && expr.name == "-" &&
                   expr.args[0]->type != oid::kInterval && expr.args[1]->type != oid::kInterval;
    if (between) return difference(expr);
    bool intervals = expr.args.size == 2 && expr.args[0]->type == oid::kInterval &&
                     expr.args[1]->type == oid::kInterval;
    if (intervals) return compare_intervals(expr);
    bool interval = expr.args.size == 2 &&
                    (expr.args[0]->type == oid::kInterval || expr.args[1]->type == oid::kInterval);
    if (interval && (expr.name == "+" || expr.name == "-")) return plus_interval(expr);
    if (expr.name == "^" && expr.type == oid::kFloat8) return float_power(expr);
    return apply(expr, Form::kOperator, expr.name);
}

Result<Value> Translator::function(const Expr& expr) {
    if (!expr.builtin) return refuse(Reason::kFunction, std::string(expr.name));
    if (expr.name == "date_trunc") return date_trunc(expr);
    if (expr.name == "extract" || expr.name == "date_part") return extract(expr);
    bool searched = expr.args.size == 2 && class_of(expr.args[1]->type) == Class::kText;
    if (expr.name == "substring" && searched) return regexp_substring(expr);
    if (expr.name == "substring" || expr.name == "substr") return substring(expr);
    if (expr.name == "regexp_replace") return regexp_replace(expr);
    if (expr.name == "regexp_count") return regexp_count(expr);
    if (expr.name == "regexp_like") return matches(expr);
    if (expr.name == "jsonb_object_field_text") return json_text(expr);
    if (expr.name == "jsonb_typeof" && expr.args.size == 1) return json_typeof(expr);
    if (expr.name == "jsonb_array_length" && expr.args.size == 1) return json_length(expr);
    if (expr.name == "cardinality" || expr.name.starts_with("array_")) return array_function(expr);
    if (is_array_type(expr.type)) return array_result(expr);
    if (expr.name == "to_char") return to_char(expr);
    if (expr.name == "timezone") return at_zone(expr);
    if (expr.name == "date_bin") return date_bin(expr);
    if (expr.name == "split_part") return split_part(expr);
    if (expr.name == "lpad" || expr.name == "rpad") return padded(expr);
    if (expr.name == "concat" || expr.name == "concat_ws") return concatenated(expr);
    if (expr.name == "format") return formatted(expr);
    bool folds = expr.name == "lower" || expr.name == "upper";
    if ((folds || expr.name == "isempty") && expr.args.size == 1 &&
        is_range_type(expr.args[0]->type))
        return range_part(expr);
    if (folds && expr.letter_case && class_of(expr.args[0]->type) == Class::kText)
        return folded(expr);
    if (expr.name == "translate") return translated(expr);
    if (expr.name == "num_nulls" || expr.name == "num_nonnulls") return nulls_counted(expr);
    bool trims = expr.name == "btrim" || expr.name == "ltrim" || expr.name == "rtrim";
    if (trims && expr.args.size == 2 && expr.args[0]->type != 17) return trimmed(expr);
    std::optional<Value> special = TRY(special_function(expr));
    if (special) return *special;
    // A cast written as a function: date(x), text(x), ...
    if (expr.args.size == 1) {
        Value argument = TRY(value(*expr.args[0]));
        Class classes[] = {argument.cls};
        const Rule* row = find_rule(Form::kCast, expr.name, classes, class_of(expr.type));
        if (row != nullptr) return apply_rule(expr, *row, {&argument, 1});
    }
    return apply(expr, Form::kFunction, expr.name);
}

Result<Value> Translator::logic(const Expr& expr, Place place) {
    Value result{.cls = Class::kBool, .nullable = false};
    if (expr.kind == ExprKind::kNot) {
        Value argument = TRY(value(*expr.args[0]));
        if (argument.cls != Class::kBool) return refuse(Reason::kExpression, "NOT");
        result.nullable = argument.nullable;
        result.node = sql_.form("(NOT $1)", {argument.node});
        return result;
    }
    Nodes parts;
    for (const Expr* item : expr.args) {
        Value argument = TRY(value(*item, place));
        if (argument.cls != Class::kBool) return refuse(Reason::kExpression, "AND");
        result.nullable = result.nullable || argument.nullable;
        parts.push_back(argument.node);
    }
    result.node = sql_.form(expr.kind == ExprKind::kAnd ? "($&)" : "($|)", std::move(parts));
    return result;
}

Result<Value> Translator::null_test(const Expr& expr) {
    if (is_json_part(*expr.args[0])) return json_null_test(expr);
    Value argument = TRY(value(*expr.args[0]));
    if (is_skipped_when_tested(argument))
        return refuse(Reason::kExpression, "IS NULL of this form");
    const char* test = expr.kind == ExprKind::kIsNull ? "($1 IS NULL)" : "($1 IS NOT NULL)";
    return Value{.node = sql_.form(test, {argument.node}), .cls = Class::kBool, .nullable = false};
}

Result<Value> Translator::truth_test(const Expr& expr) {
    Value argument = TRY(value(*expr.args[0]));
    if (argument.cls != Class::kBool || is_skipped_when_tested(argument))
        return refuse(Reason::kExpression, "IS TRUE of this form");
    constexpr std::string_view kTests[] = {"ifNull($1, false)",      "(NOT ifNull($1, false))",
                                           "(NOT ifNull($1, true))", "ifNull($1, true)",
                                           "($1 IS NULL)",           "($1 IS NOT NULL)"};
    size_t which = static_cast<size_t>(expr.kind) - static_cast<size_t>(ExprKind::kIsTrue);
    return Value{
        .node = sql_.form(kTests[which], {argument.node}), .cls = Class::kBool, .nullable = false};
}

Result<Value> Translator::null_if(const Expr& expr) {
    Value left = TRY(value(*expr.args[0]));
    Expr equal = expr;
    equal.kind = ExprKind::kOperator;
    equal.type = oid::kBool;
    Value same = TRY(operator_value(equal, Place::kValue));
    left.node = sql_.form("if(ifNull($1, false), NULL, $2)", {same.node, left.node});
    left.nullable = true;
    left.literal = false;
    return left;
}

Result<Value> Translator::distinct_from(const Expr& expr) {
    Value left = TRY(value(*expr.args[0]));
    Value right = TRY(value(*expr.args[1]));
    Expr equal = expr;
    equal.kind = ExprKind::kOperator;
    equal.name = "=";
    Value same = TRY(operator_value(equal, Place::kValue));
    return Value{.node = sql_.form("(NOT ifNull($1, ($2 IS NULL) AND ($3 IS NULL)))",
                                   {same.node, left.node, right.node}),
                 .cls = Class::kBool,
                 .nullable = false};
}

Result<Value> Translator::relabel(const Expr& expr) {
    Value inner = TRY(value(*expr.args[0]));
    Class to = class_of(expr.type);
    if (inner.cls == to) return inner;
    return refuse(Reason::kCast, "between types of the same bytes");
}

}  // namespace tandem::route
