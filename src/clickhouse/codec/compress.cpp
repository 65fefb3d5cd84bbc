#include "clickhouse/codec/compress.h"

#include <lz4.h>
#include <zstd.h>

#include <algorithm>
#include <limits>

#include "clickhouse/codec/cityhash.h"

namespace tandem::clickhouse {
namespace {

constexpr size_t kSizesSize = 9;  // method, compressed size, content size

Error bad_frame(std::string what) {
    return Error(ErrorCode::kMalformedData, "compressed frame: " + std::move(what));
}

Result<size_t> compress_content(CompressionMethod method, std::string_view in, char* to,
                                size_t room) {
    switch (method) {
        case CompressionMethod::kNone:
            if (!in.empty()) std::memcpy(to, in.data(), in.size());
            return in.size();
        case CompressionMethod::kLz4: {
            int size = LZ4_compress_default(in.data(), to, static_cast<int>(in.size()),
                                            static_cast<int>(room));
            if (size <= 0) return Error(ErrorCode::kInternal, "LZ4 refused to compress");
            return static_cast<size_t>(size);
        }
        case CompressionMethod::kZstd: {
            size_t size = ZSTD_compress(to, room, in.data(), in.size(), 1);
            if (ZSTD_isError(size) != 0)
                return Error(ErrorCode::kInternal, std::string("ZSTD: ") + ZSTD_getErrorName(size));
            return size;
        }
    }
    return Error(ErrorCode::kInvalidArgument, "unknown compression method");
}

size_t bound(CompressionMethod method, size_t size) {
    if (method == CompressionMethod::kLz4)
        return static_cast<size_t>(LZ4_compressBound(static_cast<int>(size)));
    if (method == CompressionMethod::kZstd) return ZSTD_compressBound(size);
    return size;
}

// Whether so little can become so much; asked before memory is taken for it.
bool plausible(CompressionMethod method, std::string_view in, size_t size) {
    switch (method) {
        case CompressionMethod::kNone:
            return in.size() == size;
        case CompressionMethod::kLz4:
            return size / 255 <= in.size();  // a byte adds at most 255 to the length of a match
        case CompressionMethod::kZstd: {
            unsigned long long stated = ZSTD_getFrameContentSize(in.data(), in.size());
            return stated == size || stated == ZSTD_CONTENTSIZE_UNKNOWN;
        }
    }
    return false;
}

Status decompress_content(CompressionMethod method, std::string_view in, char* to, size_t size) {
    switch (method) {
        case CompressionMethod::kNone:
            if (size != 0) std::memcpy(to, in.data(), size);
            return {};
        case CompressionMethod::kLz4:
            if (LZ4_decompress_safe(in.data(), to, static_cast<int>(in.size()),
                                    static_cast<int>(size)) != static_cast<int>(size))
                return bad_frame("broken LZ4 content");
            return {};
        case CompressionMethod::kZstd:
            if (ZSTD_decompress(to, size, in.data(), in.size()) != size)
                return bad_frame("broken ZSTD content");
            return {};
    }
    return bad_frame("unknown method " + std::to_string(static_cast<int>(method)));
}

}  // namespace

Status compress_frame(CompressionMethod method, std::string_view in, types::Bytes& out) {
    if (in.size() > kFrameSizeMax / 2)
        return Error(ErrorCode::kLimitExceeded,
                     "frame content of " + std::to_string(in.size()) + " bytes");
    size_t start = out.size();
    size_t room = bound(method, in.size());
    out.extend(kFrameHeaderSize + room);
    auto compressed = compress_content(method, in, out.data() + start + kFrameHeaderSize, room);
    if (!compressed.ok()) {
        out.truncate(start);
        return std::move(compressed).error();
    }
    out.truncate(start + kFrameHeaderSize + *compressed);
    char* sizes = out.data() + start + kChecksumSize;
    sizes[0] = static_cast<char>(method);
    auto compressed_size = static_cast<uint32_t>(*compressed + kSizesSize);
    auto content_size = static_cast<uint32_t>(in.size());
    std::memcpy(sizes + 1, &compressed_size, 4);
    std::memcpy(sizes + 5, &content_size, 4);
    Hash128 hash = cityhash128(sizes, compressed_size);
    std::memcpy(out.data() + start, &hash.low, 8);
    std::memcpy(out.data() + start + 8, &hash.high, 8);
    return {};
}

Status compress_frames(CompressionMethod method, std::string_view in, types::Bytes& out) {
    do {
        size_t size = std::min(in.size(), kFrameContentMax);
        TRY(compress_frame(method, in.substr(0, size), out));
        in.remove_prefix(size);
    } while (!in.empty());
    return {};
}

size_t frame_wanted(std::string_view bytes) {
    if (bytes.size() < kFrameHeaderSize) return kFrameHeaderSize - bytes.size();
    size_t size = load_little<uint32_t>(bytes.data() + kChecksumSize + 1);
    size_t whole = kChecksumSize + std::max(size, kSizesSize);
    return bytes.size() >= whole ? 0 : whole - bytes.size();
}

Status decompress_frame(ByteCursor& cursor, types::Bytes& out, const FrameLimits& limits) {
    ByteCursor ahead = cursor;
    if (ahead.remaining() < kFrameHeaderSize)
        return Error(ErrorCode::kWouldBlock, "frame header is not complete");
    std::string_view checksum = TRY(ahead.bytes(kChecksumSize));
    ByteCursor peek = ahead;
    auto method = static_cast<CompressionMethod>(TRY(peek.little<uint8_t>()));
    size_t compressed_size = TRY(peek.little<uint32_t>());
    size_t content_size = TRY(peek.little<uint32_t>());
    if (compressed_size < kSizesSize || compressed_size > kFrameSizeMax)
        return bad_frame("compressed size " + std::to_string(compressed_size));
    if (content_size > limits.content_max)
        return Error(ErrorCode::kLimitExceeded,
                     "compressed frame with " + std::to_string(content_size) + " bytes of content");
    if (ahead.remaining() < compressed_size)
        return Error(ErrorCode::kWouldBlock, "frame is not complete");
    std::string_view body = TRY(ahead.bytes(compressed_size));
    Hash128 hash = cityhash128(body.data(), body.size());
    if (hash.low != load_little<uint64_t>(checksum.data()) ||
        hash.high != load_little<uint64_t>(checksum.data() + 8))
        return bad_frame("checksum does not match");
    if (!plausible(method, body.substr(kSizesSize), content_size))
        return bad_frame("method or size of the content");
    size_t start = out.size();
    char* to = out.extend(content_size);
    Status status = decompress_content(method, body.substr(kSizesSize), to, content_size);
    if (!status.ok()) {
        out.truncate(start);
        return status;
    }
    cursor = ahead;
    return {};
}

}  // namespace tandem::clickhouse
