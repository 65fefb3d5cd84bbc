// ClickHouse's compressed frames: 16 bytes CityHash128 of what follows, 1 byte method, 4 bytes
// compressed size (these 9 bytes included), 4 bytes size of the content, the compressed content.
//
// Used for the data of the native protocol and for HTTP with compress=1 or decompress=1. One frame
// is at most kFrameSizeMax; compress_frames cuts longer input into several.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "types/clickhouse/column.h"

namespace tandem::clickhouse {

enum class CompressionMethod : uint8_t { kNone = 0x02, kLz4 = 0x82, kZstd = 0x90 };

inline constexpr size_t kChecksumSize = 16;
inline constexpr size_t kFrameHeaderSize = kChecksumSize + 9;
inline constexpr size_t kFrameContentMax = size_t{1} << 20;  // what we put into one frame
inline constexpr size_t kFrameSizeMax = size_t{1} << 30;     // what any peer may put into one

// Appends one frame with `in` to out. in.size() <= kFrameSizeMax / 2.
Status compress_frame(CompressionMethod method, std::string_view in, types::Bytes& out);
// The same for input of any size, in frames of kFrameContentMax.
Status compress_frames(CompressionMethod method, std::string_view in, types::Bytes& out);

struct FrameLimits {
    size_t content_max = size_t{1} << 28;  // decompressed bytes of one frame
};

// Appends the content of the frame at the cursor to out and moves the cursor behind the frame.
// kWouldBlock, with the cursor where it was, while the frame is not complete: frame_wanted says how
// much is missing. kMalformedData for a wrong checksum, size or method.
Status decompress_frame(ByteCursor& cursor, types::Bytes& out, const FrameLimits& limits = {});

// Bytes that are missing until the frame these bytes begin is complete; 0 when it is.
size_t frame_wanted(std::string_view bytes);

}  // namespace tandem::clickhouse
