// Deadline: the moment at which a wait has to end. Every wait in this product takes one.
//
// A plain value; counts on the steady clock, so changes of the wall clock do not matter.
#pragma once

#include <algorithm>
#include <chrono>
#include <climits>

namespace tandem::net {

class Deadline {
  public:
    using Clock = std::chrono::steady_clock;

    explicit Deadline(Clock::time_point at) : at_(at) {}
    // Timeouts beyond a year are cut, so that no caller can overflow the clock.
    static Deadline after(std::chrono::milliseconds timeout) {
        constexpr std::chrono::milliseconds kMax = std::chrono::hours(24 * 365);
        return Deadline(Clock::now() + std::clamp(timeout, std::chrono::milliseconds(0), kMax));
    }

    Clock::time_point at() const { return at_; }
    bool expired() const { return Clock::now() >= at_; }

    // Rounded up, so that a wait of this length never ends before the deadline. 0 when expired.
    std::chrono::milliseconds remaining() const {
        auto left = std::chrono::ceil<std::chrono::milliseconds>(at_ - Clock::now());
        return std::max(left, std::chrono::milliseconds(0));
    }
    // As poll(2) wants it.
    int poll_timeout_ms() const {
        return static_cast<int>(std::min<long long>(remaining().count(), INT_MAX));
    }

    friend Deadline earlier(Deadline a, Deadline b) { return a.at_ < b.at_ ? a : b; }

  private:
    Clock::time_point at_;
};

}  // namespace tandem::net
