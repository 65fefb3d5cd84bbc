// Compressed frames: any bytes give content or an error. The checksum would keep every mutation
// out, so the target also tries the bytes with the right one.
#include <cstdlib>
#include <cstring>
#include <string>

#include "clickhouse/codec/cityhash.h"
#include "clickhouse/codec/compress.h"

namespace tandem::clickhouse {
namespace {

void decompress(std::string_view frame) {
    ByteCursor cursor(frame);
    types::Bytes content;
    Status status = decompress_frame(cursor, content, {.content_max = size_t{1} << 22});
    bool waits = !status.ok() && status.error().code() == ErrorCode::kWouldBlock;
    if (waits && frame_wanted(frame) == 0) std::abort();
    if (!status.ok() && (!content.empty() || cursor.offset() != 0)) std::abort();
}

}  // namespace
}  // namespace tandem::clickhouse

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace tandem::clickhouse;
    std::string frame(reinterpret_cast<const char*>(data), size);
    decompress(frame);
    if (size < kFrameHeaderSize) return 0;
    auto body_size = static_cast<uint32_t>(size - kChecksumSize);
    std::memcpy(frame.data() + kChecksumSize + 1, &body_size, sizeof body_size);
    Hash128 hash = cityhash128(frame.data() + kChecksumSize, body_size);
    std::memcpy(frame.data(), &hash.low, sizeof hash.low);
    std::memcpy(frame.data() + 8, &hash.high, sizeof hash.high);
    decompress(frame);
    return 0;
}
