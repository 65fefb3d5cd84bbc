// Translation as the extension sees it: C-shaped, noexcept, plain data.
//
// Called inside a Postgres backend, from shell code whose frames longjmp may leave at any time. So:
// nothing here throws, calls Postgres, does I/O, starts threads or touches signals. A Translation
// is an opaque pointer that the shell ties to a memory context by a reset callback and frees with
// translation_free (safe on nullptr). Running the SQL is clickhouse/facade.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/boundary.h"
#include "route/tree/tree.h"

namespace tandem::route {

struct Translation;  // owns its memory until translation_free

// Type OID of an enum and its labels in their order.
struct EnumType {
    uint32_t type = 0;
    uint32_t array_type = 0;
    List<Text> labels;
};

struct TranslateOptions {
    // TimeZone of the session means UTC. When the SQL relied on it, the result says so.
    bool session_utc = false;
    bool iso_dates = false;  // DateStyle is ISO
    Text zone = {};          // its name otherwise; empty when nothing may depend on it
    // Sums of floating point numbers may be those of any order of their rows.
    bool float_any_order = false;
    // What sums add up is computed in 64 bits where its operands have no more. The server raises an
    // error when one value does not fit, before it sends a row: then Postgres answers, and the
    // query is translated without this.
    bool narrow_sums = false;
    List<EnumType> enums = {};  // those of the query whose labels have never been renamed
};

// How one value of the result is computed.
enum class RecipeKind : uint8_t {
    kColumn,   // remote column `first`
    kAverage,  // numeric: sum in `first` / count in `second` by Postgres' numeric_div, NULL when
               // the count is 0. Both columns arrive as numeric.
    kRounded,  // numeric: `first` with as many digits behind the point as `second`, an integer,
               // says
    kRoot,     // numeric: the square root of that, with the same digits
    kShare,    // interval: `first` / `second`, a float8; NULL when the first is
};

struct Recipe {
    RecipeKind kind;
    uint32_t first;
    uint32_t second;
};

// A node of the query that ClickHouse computes; the shell puts the recipe in its place wherever
// Postgres evaluates the expression around it.
struct Replacement {
    uint32_t expr_id;
    Recipe recipe;
};

// ClickHouse type of a column of the result: Bool, Int16, Int32, Int64, Int128 (numeric without
// fraction, or a wider integer), UInt32, UInt64, Float32, Float64, Decimal(p, s), String, Date32,
// DateTime64(6), DateTime64(6, 'UTC'), UUID, or Nullable of these.
struct RemoteColumn {
    Text clickhouse_type;
    uint32_t type;  // Postgres type the shell makes of it; of numeric the scale is the remote one
    int32_t typmod;
};

// Which part of a runtime constant a parameter carries.
enum class ConstantPart : uint8_t {
    kWhole,
    kMonths,        // of an interval
    kDays,          // of an interval
    kMicroseconds,  // of an interval
    kBits,          // of a floating point number, as an integer of the same size
    kDigits,        // behind the point of a numeric, as an integer
    kZoneSince,     // since when ClickHouse' clocks of the zone `text` are those of Postgres, as
                    // seconds; no constant of the query
};

// A query parameter of the SQL, {name:ClickHouse type}. The same constant may feed several.
struct UsedConstant {
    uint32_t constant;  // Expr::constant
    uint32_t type;      // Postgres type to evaluate it as
    Text parameter;     // name of the query parameter
    Text clickhouse_type;
    ConstantPart part;
    Text text = {};  // kZoneSince
};

// A mirrored table where the SQL reads it, and what of it. Its place is filled by bind_relations().
struct UsedRelation {
    uint32_t table;      // Relation::id
    List<Text> columns;  // in ClickHouse; at least one
};

// What the shell builds the plan from. Views into the Translation.
struct TranslationResult {
    Text sql;  // with places for the relations
    List<RemoteColumn> columns;
    List<Replacement> replacements;  // covers every target: the target's own node or nodes below it
    List<UsedConstant> constants;
    List<UsedRelation> relations;  // by the number of their place
    bool sorted;                   // ORDER BY was shipped; otherwise Postgres sorts above the scan
    bool limited;    // LIMIT and OFFSET were shipped (only when sorted, or without ORDER BY)
    bool any_order;  // floating point numbers are summed in any order
    bool narrow;     // something is computed in 64 bits that may not fit
    bool raises;     // it may fail on purpose, also after rows were sent; then Postgres can answer
    bool needs_utc;  // the SQL is only right while the session's TimeZone means UTC
    Text zone;       // ... or is this one, unless empty
    bool needs_iso;  // ... while DateStyle is ISO
};

// Null and a reason code (reasons.def) in `failure` when the query must stay in Postgres.
Translation* translate(const Query& query, const TranslateOptions& options,
                       Failure* failure) noexcept;
const TranslationResult& translation_result(const Translation& translation) noexcept;
void translation_free(Translation* translation) noexcept;

// Rows of the leaf of a partitioned table from before the position `cut` are not read.
struct BoundCut {
    uint32_t leaf;
    uint64_t cut;
    bool loaded;
};

// One place of a translated query, as it is read at a position. Strings are plain names.
struct BoundRelation {
    const char* database;  // of the rows; with position 0 of the view
    const char* main;      // with position 0 the view
    const char* delta;
    const char* const* keys;
    uint32_t key_count;
    const char* const* columns;
    uint32_t column_count;
    uint64_t position;  // what committed before it is seen; 0: the name is written, for people
    uint32_t oldest;    // generation of the delta that is not folded
    bool delta_empty;
    uint64_t folded_to;  // not 0: the position is before that fold, and oldest what is kept
    const BoundCut* cuts;
    uint32_t cut_count;
    const char* source;  // of a foreign table, instead of all that: source/facade.h; or nullptr
};

// Writes the SQL with its relations into `out`, with a NUL at the end, and returns its length. When
// that is not below `capacity`, only the length is right. -1 when memory is short or the SQL has
// more places than there are relations.
int64_t bind_relations(const char* sql, const BoundRelation* relations, uint32_t count, char* out,
                       size_t capacity) noexcept;

// The SQL with its relations, laid out for people: lines but the first begin with `indent` spaces.
// Without `settings` those at its end are left out. Writes and returns as bind_relations() does.
int64_t lay_out(const char* sql, uint32_t indent, bool settings, char* out,
                size_t capacity) noexcept;

}  // namespace tandem::route
