// The rule table, applied.
#include <algorithm>

#include "route/translate/translator.h"

namespace tandem::route {
namespace {

int64_t least_of(Class cls) {
    return cls == Class::kInt2 ? INT16_MIN : cls == Class::kInt4 ? INT32_MIN : INT64_MIN;
}

int64_t greatest_of(Class cls) {
    return cls == Class::kInt2 ? INT16_MAX : cls == Class::kInt4 ? INT32_MAX : INT64_MAX;
}

// Behind the point, so that enough are left before it.
constexpr int kCheckedScaleMax = 60;

// Digits of numeric results; false when there may be more than ClickHouse has.
bool numeric_digits(Value& result, const Rule& row, std::span<const Value> values) {
    const Value& a = values.empty() ? result : values[0];
    const Value& b = values.size() > 1 ? values[1] : a;
    if (row.flags & rule::kAddScale) {
        result.scale = std::max(a.scale, b.scale);
        result.precision =
            std::max(a.precision - a.scale, b.precision - b.scale) + result.scale + 1;
    } else if (row.flags & rule::kMulScale) {
        result.scale = a.scale + b.scale;
        result.precision = a.precision + b.precision;
    } else if (row.flags & rule::kIntegerScale) {
        result.precision = row.form == Form::kAggregate ? 38
                           : a.cls == Class::kInt2      ? 5
                           : a.cls == Class::kInt4      ? 10
                                                        : 19;
        result.scale = 0;
    } else if (row.flags & rule::kSumScale) {
        result.scale = a.scale;
        // Nobody sums more than 10^14 rows.
        result.precision = std::max(38, a.precision + 14);
    } else {
        result.scale = a.scale;
        result.precision = a.precision;
    }
    return result.precision <= kDecimalDigitsMax;
}

// Products and sums that may have more digits than ClickHouse has, and mostly have not.
bool may_fit(const Value& result, const Rule& row) {
    return (row.flags & (rule::kAddScale | rule::kMulScale)) != 0 &&
           result.precision > kDecimalDigitsMax && result.scale <= kCheckedScaleMax;
}

// Factors of this many digits behind the point, in all, are likely to leave room before it.
constexpr int kNarrowScaleMax = 8;

// Every operand and, as far as is known, the result fit in 64 bits.
bool may_be_narrow(const Value& result, std::span<const Value> values) {
    if (result.precision <= 18 || result.scale > kNarrowScaleMax) return false;
    return std::all_of(values.begin(), values.end(),
                       [](const Value& operand) { return operand.precision <= 18; });
}

// ClickHouse does not notice when a number needs more digits than it has.
void check_digits(sql::Sql& sql, Value& result, const Rule& row, std::span<const Value> values) {
    std::string limit = "1e" + std::to_string(kDecimalDigitsMax - 1 - result.scale);
    std::string_view form = (row.flags & rule::kMulScale) != 0
                                ? "abs(toFloat64($1)) * abs(toFloat64($2)) >= $3"
                                : "abs(toFloat64($1)) + abs(toFloat64($2)) >= $3";
    const sql::Node* wrong =
        sql.form(form, {values[0].node, values[1].node, sql.form(sql.keep(std::move(limit)), {})});
    result.node = sql.guarded(wrong, result.node);
    result.nullable = true;
}

std::string widened(int precision, int scale) {
    const char* function = precision <= 18   ? "toDecimal64($1, "
                           : precision <= 38 ? "toDecimal128($1, "
                                             : "toDecimal256($1, ";
    return function + std::to_string(scale) + ")";
}

}  // namespace

Status Translator::check_collation(const Expr& expr, const Rule& row) {
    Collation collation = expr.input_collation;
    if ((row.flags & rule::kBytewise) && collation != Collation::kBytewise &&
        collation != Collation::kNone)
        return refuse(Reason::kCollation);
    if ((row.flags & rule::kDeterministic) && collation == Collation::kNondeterministic)
        return refuse(Reason::kCollation);
    if ((row.flags & rule::kAsciiCase) && !expr.ascii_case)
        return refuse(Reason::kCollation, "upper and lower case");
    return {};
}

// Integer +, - and * that cannot overflow need no check: the range of the result is known.
bool Translator::narrow(Value& result, const Expr& expr, std::span<const Value> values) {
    if (expr.kind != ExprKind::kOperator || values.size() != 2 || !is_int(result.cls)) return false;
    if (expr.name != "+" && expr.name != "-" && expr.name != "*") return false;
    using Wide = __int128;
    Wide low[2];
    Wide high[2];
    for (size_t i = 0; i < 2; ++i) {
        if (!is_int(values[i].cls)) return false;
        low[i] = values[i].bounded ? values[i].least : least_of(values[i].cls);
        high[i] = values[i].bounded ? values[i].greatest : greatest_of(values[i].cls);
    }
    Wide least = low[0] + low[1];
    Wide greatest = high[0] + high[1];
    if (expr.name == "-") {
        least = low[0] - high[1];
        greatest = high[0] - low[1];
    } else if (expr.name == "*") {
        std::initializer_list<Wide> products = {low[0] * low[1], low[0] * high[1], high[0] * low[1],
                                                high[0] * high[1]};
        least = std::min(products);
        greatest = std::max(products);
    }
    if (least < least_of(result.cls) || greatest > greatest_of(result.cls)) return false;
    result.bounded = true;
    result.least = static_cast<int64_t>(least);
    result.greatest = static_cast<int64_t>(greatest);
    constexpr std::string_view kForms[3][3] = {
        {"toInt16($1 + $2)", "toInt16($1 - $2)", "toInt16($1 * $2)"},
        {"toInt32($1 + $2)", "toInt32($1 - $2)", "toInt32($1 * $2)"},
        {"($1 + $2)", "($1 - $2)", "($1 * $2)"}};
    size_t width = result.cls == Class::kInt2 ? 0 : result.cls == Class::kInt4 ? 1 : 2;
    size_t op = expr.name == "+" ? 0 : expr.name == "-" ? 1 : 2;
    result.node = sql_.form(kForms[width][op], {values[0].node, values[1].node});
    if (width == 2) result.node = sql_.form("toInt64($1)", {result.node});
    return true;
}

// Those of the operand that has more; a fixed number of them may be as many as the other ever has.
const sql::Node* Translator::digits_of_sum(const Value& a, const Value& b) {
    bool known = (a.digits == nullptr && !a.null && a.scale >= b.scale) ||
                 (b.digits == nullptr && !b.null && b.scale >= a.scale);
    return known ? nullptr : sql_.form("greatest($1, $2)", {digits_of(a), digits_of(b)});
}

Result<Value> Translator::apply_rule(const Expr& expr, const Rule& row,
                                     std::span<const Value> values) {
    TRY(check_collation(expr, row));
    if (row.flags & rule::kUtc) {
        std::string_view zone = TRY(session_zone());
        if (!zone.empty()) return apply_zoned(expr, row, values, zone);
    }
    Value result;
    result.cls = row.result == Class::kSame ? values[0].cls : row.result;
    result.nullable = (row.flags & rule::kMaybeNull) != 0;
    bool moving = false;
    for (const Value& argument : values) {
        result.nullable = result.nullable || argument.nullable;
        moving = moving || argument.digits != nullptr;
        result.digits_known = result.digits_known && argument.digits_known;
    }
    if (row.flags & rule::kNotNull) result.nullable = false;
    if (narrow(result, expr, values)) return result;
    bool numeric = result.cls == Class::kNumeric;
    bool checked = false;
    if (numeric && !numeric_digits(result, row, values)) {
        checked = may_fit(result, row);
        if (!checked) return refuse(Reason::kScale, "more than 76 digits");
        result.precision = kDecimalDigitsMax;
    }
    if (!numeric) result.digits_known = true;
    if (options_.narrow_sums && summed_ && (row.flags & (rule::kAddScale | rule::kMulScale)) &&
        may_be_narrow(result, values)) {
        result.precision = 18;
        output_.narrow = true;
    }
    Nodes arguments;
    for (const Value& argument : values) arguments.push_back(argument.node);
    if (row.flags & (rule::kAddScale | rule::kMulScale))
        arguments[0] =
            sql_.form(sql_.keep(widened(result.precision, values[0].scale)), {arguments[0]});
    if (numeric && moving) {
        Nodes digits;
        for (const Value& argument : values)
            if (argument.cls == Class::kNumeric) digits.push_back(digits_of(argument));
        if (row.flags & rule::kAddScale)
            result.digits = digits_of_sum(values[0], values[1]);
        else if (row.flags & rule::kMulScale)
            result.digits = sql_.form("toInt32($1 + $2)", digits);
        else if (row.form == Form::kAggregate)
            result.digits = nullptr;  // sum_of() makes them
        else
            result.digits = digits.front();
    }
    std::string_view plain =
        sql_.keep(clickhouse_type(result.cls, false, result.precision, result.scale));
    result.node = sql_.form(row.sql, std::move(arguments), type_text(result), plain,
                            (row.flags & rule::kRaises) != 0);
    if (checked) check_digits(sql_, result, row, values);
    return result;
}

Result<Value> Translator::apply(const Expr& expr, Form form, std::string_view name) {
    if (expr.args.size > 3) return refuse(Reason::kFunction, std::string(name));
    std::vector<Value> values;
    for (const Expr* argument : expr.args) values.push_back(TRY(value(*argument)));
    return apply_values(expr, form, name, values);
}

Result<Value> Translator::apply_values(const Expr& expr, Form form, std::string_view name,
                                       std::span<const Value> given) {
    std::vector<Value> values(given.begin(), given.end());
    if (form == Form::kOperator && expr.builtin && values.size() == 2)
        compare_as_stored(name, values);
    std::vector<Class> classes;
    classes.reserve(values.size());
    for (const Value& value : values) classes.push_back(value.cls);
    if (expr.builtin && !values.empty()) {
        std::optional<Value> special =
            TRY(form == Form::kCast ? numeric_cast(expr, name, values)
                                    : numeric_function(expr, name, values));
        if (special) return *special;
        if (form == Form::kOperator && values.size() == 2 && values[0].cls == Class::kEnum)
            return compare_labels(expr, values);
    }
    bool literal_second = values.size() == 2 && values[1].literal;
    const Rule* row = find_rule(form, name, classes, class_of(expr.type), false, literal_second);
    if (row != nullptr && expr.builtin) return apply_rule(expr, *row, values);
    std::string detail(name);
    for (size_t i = 0; i < classes.size(); ++i)
        detail += (i == 0 ? " of " : ", ") + std::string(class_name(classes[i]));
    return refuse(form == Form::kOperator ? Reason::kOperator
                  : form == Form::kCast   ? Reason::kCast
                                          : Reason::kFunction,
                  detail);
}

Result<Value> Translator::cast(const Expr& expr) {
    std::string_view name = expr.name;
    if (is_json_part(*expr.args[0]) && !expr.via_io && expr.builtin) return json_cast(expr);
    if (expr.via_io)
        name = class_of(expr.type) == Class::kText      ? "text"
               : class_of(expr.type) == Class::kInt4    ? "int4"
               : class_of(expr.type) == Class::kInt8    ? "int8"
               : class_of(expr.type) == Class::kNumeric ? "numeric"
               : class_of(expr.type) == Class::kBool    ? "bool"
               : class_of(expr.type) == Class::kDate    ? "date"
               : class_of(expr.type) == Class::kFloat8  ? "float8"
               : class_of(expr.type) == Class::kUuid    ? "uuid"
               : class_of(expr.type) == Class::kBytea   ? "bytea"
                                                        : "";
    // varchar(n) and the like cut the value; nothing here does.
    if (expr.via_io && expr.typmod != -1) return refuse(Reason::kCast, "with a length");
    bool time = expr.type == oid::kTimestamp || expr.type == oid::kTimestamptz;
    if (expr.via_io && time && class_of(expr.args[0]->type) == Class::kText) {
        Value text = TRY(value(*expr.args[0]));
        return time_of_text(expr, text);
    }
    uint32_t from = expr.args[0]->type;
    bool clock = expr.type == oid::kTime && expr.builtin && expr.args.size == 1;
    if (clock && from == oid::kInterval && !expr.via_io) return clock_of_interval(*expr.args[0]);
    if (is_clock_span(expr)) return refuse(Reason::kCast, "time to interval");
    if (expr.via_io && from == oid::kTime && class_of(expr.type) == Class::kText) {
        Value of_day = TRY(value(*expr.args[0]));
        if (of_day.cls != Class::kTime) return refuse(Reason::kCast, "time to text");
        return Value{
            .node = clock_text(of_day.node), .cls = Class::kText, .nullable = of_day.nullable};
    }
    bool shown = from == oid::kDate || from == oid::kTimestamp || from == oid::kTimestamptz;
    if (expr.via_io && shown && class_of(expr.type) == Class::kText) {
        Value moment = TRY(value(*expr.args[0]));
        return time_as_text(moment);
    }
    return apply(expr, Form::kCast, name);
}

}  // namespace tandem::route
