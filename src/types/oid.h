// Object ids of built-in types that code asks for by name. They never change: pg_type.dat. What is
// known of a type stands in type_table.def.
#pragma once

#include <cstdint>

namespace tandem::types::oid {

inline constexpr uint32_t kBool = 16, kBytea = 17, kName = 19, kInt8 = 20, kInt2 = 21, kInt4 = 23,
                          kText = 25, kOid = 26, kBox = 603, kFloat4 = 700, kFloat8 = 701,
                          kUnknown = 705, kMoney = 790, kInet = 869, kFloat8Array = 1022,
                          kBpchar = 1042, kVarchar = 1043, kDate = 1082, kTime = 1083,
                          kTimestamp = 1114, kTimestamptz = 1184, kInterval = 1186, kNumeric = 1700,
                          kUuid = 2950, kJsonb = 3802;

}  // namespace tandem::types::oid
