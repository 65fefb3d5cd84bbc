// Sets in FROM that are no tables: generate_series(), unnest(), and VALUES of columns. Each is an
// array, of which ARRAY JOIN makes rows.
#include <algorithm>

#include "route/translate/translator.h"
#include "route/translate/walk.h"

namespace tandem::route {
namespace {

// More rows than these are left to Postgres.
constexpr std::string_view kRowsMax = "10000000";

// The function that makes an array of what makes rows.
std::string_view split_name(std::string_view name) {
    return name == "string_to_table" ? "string_to_array" : "regexp_split_to_array";
}

}  // namespace

// A relation of its own, or, where it reads columns, something to be joined to them.
Status Translator::open_elements(const Relation& relation, Source& source, bool ordered,
                                 uint32_t level) {
    if (relation.lateral || level > 0) {
        source.lateral = source.elements = true;
        Elements made = TRY(elements_of(relation, source.number, false, level));
        source.columns = std::move(made.columns);
        if (relation.function != nullptr) note_needs(*relation.function, level, source);
        for (const List<const Expr*>& row : relation.values)
            for (const Expr* item : row) note_needs(*item, level, source);
        return {};
    }
    uint32_t number = ++next_relation_;
    Elements made = TRY(elements_of(relation, number, ordered, 0));
    sql::Select& one = *sql_.query();
    one.results.push_back({sql_.form("true", {}), sql::Role::kValue, 0});
    sql::Select& select = *sql_.query();
    select.from = sql_.join(sql::JoinWord::kArray, sql_.derived(&one, ++next_relation_),
                            sql_.elements(made.array, number), {});
    uint32_t item = 0;
    for (const Value& column : made.columns) add_result(select, column, false, ++item);
    if (ordered) {
        select.results.push_back({made.index, sql::Role::kOrder, 1});
        source.order = {{sql_.result(source.number, sql::Role::kOrder, 1)}};
    }
    source.columns = std::move(made.columns);
    source.from = sql_.derived(&select, source.number);
    return {};
}

Result<Translator::Elements> Translator::elements_of(const Relation& relation, uint32_t number,
                                                     bool numbered, uint32_t level) {
    if (relation.kind == RelationKind::kValues) return elements_of_rows(relation, number, level);
    Elements made;
    Value element;
    if (relation.function->builtin && relation.function->name.starts_with("jsonb_each"))
        return elements_of_object(relation, number, numbered);
    made.array = TRY(array_of(*relation.function, element));
    element.bounded = element.literal = false;
    element.node = sql_.element(number);
    if (numbered || relation.ordinality) {
        made.array = sql_.form("arrayZip($1, arrayEnumerate($1))", {made.array});
        element.node = sql_.form("tupleElement($1, 1)", {sql_.element(number)});
        made.index = sql_.form("toInt64(tupleElement($1, 2))", {sql_.element(number)});
    }
    made.columns.push_back(element);
    if (relation.ordinality)
        made.columns.push_back({.node = made.index, .cls = Class::kInt8, .nullable = false});
    return made;
}

// jsonb_each(): a key and a value per row.
Result<Translator::Elements> Translator::elements_of_object(const Relation& relation,
                                                            uint32_t number, bool numbered) {
    if (relation.function->args.size != 1) return refuse(Reason::kFromItem, "jsonb_each()");
    Elements made;
    const Node* pair = sql_.element(number);
    bool counted = numbered || relation.ordinality;
    if (counted) pair = sql_.form("tupleElement($1, 1)", {sql_.element(number)});
    Value second{.node = sql_.form("tupleElement($1, 2)", {pair})};
    made.array = TRY(json_pairs(*relation.function, second));
    if (counted) {
        made.array = sql_.form("arrayZip($1, arrayEnumerate($1))", {made.array});
        made.index = sql_.form("toInt64(tupleElement($1, 2))", {sql_.element(number)});
    }
    made.columns.push_back(
        {.node = sql_.form("tupleElement($1, 1)", {pair}), .cls = Class::kText, .nullable = false});
    made.columns.push_back(second);
    if (relation.ordinality)
        made.columns.push_back({.node = made.index, .cls = Class::kInt8, .nullable = false});
    return made;
}

// VALUES of columns: a tuple per row.
Result<Translator::Elements> Translator::elements_of_rows(const Relation& relation, uint32_t number,
                                                          uint32_t level) {
    std::vector<Derived> rows;
    for (const List<const Expr*>& row : relation.values) {
        Derived& one = rows.emplace_back();
        for (const Expr* item : row)
            one.columns.push_back(TRY(level == 0 ? value(*item) : outer_value(*item)));
    }
    if (rows.empty() || rows[0].columns.empty()) return refuse(Reason::kFromItem, "VALUES");
    Elements made;
    for (size_t i = 0; i < rows[0].columns.size(); ++i) {
        Value common;
        TRY(match_columns(rows, i, common));
        if (common.cls == Class::kOther) return refuse(Reason::kTypeUnsupported, "in VALUES");
        made.columns.push_back(common);
    }
    Nodes tuples;
    for (const Derived& row : rows) {
        Nodes parts;
        for (size_t i = 0; i < made.columns.size(); ++i) {
            const Value& common = made.columns[i];
            parts.push_back(sql_.cast(branch(row.columns[i], common), type_text(common)));
            if (common.digits != nullptr) parts.push_back(digits_of(row.columns[i]));
        }
        tuples.push_back(sql_.form("tuple($,)", std::move(parts)));
    }
    made.array = sql_.form("[$,]", std::move(tuples));
    int at = 0;
    auto part = [&] {
        std::string form = "tupleElement($1, " + std::to_string(++at) + ")";
        return sql_.form(sql_.keep(std::move(form)), {sql_.element(number)});
    };
    for (Value& column : made.columns) {
        column.node = part();
        if (column.digits != nullptr) column.digits = part();
    }
    return made;
}

Result<const sql::Node*> Translator::array_of(const Expr& function, Value& element) {
    if (function.builtin && function.name == "unnest" && function.args.size == 1)
        return unnested(*function.args[0], element);
    bool json = function.name == "jsonb_array_elements" || function.name == "jsonb_object_keys" ||
                function.name == "jsonb_array_elements_text";
    if (function.builtin && json && function.args.size == 1) return json_set(function, element);
    bool split = function.name == "string_to_table" || function.name == "regexp_split_to_table";
    if (function.builtin && split) {
        Expr& array = kept_exprs_.emplace_back(function);
        array.name = split_name(function.name);
        array.type = 1009;
        return unnested(array, element);
    }
    bool series = function.builtin && function.name == "generate_series" &&
                  (function.args.size == 2 || function.args.size == 3);
    if (!series) return refuse(Reason::kFromItem, std::string(function.name) + "()");
    element = {.cls = class_of(function.type), .nullable = false, .type = function.type};
    if (is_int(element.cls)) return number_series(function, element);
    bool time = element.cls == Class::kTimestamp || element.cls == Class::kTimestamptz;
    if (time && function.args.size == 3) return time_series(function, element);
    return refuse(Reason::kFromItem, "generate_series() of this type");
}

// Arrays that are columns, and lists of values.
Result<const sql::Node*> Translator::unnested(const Expr& array, Value& element) {
    if (is_array_type(array.type) && array.kind != ExprKind::kArray &&
        array.kind != ExprKind::kConstant) {
        ArrayValue made = TRY(array_value(array));
        element = {.cls = made.element};
        return made.of == nullptr ? made.node
                                  : sql_.form("if($1 IS NULL, [], $2)", {made.of, made.node});
    }
    std::vector<const Expr*> items;
    if (array.kind == ExprKind::kArray)
        items.assign(array.args.begin(), array.args.end());
    else if (!known_elements(array, items))
        return refuse(Reason::kConstantUnknown, "the array of unnest()");
    if (items.empty()) return refuse(Reason::kConstant, "an empty array");
    std::vector<Value> values;
    values.reserve(items.size());
    for (const Expr* item : items) values.push_back(TRY(value(*item)));
    element = TRY(common_type(values, *items.front()));
    if (element.digits != nullptr) return refuse(Reason::kScale);
    Nodes nodes;
    for (const Value& one : values)
        nodes.push_back(sql_.cast(branch(one, element), type_text(element)));
    return sql_.form("[$,]", std::move(nodes));
}

// $1 from, $2 to, $3 by; none of them NULL, and $3 not 0.
Result<const sql::Node*> Translator::number_series(const Expr& function, Value& element) {
    Nodes args;
    bool nullable = false;
    for (const Expr* argument : function.args) {
        Value one = TRY(value(*argument));
        if (one.cls != element.cls) return refuse(Reason::kFromItem, "generate_series()");
        nullable = nullable || one.nullable;
        args.push_back(one.node);
    }
    if (args.size() == 2) args.push_back(sql_.int32(1));
    const Node* rows = sql_.form(
        "if(($3 > 0 AND $1 <= $2) OR ($3 < 0 AND $1 >= $2), "
        "intDiv(toInt128($2) - toInt128($1), if($3 = 0, toInt128(1), toInt128($3))) + 1, "
        "toInt128(0))",
        args);
    const Node* wrong =
        sql_.form(sql_.keep("($2 = 0) OR ($1 > " + std::string(kRowsMax) + ")"), {rows, args[2]});
    rows = sql_.guarded(wrong, rows);
    std::string form = "arrayMap(i -> " +
                       std::string(element.cls == Class::kInt8   ? "toInt64"
                                   : element.cls == Class::kInt4 ? "toInt32"
                                                                 : "toInt16") +
                       "(toInt128(assumeNotNull($1)) + i * toInt128(assumeNotNull($2))), "
                       "range(toUInt64(ifNull($3, 0))))";
    return sql_.form(sql_.keep(std::move(form)), {args[0], args[2], rows});
}

// By microseconds, or by months from a day that every month has: adding so many at once is then the
// same as adding them one after the other, which is what Postgres does.
Result<const sql::Node*> Translator::time_series(const Expr& function, Value& element) {
    const Expr& step = *function.args[2];
    if (step.kind != ExprKind::kConstant || step.type != oid::kInterval)
        return refuse(Reason::kConstantUnknown, "the interval of generate_series()");
    if (step.known && step.constant_null) return refuse(Reason::kConstant, "NULL");
    Value from = TRY(value(*function.args[0]));
    Value until = TRY(value(*function.args[1]));
    if (from.cls != element.cls || until.cls != element.cls)
        return refuse(Reason::kFromItem, "generate_series()");
    if (element.cls == Class::kTimestamptz && !is_clock_interval(step)) TRY(needs_utc());
    const Node* months = parameter(step, "Int32", ConstantPart::kMonths);
    const Node* days = parameter(step, "Int32", ConstantPart::kDays);
    const Node* micros = parameter(step, "Int64", ConstantPart::kMicroseconds);
    const Node* by = sql_.form("($1 * toInt64(86400000000) + $2)", {days, micros});
    const Node* start = in_utc(from);
    const Node* end = in_utc(until);
    // How many there are at most; the last of the months may be too late.
    const Node* span =
        sql_.form("(toUnixTimestamp64Micro($1) - toUnixTimestamp64Micro($2))", {end, start});
    const Node* steps = sql_.form(
        "if($1 != 0, intDiv((toYear($3) - toYear($4)) * 12 + toMonth($3) - toMonth($4), $1), "
        "intDiv($5, if($2 = 0, toInt64(1), $2)))",
        {months, by, end, start, span});
    const Node* rows = sql_.form(
        "if($1 = 0 OR ($1 > 0) = ($2 + $3 * toInt64(2592000000000) > 0), toInt64($4) + 1, "
        "toInt64(0))",
        {span, by, months, steps});
    const Node* wrong = sql_.form(
        sql_.keep("($1 = 0 AND $2 = 0) OR ($1 != 0 AND ($2 != 0 OR toDayOfMonth($3) > 28)) OR "
                  "ifNull(toYear($3) NOT BETWEEN 1920 AND 2280, 0) OR abs($1) > 1200 OR "
                  "ifNull(toYear($5) NOT BETWEEN 1920 AND 2280, 0) OR ifNull($4, 0) > " +
                  std::string(kRowsMax)),
        {months, by, start, rows, end});
    rows = sql_.guarded(wrong, rows);
    // Months keep the time of day, whose fraction counts as well.
    Nodes parts = {start, months, by, rows, end};
    return sql_.form(
        "arrayFilter(x -> if($2 + $3 > 0, x <= assumeNotNull($5), x >= assumeNotNull($5)), "
        "arrayMap(i -> addMicroseconds(addMonths(assumeNotNull($1), toInt32(i) * $2), "
        "if($2 != 0, 0, toInt64(i) * $3)), range(toUInt64(ifNull($4, 0)))))",
        parts);
}

}  // namespace tandem::route
