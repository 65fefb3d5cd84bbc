// BoundedQueue: hands items from producers to consumers with a limit in bytes.
//
// Any number of threads on both sides. push blocks while the queue holds more than its limit, which
// is how back-pressure reaches the source. close() wakes everyone: pushes are refused, pops drain
// what is left and then return nothing. An item larger than the limit is let in when the queue is
// empty, so the memory held is at most limit + one item.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>

#include "base/mutex.h"

namespace tandem {

template <typename T>
class BoundedQueue {
  public:
    explicit BoundedQueue(size_t bytes_max) : bytes_max_(bytes_max) {}

    // False when the queue was closed; the item is then dropped.
    bool push(T item, size_t bytes) {
        MutexLock lock(mutex_);
        while (!closed_ && bytes_ != 0 && bytes_ + bytes > bytes_max_) not_full_.wait(mutex_);
        if (closed_) return false;
        bytes_ += bytes;
        items_.push_back({std::move(item), bytes});
        not_empty_.notify_one();
        return true;
    }

    // Nothing when the queue is closed and drained.
    std::optional<T> pop() {
        MutexLock lock(mutex_);
        while (!closed_ && items_.empty()) not_empty_.wait(mutex_);
        if (items_.empty()) return std::nullopt;
        Entry entry = std::move(items_.front());
        items_.pop_front();
        bytes_ -= entry.bytes;
        not_full_.notify_all();
        return std::move(entry.item);
    }

    void close() {
        MutexLock lock(mutex_);
        closed_ = true;
        not_empty_.notify_all();
        not_full_.notify_all();
    }

    size_t bytes() const {
        MutexLock lock(mutex_);
        return bytes_;
    }

  private:
    struct Entry {
        T item;
        size_t bytes;
    };

    const size_t bytes_max_;
    mutable Mutex mutex_;
    CondVar not_empty_;
    CondVar not_full_;
    std::deque<Entry> items_ TANDEM_GUARDED_BY(mutex_);
    size_t bytes_ TANDEM_GUARDED_BY(mutex_) = 0;
    bool closed_ TANDEM_GUARDED_BY(mutex_) = false;
};

}  // namespace tandem
