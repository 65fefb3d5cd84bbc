#include "base/queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace tandem {

TEST(bounded_queue, never_holds_more_than_its_limit) {
    BoundedQueue<int> queue(10);
    std::atomic<size_t> most = 0;
    std::thread producer([&] {
        for (int i = 0; i < 1000; ++i) queue.push(i, 4);
        queue.close();
    });
    int expected = 0;
    while (auto item = queue.pop()) {
        most = std::max<size_t>(most, queue.bytes());
        EXPECT_EQ(*item, expected++);
    }
    producer.join();
    EXPECT_EQ(expected, 1000);
    EXPECT_LE(most, 10u);
}

TEST(bounded_queue, lets_one_oversized_item_through) {
    BoundedQueue<int> queue(10);
    EXPECT_TRUE(queue.push(1, 1000));
    EXPECT_EQ(queue.pop(), 1);
}

TEST(bounded_queue, close_releases_a_blocked_producer) {
    BoundedQueue<int> queue(1);
    ASSERT_TRUE(queue.push(1, 1));
    std::thread producer([&] { EXPECT_FALSE(queue.push(2, 1)); });
    queue.close();
    producer.join();
    EXPECT_EQ(queue.pop(), 1);
    EXPECT_EQ(queue.pop(), std::nullopt);
}

}  // namespace tandem
