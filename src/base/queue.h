// BoundedQueue: hands items from producers to consumers with a limit in bytes.
//
// Any number of threads on both sides. push blocks while the queue holds more than its limit, which
// is how back-pressure reaches the source. close() wakes everyone: pushes are refused, pops drain
// what is left and then return nothing. An item larger than the limit is let in when the queue is
// empty, so the memory held is at most limit + one item.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>

namespace tandem {

template <typename T>
class BoundedQueue {
  public:
    explicit BoundedQueue(size_t bytes_max) : bytes_max_(bytes_max) {}

    // False when the queue was closed; the item is then dropped.
    bool push(T item, size_t bytes) {
        std::unique_lock lock(mutex_);
        not_full_.wait(lock,
                       [&] { return closed_ || bytes_ == 0 || bytes_ + bytes <= bytes_max_; });
        if (closed_) return false;
        bytes_ += bytes;
        items_.push_back({std::move(item), bytes});
        not_empty_.notify_one();
        return true;
    }

    // Nothing when the queue is closed and drained.
    std::optional<T> pop() {
        std::unique_lock lock(mutex_);
        not_empty_.wait(lock, [&] { return closed_ || !items_.empty(); });
        if (items_.empty()) return std::nullopt;
        Entry entry = std::move(items_.front());
        items_.pop_front();
        bytes_ -= entry.bytes;
        not_full_.notify_all();
        return std::move(entry.item);
    }

    void close() {
        std::lock_guard lock(mutex_);
        closed_ = true;
        not_empty_.notify_all();
        not_full_.notify_all();
    }

    size_t bytes() const {
        std::lock_guard lock(mutex_);
        return bytes_;
    }

  private:
    struct Entry {
        T item;
        size_t bytes;
    };

    const size_t bytes_max_;
    mutable std::mutex mutex_;
    std::condition_variable not_empty_;
    std::condition_variable not_full_;
    std::deque<Entry> items_;
    size_t bytes_ = 0;
    bool closed_ = false;
};

}  // namespace tandem
