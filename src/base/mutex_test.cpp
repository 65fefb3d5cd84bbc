#include "base/mutex.h"

#include <gtest/gtest.h>

#include <thread>

namespace tandem {
namespace {

struct Shared {
    Mutex mutex;
    CondVar changed;
    int value TANDEM_GUARDED_BY(mutex) = 0;
};

TEST(mutex, lets_one_thread_in_at_a_time) {
    Shared shared;
    {
        std::jthread threads[4];
        for (auto& thread : threads)
            thread = std::jthread([&] {
                for (int i = 0; i < 10'000; ++i) {
                    MutexLock lock(shared.mutex);
                    ++shared.value;
                }
            });
    }
    MutexLock lock(shared.mutex);
    EXPECT_EQ(shared.value, 40'000);
}

TEST(mutex, is_free_for_others_while_one_waits) {
    Shared shared;
    std::jthread other([&] {
        MutexLock lock(shared.mutex);
        shared.value = 1;
        shared.changed.notify_all();
    });
    MutexLock lock(shared.mutex);
    while (shared.value == 0) shared.changed.wait(shared.mutex);
    EXPECT_EQ(shared.value, 1);
}

TEST(mutex, waiting_ends_when_stop_is_requested) {
    Shared shared;
    std::jthread waiting([&](std::stop_token stop) {
        MutexLock lock(shared.mutex);
        while (shared.changed.wait(shared.mutex, stop)) {
        }
        shared.value = 2;
    });
    waiting.request_stop();
    waiting.join();
    MutexLock lock(shared.mutex);
    EXPECT_EQ(shared.value, 2);
    EXPECT_FALSE(shared.changed.wait(shared.mutex, waiting.get_stop_token()));
}

}  // namespace
}  // namespace tandem
