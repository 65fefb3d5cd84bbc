#include "route/rules/reference.h"

#include "route/rules/rule.h"

namespace tandem::route {
namespace {

// What is written by code of its own instead of by a row.
constexpr std::string_view kForms[][2] = {
    {"`AND` `OR` `NOT` `IS NULL` `IS TRUE` `IS DISTINCT FROM` `NULLIF` `COALESCE` `CASE`", ""},
    {"`GREATEST` `LEAST`", "integers, numeric, dates and times; text under a bytewise collation"},
    {"`x = ANY (array)` `x <> ALL (array)` `IN (list)`", "arrays of one dimension"},
    {"`x = ANY (column)` `column @> array` `column && array`",
     "NOT NULL arrays of text or integers; arrays on the right are literals without NULL"},
    {"`LIKE` `ILIKE`", "literal patterns; of `ILIKE` only ASCII"},
    {"`~` `~*` `!~` `!~*` `SIMILAR TO` `regexp_like`",
     "literal patterns of ASCII without look-around, back references, lazy quantifiers, escapes "
     "like `\\m` and options; of text beyond ASCII only what both sides agree on"},
    {"`regexp_replace` `regexp_count` `substring(x FROM 'pattern')`",
     "the same, and there is one way only to read a text: no alternatives, no repeated groups, "
     "behind a repeated character one that is none of these; not matching the empty text"},
    {"`x / y` `round` `trunc` `ceil` `floor` `sign` `mod` `%` of numeric",
     "with the digits Postgres gives the result; `round` and `trunc` to a literal number of "
     "digits"},
    {"casts of numeric to integers, text, `numeric(p, s)`; of text to numeric; to `float8`",
     "to `float8` from at most 15 digits"},
    {"`concat` `concat_ws` `format`",
     "of text, integers, numeric, boolean and uuid; separator and format (of `%s`) are literals"},
    {"`date_trunc` `date_bin` `extract` `date_part` `to_char` `x + interval` `AT TIME ZONE`",
     "literal units, formats, zones and intervals; names of zones with `/`, or UTC"},
    {"`timestamp - timestamp` `timestamptz - timestamptz`; `=` `<` ... `extract` `sum` `avg` `min` "
     "`max` of such differences",
     "`avg` among the results"},
    {"enums: `=` `<` ... `ORDER BY` `GROUP BY` `min` `max` `::text`",
     "as long as no value of the type was ever renamed"},
    {"`jsonb -> 'a' ->> 'b'`, `#>> '{a,b}'`, `? 'key'`", "of a column, with literal keys"},
    {"`split_part` `lpad` `rpad` `translate` `btrim` `ltrim` `rtrim`", "with literal arguments"},
    {"`num_nulls` `num_nonnulls`", ""},
    {"`avg` `sum(DISTINCT)` `avg(DISTINCT)` `variance` `var_pop` `var_samp`",
     "integers and numeric"},
    {"`stddev` `stddev_pop` `stddev_samp`", "integers and numeric"},
    {"`sum` `avg` of `float8`", "tandem.float_aggregates = any_order, or a parallel plan"},
    {"`min` `max` of floating point numbers, char(n) and enums", ""},
    {"`string_agg` `array_agg`", "with ORDER BY in one direction, or DISTINCT"},
    {"`percentile_cont` `percentile_disc` `mode`", "a literal fraction, or an array of them"},
    {"`FILTER`", "on every aggregate"},
    {"windows: every aggregate, `lag` `lead` `first_value` `last_value` `nth_value` `ntile` "
     "`percent_rank` `cume_dist`",
     "frames by ROWS with literal offsets; by RANGE with numbers, or intervals without months"},
    {"`EXISTS` `IN (SELECT)` `NOT IN` scalar subqueries",
     "correlated ones by equalities, `EXISTS` by one more comparison; above GROUP BY by what is "
     "grouped by"},
    {"`x op ANY (SELECT)` `x op ALL (SELECT)`, comparisons of rows", "subqueries of their own"},
    {"`LEFT` `RIGHT` `FULL JOIN`", "on any condition, with joins inside"},
    {"`LATERAL`", "tied by equalities; with ORDER BY and LIMIT, aggregates, GROUP BY; VALUES"},
    {"`generate_series` `unnest` in FROM or among the results",
     "integers, times by an interval; arrays that are columns, literals or lists"},
    {"`WITH`", "used more than once where the result does not depend on an undefined order"},
    {"`UNION` `INTERSECT` `EXCEPT` (`ALL`), `VALUES`", ""},
    {"`DISTINCT ON` `WITH TIES` `GROUPING SETS` `ROLLUP` `CUBE` `grouping()`", ""},
};

std::string_view family_name(size_t family) {
    constexpr std::string_view kNames[] = {"Comparisons", "Arithmetic", "Text", "Casts",
                                           "Aggregates and windows"};
    return kNames[family];
}

std::string call(const Rule& row) {
    std::string arguments[3];
    size_t count = 0;
    while (count < 3 && row.arguments[count] != Class::kNone) {
        arguments[count] = class_name(row.arguments[count]);
        ++count;
    }
    std::string name(row.name);
    if (name == "|" || name == "||") name = name.size() == 1 ? "\\|" : "\\|\\|";
    if (row.form == Form::kOperator)
        return count == 1 ? name + " " + arguments[0]
                          : arguments[0] + " " + name + " " + arguments[1];
    if (row.form == Form::kCast) return arguments[0] + "::" + name;
    std::string text = name + "(" + ((row.flags & rule::kDistinct) ? "DISTINCT " : "");
    for (size_t i = 0; i < count; ++i) text += (i > 0 ? ", " : "") + arguments[i];
    return text + ")";
}

std::string conditions(const Rule& row) {
    std::string text;
    auto add = [&](uint32_t flag, std::string_view words) {
        if ((row.flags & flag) == 0) return;
        if (!text.empty()) text += "; ";
        text += words;
    };
    add(rule::kDeterministic, "a deterministic collation");
    add(rule::kBytewise, "a bytewise collation");
    add(rule::kAsciiCase, "a locale that treats ASCII letters as ASCII does");
    add(rule::kUtc, "TimeZone means UTC, or both sides have the same rules for it");
    add(rule::kLiteralSecond, "a literal on the right");
    add(rule::kRefuse, "tandem.float_aggregates = any_order, or a parallel plan");
    add(rule::kRaises, "runs again in Postgres where Postgres raises an error");
    return text;
}

}  // namespace

std::string reference_page() {
    std::string page =
        "# What routes\n\nGenerated from the rule table, `src/route/rules`; do not edit. What is "
        "not here stays in Postgres, with a [reason](route-reasons.md).\n\n## Forms\n\n"
        "| form | under which conditions |\n|---|---|\n";
    for (const auto& form : kForms)
        page.append("| ").append(form[0]).append(" | ").append(form[1]).append(" |\n");
    size_t family = 0;
    for (std::span<const Rule> rows : rule_table()) {
        page.append("\n## ").append(family_name(family++));
        page += "\n\n| form | result | conditions |\n|---|---|---|\n";
        std::string before;
        for (const Rule& row : rows) {
            std::string line = "| `" + call(row) + "` | " + std::string(class_name(row.result)) +
                               " | " + conditions(row) + " |\n";
            if (line != before) page += line;
            before = line;
        }
    }
    return page;
}

}  // namespace tandem::route
