#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "telemetry/ring.h"

namespace tandem::telemetry {
namespace {

struct TestRing {
    explicit TestRing(uint64_t bytes) : words(bytes / 8), capacity(bytes) {
        writer = ring_writer(&ring, data(), capacity);
    }
    char* data() { return reinterpret_cast<char*>(words.data()); }
    const RecordHead* front() { return ring_front(ring, data(), capacity); }

    Ring ring = {};
    std::vector<uint64_t> words;
    uint64_t capacity;
    RingWriter writer = {};
};

bool put(RingWriter* writer, uint32_t size, uint64_t value) {
    char* at = ring_reserve(writer, size);
    if (at == nullptr) return false;
    *reinterpret_cast<RecordHead*>(at) = {size, RecordKind::kStatement, 0};
    for (uint32_t offset = 8; offset < size; offset += 8) std::memcpy(at + offset, &value, 8);
    ring_commit(writer);
    return true;
}

TEST(Ring, is_empty_when_zeroed) {
    TestRing ring(256);
    EXPECT_EQ(ring.front(), nullptr);
}

TEST(Ring, refuses_what_does_not_fit_and_takes_it_once_there_is_room) {
    TestRing ring(256);
    EXPECT_TRUE(put(&ring.writer, 128, 1));
    EXPECT_TRUE(put(&ring.writer, 120, 2));
    EXPECT_FALSE(put(&ring.writer, 16, 3));
    EXPECT_TRUE(put(&ring.writer, 8, 3)) << "the last eight bytes";
    ring_pop(&ring.ring, ring.front());
    EXPECT_TRUE(put(&ring.writer, 128, 4));
    EXPECT_FALSE(put(&ring.writer, 8, 5));
}

TEST(Ring, shows_nothing_before_the_commit) {
    TestRing ring(256);
    ASSERT_NE(ring_reserve(&ring.writer, 64), nullptr);
    EXPECT_EQ(ring.front(), nullptr);
}

TEST(Ring, forgets_what_was_reserved_when_something_else_is) {
    TestRing ring(256);
    ASSERT_NE(ring_reserve(&ring.writer, 64), nullptr);
    EXPECT_TRUE(put(&ring.writer, 16, 7));
    ASSERT_NE(ring.front(), nullptr);
    EXPECT_EQ(ring.front()->size, 16U);
}

TEST(Ring, tells_once_when_it_becomes_more_than_half_full) {
    TestRing ring(256);
    auto told = [&] {
        char* at = ring_reserve(&ring.writer, 64);
        if (at == nullptr) return false;
        *reinterpret_cast<RecordHead*>(at) = {64, RecordKind::kStatement, 0};
        return ring_commit(&ring.writer);
    };
    EXPECT_FALSE(told());
    EXPECT_FALSE(told());
    EXPECT_TRUE(told());
    EXPECT_FALSE(told());
}

// Sizes of all kinds over an end that they do not divide; the reader checks every byte.
TEST(Ring, carries_everything_in_order_between_two_threads) {
    TestRing ring(1000 / 8 * 8);
    constexpr uint64_t kRecords = 200'000;
    std::thread writer([&] {
        for (uint64_t i = 0; i < kRecords; ++i) {
            auto size = static_cast<uint32_t>(16 + 8 * (i * 7 % 13));
            while (!put(&ring.writer, size, i)) std::this_thread::yield();
        }
    });
    uint64_t expected = 0;
    bool right = true;
    while (expected < kRecords) {
        const RecordHead* record = ring.front();
        if (record == nullptr) {
            std::this_thread::yield();
            continue;
        }
        if (record->kind != RecordKind::kPadding) {
            const char* bytes = reinterpret_cast<const char*>(record);
            right = right && record->size == 16 + 8 * (expected * 7 % 13);
            for (uint32_t offset = 8; offset < record->size; offset += 8) {
                uint64_t value;
                std::memcpy(&value, bytes + offset, 8);
                right = right && value == expected;
            }
            ++expected;
        }
        ring_pop(&ring.ring, record);
    }
    writer.join();
    EXPECT_TRUE(right);
    EXPECT_EQ(ring.front(), nullptr);
}

}  // namespace
}  // namespace tandem::telemetry
