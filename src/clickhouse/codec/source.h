// Source: what every reader of the Native format reads from. Internal to the codec.
//
// A ByteCursor whose short reads are kWouldBlock, together with the budget that bounds what grows
// beyond the bytes received. Not thread safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace tandem::clickhouse {

class Source {
  public:
    Source(ByteCursor& cursor, size_t budget) : cursor_(cursor), budget_(budget) {}

    Result<std::string_view> bytes(size_t size) {
        if (size > cursor_.remaining()) [[unlikely]]
            return missing(size - cursor_.remaining());
        return cursor_.bytes(size);
    }

    // `count` values of `width` bytes, without overflow.
    Result<std::string_view> array(uint64_t count, size_t width) {
        if (width == 0) return std::string_view();
        if (count > kCountMax) [[unlikely]]
            return Error(ErrorCode::kLimitExceeded,
                         "block claims " + std::to_string(count) + " values");
        return bytes(static_cast<size_t>(count) * width);
    }

    template <typename T>
    Result<T> fixed() {
        std::string_view raw = TRY(bytes(sizeof(T)));
        return load_little<T>(raw.data());
    }

    Result<uint64_t> varint() {
        uint64_t value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            auto byte = static_cast<uint8_t>(TRY(bytes(1))[0]);
            value |= static_cast<uint64_t>(byte & 0x7f) << shift;
            if (byte < 0x80) return value;
        }
        return Error(ErrorCode::kMalformedData, "number of more than 64 bits");
    }

    Result<std::string_view> string() {
        uint64_t size = TRY(varint());
        if (size > kStringMax)
            return Error(ErrorCode::kLimitExceeded, "string of " + std::to_string(size) + " bytes");
        return bytes(static_cast<size_t>(size));
    }

    // Accounts for memory before it is taken.
    Status charge(uint64_t size) {
        if (size > budget_) [[unlikely]]
            return Error(ErrorCode::kLimitExceeded,
                         "block is larger than the limit for one block; raise block_bytes_max");
        budget_ -= static_cast<size_t>(size);
        return {};
    }
    Status charge(uint64_t count, uint64_t width) {
        if (width != 0 && count > kCountMax / width) return charge(UINT64_MAX);
        return charge(count * width);
    }

    // Everything that has arrived and is not read yet; skip() takes from its front.
    std::string_view rest() const {
        ByteCursor copy = cursor_;
        return MUST(copy.bytes(copy.remaining()));  // as many as there are
    }
    void skip(size_t size) { MUST(cursor_.bytes(size)); }  // the caller measured rest()

    // At least so many bytes more are needed.
    Error missing(size_t size) {
        wanted_ = size;
        return Error(ErrorCode::kWouldBlock, "block is not complete");
    }
    size_t wanted() const { return wanted_; }

    // Types that arrive inside data (Dynamic, JSON) may hold such types again; this bounds it.
    Status enter_dynamic() {
        if (dynamic_depth_ == kDynamicDepthMax)
            return Error(ErrorCode::kLimitExceeded, "dynamic types are nested too deep");
        ++dynamic_depth_;
        return {};
    }
    void leave_dynamic() { --dynamic_depth_; }

    // Within a JSON column the values of a Dynamic become JSON rather than plain text.
    bool within_json() const { return json_depth_ != 0; }
    void enter_json() { ++json_depth_; }
    void leave_json() { --json_depth_; }

    static constexpr uint64_t kCountMax = uint64_t{1} << 36;
    static constexpr uint64_t kStringMax = uint64_t{1} << 31;

  private:
    static constexpr int kDynamicDepthMax = 4;

    ByteCursor& cursor_;
    size_t budget_;
    size_t wanted_ = 1;
    int dynamic_depth_ = 0;
    int json_depth_ = 0;
};

}  // namespace tandem::clickhouse
