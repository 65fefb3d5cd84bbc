// Looking a name up without anybody waiting for it.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tandem::net {

// IPv4 or IPv6 as numbers: nothing to look up.
bool is_numeric_host(std::string_view host);

// getaddrinfo in a thread of its own, with all signals blocked. Dropping it does not wait: the
// thread ends when the resolver does. Used by one thread.
class BackgroundLookup {
  public:
    using Addresses = std::vector<std::string>;  // as numbers, at least one

    static Result<std::shared_ptr<BackgroundLookup>> start(std::string host);
    ~BackgroundLookup();
    BackgroundLookup(const BackgroundLookup&) = delete;
    BackgroundLookup& operator=(const BackgroundLookup&) = delete;

    // Readable once there is a result.
    int socket() const { return event_; }
    // Null until then.
    const Result<Addresses>* result() const;

  private:
    explicit BackgroundLookup(std::string host) : host_(std::move(host)) {}
    void run();

    std::string host_;
    int event_ = -1;
    std::optional<Result<Addresses>> result_;
    std::atomic<bool> done_ = false;
};

}  // namespace tandem::net
