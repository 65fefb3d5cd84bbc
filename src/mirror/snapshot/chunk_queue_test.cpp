#include "mirror/snapshot/chunk_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace tandem::mirror {
namespace {

constexpr Oid kTable{1};

TablePtr table() {
    auto result = std::make_shared<Table>();
    result->relid = kTable;
    return result;
}

std::vector<Chunk> chunks(int count) {
    std::vector<Chunk> result;
    result.reserve(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i)
        result.push_back({.relid = kTable, .part = kTable, .first_block = i, .end_block = {}});
    return result;
}

TEST(chunk_queue, says_when_the_last_chunk_is_done) {
    ChunkQueue queue;
    queue.add(table(), chunks(2));
    auto first = queue.next();
    auto second = queue.next();
    EXPECT_EQ(queue.finish(*second), ChunkQueue::Outcome::more);
    queue.retry(*first);
    EXPECT_EQ(queue.finish(*queue.next()), ChunkQueue::Outcome::last);
    EXPECT_FALSE(queue.loading(kTable));
}

TEST(chunk_queue, stop_waits_for_the_chunks_that_run) {
    ChunkQueue queue;
    queue.add(table(), chunks(2));
    auto running = queue.next();
    std::atomic<bool> stopped = false;
    std::jthread stopping([&] {
        queue.stop(kTable);
        stopped = true;
    });
    while (queue.still_wanted(*running)) std::this_thread::yield();
    EXPECT_FALSE(stopped);
    EXPECT_EQ(queue.finish(*running), ChunkQueue::Outcome::more);
    stopping.join();
    EXPECT_FALSE(queue.loading(kTable));
}

// A worker whose chunk failed and the applier at a TRUNCATE, for instance.
TEST(chunk_queue, several_may_stop_one_table_at_once) {
    for (int round = 0; round < 200; ++round) {
        ChunkQueue queue;
        queue.add(table(), chunks(1));
        auto running = queue.next();
        std::vector<std::jthread> stopping;
        stopping.reserve(4);
        std::atomic<int> begun = 0;
        for (int i = 0; i < 4; ++i)
            stopping.emplace_back([&] {
                ++begun;
                queue.stop(kTable);
            });
        while (begun < 4 || queue.still_wanted(*running)) std::this_thread::yield();
        queue.retry(*running);
        stopping.clear();
        EXPECT_FALSE(queue.loading(kTable));
    }
}

}  // namespace
}  // namespace tandem::mirror
