// The neutral query tree: what the shell makes of an analysed Postgres query and the core reads.
//
// Plain structs only: the shell allocates them in a Postgres memory context, where destructors
// never run. Every pointer is owned by the shell and valid until the facade call returns. Nothing
// here knows Postgres' headers; object identities travel as OIDs and, for what the rule table looks
// up, as names of objects in pg_catalog (an object outside pg_catalog arrives with builtin = false
// and never ships).
//
// What the shell has already done: view expansion (the rewritten query is taken), constant folding
// of runtime constants, resolution of join aliases to columns of their relations
// (flatten_join_alias), and refusal of what it can judge alone (modes, row level security, volatile
// functions, ...).
#pragma once

#include <cstdint>

#include "base/boundary.h"

namespace tandem::route {

// What may be assumed of a collation.
enum class Collation : uint8_t {
    kNone,              // the type has no collation
    kBytewise,          // C, POSIX, C.UTF-8, ucs_basic: order and equality are those of the bytes
    kDeterministic,     // equality is that of the bytes, order is not
    kNondeterministic,  // neither
};

enum class ExprKind : uint8_t {
    kColumn,       // relation, attribute of this or an outer query level
    kConstant,     // runtime constant: evaluated by Postgres when execution starts
    kFunction,     // name(args); pg_catalog only when builtin
    kOperator,     // args[0] name args[1], or name args[0] when there is one
    kScalarArray,  // args[0] name ANY/ALL (args[1]); `all` tells which
    kDistinct,     // args[0] IS DISTINCT FROM args[1], by the operator `name`
    kNullIf,       // NULLIF(args[0], args[1]), by the operator `name`
    kAnd,
    kOr,
    kNot,
    kIsNull,
    kIsNotNull,
    kIsTrue,
    kIsNotTrue,
    kIsFalse,
    kIsNotFalse,
    kIsUnknown,
    kIsNotUnknown,
    kCase,  // args: [test]?, when, then, when, then, ..., else (always present; NULL constant)
    kCoalesce,
    kGreatest,
    kLeast,
    kCast,       // args[0] to `type`, by function `name` or, with via_io, through text
    kRelabel,    // binary compatible cast: same bytes, other type
    kArray,      // ARRAY[args...]
    kRow,        // ROW(args...)
    kAggregate,  // name([distinct] args order by ...) filter (where filter) within group
    kWindow,     // name(args) over window
    kGrouping,   // GROUPING(args)
    kSubscript,  // args[0][args[1]], an element of an array
    kSlice,      // args[0][args[1]:args[2]]
    kSubquery,   // EXISTS, scalar, IN/ANY, ALL: see SubqueryKind
    kUnknown,    // anything the shell has no neutral form for; `name` says what, never ships
};

enum class SubqueryKind : uint8_t { kExists, kScalar, kAny, kAll };

struct Expr;
struct Query;

struct SortKey {
    const Expr* expr = nullptr;
    bool descending = false;
    bool nulls_first = false;
    bool default_operator = false;  // the type's default btree order, not USING something
};

struct Expr {
    ExprKind kind = ExprKind::kUnknown;
    Collation collation = Collation::kNone;        // of the result
    Collation input_collation = Collation::kNone;  // what the function or operator compares by
    bool ascii_case = false;     // its locale changes the case of ASCII letters as ASCII does
    bool letter_case = false;    // ... and of letters of Latin and Cyrillic as Unicode does
    bool builtin = false;        // the function, operator or aggregate lives in pg_catalog
    bool all = false;            // kScalarArray: ALL instead of ANY
    bool distinct = false;       // kAggregate
    bool via_io = false;         // kCast
    bool constant_null = false;  // kConstant known to be NULL at plan time
    SubqueryKind subquery_kind = SubqueryKind::kScalar;
    uint32_t type = 0;  // Postgres type OID of the result; domains arrive as their base type
    int32_t typmod = -1;
    uint32_t id = 0;  // number of this node, unique in the whole tree; the shell maps it
                      // back to the Postgres node it stands for
    Text name;
    List<const Expr*> args;

    // kColumn: index into Query::relations of the query `levels_up` above, and which column of it.
    uint32_t relation = 0;
    uint32_t levels_up = 0;
    int32_t attnum = 0;  // of a mirrored table; 1-based target number of a subquery
    // kConstant: number in the list of runtime constants, and its value's text if known at plan
    // time (literals: needed for patterns, JSON keys, date_trunc units, percentiles).
    uint32_t constant = 0;
    bool known = false;
    Text known_text;
    // kAggregate, kWindow
    List<SortKey> order_by;  // ORDER BY inside the call
    const Expr* filter = nullptr;
    List<const Expr*> direct_args;  // ordered-set aggregates: percentile_cont(0.95)
    List<SortKey> within_group;
    uint32_t window = 0;  // index into Query::windows
    // kSubquery: args are the left hand side of ANY/ALL
    const Query* subquery = nullptr;
};

// A column of a mirrored table, as the catalog has it.
struct MirroredColumn {
    int32_t attnum = 0;
    Text name;         // in ClickHouse
    Text target_type;  // ClickHouse type, e.g. Nullable(Decimal(10, 2))
    uint32_t type = 0;
    int32_t typmod = -1;
    bool exact = false;    // exactness exact, or ranged with no inexact value seen
    bool as_text = false;  // exactness text
    Collation collation = Collation::kNone;
};

// What the table has of a key of its jsonb column `attnum`, in ClickHouse: the text that ->> gives,
// and what that is of (types/postgres/json_keys.h).
struct JsonKeyColumns {
    int32_t attnum = 0;
    Text key;
    Text text;
    Text kind;
};

enum class RelationKind : uint8_t { kTable, kSubquery, kValues, kFunction };

struct Relation {
    RelationKind kind = RelationKind::kTable;
    Text alias;
    // kTable
    uint32_t id = 0;  // of the mirrored table, the shell's number: UsedRelation::table
    Text database;    // where people find it
    Text table;
    List<MirroredColumn> columns;
    List<JsonKeyColumns> json_keys;
    List<int32_t> key;  // attnums of the primary key
    double rows = 0;    // planner's estimate
    // Row level security: rows for which this does not hold do not exist.
    const Expr* filter = nullptr;
    // Nobody may learn of the rows that this relation leaves out, not even by an error.
    bool secured = false;
    // kSubquery; `shared` when other relations are the same WITH query, of which there is one
    // result
    const Query* subquery = nullptr;
    bool shared = false;
    bool lateral = false;
    // kValues; with `lateral` its rows are made of columns of this level
    List<List<const Expr*>> values;
    // kFunction: returns a set, generate_series() or unnest(); `lateral` as above
    const Expr* function = nullptr;
    bool ordinality = false;
};

enum class JoinKind : uint8_t { kInner, kLeft, kRight, kFull };

// FROM is a tree: a relation, or a join of two.
struct FromItem {
    bool is_join = false;
    uint32_t relation = 0;
    JoinKind join = JoinKind::kInner;
    const FromItem* left = nullptr;
    const FromItem* right = nullptr;
    const Expr* on = nullptr;
};

struct Target {
    const Expr* expr = nullptr;
    Text name;
    bool junk = false;    // needed for ORDER BY or GROUP BY only
    bool unused = false;  // of a subquery whose outer query never reads it: `expr` is null
};

enum class FrameUnit : uint8_t { kRange, kRows, kGroups };
enum class FrameBound : uint8_t {
    kUnboundedPreceding,
    kPreceding,
    kCurrentRow,
    kFollowing,
    kUnboundedFollowing
};

struct Window {
    List<const Expr*> partition_by;
    List<SortKey> order_by;
    bool default_frame = true;
    FrameUnit unit = FrameUnit::kRange;
    FrameBound start = FrameBound::kUnboundedPreceding;
    FrameBound end = FrameBound::kCurrentRow;
    const Expr* start_offset = nullptr;
    const Expr* end_offset = nullptr;
    bool exclude = false;  // any EXCLUDE clause other than NO OTHERS
};

enum class SetOperation : uint8_t { kNone, kUnion, kIntersect, kExcept };

struct Query {
    List<Relation> relations;
    List<const FromItem*> from;  // implicitly cross joined
    const Expr* where = nullptr;
    List<Target> targets;
    List<const Expr*> group_by;
    bool has_grouping_sets = false;
    List<List<uint32_t>> grouping_sets;  // of indexes into group_by, expanded
    bool has_aggregates = false;
    const Expr* having = nullptr;
    List<Window> windows;
    bool distinct = false;
    List<const Expr*> distinct_on;
    List<SortKey> order_by;
    const Expr* limit = nullptr;
    const Expr* offset = nullptr;
    bool with_ties = false;
    SetOperation set_operation = SetOperation::kNone;
    bool set_all = false;
    const Query* left = nullptr;  // set operation
    const Query* right = nullptr;
};

}  // namespace tandem::route
