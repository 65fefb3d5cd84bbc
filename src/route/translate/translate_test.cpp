#include <gtest/gtest.h>

#include "route/reason.h"
#include "route/rules/rule.h"
#include "route/tree/test_tree.h"

namespace tandem::route {
namespace {

using test_tree::Tree;

struct Outcome {
    std::string sql;  // without the SETTINGS
    std::string reason;
    std::string message;
    std::vector<std::string> types;
    std::vector<std::string> parameters;
    std::vector<RecipeKind> recipes;
    bool sorted = false;
    bool limited = false;
    bool needs_utc = false;
};

Outcome run(Tree& tree, TranslateOptions options = {}) {
    Outcome outcome;
    Failure failure = {};
    Translation* translation = translate(tree.build(), options, &failure);
    if (translation == nullptr) {
        outcome.reason = failure.code;
        outcome.message = failure.message;
        return outcome;
    }
    const TranslationResult& result = translation_result(*translation);
    outcome.sql = tree.named(result);
    outcome.sql.resize(std::min(outcome.sql.size(), outcome.sql.find(" SETTINGS ")));
    for (const RemoteColumn& column : result.columns)
        outcome.types.emplace_back(column.clickhouse_type);
    for (const UsedConstant& used : result.constants)
        outcome.parameters.push_back(std::string(used.parameter) + ":" +
                                     std::string(used.clickhouse_type));
    for (const Replacement& item : result.replacements) outcome.recipes.push_back(item.recipe.kind);
    outcome.sorted = result.sorted;
    outcome.limited = result.limited;
    outcome.needs_utc = result.needs_utc;
    translation_free(translation);
    return outcome;
}

// The WHERE clause that a condition becomes, or the reason code.
std::string where(Tree& tree, const Expr* condition, TranslateOptions options = {}) {
    tree.select({tree.aggregate("count", oid::kInt8)});
    tree.query.where = condition;
    Outcome outcome = run(tree, options);
    if (!outcome.reason.empty()) return outcome.reason;
    size_t at = outcome.sql.find(" WHERE ");
    return at == std::string::npos ? "" : outcome.sql.substr(at + 7);
}

// The first result column before its cast, or the reason code.
std::string result_of(Tree& tree, const Expr* target) {
    tree.select({target});
    Outcome outcome = run(tree);
    if (!outcome.reason.empty()) return outcome.reason;
    return outcome.sql.substr(7, outcome.sql.find(" FROM ") - 7);
}

TEST(translate, counts_rows_with_an_explicit_type) {
    Tree tree;
    tree.select({tree.aggregate("count", oid::kInt8)});
    Outcome outcome = run(tree);
    EXPECT_EQ(outcome.sql, "SELECT CAST(count(), 'Int64') AS c1 FROM `tandem`.`t` AS t1");
    EXPECT_EQ(outcome.types, std::vector<std::string>{"Int64"});
}

TEST(translate, writes_the_settings_its_meaning_depends_on) {
    Tree tree;
    tree.select({tree.col(1)});
    Failure failure = {};
    Translation* translation = translate(tree.build(), {}, &failure);
    ASSERT_NE(translation, nullptr) << failure.message;
    std::string sql(translation_result(*translation).sql);
    translation_free(translation);
    for (const char* setting :
         {"join_use_nulls = 1", "transform_null_in = 0", "session_timezone = 'UTC'",
          "decimal_check_overflow = 1", "enable_positional_arguments = 0",
          "additional_table_filters = {}", "empty_result_for_aggregation_by_empty_set = 0",
          "date_time_overflow_behavior = 'throw'"})
        EXPECT_NE(sql.find(setting), std::string::npos) << setting;
}

TEST(translate, sends_unknown_constants_as_nullable_parameters) {
    Tree tree;
    EXPECT_EQ(where(tree, tree.op("=", oid::kBool, tree.col(2), tree.constant(oid::kInt4))),
              "(t1.`g` = {p1:Nullable(Int32)})");
}

TEST(translate, averages_by_sum_and_count_and_lets_postgres_divide) {
    Tree tree;
    tree.select({tree.aggregate("avg", oid::kNumeric, {tree.col(3)})});
    Outcome outcome = run(tree);
    EXPECT_EQ(outcome.recipes, std::vector<RecipeKind>{RecipeKind::kAverage});
    EXPECT_EQ(outcome.types,
              (std::vector<std::string>{"Nullable(Decimal(38, 3))", "Decimal(38, 0)"}));
}

TEST(translate, never_takes_avg_inside_an_expression_for_its_sum) {
    Tree tree;
    const Expr* average = tree.aggregate("avg", oid::kNumeric, {tree.col(3)});
    tree.select({tree.op("*", oid::kNumeric, average, tree.constant(oid::kNumeric, "2"))});
    Outcome outcome = run(tree);
    EXPECT_EQ(outcome.recipes, std::vector<RecipeKind>{RecipeKind::kAverage}) << outcome.reason;
}

TEST(translate, leaves_numeric_division_to_postgres_and_ships_its_parts) {
    Tree tree;
    const Expr* sum = tree.aggregate("sum", oid::kNumeric, {tree.col(3)});
    const Expr* largest = tree.aggregate("max", oid::kNumeric, {tree.col(3)});
    tree.select({tree.op("/", oid::kNumeric, sum, largest)});
    Outcome outcome = run(tree);
    EXPECT_EQ(outcome.types,
              (std::vector<std::string>{"Nullable(Decimal(38, 3))", "Nullable(Decimal(12, 3))"}));
}

TEST(translate, answers_null_for_aggregates_over_no_rows) {
    Tree tree;
    EXPECT_EQ(result_of(tree, tree.aggregate("min", oid::kInt4, {tree.col(2)})),
              "CAST(minOrNull(t1.`g`), 'Nullable(Int32)') AS c1");
}

TEST(translate, filters_aggregates_with_null_as_false) {
    Tree tree;
    Expr* sum = tree.aggregate("sum", oid::kInt8, {tree.col(2)});
    sum->filter = tree.col(11);
    EXPECT_EQ(result_of(tree, sum),
              "CAST(sumOrNullIf(t1.`g`, ifNull(t1.`b`, false)), 'Nullable(Int64)') AS c1");
}

TEST(translate, counts_distinct_values_exactly) {
    Tree tree;
    Expr* count = tree.aggregate("count", oid::kInt8, {tree.col(4)});
    count->distinct = true;
    EXPECT_EQ(result_of(tree, count), "CAST(uniqExact(t1.`t`), 'Int64') AS c1");
}

TEST(translate, sums_bigint_wider_than_itself) {
    Tree tree;
    EXPECT_EQ(result_of(tree, tree.aggregate("sum", oid::kNumeric, {tree.col(1)})),
              "CAST((toDecimal128(sumOrNull(bitShiftRight(t1.`id`, 32)), 0) * "
              "toDecimal128(4294967296, 0) + toDecimal128(sumOrNull(bitAnd(t1.`id`, "
              "4294967295)), 0)), 'Nullable(Decimal(38, 0))') AS c1");
}

TEST(translate, refuses_floating_point_sums) {
    Tree tree;
    EXPECT_EQ(result_of(tree, tree.aggregate("sum", oid::kFloat8, {tree.col(7)})),
              "float_aggregate_order");
}

TEST(translate, refuses_columns_that_are_not_exact) {
    Tree tree;
    EXPECT_EQ(where(tree, tree.op("=", oid::kBool, tree.col(10), tree.col(8))), "inexact_column");
}

TEST(translate, reads_numbers_held_as_text_with_the_digits_they_have) {
    Tree sum;
    sum.select({sum.aggregate("sum", oid::kNumeric, {sum.col(9)})});
    EXPECT_EQ(run(sum).recipes, std::vector<RecipeKind>{RecipeKind::kRounded});
    Tree plain;
    EXPECT_EQ(result_of(plain, plain.col(9)), "t1.`loose` AS c1");
    Tree key;
    EXPECT_EQ(result_of(key.group_by({key.col(9)}), key.col(9)), "numeric_scale");
}

TEST(translate, guards_integer_overflow_and_division_by_zero) {
    Tree sum;
    EXPECT_EQ(
        result_of(sum, sum.op("+", oid::kInt4, sum.col(2), sum.number("1"))),
        "CAST(accurateCast(t1.`g` + toInt32(1), 'Nullable(Int32)'), 'Nullable(Int32)') AS c1");
    Tree quotient;
    std::string sql =
        result_of(quotient, quotient.op("/", oid::kInt4, quotient.number("10"), quotient.col(2)));
    EXPECT_NE(sql.find("throwIf(ifNull(t1.`g` = 0, 0))"), std::string::npos) << sql;
}

TEST(translate, writes_integers_with_the_type_they_have_in_postgres) {
    constexpr std::pair<uint32_t, const char*> kLiterals[] = {
        {oid::kInt2, "(t1.`id` = toInt16(300))"},
        {oid::kInt4, "(t1.`id` = toInt32(300))"},
        {oid::kInt8, "(t1.`id` = toInt64(300))"}};
    for (auto [type, sql] : kLiterals) {
        Tree tree;
        const Expr* literal = tree.constant(type, "300");
        EXPECT_EQ(where(tree, tree.op("=", oid::kBool, tree.col(1), literal)), sql);
    }
    Tree cut;
    const Expr* piece = cut.call("substring", oid::kText, {cut.col(4), cut.number("2")});
    EXPECT_EQ(result_of(cut, piece),
              "CAST(substringUTF8(t1.`t`, toInt32(2)), 'Nullable(String)') AS c1");
}

TEST(translate, quotes_types_that_name_a_zone) {
    Tree tree;
    Expr* first = tree.make(ExprKind::kCoalesce, oid::kTimestamptz, {tree.col(6), tree.col(6)});
    std::string sql = result_of(tree, first);
    EXPECT_NE(sql.find("'Nullable(DateTime64(6, \\'UTC\\'))'"), std::string::npos) << sql;
}

TEST(translate, knows_that_nan_is_the_greatest_float) {
    Tree tree;
    EXPECT_EQ(
        where(tree, tree.op(">", oid::kBool, tree.col(7), tree.constant(oid::kFloat8, "1000"))),
        "(t1.`f` > reinterpretAsFloat64({p1:Int64}) OR isNaN(t1.`f`))");
    Tree key;
    EXPECT_EQ(result_of(key.group_by({key.col(7)}), key.col(7)), "float_key");
}

TEST(translate, orders_text_only_by_its_bytes) {
    Tree bytes;
    bytes.select({bytes.col(4)}).order_by(bytes.col(4), true);
    EXPECT_TRUE(run(bytes).sql.ends_with(" ORDER BY t1.`t` DESC NULLS FIRST"));
    Tree locale;
    locale.collation = Collation::kDeterministic;
    locale.select({locale.col(4)}).order_by(locale.col(4));
    locale.query.limit = locale.constant(oid::kInt8, "5");
    Outcome outcome = run(locale);
    EXPECT_FALSE(outcome.sorted);
    EXPECT_FALSE(outcome.limited);
    EXPECT_EQ(outcome.sql.find("LIMIT"), std::string::npos);
}

TEST(translate, compares_text_by_the_rules_of_its_collation) {
    Tree equal;
    equal.collation = Collation::kDeterministic;
    EXPECT_EQ(where(equal, equal.op("=", oid::kBool, equal.col(4), equal.text("x"))),
              "(t1.`t` = 'x')");
    Tree less;
    less.collation = Collation::kDeterministic;
    EXPECT_EQ(where(less, less.op("<", oid::kBool, less.col(4), less.text("x"))), "collation");
    Tree loose;
    loose.collation = Collation::kNondeterministic;
    EXPECT_EQ(where(loose, loose.op("=", oid::kBool, loose.col(4), loose.text("x"))), "collation");
}

TEST(translate, changes_case_where_the_locale_is_known_to_do_it_as_ascii_does) {
    Tree plain;
    Expr* lower = plain.call("lower", oid::kText, {plain.col(4)});
    lower->ascii_case = true;
    EXPECT_EQ(where(plain, plain.op("=", oid::kBool, lower, plain.text("i"))).substr(0, 12),
              "(if(throwIf(");
    Tree turkish;
    const Expr* same = turkish.call("lower", oid::kText, {turkish.col(4)});
    EXPECT_EQ(where(turkish, turkish.op("=", oid::kBool, same, turkish.text("i"))), "collation");
}

TEST(translate, orders_uuids_as_postgres_does) {
    Tree tree;
    tree.select({tree.col(12)}).order_by(tree.col(12));
    EXPECT_TRUE(run(tree).sql.ends_with(" ORDER BY toString(t1.`u`) ASC NULLS LAST"));
}

TEST(translate, takes_like_patterns_both_sides_read_alike) {
    Tree good;
    EXPECT_EQ(where(good, good.op("~~", oid::kBool, good.col(4), good.text("a\\_%"))),
              "(t1.`t` LIKE 'a\\\\_%')");
    Tree escape;
    EXPECT_EQ(where(escape, escape.op("~~", oid::kBool, escape.col(4), escape.text("a\\b"))),
              "like_pattern");
    Tree unknown;
    EXPECT_EQ(
        where(unknown, unknown.op("~~", oid::kBool, unknown.col(4), unknown.constant(oid::kText))),
        "like_pattern");
}

TEST(translate, searches_jsonb_text_before_it_parses) {
    Tree tree;
    const Expr* key = tree.op("->>", oid::kText, tree.col(5), tree.text("tier"));
    std::string sql = where(tree, tree.op("=", oid::kBool, key, tree.text("premium")));
    EXPECT_EQ(sql,
              "((startsWith(ifNull(t1.`j`, ''), '{\"tier\": \"premium\"') OR "
              "position(ifNull(t1.`j`, ''), ', \"tier\": \"premium\"') > 0) AND "
              "(position(ifNull(t1.`j`, ''), '{', 2) = 0 OR "
              "JSONExtractString(ifNull(t1.`j`, ''), 'tier') = 'premium' OR "
              "throwIf(NOT isValidJSON(ifNull(t1.`j`, ''))) = 1))");
}

TEST(translate, reads_whole_jsonb_values_where_the_text_may_be_of_a_number) {
    Tree tree;
    const Expr* key = tree.op("->>", oid::kText, tree.col(5), tree.text("n"));
    std::string sql = where(tree, tree.op("=", oid::kBool, key, tree.text("12")));
    EXPECT_NE(sql.find("JSONType(t1.`j`, 'n') = 'Int64'"), std::string::npos) << sql;
}

TEST(translate, reads_keys_of_documents_where_the_table_has_them) {
    Tree tree;
    tree.keep_key("tier");
    const Expr* key = tree.op("->>", oid::kText, tree.col(5), tree.text("tier"));
    EXPECT_EQ(where(tree, tree.op("=", oid::kBool, key, tree.text("premium"))),
              "(t1.`k_tier` = 'premium')");
    Tree there;
    there.keep_key("tier");
    EXPECT_EQ(where(there, there.op("?", oid::kBool, there.col(5), there.text("tier"))),
              "CAST((nullIf(t1.`kind_tier`, 8) != 0), 'Nullable(Bool)')");
    Tree other;
    other.keep_key("tier");
    std::string sql = where(other, other.op("?", oid::kBool, other.col(5), other.text("n")));
    EXPECT_NE(sql.find("JSONHas(t1.`j`, 'n')"), std::string::npos) << sql;
    Tree deeper;
    deeper.keep_key("tier");
    const Expr* part = deeper.op("->", oid::kJsonb, deeper.col(5), deeper.text("tier"));
    const Expr* below = deeper.op("->>", oid::kText, part, deeper.text("n"));
    sql = where(deeper, deeper.op("=", oid::kBool, below, deeper.text("x")));
    EXPECT_NE(sql.find("JSONExtractString(t1.`j`, 'tier', 'n')"), std::string::npos) << sql;
}

TEST(translate, depends_on_utc_for_timestamptz_only_when_it_is_so) {
    Tree local;
    const Expr* month =
        local.call("date_trunc", oid::kTimestamptz, {local.text("month"), local.col(6)});
    EXPECT_EQ(where(local, local.op("=", oid::kBool, month, local.col(6))), "time_zone");
    Tree utc;
    utc.select({utc.call("date_trunc", oid::kTimestamptz, {utc.text("month"), utc.col(6)})});
    Outcome outcome = run(utc, {.session_utc = true});
    EXPECT_TRUE(outcome.needs_utc);
    EXPECT_EQ(outcome.types, std::vector<std::string>{"Nullable(DateTime64(6, 'UTC'))"});
}

TEST(translate, keeps_three_valued_logic_of_not_in_over_no_elements) {
    Tree tree;
    Expr* any = tree.make(ExprKind::kScalarArray, oid::kBool, {tree.col(2), tree.constant(1007)});
    any->name = "<>";
    any->all = true;
    EXPECT_EQ(where(tree, any), "(t1.`g` NOT IN {p1:Array(Int32)} OR empty({p1:Array(Int32)}))");
}

TEST(translate, puts_the_largest_relation_on_the_left_of_inner_joins) {
    Tree tree;
    uint32_t big = tree.add_relation("big", 5000000);
    tree.select({tree.aggregate("count", oid::kInt8)});
    tree.query.where = tree.op("=", oid::kBool, tree.col(1), tree.col(1, big));
    EXPECT_EQ(run(tree).sql,
              "SELECT CAST(count(), 'Int64') AS c1 FROM `tandem`.`big` AS t2 INNER JOIN "
              "`tandem`.`t` AS t1 ON (t1.`id` = t2.`id`)");
}

// The table and, to the right of a left join, another one like it.
struct LeftJoin {
    explicit LeftJoin(Tree& tree) : relation(tree.add_relation("r", 10)) {
        right_item.relation = relation;
        join.is_join = true;
        join.join = JoinKind::kLeft;
        join.left = &left_item;
        join.right = &right_item;
        join.on = tree.op("=", oid::kBool, tree.col(1), tree.col(1, relation));
        tree.query.from = {items, 1};
    }
    uint32_t relation;
    FromItem left_item = {};
    FromItem right_item = {};
    FromItem join = {};
    const FromItem* items[1] = {&join};
};

TEST(translate, makes_columns_of_the_outer_side_nullable) {
    Tree tree;
    LeftJoin join(tree);
    tree.select({tree.col(1), tree.col(1, join.relation)});
    EXPECT_EQ(run(tree).types, (std::vector<std::string>{"Int64", "Nullable(Int64)"}));
}

TEST(translate, refuses_arrays_that_an_outer_join_would_leave_empty_instead_of_null) {
    Tree outer;
    LeftJoin join(outer);
    const Expr* tags = outer.col(13, join.relation);
    EXPECT_EQ(result_of(outer, outer.aggregate("count", oid::kInt8, {tags})), "type_unsupported");
    Tree inner;
    EXPECT_EQ(result_of(inner, inner.aggregate("count", oid::kInt8, {inner.col(13)})),
              "CAST(count(t1.`tags`), 'Int64') AS c1");
}

// SELECT id FROM (SELECT id, g FROM t ORDER BY n DESC NULLS FIRST) x.
struct Ordered {
    Ordered() {
        inner.select({inner.col(1), inner.col(2)}).order_by(inner.col(3), true);
        relation.kind = RelationKind::kSubquery;
        relation.subquery = &inner.build();
        outer.query.relations = {&relation, 1};
        outer.query.from = {items, 1};
        outer.query.targets = {&target, 1};
    }
    Outcome run_it() {
        Failure failure = {};
        Outcome outcome;
        Translation* translation = translate(outer.query, {}, &failure);
        if (translation == nullptr) return outcome.reason = failure.code, outcome;
        outcome.sql = outer.named(translation_result(*translation));
        outcome.sql.resize(std::min(outcome.sql.size(), outcome.sql.find(" SETTINGS ")));
        translation_free(translation);
        return outcome;
    }
    Tree inner;
    Tree outer;
    Relation relation = {};
    FromItem item = {};
    const FromItem* items[1] = {&item};
    Target target = {outer.col(1), "id", false};
};

TEST(translate, passes_the_order_of_a_subquery_on) {
    Ordered plain;
    EXPECT_TRUE(plain.run_it().sql.ends_with(
        "t2.`n` AS o1 FROM `tandem`.`t` AS t2) AS t1 ORDER BY t1.o1 DESC NULLS FIRST"))
        << plain.run_it().sql;
    Ordered cut;
    cut.outer.query.limit = cut.outer.constant(oid::kInt8, "3");
    EXPECT_TRUE(cut.run_it().sql.ends_with(" ORDER BY t1.o1 DESC NULLS FIRST LIMIT 3"));
    Ordered grouped;
    const Expr* keys[] = {grouped.target.expr};
    grouped.outer.query.group_by = {keys, 1};
    EXPECT_EQ(grouped.run_it().sql.find("ORDER"), std::string::npos);
    Ordered window;
    Window any;
    window.outer.query.windows = {&any, 1};
    window.outer.query.limit = window.outer.constant(oid::kInt8, "3");
    EXPECT_EQ(window.run_it().reason, "implied_order");
}

TEST(translate, gives_aliases_names_that_no_column_has) {
    Tree tree;
    tree.columns_like_aliases();
    tree.select({tree.col(1)});
    tree.query.distinct = true;
    tree.order_by(tree.col(1));
    EXPECT_EQ(run(tree).sql,
              "SELECT DISTINCT _tandem_t1.`c1` AS _tandem_c1 FROM `tandem`.`t` AS _tandem_t1 ORDER "
              "BY _tandem_c1 ASC NULLS LAST");
}

TEST(translate, computes_percentiles_from_the_sorted_values) {
    Tree tree;
    Expr* percentile = tree.aggregate("percentile_cont", oid::kFloat8);
    const Expr* direct[] = {tree.constant(oid::kFloat8, "0.95")};
    SortKey key{tree.col(7), false, false, true};
    percentile->direct_args = {direct, 1};
    percentile->within_group = {&key, 1};
    std::string sql = result_of(tree, percentile);
    EXPECT_NE(sql.find("[arraySort(groupArray(toFloat64(t1.`f`)))])[1]"), std::string::npos) << sql;
}

TEST(translate, writes_windows_over_aggregates_with_explicit_null_order) {
    Tree tree;
    const Expr* count = tree.aggregate("count", oid::kInt8);
    SortKey key{count, true, true, true};
    const Expr* partition[] = {tree.col(2)};
    Window window;
    window.partition_by = {partition, 1};
    window.order_by = {&key, 1};
    tree.query.windows = {&window, 1};
    Expr* row_number = tree.make(ExprKind::kWindow, oid::kInt8);
    row_number->name = "row_number";
    tree.group_by({tree.col(2)});
    EXPECT_EQ(result_of(tree, row_number),
              "CAST(toInt64(row_number() OVER (PARTITION BY t1.`g` ORDER BY count() DESC NULLS "
              "FIRST)), 'Int64') AS c1");
}

TEST(translate, numbers_no_column_by_a_constant_in_group_by) {
    Tree tree;
    tree.group_by({tree.number("1")}).select({tree.aggregate("count", oid::kInt8)});
    EXPECT_TRUE(run(tree).sql.ends_with(" GROUP BY toInt32(1)"));
}

TEST(translate, refuses_what_it_has_no_row_for_with_a_stable_code) {
    Tree function;
    EXPECT_EQ(where(function, function.call("pg_typeof", oid::kBool, {function.col(1)})),
              "function");
    Tree own;
    Expr* mine = own.op("=", oid::kBool, own.col(2), own.number("1"));
    mine->builtin = false;
    EXPECT_EQ(where(own, mine), "operator");
    Tree sets;
    sets.query.has_grouping_sets = true;
    EXPECT_EQ(result_of(sets, sets.col(1)), "grouping_sets");
}

TEST(translate, writes_equal_constants_the_same_wherever_they_stand) {
    Tree tree;
    auto later = [&] {
        return tree.op(">", oid::kBool, tree.col(8), tree.constant(oid::kDate, "2024-01-01"));
    };
    tree.group_by({later()}).select({later()});
    Outcome outcome = run(tree);
    EXPECT_EQ(outcome.parameters, std::vector<std::string>{"p1:Date32"}) << outcome.reason;
}

TEST(translate, refuses_columns_that_only_depend_on_the_key_of_their_group) {
    Tree tree;
    tree.group_by({tree.col(1)}).select({tree.col(4)});
    EXPECT_EQ(run(tree).reason, "expression");
}

TEST(translate, quotes_names_and_values_of_any_bytes) {
    Tree tree;
    EXPECT_EQ(where(tree, tree.op("=", oid::kBool, tree.col(4), tree.text("it's \\ `x`"))),
              "(t1.`t` = 'it\\'s \\\\ `x`')");
}

// The text that is not inside of parentheses.
std::string top_level(std::string_view sql) {
    std::string text;
    int depth = 0;
    for (char c : sql) {
        if (c == ')' || c == ']') --depth;
        if (depth == 0) text += c;
        if (c == '(' || c == '[') ++depth;
    }
    return text;
}

TEST(rules, are_written_so_that_anything_may_stand_beside_them) {
    for (std::span<const Rule> family : rule_table())
        for (const Rule& row : family)
            EXPECT_EQ(top_level(row.sql).find(' '), std::string::npos)
                << row.name << ": " << row.sql;
}

TEST(rules, have_reasons_with_words_and_advice) {
    for (int i = 0; i <= static_cast<int>(Reason::kServerVersion); ++i) {
        const ReasonInfo& info = reason_info(static_cast<Reason>(i));
        EXPECT_FALSE(info.code.empty() || info.words.empty() || info.advice.empty());
        EXPECT_LT(info.code.size(), sizeof(Failure::code));
        EXPECT_LT(info.advice.size(), sizeof(Failure::advice));
    }
}

}  // namespace
}  // namespace tandem::route
