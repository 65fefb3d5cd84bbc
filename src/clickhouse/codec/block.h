// Native blocks: bytes of the wire to types::Block and back. No I/O.
//
// A block travels as [BlockInfo] columns rows { name type [serialization] data }. BlockInfo is
// there when revision > 0 (native TCP) and missing when revision == 0 (HTTP FORMAT Native). The
// same holds for the serialization byte, from revision 54454 on.
//
// What does not fit is an error, never a crash: malformed bytes are kMalformedData, a type we
// cannot hold kUnsupportedType, too much kLimitExceeded, and bytes that end too early
// kWouldBlock, so that a caller without I/O can wait for more. Nothing is allocated before the
// bytes that fill it are there, with the exceptions DecodeLimits bounds (see bytes_max).
// Not thread safe; every call stands alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "types/clickhouse/column.h"

namespace tandem::clickhouse {

// The newest protocol revision whose blocks are understood here, and the oldest.
inline constexpr uint64_t kRevisionNewest = 54488;
inline constexpr uint64_t kRevisionOldest = 54400;

struct DecodeLimits {
    size_t columns_max = 10'000;
    uint64_t rows_max = uint64_t{1} << 32;
    // Content of the decoded block. Counts what grows beyond the bytes received, too: sparse and
    // replicated columns, dictionaries that are resolved, NULLs that travel as nothing.
    size_t bytes_max = size_t{1} << 30;
};

Status encode_block(const types::Block& block, uint64_t revision, types::Bytes& out);

// Reads one block and moves the cursor behind it. On an error the position is unspecified: to wait
// for more bytes, start again with a new cursor over all of them, or use BlockDecoder.
Result<types::Block> decode_block(ByteCursor& cursor, uint64_t revision,
                                  const DecodeLimits& limits = {});

// decode_block for bytes that arrive in pieces: finished columns are kept, so a block is not
// decoded again from its start with every piece.
//
//     Result<types::Block> block = decoder.decode(cursor);
//     if (block.ok()) ...                                     // the decoder is ready for the next
//     else if (block.error().code() == ErrorCode::kWouldBlock)
//         ... forget the bytes before cursor, get at least decoder.wanted() more, call again
class BlockDecoder {
  public:
    explicit BlockDecoder(uint64_t revision, const DecodeLimits& limits = {})
        : revision_(revision), limits_(limits) {}

    // On kWouldBlock the cursor stands where the next call has to go on; all bytes from there on
    // must be shown again. After any other error the decoder is only good for reset().
    Result<types::Block> decode(ByteCursor& cursor);

    // After kWouldBlock: at least so many bytes are missing; 1 or more.
    size_t wanted() const { return wanted_; }
    void reset();

  private:
    Status decode_header(class Source& source);
    Status decode_column(class Source& source);

    uint64_t revision_;
    DecodeLimits limits_;
    types::Block block_;
    size_t columns_ = 0;
    uint64_t rows_ = 0;
    size_t bytes_ = 0;  // content of the finished columns
    size_t wanted_ = 1;
    bool have_header_ = false;
};

}  // namespace tandem::clickhouse
