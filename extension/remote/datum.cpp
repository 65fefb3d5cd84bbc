// Values of a block become Datums here. How a column is read is decided once per scan, by the
// ClickHouse type and the Postgres type that is wanted; numbers of more digits than an int64 holds
// are the only ones that go by way of text.
#include "extension/shell/pg.h"

extern "C" {
#include "catalog/pg_type.h"
#include "datatype/timestamp.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"
}

#include <bit>

#include "extension/remote/datum.h"

namespace tandem::shell {

namespace {

using Int128 = __int128;
using UInt128 = unsigned __int128;

constexpr int kEpochDays = POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE;

bool starts_with(const char* text, const char* prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

// "Nullable(Decimal(10, 2))" → "Decimal(10, 2))": the rest is only looked at from the front.
const char* below_wrappers(const char* type) {
    for (;;) {
        if (starts_with(type, "Nullable("))
            type += strlen("Nullable(");
        else if (starts_with(type, "LowCardinality("))
            type += strlen("LowCardinality(");
        else
            return type;
    }
}

int decimal_scale(const char* type) {
    const char* comma = strchr(type, ',');
    return comma == nullptr ? 0 : atoi(comma + 1);
}

bool classify(ColumnReader* reader, const char* type) {
    if (starts_with(type, "Int")) return reader->kind = ReadKind::kSigned, true;
    if (starts_with(type, "UInt") || starts_with(type, "Bool"))
        return reader->kind = ReadKind::kUnsigned, true;
    if (starts_with(type, "Decimal"))
        return reader->kind = ReadKind::kDecimal, reader->scale = decimal_scale(type), true;
    if (starts_with(type, "Float")) return reader->kind = ReadKind::kFloat, true;
    if (starts_with(type, "String")) return reader->kind = ReadKind::kString, true;
    if (starts_with(type, "UUID")) return reader->kind = ReadKind::kUuid, true;
    reader->kind = ReadKind::kTime;
    if (starts_with(type, "DateTime64(")) return reader->scale = atoi(type + 11), true;
    if (starts_with(type, "DateTime")) return reader->scale = 0, true;
    if (starts_with(type, "Date32")) return true;
    return strcmp(type, "Date") == 0 || starts_with(type, "Date)");
}

bool is_date(const char* type) {
    return starts_with(type, "Date") && !starts_with(type, "DateTime");
}

bool is_integer(ReadKind kind) {
    return kind == ReadKind::kSigned || kind == ReadKind::kUnsigned;
}

bool readable(const ColumnReader& reader, const char* type) {
    switch (reader.type) {
        case BOOLOID:
        case INT2OID:
        case INT4OID:
        case INT8OID:
        case OIDOID:
            return is_integer(reader.kind);
        case MONEYOID:
        case TIMEOID:
            return is_integer(reader.kind) || reader.kind == ReadKind::kString;
        case FLOAT4OID:
        case FLOAT8OID:
            return reader.kind == ReadKind::kFloat;
        case NUMERICOID:
            return is_integer(reader.kind) || reader.kind == ReadKind::kDecimal ||
                   reader.kind == ReadKind::kString;
        case DATEOID:
            return reader.kind == ReadKind::kTime && is_date(type);
        case TIMESTAMPOID:
        case TIMESTAMPTZOID:
            return reader.kind == ReadKind::kTime && !is_date(type);
        case UUIDOID:
            return reader.kind == ReadKind::kUuid;
        default:
            return reader.kind == ReadKind::kString;
    }
}

bool is_plain_text(const ColumnReader& reader) {
    return reader.type == TEXTOID || reader.type == VARCHAROID || reader.type == BYTEAOID;
}

template <typename T>
T load(const char* from) {
    T value;
    memcpy(&value, from, sizeof value);
    return value;
}

Int128 read_signed(const char* at, uint32 width) {
    switch (width) {
        case 1:
            return load<int8>(at);
        case 2:
            return load<int16>(at);
        case 4:
            return load<int32>(at);
        case 8:
            return load<int64>(at);
        default:
            return load<Int128>(at);
    }
}

UInt128 read_unsigned(const char* at, uint32 width) {
    switch (width) {
        case 1:
            return load<uint8>(at);
        case 2:
            return load<uint16>(at);
        case 4:
            return load<uint32>(at);
        case 8:
            return load<uint64>(at);
        default:
            return load<UInt128>(at);
    }
}

[[noreturn]] void out_of_range(Oid type) {
    ereport(ERROR,
            (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
             errmsg("value from ClickHouse is out of range for type %s", format_type_be(type))));
    pg_unreachable();
}

int64 read_int64(const ColumnReader& reader, const char* at, uint32 width, int64 min, int64 max) {
    if (reader.kind == ReadKind::kSigned) {
        Int128 value = read_signed(at, width);
        if (value < min || value > max) out_of_range(reader.type);
        return static_cast<int64>(value);
    }
    UInt128 value = read_unsigned(at, width);
    if (value > static_cast<UInt128>(max)) out_of_range(reader.type);
    return static_cast<int64>(value);
}

// Little-endian magnitude of up to 256 bits to decimal digits, by repeated division.
char* digits_of(uint32* words, int count, char* end) {
    *--end = '\0';
    bool rest = true;
    while (rest) {
        uint64 remainder = 0;
        rest = false;
        for (int i = count - 1; i >= 0; --i) {
            uint64 value = (remainder << 32) | words[i];
            words[i] = static_cast<uint32>(value / 10);
            remainder = value % 10;
            rest = rest || words[i] != 0;
        }
        *--end = static_cast<char>('0' + remainder);
    }
    return end;
}

// Wide integers and decimals go through their text, which keeps every digit and the scale.
Datum wide_numeric(const ColumnReader& reader, const char* at, uint32 width) {
    uint32 words[8];
    int count = static_cast<int>(width / 4);
    memcpy(words, at, width);
    bool negative = reader.kind != ReadKind::kUnsigned && (words[count - 1] >> 31) != 0;
    if (negative) {
        uint64 carry = 1;
        for (int i = 0; i < count; ++i) {
            carry += static_cast<uint32>(~words[i]);
            words[i] = static_cast<uint32>(carry);
            carry >>= 32;
        }
    }
    char buffer[96] = {};
    const char* digits = digits_of(words, count, buffer + sizeof buffer);
    StringInfoData text;
    initStringInfo(&text);
    if (negative) appendStringInfoChar(&text, '-');
    int length = static_cast<int>(strlen(digits));
    int scale = reader.scale;
    for (int missing = scale + 1 - length; missing > 0; --missing) {
        appendStringInfoChar(&text, '0');
        if (missing == scale + 1 - length && scale > 0) appendStringInfoChar(&text, '.');
    }
    for (int i = 0; i < length; ++i) {
        if (scale > 0 && length - i == scale && length > scale) appendStringInfoChar(&text, '.');
        appendStringInfoChar(&text, digits[i]);
    }
    return DirectFunctionCall3(numeric_in, CStringGetDatum(text.data), ObjectIdGetDatum(InvalidOid),
                               Int32GetDatum(-1));
}

Datum read_numeric(const ColumnReader& reader, const char* at, uint32 width) {
    bool fits = width < 8 || (width == 8 && reader.kind != ReadKind::kUnsigned);
    if (!fits) return wide_numeric(reader, at, width);
    int64 value = reader.kind == ReadKind::kUnsigned ? static_cast<int64>(read_unsigned(at, width))
                                                     : static_cast<int64>(read_signed(at, width));
    return NumericGetDatum(int64_div_fast_to_numeric(value, reader.scale));
}

int64 power_of_ten(int exponent) {
    int64 result = 1;
    while (exponent-- > 0) result *= 10;
    return result;
}

Datum read_timestamp(const ColumnReader& reader, const char* at, uint32 width) {
    int64 ticks = width == 4 ? static_cast<int64>(load<uint32>(at)) : load<int64>(at);
    int64 micros = reader.scale <= 6 ? ticks * power_of_ten(6 - reader.scale)
                                     : ticks / power_of_ten(reader.scale - 6);
    return TimestampTzGetDatum(micros - static_cast<int64>(kEpochDays) * USECS_PER_DAY);
}

Datum read_date(const char* at, uint32 width) {
    int32 days = width == 2 ? static_cast<int32>(load<uint16>(at)) : load<int32>(at);
    return DateADTGetDatum(days - kEpochDays);
}

// ClickHouse keeps a UUID as two little-endian halves, the upper first.
Datum read_uuid(const char* at) {
    pg_uuid_t* uuid = static_cast<pg_uuid_t*>(palloc(sizeof(pg_uuid_t)));
    for (int half = 0; half < 2; ++half)
        for (int i = 0; i < 8; ++i)
            uuid->data[half * 8 + i] = static_cast<unsigned char>(at[half * 8 + 7 - i]);
    return UUIDPGetDatum(uuid);
}

Datum read_float(const ColumnReader& reader, const char* at, uint32 width) {
    if (reader.type == FLOAT4OID)
        return Float4GetDatum(width == 4 ? load<float>(at) : static_cast<float>(load<double>(at)));
    return Float8GetDatum(width == 4 ? static_cast<double>(load<float>(at)) : load<double>(at));
}

Datum read_string(ColumnReader* reader, const clickhouse::ColumnView& column, uint64 row) {
    uint64 begin = row == 0 ? 0 : column.offsets[row - 1];
    uint64 size = column.offsets[row] - begin;
    const char* text = column.data + begin;
    if (size > MaxAllocSize / 2)
        ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                        errmsg("value from ClickHouse is too long: %llu bytes",
                               static_cast<unsigned long long>(size))));
    if (reader->type != BYTEAOID) pg_verifymbstr(text, static_cast<int>(size), false);
    if (!reader->by_text)
        return PointerGetDatum(cstring_to_text_with_len(text, static_cast<int>(size)));
    return InputFunctionCall(&reader->input, pnstrdup(text, size), reader->input_parameter,
                             reader->typmod);
}

}  // namespace

bool prepare_reader(ColumnReader* reader, const char* clickhouse_type, Oid type, int32 typmod) {
    *reader = {};
    reader->type = getBaseType(type);
    reader->typmod = typmod;
    const char* inner = below_wrappers(clickhouse_type);
    if (!classify(reader, inner) || !readable(*reader, inner)) return false;
    reader->by_text = reader->kind == ReadKind::kString && !is_plain_text(*reader);
    if (reader->by_text) {
        Oid function;
        getTypeInputInfo(reader->type, &function, &reader->input_parameter);
        fmgr_info(function, &reader->input);
    }
    return true;
}

Datum read_datum(ColumnReader* reader, const clickhouse::ColumnView& column, uint64 row) {
    if (reader->kind == ReadKind::kString) return read_string(reader, column, row);
    uint32 width = column.width;
    const char* at = column.data + row * width;
    switch (reader->type) {
        case BOOLOID:
            return BoolGetDatum(read_unsigned(at, width) != 0);
        case INT2OID:
            return Int16GetDatum(
                static_cast<int16>(read_int64(*reader, at, width, PG_INT16_MIN, PG_INT16_MAX)));
        case INT4OID:
            return Int32GetDatum(
                static_cast<int32>(read_int64(*reader, at, width, PG_INT32_MIN, PG_INT32_MAX)));
        case TIMEOID:
            return TimeADTGetDatum(read_int64(*reader, at, width, 0, USECS_PER_DAY));
        case MONEYOID:
        case INT8OID:
            return Int64GetDatum(read_int64(*reader, at, width, PG_INT64_MIN, PG_INT64_MAX));
        case OIDOID:
            return ObjectIdGetDatum(
                static_cast<Oid>(read_int64(*reader, at, width, 0, PG_UINT32_MAX)));
        case FLOAT4OID:
        case FLOAT8OID:
            return read_float(*reader, at, width);
        case NUMERICOID:
            return read_numeric(*reader, at, width);
        case DATEOID:
            return read_date(at, width);
        case UUIDOID:
            return read_uuid(at);
        default:
            return read_timestamp(*reader, at, width);
    }
}

}  // namespace tandem::shell
