// Reading and writing the primitives of the native protocol: varints, strings, little-endian
// numbers.
//
// WireReader works on a prefix of a stream: a value that is not there in full yields kWouldBlock,
// which costs no allocation, so that the machine can try again when more bytes have come.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "types/clickhouse/column.h"

namespace tandem::clickhouse {

inline void write_varint(types::Bytes& out, uint64_t value) {
    char buffer[10];
    size_t size = 0;
    while (value >= 0x80) {
        buffer[size++] = static_cast<char>(value | 0x80);
        value >>= 7;
    }
    buffer[size++] = static_cast<char>(value);
    out.append(buffer, size);
}

inline void write_string(types::Bytes& out, std::string_view value) {
    write_varint(out, value.size());
    out.append(value.data(), value.size());
}

template <typename T>
void write_little(types::Bytes& out, T value) {
    out.append(&value, sizeof value);
}

// Empties a buffer. What was large once must not keep its peak of memory for the life of the
// connection, of which there may be many.
inline void release_if_large(types::Bytes& buffer) {
    constexpr size_t kKeep = size_t{2} << 20;
    if (buffer.capacity() > kKeep) buffer = types::Bytes();
    buffer.clear();
}

class WireReader {
  public:
    explicit WireReader(std::string_view bytes) : bytes_(bytes) {}

    size_t offset() const { return at_; }
    std::string_view rest() const { return bytes_.substr(at_); }
    void skip(size_t size) { at_ += size; }

    Result<uint64_t> varint() {
        uint64_t value = 0;
        for (unsigned shift = 0; shift < 70; shift += 7) {
            if (at_ == bytes_.size()) return need_more();
            const auto byte = static_cast<uint8_t>(bytes_[at_++]);
            if (shift == 63 && byte > 1) break;
            value |= static_cast<uint64_t>(byte & 0x7f) << shift;
            if (byte < 0x80) return value;
        }
        return Error(ErrorCode::kProtocolViolation, "a variable-length number is too long");
    }

    Result<std::string> string(size_t size_max) {
        const uint64_t size = TRY(varint());
        if (size > size_max)
            return Error(ErrorCode::kProtocolViolation,
                         "a string of " + std::to_string(size) + " bytes where at most " +
                             std::to_string(size_max) + " are expected");
        if (size > bytes_.size() - at_) return need_more();
        std::string value(bytes_.substr(at_, size));
        at_ += size;
        return value;
    }

    template <typename T>
    Result<T> little() {
        if (bytes_.size() - at_ < sizeof(T)) return need_more();
        T value = load_little<T>(bytes_.data() + at_);
        at_ += sizeof(T);
        return value;
    }

    Result<bool> boolean() {
        return TRY(little<uint8_t>())
        != 0;
    }

  private:
    static Error need_more() { return Error(ErrorCode::kWouldBlock, ""); }

    std::string_view bytes_;
    size_t at_ = 0;
};

}  // namespace tandem::clickhouse
