// Tables of ClickHouse that no mirror made: how their columns are read as values of Postgres, and
// how rows of Postgres are written to them.
//
// The translator knows the types that a mirror makes and no others. A foreign table becomes a
// derived table whose columns have these types, written here; everything above it is translated as
// for a mirrored table. C-shaped and noexcept, for the extension; strings end with NUL.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/boundary.h"

namespace tandem::route::source {

enum class TypeKind : uint8_t { kBase, kEnum, kArray };

// A column of a foreign table. Domains come as their base type.
struct Column {
    Text name;         // in ClickHouse
    Text remote_type;  // its type there; empty: not known
    uint32_t type;     // of Postgres
    int32_t typmod;
    TypeKind kind;
};

// What the translator may take the column for.
enum class Trust : uint8_t {
    kExact,   // a value of its Postgres type
    kText,    // the text of one
    kOpaque,  // a text that Postgres makes a value of: only handed on
};

struct Form {
    char target_type[128];  // of the derived table's column
    Trust trust;
};

// False and why when no value of the one type is a value of the other.
bool form_of(const Column& column, Form* form, Failure* failure) noexcept;

struct Source {
    Text database;
    Text table;
    Text query;  // instead of a table
    bool final;  // one row for each key, of engines that replace rows in the background
    List<Column> columns;
};

// "(SELECT ... FROM ...)". Returns its length, -1 when a column has no form or memory is short;
// when that is not below `capacity`, only the length is right.
int64_t write_source(const Source& source, char* out, size_t capacity) noexcept;

// The type of Postgres that holds every value of the ClickHouse type, as CREATE FOREIGN TABLE takes
// it. False and why when there is none.
bool postgres_type(Text remote_type, char* out, size_t capacity, Failure* failure) noexcept;

// A column that rows are written to, and what they bring.
struct Target {
    Text name;
    Text remote_type;
    Text given_name;
    Text given_type;
};
// "INSERT INTO ... SELECT ... FROM input('...')": every value that does not come back from the
// column's type as it went in fails the insert. Returns as write_source.
int64_t write_insert(Text database, Text table, List<Target> targets, char* out, size_t capacity,
                     Failure* failure) noexcept;

// Precision and scale that a number for the ClickHouse type has, as a typmod of numeric; -1 when it
// is no number of digits.
int32_t numeric_typmod(Text remote_type) noexcept;

// "table" in quotes, in its database unless that is empty; writes and returns as write_source.
int64_t write_name(Text database, Text table, char* out, size_t capacity) noexcept;

}  // namespace tandem::route::source
