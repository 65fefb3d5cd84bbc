#include "clickhouse/codec/compress.h"

#include <gtest/gtest.h>

#include "clickhouse/codec/cityhash.h"

namespace tandem::clickhouse {

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
