// Writes the bytes that the decoders read, for tests, fuzz seeds and benchmarks only.
//
// Written from the protocol's description and on purpose without a line of the decoders: they are
// checked against each other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::postgres::testing {

class Wire {
  public:
    Wire& u8(unsigned value) {
        bytes_.push_back(static_cast<char>(value));
        return *this;
    }
    Wire& u16(unsigned value) { return u8(value >> 8).u8(value & 0xFF); }
    Wire& u32(uint32_t value) { return u16(value >> 16).u16(value & 0xFFFF); }
    Wire& u64(uint64_t value) {
        return u32(static_cast<uint32_t>(value >> 32)).u32(static_cast<uint32_t>(value));
    }
    Wire& i64(int64_t value) { return u64(static_cast<uint64_t>(value)); }
    Wire& raw(std::string_view text) {
        bytes_ += text;
        return *this;
    }
    Wire& c_string(std::string_view text) { return raw(text).u8(0); }
    Wire& counted(std::string_view text) {
        return u32(static_cast<uint32_t>(text.size())).raw(text);
    }

    // A column of a tuple: kind n, u, t or b.
    Wire& value(char kind, std::string_view text = {}) {
        u8(static_cast<unsigned char>(kind));
        return kind == 't' || kind == 'b' ? counted(text) : *this;
    }
    struct Value {
        char kind;
        std::string text;
    };
    Wire& tuple(char kind, const std::vector<Value>& values) {
        u8(static_cast<unsigned char>(kind)).u16(static_cast<unsigned>(values.size()));
        for (const Value& column : values) value(column.kind, column.text);
        return *this;
    }

    static Wire message(char type) { return Wire().u8(static_cast<unsigned char>(type)); }

    const std::string& str() const { return bytes_; }

  private:
    std::string bytes_;
};

inline std::string copy_header(uint32_t flags = 0, std::string_view extension = {}) {
    return Wire()
        .raw(std::string_view("PGCOPY\n\xff\r\n\0", 11))
        .u32(flags)
        .counted(extension)
        .str();
}
inline std::string copy_trailer() {
    return Wire().u16(0xFFFF).str();
}

}  // namespace tandem::postgres::testing
