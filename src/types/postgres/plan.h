// Internal to types: one row of the type table, a type as a tree of rows, and the signatures of the
// conversions that the families (numbers.cpp, temporal.cpp, ...) provide.
//
// Not for other modules: they use mapping.h and convert.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "types/clickhouse/column.h"
#include "types/mapping.h"

namespace tandem::types {

// What became of one value. Everything but kOk has left the column as it was.
enum Outcome : uint8_t {
    kOk = 0,
    kMalformed,   // not a value of the type
    kOutOfRange,  // beyond the range of the target type
    kInfinity,    // infinity, -infinity
    kNotANumber,  // NaN
    kFraction,    // more fractional digits than the target has
    kArrayShape,  // more than one dimension, or a lower bound other than 1
    kNullValue,   // NULL for a column that cannot hold it
    kName,        // the name of an object where its OID is needed
    kOutcomes,
};

// Binary value into the column.
using AppendFunction = uint8_t (*)(const TypePlan&, std::string_view, Column&);
// Binary value as Postgres' text, appended.
using PrintFunction = uint8_t (*)(const TypePlan&, std::string_view, Bytes&);
// Value of a column as Postgres' text, appended; the row is not NULL.
using ReverseFunction = void (*)(const TypePlan&, const Column&, size_t, Bytes&);

struct TypeRow {
    uint32_t oid = 0;
    uint32_t array_oid = 0;
    std::string_view name;
    std::string_view clickhouse;  // ClickHouse type; numeric's is made from its typmod
    Exactness exactness = Exactness::kText;
    AppendFunction append_binary = nullptr;
    AppendFunction append_text = nullptr;
    PrintFunction print = nullptr;  // nullptr: the binary form is not understood
    ReverseFunction reverse = nullptr;
    std::string_view note;
};

// The type of a column, resolved: function pointers of its row plus what they need to know.
class TypePlan {
  public:
    AppendFunction append_binary = nullptr;
    AppendFunction append_text = nullptr;
    PrintFunction print = nullptr;
    ReverseFunction reverse = nullptr;
    ChKind kind = ChKind::kString;  // of the column's values
    int precision = 0;              // Decimal
    int scale = 0;                  // Decimal
    char delimiter = ',';           // between elements of an array of this type
    bool names_objects = false;     // text depends on the catalog: reg*
    // array: element; range: subtype; multirange: range; composite: fields
    std::vector<std::shared_ptr<const TypePlan>> parts;
    std::vector<uint32_t> part_oids;  // composite: the OIDs the wire must carry
};

// --- the table (type_table.cpp) --------------------------------------------------------------
const TypeRow* find_row(uint32_t oid);
const TypeRow* find_row_of_array(uint32_t array_oid);
// Types of known extensions, by name: their OIDs differ between databases.
const TypeRow* find_extension_row(std::string_view name);
// Row for everything unknown: text.
const TypeRow& unknown_row();
// Ranges and multiranges of pg_catalog.
struct RangeRow {
    uint32_t range_oid, range_array_oid, multirange_oid, multirange_array_oid, subtype_oid;
    std::string_view range_name, multirange_name;
};
std::vector<RangeRow> builtin_ranges();
std::vector<const TypeRow*> builtin_rows();

// --- shared by the families ------------------------------------------------------------------
// Text form in a String column.
uint8_t append_printed(const TypePlan& plan, std::string_view value, Column& column);
uint8_t append_verbatim(const TypePlan& plan, std::string_view value, Column& column);
void reverse_string(const TypePlan& plan, const Column& column, size_t row, Bytes& out);
uint8_t print_verbatim(const TypePlan& plan, std::string_view value, Bytes& out);

inline void append(Bytes& out, std::string_view text) {
    out.append(text.data(), text.size());
}
void append_integer(Bytes& out, int64_t value);
void append_unsigned(Bytes& out, uint64_t value);
void append_padded(Bytes& out, uint64_t value, int digits);  // with leading zeros
void append_float(Bytes& out, double value);                 // as float8out
void append_float(Bytes& out, float value);                  // as float4out
void append_hex(Bytes& out, std::string_view bytes);         // lower case

// --- containers.cpp --------------------------------------------------------------------------
uint8_t array_append_binary(const TypePlan& plan, std::string_view value, Column& column);
uint8_t array_append_text(const TypePlan& plan, std::string_view value, Column& column);
void array_reverse(const TypePlan& plan, const Column& column, size_t row, Bytes& out);
uint8_t array_print(const TypePlan& plan, std::string_view value, Bytes& out);
uint8_t range_print(const TypePlan& plan, std::string_view value, Bytes& out);
uint8_t multirange_print(const TypePlan& plan, std::string_view value, Bytes& out);
uint8_t composite_print(const TypePlan& plan, std::string_view value, Bytes& out);
// What a value nested deeper than this is: malformed.
inline constexpr int kNestingMax = 64;

// --- numeric.cpp: chosen by the precision of the column ----------------------------------------
AppendFunction decimal_append_binary(ChKind kind);
AppendFunction decimal_append_text(ChKind kind);
ReverseFunction decimal_reverse(ChKind kind);
uint8_t numeric_print(const TypePlan& plan, std::string_view value, Bytes& out);

// --- the other families, one row each in type_table.def -----------------------------------------
#define TANDEM_CONVERTS(prefix)                                                       \
    uint8_t prefix##_append_binary(const TypePlan&, std::string_view value, Column&); \
    uint8_t prefix##_append_text(const TypePlan&, std::string_view value, Column&);   \
    uint8_t prefix##_print(const TypePlan&, std::string_view value, Bytes&);          \
    void prefix##_reverse(const TypePlan&, const Column&, size_t row, Bytes&);
#define TANDEM_PRINTS(prefix) \
    uint8_t prefix##_print(const TypePlan&, std::string_view value, Bytes&);

// numbers.cpp
TANDEM_CONVERTS(bool)
TANDEM_CONVERTS(int2)
TANDEM_CONVERTS(int4)
TANDEM_CONVERTS(int8)
TANDEM_CONVERTS(oid)
TANDEM_CONVERTS(xid8)
TANDEM_CONVERTS(float4)
TANDEM_CONVERTS(float8)
TANDEM_CONVERTS(money)
TANDEM_CONVERTS(lsn)
// temporal.cpp
TANDEM_CONVERTS(date)
TANDEM_CONVERTS(time)
TANDEM_CONVERTS(timestamp)
TANDEM_CONVERTS(timestamptz)
TANDEM_PRINTS(timetz)
TANDEM_PRINTS(interval)
// strings.cpp
TANDEM_CONVERTS(bytea)
TANDEM_CONVERTS(uuid)
TANDEM_PRINTS(char)
TANDEM_PRINTS(versioned)
TANDEM_PRINTS(bit)
TANDEM_PRINTS(tid)
TANDEM_PRINTS(snapshot)
TANDEM_PRINTS(vector_of_int2)
TANDEM_PRINTS(vector_of_oid)
// network.cpp
TANDEM_PRINTS(inet)
TANDEM_PRINTS(macaddr)
TANDEM_PRINTS(macaddr8)
// geometry.cpp
TANDEM_PRINTS(point)
TANDEM_PRINTS(line)
TANDEM_PRINTS(lseg)
TANDEM_PRINTS(box)
TANDEM_PRINTS(path)
TANDEM_PRINTS(polygon)
TANDEM_PRINTS(circle)
// search.cpp
TANDEM_PRINTS(tsvector)
// tsquery.cpp
TANDEM_PRINTS(tsquery)
// search.cpp
TANDEM_PRINTS(hstore)
TANDEM_CONVERTS(vector)

#undef TANDEM_CONVERTS
#undef TANDEM_PRINTS

}  // namespace tandem::types
