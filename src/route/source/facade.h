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

// What rows of a table become by UPDATE; nothing by DELETE. A value is result `item` of a
// translated query over the table, or the SQL `given` where item is negative.
struct Assignment {
    Target target;
    int32_t item;
    Text given;
};

struct Mutation {
    // SELECT ... FROM the table, as translated, with a place for it; or empty. Its results are read
    // out of their query, and columns in them replaced by what they are made of.
    Text sql;
    List<Column> columns;  // that it reads
    int32_t condition;     // which result decides; negative: all rows
    List<Assignment> assignments;
    bool removes;  // DELETE
    Text database;
    Text table;
};

// "ALTER TABLE ... UPDATE ... WHERE ..." or "DELETE FROM ... WHERE ..."; with `rehearse` a SELECT
// that computes the same for the same rows, fails as it would and returns, as texts, how many rows
// there are and some value. Returns as write_source.
int64_t write_mutation(const Mutation& mutation, bool rehearse, char* out, size_t capacity,
                       Failure* failure) noexcept;

// Precision and scale that a number for the ClickHouse type has, as a typmod of numeric; -1 when it
// is no number of digits.
int32_t numeric_typmod(Text remote_type) noexcept;

// "table" in quotes, in its database unless that is empty; writes and returns as write_source.
int64_t write_name(Text database, Text table, char* out, size_t capacity) noexcept;

}  // namespace tandem::route::source
