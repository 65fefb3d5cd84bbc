#include "route/sql/value.h"

#include "base/assert.h"

namespace tandem::route {

Class class_of_type(uint32_t type) {
    switch (type) {
        case oid::kBool:
            return Class::kBool;
        case oid::kInt2:
            return Class::kInt2;
        case oid::kInt4:
            return Class::kInt4;
        case oid::kInt8:
            return Class::kInt8;
        case oid::kNumeric:
            return Class::kNumeric;
        case oid::kFloat4:
            return Class::kFloat4;
        case oid::kFloat8:
            return Class::kFloat8;
        case oid::kText:
        case oid::kVarchar:
        case oid::kUnknown:
            return Class::kText;
        case oid::kBpchar:
            return Class::kBpchar;
        case oid::kDate:
            return Class::kDate;
        case oid::kTimestamp:
            return Class::kTimestamp;
        case oid::kTimestamptz:
            return Class::kTimestamptz;
        case oid::kUuid:
            return Class::kUuid;
        case oid::kJsonb:
            return Class::kJsonb;
        case oid::kOid:
            return Class::kOid;
        case oid::kInet:
            return Class::kInet;
        case oid::kBytea:
            return Class::kBytea;
        case oid::kInterval:
            return Class::kInterval;
        case oid::kTime:
            return Class::kTime;
        case oid::kMoney:
            return Class::kMoney;
        default:
            return Class::kOther;
    }
}

std::string_view class_name(Class cls) {
    constexpr std::string_view kNames[] = {
        "none",   "boolean",   "smallint",    "integer",  "bigint",    "numeric",     "real",
        "double", "text",      "char",        "date",     "timestamp", "timestamptz", "uuid",
        "jsonb",  "oid",       "interval",    "enum",     "inet",      "bytea",       "time",
        "money",  "this type", "any integer", "anything", "the same"};
    return kNames[static_cast<size_t>(cls)];
}

bool is_int(Class cls) {
    return cls == Class::kInt2 || cls == Class::kInt4 || cls == Class::kInt8;
}

bool is_float(Class cls) {
    return cls == Class::kFloat4 || cls == Class::kFloat8;
}

namespace {

std::string plain_type(Class cls, int precision, int scale) {
    switch (cls) {
        case Class::kBool:
            return "Bool";
        case Class::kInt2:
            return "Int16";
        case Class::kInt4:
            return "Int32";
        case Class::kInt8:
            return "Int64";
        case Class::kNumeric:
            return "Decimal(" + std::to_string(precision) + ", " + std::to_string(scale) + ")";
        case Class::kFloat4:
            return "Float32";
        case Class::kFloat8:
            return "Float64";
        case Class::kDate:
            return "Date32";
        // Both name the zone, so that the type does not depend on what the value was made from.
        case Class::kTimestamp:
        case Class::kTimestamptz:
            return "DateTime64(6, 'UTC')";
        case Class::kUuid:
            return "UUID";
        case Class::kOid:
            return "UInt32";
        case Class::kInterval:
        case Class::kTime:
        case Class::kMoney:
            return "Int64";
        default:
            return "String";
    }
}

}  // namespace

std::string clickhouse_type(Class cls, bool nullable, int precision, int scale) {
    std::string plain = plain_type(cls, precision, scale);
    return nullable ? "Nullable(" + plain + ")" : plain;
}

std::string clickhouse_type(const Value& value) {
    if (value.cls == Class::kOther) return std::string(value.other_type);
    return clickhouse_type(value.cls, value.nullable, value.precision, value.scale);
}

int32_t numeric_typmod(int precision, int scale) {
    return ((precision << 16) | scale) + 4;
}

}  // namespace tandem::route
