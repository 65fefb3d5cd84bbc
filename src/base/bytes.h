// ByteCursor: reads untrusted bytes; every read is bounds checked and yields an Error when short.
//
// Does not own the bytes. Both byte orders, because Postgres speaks big-endian and ClickHouse
// little-endian. Used by every decoder; not thread safe.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tandem {

template <typename T>
T load_little(const void* from) {
    T value;
    std::memcpy(&value, from, sizeof value);  // x86-64 is little-endian
    return value;
}

template <std::integral T>
T load_big(const void* from) {
    T value = load_little<T>(from);
    if constexpr (sizeof(T) == 2)
        return static_cast<T>(__builtin_bswap16(static_cast<uint16_t>(value)));
    if constexpr (sizeof(T) == 4)
        return static_cast<T>(__builtin_bswap32(static_cast<uint32_t>(value)));
    if constexpr (sizeof(T) == 8)
        return static_cast<T>(__builtin_bswap64(static_cast<uint64_t>(value)));
    return value;
}

class ByteCursor {
  public:
    explicit ByteCursor(std::span<const std::byte> bytes)
        : at_(reinterpret_cast<const char*>(bytes.data())), end_(at_ + bytes.size()), begin_(at_) {}
    explicit ByteCursor(std::string_view bytes)
        : at_(bytes.data()), end_(at_ + bytes.size()), begin_(at_) {}

    size_t remaining() const { return static_cast<size_t>(end_ - at_); }
    size_t offset() const { return static_cast<size_t>(at_ - begin_); }
    bool empty() const { return at_ == end_; }

    template <std::integral T>
    Result<T> big() {
        if (remaining() < sizeof(T)) [[unlikely]]
            return short_read(sizeof(T));
        T value = load_big<T>(at_);
        at_ += sizeof(T);
        return value;
    }

    template <typename T>
    Result<T> little() {
        if (remaining() < sizeof(T)) [[unlikely]]
            return short_read(sizeof(T));
        T value = load_little<T>(at_);
        at_ += sizeof(T);
        return value;
    }

    // The next `size` bytes, as a view into the underlying buffer.
    Result<std::string_view> bytes(size_t size) {
        if (remaining() < size) [[unlikely]]
            return short_read(size);
        std::string_view view(at_, size);
        at_ += size;
        return view;
    }

    // Text up to a terminating NUL, which is consumed and not returned.
    Result<std::string_view> c_string() {
        const void* nul = std::memchr(at_, 0, remaining());
        if (nul == nullptr) [[unlikely]]
            return Error(ErrorCode::kMalformedData,
                         "string without terminator at offset " + std::to_string(offset()));
        std::string_view view(at_, static_cast<size_t>(static_cast<const char*>(nul) - at_));
        at_ += view.size() + 1;
        return view;
    }

  private:
    Error short_read(size_t wanted) const {
        return Error(ErrorCode::kMalformedData,
                     "message ends early: wanted " + std::to_string(wanted) + " bytes at offset " +
                         std::to_string(offset()) + ", have " + std::to_string(remaining()));
    }

    const char* at_;
    const char* end_;
    const char* begin_;
};

}  // namespace tandem
