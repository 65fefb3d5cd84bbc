#include "route/rules/reference.h"

#include "route/rules/rule.h"

namespace tandem::route {
namespace {

// What is written by code of its own instead of by a row.
constexpr std::string_view kForms[][2] = {
    {"`AND` `OR` `NOT` `IS NULL` `IS TRUE` `IS DISTINCT FROM` `NULLIF` `COALESCE` `CASE`", ""},
    {"`GREATEST` `LEAST`",
     "integers, numeric, money, dates and times; text under a bytewise collation"},
    {"`x = ANY (array)` `x <> ALL (array)` `IN (list)`", "arrays of one dimension"},
    {"`x = ANY (array)` `x <> ALL (array)`; `=` `<>` `@>` `<@` `&&` of arrays; `GROUP BY` an array",
     "of text or integers: columns, literals, lists, and what is made of them"},
    {"`array || array` `array || x` `array_append` `array_prepend` `array_cat` `array_remove` "
     "`array[i:j]` `string_to_array` `regexp_split_to_array`",
     "the same; separators and patterns are literals"},
    {"`LIKE` `ILIKE`",
     "literal patterns; beyond ASCII `ILIKE` with the letters that `lower` knows"},
    {"`~` `~*` `!~` `!~*` `SIMILAR TO` `regexp_like`",
     "literal patterns of ASCII without look-around, back references, lazy quantifiers, escapes "
     "like `\\m` and options; of text beyond ASCII only what both sides agree on"},
    {"`regexp_replace` `regexp_count` `substring(x FROM 'pattern')`",
     "the same, and there is one way only to read a text: no alternatives, no repeated groups, "
     "behind a repeated character one that is none of these, or it ends with $ and each captured "
     "part, which may be left out, has one open length at most; not replacing the empty text"},
    {"`x / y` `round` `trunc` `ceil` `floor` `sign` `mod` `%` of numeric",
     "with the digits Postgres gives the result; `round` and `trunc` to a literal number of "
     "digits"},
    {"`sqrt` `div` `scale` `min_scale` `trim_scale` of numeric", ""},
    {"`width_bucket`", "numeric, `float8` with ascending bounds; a literal array that ascends"},
    {"`power(x, n)` `x ^ n` of `float8`",
     "n a literal from 1 to 9; of whole numbers that a double holds exactly"},
    {"casts of numeric to integers, text, `numeric(p, s)`; of text, `real` and `float8` to "
     "numeric; to "
     "`float8`",
     "to `float8` of at most 2^53 without its point"},
    {"`concat` `concat_ws` `format`",
     "of text, char(n), enums, integers, numeric, boolean and uuid; separator and format (of `%s`) "
     "are literals"},
    {"`date_trunc` `date_bin` `extract` `date_part` `to_char` `x + interval` `AT TIME ZONE`",
     "literal units, formats, zones and intervals; names of zones with `/`, or UTC"},
    {"`timestamp - timestamp` `timestamptz - timestamptz`; `=` `<` ... `extract` `sum` `avg` `min` "
     "`max` of such differences",
     "`avg` among the results"},
    {"`age(x, y)` `age(x)` and columns of type interval: `=` `<` ... `extract` `sum` `min` `max` "
     "`avg`, added to a time",
     "`avg` among the results"},
    {"time of day: `+` and `-` with intervals, `time - time` compared, in `extract`, `sum`, `avg`, "
     "`min` and `max`; `extract` `date_part` `to_char` `::text`, `interval::time`",
     "`to_char` with `HH24`, `MI`, `SS`, `MS`, `US`"},
    {"`make_date` `make_time` `make_timestamp` `make_timestamptz` `to_date` `to_timestamp` "
     "`OVERLAPS`",
     "whole seconds; literal formats like `YYYY-MM-DD`"},
    {"`=` `<>` `<` ... of dates and times with `infinity`, or `coalesce(x, 'infinity')`", ""},
    {"`GROUP BY` `count(DISTINCT)` of intervals",
     "`GROUP BY` columns and differences, where equal ones do not read differently"},
    {"`<<` `<<=` `>>` `>>=` `&&` of inet; `ORDER BY` `min` `max`",
     "with a literal; single addresses"},
    {"`overlay` `regexp_substr`", "the conditions of `regexp_replace`"},
    {"enums: `=` `<` ... `ORDER BY` `GROUP BY` `min` `max` `::text`",
     "as long as no value of the type was ever renamed"},
    {"`jsonb -> 'a' ->> 'b'`, `->> 0`, `#>> '{a,b}'`, `? 'key'`, `jsonb_typeof` "
     "`jsonb_array_length`",
     "of a column, with literal keys and places; numbers with a fraction where their key stands "
     "once in the document; nested values as text do not"},
    {"`jsonb -> 'a'` `#> '{a,b}'`: `GROUP BY` `=` `<>` `IS NULL`, casts to numbers and boolean",
     "scalars; of a column, with literal keys and places; compared with literals"},
    {"`jsonb ->> 'a'` `-> 'a'` `? 'a'` `?|` `?&`, `jsonb_typeof` of keys that the mirror has as "
     "columns",
     "[which keys](sql.md#keys-of-documents); any value, nested ones as text too"},
    {"`jsonb ?| keys` `?& keys`; `@?` `@@` `jsonb_path_exists` `jsonb_path_match`",
     "literals; paths of members like `$.a.b`, `[*]` and one comparison at the end"},
    {"`jsonb_array_elements` `jsonb_array_elements_text` `jsonb_object_keys` in FROM or among the "
     "results; `jsonb_each` `jsonb_each_text` in FROM",
     "the same, or `coalesce` of it and `[]` or `{}`; elements with a fraction, and nested ones as "
     "text, do not"},
    {"`json_agg` `jsonb_agg` `json_object_agg` `jsonb_object_agg` `json_build_object`",
     "with ORDER BY; of integers, text, boolean, numeric, uuid, date, timestamp and enums; "
     "`jsonb_object_agg` without ORDER BY where no key comes twice"},
    {"`range @> x` `x <@ range`",
     "literals, and ranges made of two values; integers, numeric, dates and times; columns of "
     "int4, "
     "int8 and dates"},
    {"`range && range` `lower` `upper` `isempty` of ranges", "the same columns; `&&` literals too"},
    {"`encode` of bytea", "`hex`; `base64` of at most 57 bytes"},
    {"`jsonb @> '{...}'`", "a literal object of texts, booleans, NULL, integers and such objects"},
    {"`array[i]` `cardinality` `array_length` `array_upper` `array_position` `array_to_string`",
     "of such arrays; one dimension"},
    {"casts of text to timestamp, timestamptz", "as ISO 8601 writes them"},
    {"`split_part` `lpad` `rpad` `translate` `btrim` `ltrim` `rtrim`", "with literal arguments"},
    {"`lower` `upper`",
     "in locales with the usual pairs of letters: ASCII, Latin, Cyrillic and what has no case; of "
     "others the query runs again in Postgres"},
    {"casts of date, timestamp and timestamptz to text", "DateStyle is ISO"},
    {"`x + n * interval` `x + make_interval(...)`", "n of integers; no seconds"},
    {"`num_nulls` `num_nonnulls`", ""},
    {"`regr_count`; `regr_avgx` `regr_avgy` of integers", ""},
    {"`avg` `sum(DISTINCT)` `avg(DISTINCT)` `variance` `var_pop` `var_samp`",
     "integers and numeric"},
    {"`stddev` `stddev_pop` `stddev_samp`", "integers and numeric"},
    {"`sum` `avg` of `float8`", "tandem.float_aggregates = any_order, or a parallel plan"},
    {"`min` `max` of floating point numbers, char(n), enums and inet", ""},
    {"`string_agg` `array_agg`", "with ORDER BY, text in one direction; or DISTINCT"},
    {"`GROUP BY` `DISTINCT` of floating point numbers and jsonb",
     "where no zero is below zero; where no number ends in a zero behind its point"},
    {"`GROUP BY` a table's key, its other columns beside it", ""},
    {"`sum` `avg` of `float8` made of integers and fields of times", "while the sum is below 2^53"},
    {"`count(t)` `t IS NULL` `t IS NOT NULL`, `t` and `row_to_json(t)` among the results",
     "`t` a table or a subquery of the same FROM, and among the results not on the inner side of "
     "an "
     "outer join"},
    {"`rank(x)` `dense_rank(x)` `percent_rank(x)` `cume_dist(x)` WITHIN GROUP",
     "one literal; not of floating point numbers"},
    {"`percentile_cont` `percentile_disc` `mode`",
     "a literal fraction, or an array of them; also of differences of times"},
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
    {"`generate_series` `unnest` `string_to_table` `regexp_split_to_table` in FROM or among the "
     "results",
     "integers, times by an interval; such arrays; in a grouped query what is grouped by"},
    {"`WITH`", "used more than once where the result does not depend on an undefined order"},
    {"`UNION` `INTERSECT` `EXCEPT` (`ALL`), `VALUES`", ""},
    {"`DISTINCT ON` `WITH TIES` `GROUPING SETS` `ROLLUP` `CUBE` `grouping()`", ""},
};

std::string_view family_name(size_t family) {
    constexpr std::string_view kNames[] = {
        "Comparisons", "Arithmetic", "Text", "Dates and times", "Casts", "Aggregates and windows"};
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
