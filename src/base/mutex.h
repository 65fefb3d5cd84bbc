// Mutex, MutexLock, CondVar: as in the standard library, and clang checks their use.
//
// State says which mutex protects it (TANDEM_GUARDED_BY), a function which it needs to be called
// with (TANDEM_REQUIRES). clang, in the presets lint and fuzz, then rejects every access without
// the lock; other compilers ignore the words. Conditions are loops around CondVar::wait instead of
// predicates: the check does not see into a lambda.
#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <utility>

#ifdef __clang__
#define TANDEM_THREAD_SAFETY(attribute) __attribute__((attribute))
#else
#define TANDEM_THREAD_SAFETY(attribute)
#endif

// On a member: read and written only with the mutex held.
#define TANDEM_GUARDED_BY(mutex) TANDEM_THREAD_SAFETY(guarded_by(mutex))
// On a function: the caller holds the mutex.
#define TANDEM_REQUIRES(...) TANDEM_THREAD_SAFETY(requires_capability(__VA_ARGS__))

namespace tandem {

class TANDEM_THREAD_SAFETY(capability("mutex")) Mutex {
  public:
    void lock() TANDEM_THREAD_SAFETY(acquire_capability()) { mutex_.lock(); }
    void unlock() TANDEM_THREAD_SAFETY(release_capability()) { mutex_.unlock(); }

  private:
    std::mutex mutex_;
};

// Holds the mutex as long as it lives.
class TANDEM_THREAD_SAFETY(scoped_lockable) MutexLock {
  public:
    explicit MutexLock(Mutex& mutex) TANDEM_THREAD_SAFETY(acquire_capability(mutex))
        : mutex_(mutex) {
        mutex_.lock();
    }
    ~MutexLock() TANDEM_THREAD_SAFETY(release_capability()) { mutex_.unlock(); }
    MutexLock(const MutexLock&) = delete;
    MutexLock& operator=(const MutexLock&) = delete;

  private:
    Mutex& mutex_;
};

// Waiting gives the mutex back meanwhile. It may return for no reason: look at the condition again.
class CondVar {
  public:
    void wait(Mutex& mutex) TANDEM_REQUIRES(mutex) { changed_.wait(mutex); }
    // False when stop was requested; then it does not wait any more.
    bool wait(Mutex& mutex, const std::stop_token& stop) TANDEM_REQUIRES(mutex) {
        bool woken = false;
        return changed_.wait(mutex, stop, [&] { return std::exchange(woken, true); }) &&
               !stop.stop_requested();
    }
    void notify_one() { changed_.notify_one(); }
    void notify_all() { changed_.notify_all(); }

  private:
    std::condition_variable_any changed_;
};

}  // namespace tandem
