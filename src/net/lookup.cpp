#include "net/lookup.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <system_error>
#include <thread>

namespace tandem::net {
namespace {

Result<BackgroundLookup::Addresses> look_up(const std::string& host) {
    addrinfo hints = {};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int failed = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
    if (failed != 0)
        return Error(ErrorCode::kConnectionFailed,
                     "cannot resolve host \"" + host + "\": " + ::gai_strerror(failed));
    BackgroundLookup::Addresses addresses;
    for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
        char text[NI_MAXHOST];
        if (::getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof text, nullptr, 0,
                          NI_NUMERICHOST) == 0)
            addresses.emplace_back(text);
    }
    ::freeaddrinfo(found);
    if (!addresses.empty()) return addresses;
    return Error(ErrorCode::kConnectionFailed, "host \"" + host + "\" has no address");
}

}  // namespace

bool is_numeric_host(std::string_view host) {
    const std::string text(host);
    in6_addr address;
    return ::inet_pton(AF_INET, text.c_str(), &address) == 1 ||
           ::inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

void BackgroundLookup::run() {
    // Memory may run out here as anywhere; there is no other root to catch it.
    try {
        result_ = look_up(host_);
    } catch (const std::exception& error) {
        result_ = Error(ErrorCode::kOutOfMemory, error.what());
    }
    done_.store(true, std::memory_order_release);
    const uint64_t one = 1;
    if (::write(event_, &one, sizeof one) != sizeof one) return;
}

Result<std::shared_ptr<BackgroundLookup>> BackgroundLookup::start(std::string host) {
    std::shared_ptr<BackgroundLookup> lookup(new BackgroundLookup(std::move(host)));
    lookup->event_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (lookup->event_ < 0)
        return Error(ErrorCode::kIo, std::string("eventfd: ") + std::strerror(errno));
    // The thread inherits the mask: signals are the process' own business.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    std::string failure;
    try {
        std::thread([lookup] { lookup->run(); }).detach();
    } catch (const std::system_error& error) {
        failure = error.what();
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (!failure.empty()) return Error(ErrorCode::kIo, "no thread to look up a name: " + failure);
    return lookup;
}

BackgroundLookup::~BackgroundLookup() {
    if (event_ >= 0) ::close(event_);
}

const Result<BackgroundLookup::Addresses>* BackgroundLookup::result() const {
    return done_.load(std::memory_order_acquire) ? &*result_ : nullptr;
}

}  // namespace tandem::net
