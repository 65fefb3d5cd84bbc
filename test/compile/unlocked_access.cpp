// clang must reject access without the lock; with LOCKED it takes the lock and must be accepted.
#include "base/mutex.h"

class Counter {
  public:
    int next() {
#ifdef LOCKED
        tandem::MutexLock lock(mutex_);
#endif
        return ++value_;
    }

  private:
    tandem::Mutex mutex_;
    int value_ TANDEM_GUARDED_BY(mutex_) = 0;
};

int use() {
    return Counter().next();
}
