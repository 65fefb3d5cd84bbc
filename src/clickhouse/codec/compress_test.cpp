#include "clickhouse/codec/compress.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "clickhouse/codec/cityhash.h"

namespace tandem::clickhouse {
namespace {

std::string from_hex(std::string_view hex) {
    std::string bytes;
    for (size_t i = 0; i + 1 < hex.size(); i += 2)
        bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
    return bytes;
}

std::string numbers(uint64_t count) {
    std::string bytes;
    for (uint64_t i = 0; i < count; ++i) bytes.append(reinterpret_cast<const char*>(&i), sizeof i);
    return bytes;
}

std::string repeated(std::string_view what, size_t times) {
    std::string text;
    for (; times != 0; --times) text += what;
    return text;
}

struct Recorded {
    const char* name;
    std::string frame;
    std::string content;
};

// Frames as a ClickHouse 26.7.2 server wrote them: columns of a MergeTree part with
// CODEC(NONE), CODEC(LZ4) and CODEC(ZSTD(1)). Their lengths reach every branch of the checksum.
std::vector<Recorded> recorded() {
    const std::string seven("\x07\0\0\0\0\0\0\0", 8);
    return {
        {"stored, 10 bytes", from_hex("7074d2629a96de443b9ae47a44b9462e020a0000000100000001"),
         "\x01"},
        {"stored, 13 bytes", from_hex("2fe3dec38247f9e7dd8fa753befc13f0020d0000000400000002000000"),
         std::string("\x02\0\0\0", 4)},
        {"stored, 49 bytes",
         from_hex("1eae421fa8b5093d71342f41020bb9fc023100000028000000") + repeated("\x01", 40),
         repeated("\x01", 40)},
        {"stored, 329 bytes",
         from_hex("ece2579bf09f061219f483a9d1cb7ce8024901000040010000") + numbers(40), numbers(40)},
        {"LZ4",
         from_hex("ca2094e09e1e639a4d28e9dda7ed7f6f82190000004001000022070001000f0800ff2150000000"
                  "0000"),
         repeated(seven, 40)},
        {"ZSTD",
         from_hex("90ee1479fe806648eb19db241bc16998901c000000800c000028b52ffd60800b4d000010616201"
                  "007bcc7758"),
         repeated("ab", 1600)},
    };
}

}  // namespace

TEST(compressed_frame, is_read_as_the_real_server_wrote_it) {
    for (const Recorded& one : recorded()) {
        SCOPED_TRACE(one.name);
        types::Bytes content;
        ByteCursor cursor(one.frame);
        Status status = decompress_frame(cursor, content);
        ASSERT_TRUE(status.ok()) << status.error().to_string();
        EXPECT_TRUE(cursor.empty());
        EXPECT_EQ(content.view(), one.content);
    }
}

TEST(compressed_frame, waits_for_the_bytes_that_are_missing) {
    for (const Recorded& one : recorded()) {
        for (size_t cut = 0; cut < one.frame.size(); ++cut) {
            std::string_view part = std::string_view(one.frame).substr(0, cut);
            types::Bytes content;
            ByteCursor cursor(part);
            Status status = decompress_frame(cursor, content);
            ASSERT_FALSE(status.ok());
            EXPECT_EQ(status.error().code(), ErrorCode::kWouldBlock);
            EXPECT_EQ(cursor.offset(), 0u);
            size_t known = cut >= kFrameHeaderSize ? one.frame.size() : kFrameHeaderSize;
            EXPECT_EQ(frame_wanted(part), known - cut);
        }
    }
}

TEST(compressed_frame, takes_no_memory_for_content_that_cannot_be) {
    for (auto method :
         {CompressionMethod::kNone, CompressionMethod::kLz4, CompressionMethod::kZstd}) {
        types::Bytes frame;
        ASSERT_TRUE(compress_frame(method, "little", frame).ok());
        uint32_t claimed = 200U << 20;
        std::memcpy(frame.data() + kChecksumSize + 5, &claimed, sizeof claimed);
        Hash128 hash = cityhash128(frame.data() + kChecksumSize, frame.size() - kChecksumSize);
        std::memcpy(frame.data(), &hash, sizeof hash);
        types::Bytes content;
        ByteCursor cursor(frame.view());
        Status status = decompress_frame(cursor, content);
        ASSERT_FALSE(status.ok());
        EXPECT_EQ(status.error().code(), ErrorCode::kMalformedData);
        EXPECT_EQ(content.capacity(), 0u);
    }
}

TEST(compressed_frame, cuts_long_content_into_several) {
    std::string content = repeated("0123456789", 300'000);
    types::Bytes frames;
    ASSERT_TRUE(compress_frames(CompressionMethod::kLz4, content, frames).ok());
    types::Bytes back;
    ByteCursor cursor(frames.view());
    size_t count = 0;
    for (; !cursor.empty(); ++count) ASSERT_TRUE(decompress_frame(cursor, back).ok());
    EXPECT_EQ(count, 3u);
    EXPECT_EQ(back.view(), content);
}

TEST(compressed_frame, gives_back_its_content_by_every_method) {
    std::string content;
    for (int i = 0; i < 1000; ++i) content += std::to_string(i * i);
    for (auto method :
         {CompressionMethod::kNone, CompressionMethod::kLz4, CompressionMethod::kZstd}) {
        types::Bytes frame;
        ASSERT_TRUE(compress_frame(method, content, frame).ok());
        EXPECT_EQ(frame_wanted(frame.view()), 0u);
        types::Bytes back;
        ByteCursor cursor(frame.view());
        ASSERT_TRUE(decompress_frame(cursor, back).ok());
        EXPECT_EQ(back.view(), content);
    }
}

TEST(compressed_frame, notices_every_flipped_byte) {
    types::Bytes frame;
    ASSERT_TRUE(compress_frame(CompressionMethod::kLz4, "hello hello hello hello", frame).ok());
    for (size_t i = 0; i < frame.size(); ++i) {
        types::Bytes broken = frame;
        broken[i] = static_cast<char>(broken[i] ^ 1);
        types::Bytes back;
        ByteCursor cursor(broken.view());
        EXPECT_FALSE(decompress_frame(cursor, back).ok()) << i;
        EXPECT_TRUE(back.empty());
    }
}

}  // namespace tandem::clickhouse
