// Each pair of types is either read exactly, as the text Postgres makes the value of, or refused.
// Nothing is clamped: what may not fit is cast by accurateCast, which fails.
#include <algorithm>
#include <cstring>
#include <string>

#include "base/barrier.h"
#include "route/source/facade.h"
#include "route/source/forms.h"
#include "sqltext/quote.h"
#include "types/clickhouse/type.h"
#include "types/oid.h"

namespace tandem::route::source {

std::string table_name(Text database, Text table) {
    return database.empty() ? sqltext::ch_ident(table) : sqltext::ch_qualified(database, table);
}

namespace {

using types::ChKind;
using types::ChType;
namespace oid = types::oid;

constexpr int kNumericTypmodHeader = 4;
constexpr int kCharacterTypmodHeader = 4;
constexpr int kDigitsMax = 76;

struct Made {
    std::string expression;
    std::string type;
    Trust trust = Trust::kExact;
};

// What is read, and of which type it is.
struct Given {
    std::string column;            // "s"."name"
    const ChType* type = nullptr;  // below Nullable and the like; null: not known
    std::string name;              // of the whole type
    bool nullable = true;

    std::string whole(std::string_view target) const {
        return nullable ? "Nullable(" + std::string(target) + ")" : std::string(target);
    }
    bool is(ChKind kind) const { return type != nullptr && type->kind == kind; }
};

std::string cast(const std::string& function, const std::string& value, const std::string& type) {
    return function + "(" + value + ", " + sqltext::ch_string(type) + ")";
}

// As it is, when it has the type already.
Made as(const Given& given, std::string_view target, const char* function = "CAST") {
    std::string type = given.whole(target);
    if (given.type != nullptr && given.name == type) return {given.column, type};
    return {cast(function, given.column, type), type};
}

Error mismatch(const Given& given, std::string_view wanted) {
    return Error(ErrorCode::kUnsupportedType,
                 (given.name.empty() ? "a type that is not named" : "ClickHouse's " + given.name) +
                     " cannot be read as " + std::string(wanted));
}

// Bits of an integer, negative when it has a sign; 0 for other kinds.
int integer_bits(ChKind kind) {
    switch (kind) {
        case ChKind::kInt8:
            return -8;
        case ChKind::kInt16:
            return -16;
        case ChKind::kInt32:
            return -32;
        case ChKind::kInt64:
            return -64;
        case ChKind::kInt128:
            return -128;
        case ChKind::kInt256:
            return -256;
        case ChKind::kUInt8:
            return 8;
        case ChKind::kUInt16:
            return 16;
        case ChKind::kUInt32:
            return 32;
        case ChKind::kUInt64:
            return 64;
        case ChKind::kUInt128:
            return 128;
        case ChKind::kUInt256:
            return 256;
        default:
            return 0;
    }
}

bool is_decimal(const ChType* type) {
    return type != nullptr && type->kind >= ChKind::kDecimal32 && type->kind <= ChKind::kDecimal256;
}

bool is_moment(const Given& given) {
    return given.is(ChKind::kDateTime) || given.is(ChKind::kDateTime64);
}

Result<Made> integer(const Given& given, std::string_view target, std::string_view wanted) {
    bool is_bool = given.is(ChKind::kBool);
    if (given.type != nullptr && integer_bits(given.type->kind) == 0 && !is_bool)
        return mismatch(given, wanted);
    return as(given, target, "accurateCast");
}

Result<Made> boolean(const Given& given) {
    if (given.type == nullptr || given.is(ChKind::kBool)) return as(given, "Bool", "accurateCast");
    return mismatch(given, "boolean");
}

Result<Made> floating(const Given& given, int bits) {
    std::string target = bits == 32 ? "Float32" : "Float64";
    if (given.type == nullptr) return as(given, target);
    int integer = std::abs(integer_bits(given.type->kind));
    bool fits = given.is(ChKind::kFloat32) || given.is(ChKind::kBFloat16) ||
                (bits == 64 && given.is(ChKind::kFloat64)) ||
                (integer != 0 && integer <= (bits == 64 ? 32 : 16));
    if (!fits) return mismatch(given, bits == 32 ? "real" : "double precision");
    return as(given, target);
}

std::string as_string(const Given& given) {
    std::string text = "toString(" + given.column + ")";
    return given.type == nullptr ? "toNullable(" + text + ")" : text;
}

// Digits that every value of an integer type has room in.
int integer_digits(int bits) {
    switch (std::abs(bits)) {
        case 8:
            return 3;
        case 16:
            return 5;
        case 32:
            return 10;
        case 64:
            return 20;
        case 128:
            return 39;
        default:
            return 78;
    }
}

Made decimal(const Given& given, int precision, int scale) {
    return as(given, "Decimal(" + std::to_string(precision) + ", " + std::to_string(scale) + ")");
}

Result<Made> numeric(const Given& given, int32_t typmod) {
    int wanted = typmod < kNumericTypmodHeader ? -1 : (typmod - kNumericTypmodHeader) & 0x7ff;
    if (given.type == nullptr || given.is(ChKind::kString))
        return Made{given.type == nullptr ? as_string(given) : as(given, "String").expression,
                    given.whole("String"), Trust::kText};
    int precision = given.type->precision;
    int scale = given.type->scale;
    if (!is_decimal(given.type)) {
        if (integer_bits(given.type->kind) == 0) return mismatch(given, "numeric");
        precision = integer_digits(integer_bits(given.type->kind));
        scale = 0;
    }
    if (wanted >= 0 && scale > wanted)
        return mismatch(given, "numeric with " + std::to_string(wanted) +
                                   " digits behind the point: it has " + std::to_string(scale));
    if (wanted > scale) {
        precision += wanted - scale;
        scale = wanted;
    }
    if (precision > kDigitsMax) return Made{as_string(given), given.whole("String"), Trust::kText};
    Made made = decimal(given, precision, scale);
    bool wide = !is_decimal(given.type) && std::abs(integer_bits(given.type->kind)) > 64;
    if (wide) made.expression = cast("CAST", as_string(given), made.type);
    return made;
}

bool is_structured(const Given& given) {
    if (given.type == nullptr) return false;
    switch (given.type->kind) {
        case ChKind::kArray:
        case ChKind::kTuple:
        case ChKind::kMap:
        case ChKind::kVariant:
        case ChKind::kDynamic:
        case ChKind::kJson:
            return true;
        default:
            return false;
    }
}

// Structures are written by ClickHouse; only Variant and Dynamic have a NULL among their values.
Made text(const Given& given, Trust trust) {
    if (given.is(ChKind::kString)) {
        Made made = as(given, "String");
        made.trust = trust;
        return made;
    }
    return {cast("CAST", as_string(given), given.whole("String")), given.whole("String"),
            is_structured(given) ? Trust::kOpaque : trust};
}

Result<Made> bytes(const Given& given) {
    if (given.type != nullptr && !given.is(ChKind::kString) && !given.is(ChKind::kFixedString))
        return mismatch(given, "bytea");
    if (given.is(ChKind::kString)) return as(given, "String");
    if (given.type == nullptr)
        return Made{"toNullable(unhex(hex(" + given.column + ")))", given.whole("String")};
    // A cast would cut the zeros at the end.
    return Made{"unhex(hex(" + given.column + "))", given.whole("String")};
}

Result<Made> date(const Given& given) {
    if (given.type != nullptr && !given.is(ChKind::kDate) && !given.is(ChKind::kDate32))
        return mismatch(given, "date");
    return as(given, "Date32");
}

// Postgres counts microseconds; what is finer fails where it is read.
Result<Made> moment(const Given& given, std::string_view wanted) {
    if (given.type != nullptr && !is_moment(given)) return mismatch(given, wanted);
    std::string target = "DateTime64(6, 'UTC')";
    if (given.type != nullptr && given.is(ChKind::kDateTime64) && given.type->scale > 6) {
        std::string finer = given.type->scale == 9 ? "1000" : given.type->scale == 8 ? "100" : "10";
        std::string ticks = "reinterpretAsInt64(assumeNotNull(" + given.column + "))";
        std::string checked = "throwIf(" + ticks + " % " + finer +
                              " != 0, 'a time has digits behind the microseconds') = 0";
        return Made{"if(" + checked + ", " + cast("CAST", given.column, given.whole(target)) +
                        ", " + cast("CAST", given.column, given.whole(target)) + ")",
                    given.whole(target)};
    }
    return as(given, target);
}

Result<Made> uuid(const Given& given) {
    if (given.type != nullptr && !given.is(ChKind::kUuid)) return mismatch(given, "uuid");
    return as(given, "UUID");
}

std::string quoted_element(const std::string& value) {
    std::string text = "replaceAll(replaceAll(" + value + ", '\\\\', '\\\\\\\\'), '\"', '\\\\\"')";
    return "concat('\"', " + text + ", '\"')";
}

// The text of an array in Postgres. Elements are in quotes: NULL is a word of its own.
std::string array_text(const std::string& value, const ChType& type, int depth) {
    const ChType& element = *type.children[0];
    const ChType& inner = element.value_type();
    std::string name = "x" + std::to_string(depth);
    std::string one;
    if (inner.kind == ChKind::kArray)
        one = array_text(name, inner, depth + 1);
    else if (inner.kind == ChKind::kDateTime || inner.kind == ChKind::kDateTime64)
        one = "concat('\"', toString(toTimeZone(" + name + ", 'UTC')), '+00\"')";
    else
        one = quoted_element("toString(" + name + ")");
    if (element.nullable()) one = "ifNull(" + one + ", 'NULL')";
    return "concat('{', arrayStringConcat(arrayMap(" + name + " -> " + one + ", " + value +
           "), ','), '}')";
}

Result<Made> array(const Given& given) {
    if (given.type == nullptr)
        return Error(ErrorCode::kUnsupportedType,
                     "the option type has to say what ClickHouse has in its arrays");
    if (given.is(ChKind::kString)) return text(given, Trust::kOpaque);
    if (!given.is(ChKind::kArray)) return mismatch(given, "an array");
    return Made{array_text(given.column, *given.type, 1), "String", Trust::kOpaque};
}

// With the blanks that Postgres has at its end. What is longer stays longer, and is refused there.
Made padded(const Given& given, int32_t typmod) {
    Made made = text(given, Trust::kExact);
    if (typmod <= kCharacterTypmodHeader || made.trust != Trust::kExact)
        return text(given, Trust::kOpaque);
    std::string length = std::to_string(typmod - kCharacterTypmodHeader);
    made.expression = "if(lengthUTF8(" + made.expression + ") < " + length + ", rightPadUTF8(" +
                      made.expression + ", " + length + "), " + made.expression + ")";
    return made;
}

// How many digits it has behind the point is a matter of Postgres' locale.
Result<Made> money(const Given& given) {
    if (given.is(ChKind::kString)) return text(given, Trust::kOpaque);
    return mismatch(given, "money");
}

// Types whose text is their value, and those of which only Postgres knows what a text means.
Result<Made> other(const Given& given, const Column& column) {
    if (column.kind == TypeKind::kArray) return array(given);
    if (column.kind == TypeKind::kEnum) return text(given, Trust::kText);
    if (column.type == oid::kBpchar) return padded(given, column.typmod);
    if (column.type == oid::kText || column.type == oid::kVarchar || column.type == oid::kName)
        return text(given, Trust::kExact);
    return text(given, Trust::kOpaque);
}

Result<Made> make(const Given& given, const Column& column) {
    switch (column.type) {
        case oid::kBool:
            return boolean(given);
        case oid::kInt2:
            return integer(given, "Int16", "smallint");
        case oid::kInt4:
            return integer(given, "Int32", "integer");
        case oid::kInt8:
            return integer(given, "Int64", "bigint");
        case oid::kOid:
            return integer(given, "UInt32", "oid");
        case oid::kFloat4:
            return floating(given, 32);
        case oid::kFloat8:
            return floating(given, 64);
        case oid::kNumeric:
            return numeric(given, column.typmod);
        case oid::kBytea:
            return bytes(given);
        case oid::kDate:
            return date(given);
        case oid::kTimestamp:
            return moment(given, "timestamp");
        case oid::kTimestamptz:
            return moment(given, "timestamp with time zone");
        case oid::kUuid:
            return uuid(given);
        case oid::kMoney:
            return money(given);
        default:
            return other(given, column);
    }
}

constexpr const char* kAlias = "s";

Result<Made> made_of(const Column& column, const std::string& relation = "s.") {
    Given given;
    given.column = relation + sqltext::ch_ident(column.name);
    if (column.remote_type.empty()) return make(given, column);
    types::ChTypePtr type = TRY(types::parse_clickhouse_type(column.remote_type));
    given.name = type->name;
    given.type = &type->value_type();
    given.nullable = type->nullable();
    if (given.is(ChKind::kAggregateFunction))
        return Error(ErrorCode::kUnsupportedType,
                     "the states of " + given.name + " are no values; read them by a query");
    return make(given, column);
}

int64_t hand_out(const std::string& written, char* out, size_t capacity) {
    if (written.size() < capacity) std::memcpy(out, written.c_str(), written.size() + 1);
    return static_cast<int64_t>(written.size());
}

Result<std::string> written(const Source& source) {
    std::string sql = "(SELECT ";
    for (uint32_t i = 0; i < source.columns.size; ++i) {
        Made made = TRY(made_of(source.columns[i]));
        if (i > 0) sql += ", ";
        sql += made.expression + " AS " + sqltext::ch_ident(source.columns[i].name);
    }
    if (source.columns.empty()) sql += "1";
    sql += " FROM ";
    if (!source.query.empty())
        sql += "(" + std::string(source.query) + ")";
    else
        sql += table_name(source.database, source.table);
    sql += std::string(" AS ") + kAlias;
    if (source.final) sql += " FINAL";
    return sql + ")";
}

Result<std::string> import_as(const ChType& type);

Result<std::string> import_decimal(const ChType& type) {
    return "numeric(" + std::to_string(type.precision) + ", " + std::to_string(type.scale) + ")";
}

Result<std::string> import_array(const ChType& type) {
    const ChType* element = &type;
    while (element->kind == ChKind::kArray) element = &element->children[0]->value_type();
    std::string name = TRY(import_as(*element));
    if (element->kind == ChKind::kTuple || element->kind == ChKind::kMap)
        return std::string("text");
    return name + "[]";
}

Result<std::string> import_as(const ChType& type) {
    switch (type.kind) {
        case ChKind::kBool:
            return std::string("boolean");
        case ChKind::kInt8:
        case ChKind::kInt16:
        case ChKind::kUInt8:
            return std::string("smallint");
        case ChKind::kInt32:
        case ChKind::kUInt16:
            return std::string("integer");
        case ChKind::kInt64:
        case ChKind::kUInt32:
            return std::string("bigint");
        case ChKind::kUInt64:
            return std::string("numeric(20, 0)");
        case ChKind::kInt128:
        case ChKind::kUInt128:
            return std::string("numeric(39, 0)");
        case ChKind::kInt256:
        case ChKind::kUInt256:
            return std::string("numeric(78, 0)");
        case ChKind::kFloat32:
        case ChKind::kBFloat16:
            return std::string("real");
        case ChKind::kFloat64:
            return std::string("double precision");
        case ChKind::kDecimal32:
        case ChKind::kDecimal64:
        case ChKind::kDecimal128:
        case ChKind::kDecimal256:
            return import_decimal(type);
        case ChKind::kDate:
        case ChKind::kDate32:
            return std::string("date");
        case ChKind::kDateTime:
        case ChKind::kDateTime64:
            return std::string("timestamp with time zone");
        case ChKind::kUuid:
            return std::string("uuid");
        case ChKind::kIpv4:
        case ChKind::kIpv6:
            return std::string("inet");
        case ChKind::kArray:
            return import_array(type);
        case ChKind::kJson:
            return std::string("jsonb");
        case ChKind::kNothing:
        case ChKind::kAggregateFunction:
            return Error(ErrorCode::kUnsupportedType,
                         "the states of " + type.name + " are no values");
        default:
            return std::string("text");
    }
}

bool is_text_like(const ChType& type) {
    switch (type.kind) {
        case ChKind::kString:
        case ChKind::kFixedString:
        case ChKind::kEnum8:
        case ChKind::kEnum16:
        case ChKind::kUuid:
        case ChKind::kIpv4:
        case ChKind::kIpv6:
        case ChKind::kJson:
            return true;
        default:
            return false;
    }
}

Result<std::string> written_insert(Text database, Text table, List<Target> targets) {
    std::string names;
    std::string values;
    std::string structure;
    for (const Target& target : targets) {
        const char* comma = names.empty() ? "" : ", ";
        names += comma + sqltext::ch_ident(target.name);
        values += comma + TRY(written_value(target, sqltext::ch_ident(target.given_name)));
        structure +=
            comma + sqltext::ch_ident(target.given_name) + " " + std::string(target.given_type);
    }
    return "INSERT INTO " + table_name(database, table) + " (" + names + ") SELECT " + values +
           " FROM input(" + sqltext::ch_string(structure) + ")";
}

}  // namespace

Result<std::string> read_column(const Column& column) {
    Made made = TRY(made_of(column, ""));
    return std::move(made.expression);
}

Result<std::string> written_value(const Target& target, const std::string& value) {
    types::ChTypePtr to = TRY(types::parse_clickhouse_type(target.remote_type));
    types::ChTypePtr from = TRY(types::parse_clickhouse_type(target.given_type));
    if (to->name == from->name) return value;
    const ChType& inner = to->value_type();
    std::string text = value;
    if (inner.kind == ChKind::kIpv4 || inner.kind == ChKind::kIpv6)
        text = "replaceRegexpOne(" + value + ", '/(32|128)$', '')";
    if (from->value_type().kind == ChKind::kString) {
        if (is_text_like(inner)) return cast("CAST", text, to->name);
        return Error(ErrorCode::kUnsupportedType, "a text cannot be written to column " +
                                                      std::string(target.name) + " of type " +
                                                      to->name);
    }
    std::string cast_value = cast("CAST", value, to->name);
    std::string again = cast("CAST", cast_value, from->name);
    std::string message =
        "a value does not fit into column " + std::string(target.name) + " of type " + to->name;
    // A negative number comes back from an unsigned one as it was.
    std::string negative = integer_bits(inner.kind) > 0 ? " OR " + value + " < 0" : "";
    std::string changed =
        "ifNull(" + again + " != " + value + negative + ", " + (to->nullable() ? "0)" : "1)");
    return "if(throwIf(" + changed + ", " + sqltext::ch_string(message) + ") = 0, " + cast_value +
           ", defaultValueOfTypeName(" + sqltext::ch_string(to->name) + "))";
}

bool form_of(const Column& column, Form* form, Failure* failure) noexcept {
    return barrier(failure, false, [&] {
        Result<Made> made = made_of(column);
        if (made.ok() && made->type.size() >= sizeof form->target_type)
            made = Error(ErrorCode::kUnsupportedType, "the type's name is too long");
        if (!made.ok()) return fill_failure(failure, made.error()), false;
        copy_text(form->target_type, sizeof form->target_type, made->type);
        form->trust = made->trust;
        return true;
    });
}

int64_t write_source(const Source& source, char* out, size_t capacity) noexcept {
    Failure failure = {};
    return barrier(&failure, int64_t{-1}, [&] {
        Result<std::string> sql = written(source);
        return sql.ok() ? hand_out(*sql, out, capacity) : int64_t{-1};
    });
}

bool postgres_type(Text remote_type, char* out, size_t capacity, Failure* failure) noexcept {
    return barrier(failure, false, [&] {
        Result<types::ChTypePtr> type = types::parse_clickhouse_type(remote_type);
        if (!type.ok()) return fill_failure(failure, type.error()), false;
        Result<std::string> name = import_as((*type)->value_type());
        if (!name.ok()) return fill_failure(failure, name.error()), false;
        return hand_out(*name, out, capacity) < static_cast<int64_t>(capacity);
    });
}

int64_t write_name(Text database, Text table, char* out, size_t capacity) noexcept {
    Failure failure = {};
    return barrier(&failure, int64_t{-1},
                   [&] { return hand_out(table_name(database, table), out, capacity); });
}

int64_t write_insert(Text database, Text table, List<Target> targets, char* out, size_t capacity,
                     Failure* failure) noexcept {
    return barrier(failure, int64_t{-1}, [&] {
        Result<std::string> sql = written_insert(database, table, targets);
        if (!sql.ok()) return fill_failure(failure, sql.error()), int64_t{-1};
        return hand_out(*sql, out, capacity);
    });
}

int32_t numeric_typmod(Text remote_type) noexcept {
    Failure failure = {};
    return barrier(&failure, int32_t{-1}, [&]() -> int32_t {
        Result<types::ChTypePtr> type = types::parse_clickhouse_type(remote_type);
        if (!type.ok()) return -1;
        const ChType& inner = (*type)->value_type();
        int precision = inner.precision;
        int scale = inner.scale;
        if (!is_decimal(&inner)) {
            int bits = integer_bits(inner.kind);
            if (bits == 0) return -1;
            precision = std::min(integer_digits(bits), kDigitsMax);
            scale = 0;
        }
        return ((precision << 16) | scale) + kNumericTypmodHeader;
    });
}

}  // namespace tandem::route::source
