// Column: one column of one block, in flat typed buffers. No row objects, no virtual calls.
//
// The Postgres decoders append values to it, the ClickHouse codec turns it into Native bytes and
// back, the extension reads it as plain views. Which members are used depends on the type:
//
//   fixed width    data: rows * width bytes, little-endian, as on the wire
//   String         data: all characters; offsets[i]: end of row i in data
//   FixedString    data: rows * length
//   Nullable(T)    as T, plus nulls: one byte per row, 1 = NULL (the value under it is T's zero)
//   Array(T)       offsets[i]: end of row i in children[0]
//   Map(K, V)      offsets as Array; children[0] keys, children[1] values
//   Tuple(T...)    children, one per element, each with `rows` rows
//   LowCardinality as its inner type; the codec builds and resolves the dictionary
//   Variant(T...)  data: one discriminator byte per row (kVariantNull, else the index in
//                  type->children); children: the values of each alternative, densely;
//                  offsets[i]: which value of children[data[i]] row i is (0 for NULL)
//   Dynamic        as Nullable(String), holding the value's text form
//   JSON           as String, holding the document's text
//   SimpleAggregateFunction(f, T)  as T
//
// INVARIANT: every member in use agrees with `rows`. A Column is owned by one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "types/clickhouse/type.h"

namespace tandem::types {

using Int128 = __int128;
using UInt128 = unsigned __int128;

// Growable bytes whose new space is not zeroed: columns are overwritten at once.
class Bytes {
  public:
    Bytes() = default;
    Bytes(Bytes&& other) noexcept { swap(other); }
    Bytes& operator=(Bytes&& other) noexcept {
        swap(other);
        return *this;
    }
    Bytes(const Bytes& other) { append(other.data_, other.size_); }
    Bytes& operator=(const Bytes& other) {
        if (this == &other) return *this;
        clear();
        append(other.data_, other.size_);
        return *this;
    }
    ~Bytes() { ::operator delete(data_); }

    char* data() { return data_; }
    const char* data() const { return data_; }
    size_t size() const { return size_; }
    size_t capacity() const { return capacity_; }
    bool empty() const { return size_ == 0; }
    std::string_view view() const { return {data_, size_}; }
    char& operator[](size_t i) { return data_[i]; }
    char operator[](size_t i) const { return data_[i]; }

    void clear() { size_ = 0; }
    void reserve(size_t capacity) {
        if (capacity > capacity_) grow(capacity);
    }
    // Room for `size` more bytes; returns where they start.
    char* extend(size_t size) {
        if (size_ + size > capacity_) [[unlikely]]
            grow(size_ + size);
        char* at = data_ + size_;
        size_ += size;
        return at;
    }
    void append(const void* from, size_t size) {
        char* to = extend(size);
        if (size != 0) std::memcpy(to, from, size);
    }
    void push_back(char byte) { *extend(1) = byte; }
    void resize(size_t size) {
        if (size > size_) {
            const size_t added = size - size_;  // before extend() changes size_
            std::memset(extend(added), 0, added);
        }
        size_ = size;
    }
    void truncate(size_t size) { size_ = size; }
    void swap(Bytes& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
    }

  private:
    void grow(size_t at_least);  // column.cpp; doubles

    char* data_ = nullptr;
    size_t size_ = 0;
    size_t capacity_ = 0;
};

inline constexpr uint8_t kVariantNull = 255;

struct Column {
    Column() = default;
    // Empty column of the type, with its children made.
    explicit Column(ChTypePtr column_type);

    ChTypePtr type;
    size_t rows = 0;
    Bytes data;
    std::vector<uint64_t> offsets;
    Bytes nulls;
    std::vector<Column> children;

    // --- appending; the caller sees to it that the type fits --------------------------------
    template <typename T>
    void append_fixed(T value) {
        std::memcpy(data.extend(sizeof(T)), &value, sizeof(T));
        finish_row();
    }
    void append_string(std::string_view value) {
        data.append(value.data(), value.size());
        offsets.push_back(data.size());
        finish_row();
    }
    // Closes a row of an Array or Map whose elements were appended to the children.
    void finish_array() {
        offsets.push_back(children[0].rows);
        finish_row();
    }
    void finish_tuple() { finish_row(); }
    // Closes a row of a Variant whose value was appended to children[alternative].
    void finish_variant(uint8_t alternative) {
        offsets.push_back(children[alternative].rows - 1);
        data.push_back(static_cast<char>(alternative));
        ++rows;
    }
    // NULL for a Nullable column and a Variant; the type's zero value otherwise.
    void append_null();
    // Zero, empty string, empty array: what ClickHouse calls the default of the type.
    void append_default();
    // Appends row `row` of a column of the same type.
    void append_from(const Column& other, size_t row);
    // Removes the last row; undoes exactly one append.
    void pop_back() { truncate(rows - 1); }
    // Keeps the first `count` rows.
    void truncate(size_t count);

    // --- reading -----------------------------------------------------------------------------
    bool is_null(size_t row) const;
    template <typename T>
    T fixed(size_t row) const {
        T value;
        std::memcpy(&value, data.data() + row * sizeof(T), sizeof(T));
        return value;
    }
    std::string_view string(size_t row) const;  // String and FixedString
    std::pair<size_t, size_t> elements(
        size_t row) const;  // [first, end) in children, for Array, Map

    // Kind and width of the values in the buffers, below Nullable, LowCardinality and the like.
    ChKind value_kind() const { return value_kind_; }
    size_t value_width() const { return value_width_; }
    bool has_nulls() const { return has_nulls_; }

    // Bytes of content, in all buffers: what batch limits count.
    size_t byte_size() const;
    // Drops the rows and keeps the memory.
    void clear();
    void reserve(size_t count);
    // Whether every member agrees with `rows`; what encoders check before they trust a column.
    bool consistent() const;

  private:
    void finish_row() {
        if (has_nulls_) nulls.push_back(0);
        ++rows;
    }
    void append_zero();  // the value part of a default, without null flag and row count

    ChKind value_kind_ = ChKind::kNothing;
    uint32_t value_width_ = 0;
    bool has_nulls_ = false;
};

// The same columns of a result or of an insert, all with `rows` rows.
struct NamedColumn {
    std::string name;
    Column column;
};

struct Block {
    std::vector<NamedColumn> columns;
    size_t rows() const { return columns.empty() ? 0 : columns[0].column.rows; }
    size_t byte_size() const {
        size_t total = 0;
        for (const NamedColumn& named : columns) total += named.column.byte_size();
        return total;
    }
};

}  // namespace tandem::types
