// Small pieces of the Native format that reading and writing share.
#pragma once

#include <cstdint>
#include <string_view>

#include "types/clickhouse/column.h"

namespace tandem::clickhouse {

inline constexpr uint64_t kRevisionCustomSerialization = 54454;

inline constexpr uint64_t kLowCardinalityVersion = 1;
inline constexpr uint64_t kHasAdditionalKeys = 1 << 9;
inline constexpr uint64_t kNeedUpdateDictionary = 1 << 10;
inline constexpr uint64_t kNeedGlobalDictionary = 1 << 8;

inline constexpr uint64_t kVariantBasic = 0;
inline constexpr uint64_t kVariantCompact = 1;
inline constexpr uint8_t kGranulePlain = 0;
inline constexpr uint8_t kGranuleCompact = 1;

inline constexpr uint64_t kDynamicV1 = 1;
inline constexpr uint64_t kDynamicV2 = 2;
inline constexpr uint64_t kDynamicFlattened = 3;

inline constexpr uint64_t kJsonV1 = 0;
inline constexpr uint64_t kJsonString = 1;
inline constexpr uint64_t kJsonV2 = 2;
inline constexpr uint64_t kJsonFlattened = 3;

inline void put_varint(types::Bytes& out, uint64_t value) {
    while (value >= 0x80) {
        out.push_back(static_cast<char>(value | 0x80));
        value >>= 7;
    }
    out.push_back(static_cast<char>(value));
}

template <typename T>
void put_fixed(types::Bytes& out, T value) {
    out.append(&value, sizeof value);
}

inline void put_string(types::Bytes& out, std::string_view value) {
    put_varint(out, value.size());
    out.append(value.data(), value.size());
}

}  // namespace tandem::clickhouse
