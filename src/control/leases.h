// Leases: which mirrors this daemon runs, among several daemons that share a catalog.
//
// A lease is an advisory lock of the source database, held by one connection of its own on which a
// thread says something every second. It goes when the daemon ends or its network does. A daemon
// that is stopped (SIGSTOP, a virtual machine that is moved) keeps its connection but falls silent;
// after kSilence another daemon ends that connection and gets the lock. What the silent one may
// still try to write is no concern of this class: mirror/session/ownership.h.
//
// Thread safe.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <thread>

#include "base/mutex.h"
#include "base/result.h"
#include "postgres/client/connection.h"

namespace tandem::control {

class Leases {
  public:
    // How long a holder may be silent.
    static constexpr std::chrono::seconds kSilence{5};

    static Result<std::unique_ptr<Leases>> open(const std::string& source);
    ~Leases();
    Leases(const Leases&) = delete;
    Leases& operator=(const Leases&) = delete;

    // Whether this daemon holds the mirror's lease, which it takes if it can.
    Result<bool> take(int mirror_id);
    // The backend that holds the leases.
    int backend() const { return backend_; }
    // The connection is gone, and all leases with it.
    bool lost() const { return lost_; }

  private:
    explicit Leases(postgres::Connection connection);
    void keep(const std::stop_token& stop);
    Status end_silent_holder(int mirror_id) TANDEM_REQUIRES(mutex_);

    Mutex mutex_;
    postgres::Connection connection_ TANDEM_GUARDED_BY(mutex_);
    std::set<int> held_ TANDEM_GUARDED_BY(mutex_);
    const int backend_;
    std::atomic<bool> lost_ = false;
    std::jthread keeper_;
};

}  // namespace tandem::control
