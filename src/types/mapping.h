// Which ClickHouse type a column of a Postgres type gets, and how faithful it is.
//
// One table (type_table.def) holds every built-in type: its name, its ClickHouse type, its
// exactness, and the three conversions (from binary, from text, back to text). map_type() turns a
// Postgres type, as the catalog describes it, into a Mapping; convert.h runs it.
// Deliberately not here: reading the catalog (postgres/), names of columns and tables (mirror/).
//
// The decisions behind the table are in docs/decisions/0003; the table itself, for users, in
// docs/reference/types.md, which is generated from it. Pure; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/lsn.h"
#include "base/result.h"
#include "types/clickhouse/type.h"

namespace tandem::types {

enum class PgTypeKind : uint8_t {
    kBase,
    kArray,  // true arrays: typcategory A, with an element
    kEnumeration,
    kDomain,
    kComposite,
    kRange,
    kMultirange,
    kPseudo,
};

struct PgType;
using PgTypePtr = std::shared_ptr<const PgType>;

struct PgField {
    std::string name;
    PgTypePtr type;
};

// A Postgres type as it is used by one column: what the catalog says, resolved recursively.
struct PgType {
    Oid oid;
    int32_t typmod = -1;
    PgTypeKind kind = PgTypeKind::kBase;
    std::string schema = "pg_catalog";
    std::string name = {};       // pg_type.typname: int4, not integer; _int4 for its array
    std::string extension = {};  // extension the type belongs to, e.g. hstore; empty for none
    bool has_send = true;        // pg_type.typsend is set: Postgres can give it in binary

    // Of the column. Elements, fields and the like leave these alone.
    bool not_null = false;
    bool key = false;  // part of the replica identity: never Nullable
    int ndims = 0;     // declared dimensions (attndims); 0 and 1 count as one

    // domain: the type below; array: its elements, with the column's typmod; range: its subtype;
    // multirange: its range type.
    PgTypePtr below = nullptr;
    std::vector<std::string> enum_labels = {};  // in sort order
    std::vector<PgField> fields = {};           // composite, without dropped ones
};

// How much of a value survives the way to ClickHouse and back. Stored in tandem.mirror_column.
enum class Exactness : uint8_t {
    kExact,   // every value, byte for byte, and equal values are equal
    kRanged,  // exact, except for values that the target cannot hold; those are reported
    kText,    // held as Postgres' text form: equality of texts is not equality of values
};
std::string_view to_string(Exactness exactness);  // "exact", "ranged", "text"

struct MappingOptions {
    // The target knows Time64 without a setting (ClickHouse 26.1 and newer); otherwise `time` is
    // text.
    bool time64 = true;
};

class TypePlan;  // internal: the table rows of a type and of what it is made of

struct Mapping {
    ChTypePtr type;  // with Nullable; what goes into DDL
    Exactness exactness = Exactness::kText;
    // What ranged leaves out, or why it is text; one sentence for docs, EXPLAIN and the console.
    std::string note;
    // The binary form is understood: COPY (FORMAT binary) may select the column as it is. If
    // false, it must be selected as snapshot_select() says.
    bool binary = true;
    // Postgres would send the binary form in a binary pgoutput stream, but we do not understand
    // it: a stream that carries this column has to run with binary 'false'. (A type without a send
    // function arrives as text in any stream and does not set this.)
    bool needs_text_stream = false;
    bool nullable = false;
    bool key = false;  // part of the key: a Converter then rejects what the target cannot hold
    std::shared_ptr<const TypePlan> plan;
};

// kUnsupportedType for pseudo types. Everything else has a mapping, in the worst case as text.
Result<Mapping> map_type(const PgType& type, const MappingOptions& options = {});

// The expression to put into the select list of COPY (SELECT ...): the column itself, or its text
// where there is no binary form we understand. `quoted_column` is quoted already. The value then
// arrives as the binary form of text: use Converter::append_text for it when !mapping.binary.
std::string snapshot_select(const Mapping& mapping, std::string_view quoted_column);

// The Postgres expression whose text append_pg_text() reproduces: normally column::text; a numeric
// or locale independent form for types whose text depends on the catalog or the locale (reg*,
// money).
std::string compare_select(const Mapping& mapping, std::string_view quoted_column);

// Settings that every Postgres session whose text output is converted must have: "DateStyle" =
// "ISO, YMD" and so on.
struct SessionSetting {
    std::string_view name;
    std::string_view value;
};
inline constexpr SessionSetting kSessionSettings[] = {
    {"DateStyle", "ISO, YMD"},   {"IntervalStyle", "postgres"}, {"TimeZone", "UTC"},
    {"extra_float_digits", "3"}, {"bytea_output", "hex"},       {"client_encoding", "UTF8"},
    {"xmlbinary", "base64"},
};

// A built-in base type by OID, for callers that have no catalog at hand (constants, tests).
// kUnsupportedType when the OID is not in the table. Arrays, ranges and multiranges of built-in
// types are found as well.
Result<PgType> builtin_type(Oid oid, int32_t typmod = -1);

}  // namespace tandem::types
