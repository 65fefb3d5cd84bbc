// Reads COPY ... (FORMAT binary) row by row from chunks that may be cut anywhere.
//
//     CopyBinaryReader reader({.columns = 5});
//     for each chunk: reader.feed(chunk);
//         while (TRY(reader.next()) == CopyBinaryReader::Step::row) use(reader.row());
//     at the end: TRY(reader.finish());
//
// A row that lies whole in one chunk (always, with libpq) is not copied: its fields are views into
// the chunk. A row cut by a border is put together in a buffer of the reader. Fields are valid
// until the next call of next() or feed(), and while the chunk lives. No I/O. Foreign bytes give an
// Error, memory is bounded by Limits::row_bytes. One thread. docs/internals/formats/copy-binary.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tandem::postgres {

class CopyField {
  public:
    CopyField() = default;
    CopyField(const char* data, int32_t size) : data_(data), size_(size) {}
    bool is_null() const { return size_ < 0; }
    std::string_view bytes() const { return {data_, size_ < 0 ? 0 : static_cast<size_t>(size_)}; }

  private:
    const char* data_ = nullptr;
    int32_t size_ = -1;
};

class CopyBinaryReader {
  public:
    struct Limits {
        int columns = -1;                    // every row must have as many; -1: as the first row
        size_t row_bytes = size_t{2} << 30;  // of one row, with its length words
        size_t header_extension_bytes = 1 << 20;
    };
    enum class Step : uint8_t {
        row,        // row() holds the next row
        need_more,  // everything given was used: feed() the next chunk
        end,        // the trailer was read
    };

    CopyBinaryReader() : CopyBinaryReader(Limits()) {}
    explicit CopyBinaryReader(Limits limits) : limits_(limits) {}

    // Call when next() said need_more (or at the start). The chunk is not copied, see above.
    Status feed(std::string_view chunk);
    Result<Step> next();
    std::span<const CopyField> row() const { return fields_; }
    uint64_t rows_read() const { return rows_read_; }

    // kMalformedData when the stream ended before its trailer.
    Status finish() const;

  private:
    enum class State : uint8_t { header, rows, ended };

    Result<Step> parse_header();
    Result<Step> parse_row();
    Result<Step> short_of(size_t wanted);
    Result<Step> parse_fields(int count);

    Limits limits_;
    State state_ = State::header;
    std::string_view input_;  // what is left: of the chunk, or of carry_
    bool input_is_carry_ = false;
    std::string carry_;  // begin of a row that a chunk border cut
    size_t wanted_ = 0;  // bytes from the row's begin without which it cannot go on
    uint64_t rows_read_ = 0;
    std::vector<CopyField> fields_;
};

}  // namespace tandem::postgres
