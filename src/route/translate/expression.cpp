// Expressions: columns, operators and functions by the rule table, and the forms of SQL that are
// not functions (CASE, COALESCE, IS NULL, IN, ...).
#include <algorithm>
#include <cstdlib>
#include <optional>

#include "route/translate/translator.h"
#include "sqltext/quote.h"

namespace tandem::route {
namespace {

constexpr uint32_t kDepthMax = 200;
constexpr size_t kSqlMax = 1 << 20;

bool type_matches(std::string_view target, Class cls, bool& nullable, int& precision, int& scale) {
    nullable = target.starts_with("Nullable(") && target.ends_with(")");
    if (nullable) target = target.substr(9, target.size() - 10);
    if (cls != Class::kNumeric) {
        if (cls == Class::kTimestamp && target == "DateTime64(6)") return true;
        return target == clickhouse_type(cls, false);
    }
    if (!target.starts_with("Decimal(")) return false;
    std::string text(target.substr(8));
    size_t comma = text.find(',');
    if (comma == std::string::npos) return false;
    precision = std::atoi(text.c_str());
    scale = std::atoi(text.c_str() + comma + 1);
    return precision > 0 && precision <= kDecimalDigitsMax && scale >= 0 && scale <= precision;
}

// Puts the arguments and the type into a template.
std::string fill_template(std::string_view sql, std::span<const Value> values,
                          const std::string& type, const std::string& plain_type) {
    std::string result;
    for (size_t i = 0; i < sql.size(); ++i) {
        if (sql[i] != '$' || i + 1 == sql.size()) {
            result += sql[i];
            continue;
        }
        char what = sql[++i];
        if (what == 'T')
            result += type;
        else if (what == 't')
            result += plain_type;
        else if (what >= '1' && what <= '3' && static_cast<size_t>(what - '1') < values.size())
            result += values[static_cast<size_t>(what - '1')].sql;
        else
            result += {'$', what};
    }
    return result;
}

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
        bool wide = a.cls == Class::kInt8 || row.form == Form::kAggregate;
        result.precision = wide ? 38 : 18;
        result.scale = 0;
    } else if (row.flags & rule::kSumScale) {
        result.scale = a.scale;
        result.precision = a.precision <= 18 ? 38 : kDecimalDigitsMax;
        if (a.precision > 57) return false;
    } else {
        result.scale = a.scale;
        result.precision = a.precision;
    }
    return result.precision <= kDecimalDigitsMax;
}

}  // namespace

Error Translator::refuse(Reason reason, std::string_view detail) {
    reason_ = reason;
    std::string text(reason_info(reason).words);
    if (!detail.empty()) text.append(": ").append(detail);
    return Error(ErrorCode::kNotRoutable, std::move(text));
}

Result<Value> Translator::value(const Expr& expr, Place place) {
    if (depth_ >= kDepthMax) return refuse(Reason::kTooComplex);
    ++depth_;
    Result<Value> result = [&]() -> Result<Value> {
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
            case ExprKind::kCoalesce:
                return coalesce(expr);
            case ExprKind::kCast:
                return cast(expr);
            case ExprKind::kRelabel:
                return relabel(expr);
            case ExprKind::kAggregate:
                // Only as parts of a target, which Postgres divides: never inside an expression.
                if (is_average(expr)) return refuse(Reason::kAggregate, "avg in an expression");
                return aggregate(expr);
            case ExprKind::kWindow:
                return window_call(expr);
            case ExprKind::kSubquery:
                return subquery(expr, place);
            default:
                return refuse(Reason::kExpression, std::string(expr.name));
        }
    }();
    --depth_;
    if (result.ok() && result->sql.size() > kSqlMax) return refuse(Reason::kTooComplex);
    return result;
}

Result<std::string> Translator::filter(const Expr& expr) {
    Value result = TRY(value(expr, Place::kFilter));
    if (result.cls != Class::kBool) return refuse(Reason::kExpression, "a condition");
    return std::move(result.sql);
}

Result<Value> Translator::column(const Expr& expr) {
    Scope* scope = scope_;
    if (expr.levels_up > 0) return refuse(Reason::kCorrelated);
    if (expr.relation >= scope->sources.size()) return refuse(Reason::kFromItem);
    const Source& source = scope->sources[expr.relation];
    if (source.relation->kind == RelationKind::kTable) {
        for (const MirroredColumn& candidate : source.relation->columns)
            if (candidate.attnum == expr.attnum) return table_column(source, candidate);
        return refuse(Reason::kUnmirroredColumn);
    }
    if (expr.attnum < 1 || static_cast<size_t>(expr.attnum) > source.columns.size())
        return refuse(Reason::kFromItem);
    Value result = source.columns[static_cast<size_t>(expr.attnum) - 1];
    result.sql = source.alias + "." + alias('c', static_cast<size_t>(expr.attnum));
    result.literal = false;
    if (source.nullable) TRY(set_nullable(result, "a column of a subquery"));
    return result;
}

namespace {

bool has_null(std::string_view type) {
    constexpr std::string_view kScalars[] = {"Nullable(", "LowCardinality(", "String", "Int",
                                             "UInt",      "Float",           "Bool",   "Date",
                                             "Time",      "Decimal",         "UUID",   "Enum"};
    return std::any_of(std::begin(kScalars), std::end(kScalars),
                       [&](std::string_view scalar) { return type.starts_with(scalar); });
}

}  // namespace

// NULL where an outer join finds no match. An array would be empty there instead.
Status Translator::set_nullable(Value& value, std::string_view name) {
    value.nullable = true;
    if (value.cls != Class::kOther) return {};
    if (!has_null(value.other_type))
        return refuse(Reason::kTypeUnsupported, "on the inner side of an outer join: " +
                                                    std::string(name) + " is " + value.other_type);
    bool wrapped = value.other_type.starts_with("Nullable(");
    if (!wrapped) value.other_type = "Nullable(" + value.other_type + ")";
    return {};
}

Result<Value> Translator::table_column(const Source& source, const MirroredColumn& from) {
    std::string name(from.name);
    if (!from.exact && !from.as_text) return refuse(Reason::kInexactColumn, name);
    Value result;
    result.cls = class_of_type(from.type);
    // A text form is not the value, but the text of a jsonb is canonical: that is what ->> reads.
    if (from.as_text && result.cls != Class::kJsonb) result.cls = Class::kOther;
    bool known = result.cls != Class::kOther && result.cls != Class::kInterval;
    if (known) {
        bool nullable = false;
        if (!type_matches(from.target_type, result.cls, nullable, result.precision, result.scale))
            return refuse(Reason::kTypeUnsupported,
                          name + " is mirrored as " + std::string(from.target_type));
        result.nullable = nullable;
    } else {
        result.cls = Class::kOther;
        result.other_type = from.target_type;
    }
    if (source.nullable) TRY(set_nullable(result, name));
    note_column(source, from.name);
    result.sql = source.alias + "." + sqltext::ch_ident(from.name);
    return result;
}

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

Result<Value> Translator::apply_rule(const Expr& expr, const Rule& row,
                                     std::span<const Value> values) {
    TRY(check_collation(expr, row));
    if (row.flags & rule::kUtc) {
        if (!options_.session_utc) return refuse(Reason::kTimeZone);
        output_.needs_utc = true;
    }
    Value result;
    result.cls = row.result == Class::kSame ? values[0].cls : row.result;
    result.nullable = (row.flags & rule::kMaybeNull) != 0;
    for (const Value& argument : values) {
        result.nullable = result.nullable || argument.nullable;
        if (!argument.scale_known && !(row.flags & rule::kScaleFree)) return refuse(Reason::kScale);
    }
    if (row.flags & rule::kNotNull) result.nullable = false;
    if (result.cls == Class::kNumeric && !numeric_digits(result, row, values))
        return refuse(Reason::kScale, "more than 76 digits");
    std::vector<Value> arguments(values.begin(), values.end());
    if (row.flags & (rule::kAddScale | rule::kMulScale)) {
        const char* widen = result.precision <= 18   ? "toDecimal64("
                            : result.precision <= 38 ? "toDecimal128("
                                                     : "toDecimal256(";
        arguments[0].sql =
            widen + arguments[0].sql + ", " + std::to_string(arguments[0].scale) + ")";
    }
    result.sql = fill_template(row.sql, arguments, clickhouse_type(result),
                               clickhouse_type(result.cls, false, result.precision, result.scale));
    return result;
}

Result<Value> Translator::apply(const Expr& expr, Form form, std::string_view name) {
    if (expr.args.size > 3) return refuse(Reason::kFunction, std::string(name));
    std::vector<Value> values;
    std::vector<Class> classes;
    for (const Expr* argument : expr.args) {
        values.push_back(TRY(value(*argument)));
        classes.push_back(values.back().cls);
    }
    bool literal_second = values.size() == 2 && values[1].literal;
    const Rule* row =
        find_rule(form, name, classes, class_of_type(expr.type), false, literal_second);
    if (row != nullptr && expr.builtin) return apply_rule(expr, *row, values);
    std::string detail(name);
    for (size_t i = 0; i < classes.size(); ++i)
        detail += (i == 0 ? " of " : ", ") + std::string(class_name(classes[i]));
    return refuse(form == Form::kOperator ? Reason::kOperator
                  : form == Form::kCast   ? Reason::kCast
                                          : Reason::kFunction,
                  detail);
}

Result<Value> Translator::operator_value(const Expr& expr, Place place) {
    if (!expr.builtin) return refuse(Reason::kOperator, std::string(expr.name));
    if (expr.name == "->>") return json_text(expr);
    if (expr.name == "~~" || expr.name == "!~~") return like(expr);
    if (place == Place::kFilter && expr.name == "=" && expr.args.size == 2) {
        std::optional<Value> fast = TRY(json_equals(expr));
        if (fast) return std::move(*fast);
    }
    bool interval = expr.args.size == 2 &&
                    (expr.args[0]->type == oid::kInterval || expr.args[1]->type == oid::kInterval);
    if (interval && (expr.name == "+" || expr.name == "-")) return plus_interval(expr);
    return apply(expr, Form::kOperator, expr.name);
}

Result<Value> Translator::function(const Expr& expr) {
    if (!expr.builtin) return refuse(Reason::kFunction, std::string(expr.name));
    if (expr.name == "date_trunc") return date_trunc(expr);
    if (expr.name == "extract" || expr.name == "date_part") return extract(expr);
    if (expr.name == "substring" || expr.name == "substr") return substring(expr);
    if (expr.name == "jsonb_object_field_text") return json_text(expr);
    // A cast written as a function: date(x), text(x), ...
    if (expr.args.size == 1) {
        Value argument = TRY(value(*expr.args[0]));
        Class classes[] = {argument.cls};
        const Rule* row = find_rule(Form::kCast, expr.name, classes, class_of_type(expr.type));
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
        result.sql = "(NOT " + argument.sql + ")";
        return result;
    }
    const char* word = expr.kind == ExprKind::kAnd ? " AND " : " OR ";
    for (const Expr* item : expr.args) {
        Value argument = TRY(value(*item, place));
        if (argument.cls != Class::kBool) return refuse(Reason::kExpression, "AND");
        result.nullable = result.nullable || argument.nullable;
        result.sql += (result.sql.empty() ? "(" : word) + argument.sql;
    }
    result.sql += ")";
    return result;
}

namespace {

// ClickHouse knows without computing it that a value of a type without NULL is not NULL, and would
// miss the error that Postgres raises on the way.
bool is_skipped_when_tested(const Value& value) {
    if (value.nullable) return false;
    return value.sql.find("throwIf(") != std::string::npos ||
           value.sql.find("accurateCast(") != std::string::npos;
}

}  // namespace

Result<Value> Translator::null_test(const Expr& expr) {
    Value argument = TRY(value(*expr.args[0]));
    if (is_skipped_when_tested(argument))
        return refuse(Reason::kExpression, "IS NULL of this form");
    const char* test = expr.kind == ExprKind::kIsNull ? " IS NULL)" : " IS NOT NULL)";
    return Value{.sql = "(" + argument.sql + test, .cls = Class::kBool, .nullable = false};
}

Result<Value> Translator::truth_test(const Expr& expr) {
    Value argument = TRY(value(*expr.args[0]));
    if (argument.cls != Class::kBool || is_skipped_when_tested(argument))
        return refuse(Reason::kExpression, "IS TRUE of this form");
    Value result{.cls = Class::kBool, .nullable = false};
    const std::string& sql = argument.sql;
    switch (expr.kind) {
        case ExprKind::kIsTrue:
            result.sql = "ifNull(" + sql + ", false)";
            break;
        case ExprKind::kIsNotTrue:
            result.sql = "(NOT ifNull(" + sql + ", false))";
            break;
        case ExprKind::kIsFalse:
            result.sql = "(NOT ifNull(" + sql + ", true))";
            break;
        case ExprKind::kIsNotFalse:
            result.sql = "ifNull(" + sql + ", true)";
            break;
        case ExprKind::kIsUnknown:
            result.sql = "(" + sql + " IS NULL)";
            break;
        default:
            result.sql = "(" + sql + " IS NOT NULL)";
            break;
    }
    return result;
}

namespace {

// The elements' own type: it may be another width of integer than that of the other side.
std::optional<Class> element_class(uint32_t array_type) {
    switch (array_type) {
        case 1005:
            return Class::kInt2;
        case 1007:
            return Class::kInt4;
        case 1016:
            return Class::kInt8;
        case 1009:
        case 1015:
            return Class::kText;
        case 1182:
            return Class::kDate;
        case 1115:
            return Class::kTimestamp;
        case 1185:
            return Class::kTimestamptz;
        case 2951:
            return Class::kUuid;
        default:
            return std::nullopt;
    }
}

}  // namespace

// `x op ANY (array)`, for = only, and `x <> ALL (array)`. A parameter that holds a NULL element
// cannot be sent as an array of plain values, so that such a query runs in Postgres.
Result<Value> Translator::array_constant(const Expr& expr, const Expr& array) {
    Value left = TRY(value(*expr.args[0]));
    bool right_operator = expr.name == (expr.all ? "<>" : "=");
    Class classes[] = {left.cls, left.cls};
    const Rule* row = find_rule(Form::kOperator, "=", classes, Class::kBool);
    if (!right_operator || !expr.builtin || row == nullptr || is_float(left.cls) ||
        left.cls == Class::kNumeric || left.cls == Class::kBpchar)
        return refuse(Reason::kOperator, std::string(expr.name) + " ANY or ALL");
    TRY(check_collation(expr, *row));
    if (array.known && array.constant_null) return refuse(Reason::kConstant, "a NULL array");
    std::optional<Class> element = element_class(array.type);
    if (!element) return refuse(Reason::kConstant, "an array of this type");
    if (*element != left.cls && !(is_int(*element) && is_int(left.cls)))
        return refuse(Reason::kOperator, "ANY of another type");
    std::string list = parameter(array, "Array(" + clickhouse_type(*element, false) + ")");
    Value result{.cls = Class::kBool, .nullable = left.nullable};
    // Over no elements the answer does not depend on x, not even when x is NULL.
    if (expr.all)
        result.sql = "(" + left.sql + " NOT IN " + list + " OR empty(" + list + "))";
    else
        result.sql =
            "(" + left.sql + " IN " + list + (left.nullable ? " AND notEmpty(" + list + "))" : ")");
    return result;
}

Result<Value> Translator::scalar_array(const Expr& expr, Place place) {
    const Expr* array = expr.args[1];
    while (array->kind == ExprKind::kRelabel) array = array->args[0];
    if (array->kind == ExprKind::kConstant) return array_constant(expr, *array);
    if (array->kind != ExprKind::kArray || array->args.empty())
        return refuse(Reason::kOperator, "ANY or ALL of this array");
    Value result{.cls = Class::kBool, .nullable = false};
    const char* word = expr.all ? " AND " : " OR ";
    for (const Expr* element : array->args) {
        const Expr* arguments[] = {expr.args[0], element};
        Expr single = expr;
        single.kind = ExprKind::kOperator;
        single.args = {arguments, 2};
        Value item = TRY(operator_value(single, place));
        result.nullable = result.nullable || item.nullable;
        result.sql += (result.sql.empty() ? "(" : word) + item.sql;
    }
    result.sql += ")";
    return result;
}

// The branches of CASE and COALESCE have one type in Postgres; the result is cast to its carrier,
// because ClickHouse picks a common type of its own (UInt8 for 0 and 1).
Result<Value> Translator::common_type(const std::vector<Value>& values, const Expr& expr) {
    Value result{.cls = class_of_type(expr.type), .nullable = false};
    for (const Value& item : values) {
        if (item.cls != result.cls || result.cls == Class::kOther)
            return refuse(Reason::kTypeUnsupported, "branches of different types");
        result.nullable = result.nullable || item.nullable;
        if (result.cls != Class::kNumeric || item.sql.starts_with("CAST(NULL,")) continue;
        // Numeric branches print with their own scale each, so that all scales have to agree.
        if (!item.scale_known || (result.precision != 0 && result.scale != item.scale))
            return refuse(Reason::kScale);
        result.scale = item.scale;
        result.precision = std::max(result.precision, item.precision);
    }
    return result;
}

Result<Value> Translator::case_value(const Expr& expr) {
    std::vector<Value> results;
    std::string sql = "CASE";
    for (uint32_t i = 0; i + 1 < expr.args.size; i += 2) {
        std::string when = TRY(filter(*expr.args[i]));
        results.push_back(TRY(value(*expr.args[i + 1])));
        sql += " WHEN " + when + " THEN " + results.back().sql;
    }
    results.push_back(TRY(value(*expr.args[expr.args.size - 1])));
    sql += " ELSE " + results.back().sql + " END";
    Value result = TRY(common_type(results, expr));
    result.sql = "CAST(" + sql + ", " + sqltext::ch_string(clickhouse_type(result)) + ")";
    return result;
}

Result<Value> Translator::coalesce(const Expr& expr) {
    std::vector<Value> values;
    std::string sql = "coalesce(";
    bool nullable = true;
    for (const Expr* item : expr.args) {
        values.push_back(TRY(value(*item)));
        nullable = nullable && values.back().nullable;
        sql += (values.size() > 1 ? ", " : "") + values.back().sql;
    }
    Value result = TRY(common_type(values, expr));
    result.nullable = nullable;
    result.sql = "CAST(" + sql + "), " + sqltext::ch_string(clickhouse_type(result)) + ")";
    return result;
}

Result<Value> Translator::null_if(const Expr& expr) {
    Value left = TRY(value(*expr.args[0]));
    Expr equal = expr;
    equal.kind = ExprKind::kOperator;
    equal.type = oid::kBool;
    Value same = TRY(operator_value(equal, Place::kValue));
    left.sql = "if(ifNull(" + same.sql + ", false), NULL, " + left.sql + ")";
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
    return Value{.sql = "(NOT ifNull(" + same.sql + ", (" + left.sql + " IS NULL) AND (" +
                        right.sql + " IS NULL)))",
                 .cls = Class::kBool,
                 .nullable = false};
}

Result<Value> Translator::relabel(const Expr& expr) {
    Value inner = TRY(value(*expr.args[0]));
    Class to = class_of_type(expr.type);
    if (inner.cls == to) return inner;
    return refuse(Reason::kCast, "between types of the same bytes");
}

Result<Value> Translator::cast(const Expr& expr) {
    std::string_view name = expr.name;
    if (expr.via_io)
        name = class_of_type(expr.type) == Class::kText   ? "text"
               : class_of_type(expr.type) == Class::kInt4 ? "int4"
               : class_of_type(expr.type) == Class::kInt8 ? "int8"
                                                          : "";
    // varchar(n) and the like cut the value; nothing here does.
    if (expr.via_io && expr.typmod != -1) return refuse(Reason::kCast, "with a length");
    return apply(expr, Form::kCast, name);
}

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
    std::string sql = "substringUTF8(" + text.sql;
    for (uint32_t i = 1; i < expr.args.size; ++i) sql += ", " + TRY(constant(*expr.args[i]))
    .sql;
    text.sql = sql + ")";
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
    if (left.cls != Class::kText) return refuse(Reason::kOperator, "LIKE");
    if (expr.input_collation == Collation::kNondeterministic) return refuse(Reason::kCollation);
    const char* word = expr.name == "~~" ? " LIKE " : " NOT LIKE ";
    return Value{.sql = "(" + left.sql + word + sqltext::ch_string(text) + ")",
                 .cls = Class::kBool,
                 .nullable = left.nullable};
}

// Uncorrelated scalar subqueries, and `x IN (SELECT ...)` where NULL counts as false.
Result<Value> Translator::subquery(const Expr& expr, Place place) {
    if (expr.subquery == nullptr) return refuse(Reason::kSubquery);
    std::string sql;
    if (expr.subquery_kind == SubqueryKind::kScalar) {
        std::vector<Value> columns = TRY(write_subquery(*expr.subquery, sql));
        if (columns.size() != 1 || columns[0].cls == Class::kOther)
            return refuse(Reason::kSubquery);
        Value result = columns[0];
        result.nullable = true;
        result.sql = "(" + sql + ")";
        return result;
    }
    bool in = expr.subquery_kind == SubqueryKind::kAny && place == Place::kFilter &&
              expr.name == "=" && expr.builtin && expr.args.size == 1;
    if (!in) return refuse(Reason::kSubquery);
    Value left = TRY(value(*expr.args[0]));
    std::vector<Value> columns = TRY(write_subquery(*expr.subquery, sql));
    if (columns.size() != 1) return refuse(Reason::kSubquery);
    Class classes[] = {left.cls, columns[0].cls};
    const Rule* row = find_rule(Form::kOperator, "=", classes, Class::kBool);
    bool plain = row != nullptr && (left.cls == columns[0].cls || is_int(left.cls)) &&
                 !is_float(left.cls) && left.cls != Class::kBpchar && left.cls != Class::kNumeric;
    if (!plain) return refuse(Reason::kSubquery, "compared types");
    TRY(check_collation(expr, *row));
    return Value{.sql = "(" + left.sql + " IN (" + sql + "))", .cls = Class::kBool};
}

}  // namespace tandem::route
