#include "net/tcp.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tandem::net {
namespace {

Error lost(const char* doing, const std::string& name, int error) {
    return Error(ErrorCode::kConnectionLost,
                 std::string(doing) + " " + name + ": " + std::strerror(error));
}

// Requests are small and answered at once, so no Nagle; keepalive finds dead peers of idle
// connections within about two minutes.
void set_socket_options(int fd) {
    const auto set = [fd](int level, int option, int value) {
        ::setsockopt(fd, level, option, &value, sizeof value);  // failing only costs latency
    };
    set(IPPROTO_TCP, TCP_NODELAY, 1);
    set(SOL_SOCKET, SO_KEEPALIVE, 1);
    set(IPPROTO_TCP, TCP_KEEPIDLE, 60);
    set(IPPROTO_TCP, TCP_KEEPINTVL, 15);
    set(IPPROTO_TCP, TCP_KEEPCNT, 4);
}

}  // namespace

Result<std::vector<Address>> resolve(const std::string& host, uint16_t port) {
    addrinfo hints = {};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const int failed = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (failed != 0)
        return Error(ErrorCode::kConnectionFailed,
                     "cannot resolve host \"" + host + "\": " + ::gai_strerror(failed));
    std::vector<Address> addresses;
    for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
        if (at->ai_addrlen > sizeof(sockaddr_storage)) continue;
        Address address;
        std::memcpy(&address.storage, at->ai_addr, at->ai_addrlen);
        address.length = at->ai_addrlen;
        addresses.push_back(address);
    }
    ::freeaddrinfo(found);
    if (addresses.empty())
        return Error(ErrorCode::kConnectionFailed, "host \"" + host + "\" has no address");
    return addresses;
}

TcpStream::TcpStream(std::vector<Address> addresses, std::string name)
    : addresses_(std::move(addresses)), name_(std::move(name)) {
    TANDEM_ASSERT(!addresses_.empty(), "a TcpStream needs an address");
}

void TcpStream::close() noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
    state_ = State::kClosed;
}

Result<Want> TcpStream::establish() {
    switch (state_) {
        case State::kConnected:
            return Want::kNothing;
        case State::kClosed:
            return Error(ErrorCode::kConnectionLost, name_ + " is closed");
        case State::kNew:
            return try_next_address();
        case State::kConnecting:
            break;
    }
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error != 0) return connect_failed(error);
    // SO_ERROR is 0 as well while the connect is under way; only a peer address tells.
    sockaddr_storage peer = {};
    socklen_t peer_size = sizeof peer;
    if (::getpeername(fd_, reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0) {
        if (errno == ENOTCONN) return Want::kWrite;
        return connect_failed(errno);
    }
    state_ = State::kConnected;
    return Want::kNothing;
}

Result<Want> TcpStream::try_next_address() {
    if (next_address_ == addresses_.size())
        return Error(ErrorCode::kConnectionFailed,
                     "cannot connect to " + name_ + ": " + std::strerror(last_error_));
    return begin_connect(addresses_[next_address_++]);
}

Result<Want> TcpStream::begin_connect(const Address& address) {
    fd_ = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) return connect_failed(errno);
    set_socket_options(fd_);
    state_ = State::kConnecting;
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address.storage), address.length) == 0) {
        state_ = State::kConnected;
        return Want::kNothing;
    }
    if (errno == EINPROGRESS || errno == EINTR) return Want::kWrite;
    return connect_failed(errno);
}

Result<Want> TcpStream::connect_failed(int error) {
    close();
    state_ = State::kNew;
    last_error_ = error;
    return try_next_address();
}

Result<IoResult> TcpStream::read_some(std::span<char> into) {
    if (state_ != State::kConnected)
        return Error(ErrorCode::kConnectionLost, name_ + " is not connected");
    for (;;) {
        const ssize_t got = ::recv(fd_, into.data(), into.size(), 0);
        if (got > 0) return IoResult{.bytes = static_cast<size_t>(got)};
        if (got == 0) return IoResult{.end = true};
        if (errno == EINTR) continue;
        if (errno == EAGAIN) return IoResult{.want = Want::kRead};
        return lost("reading from", name_, errno);
    }
}

Result<IoResult> TcpStream::write_some(std::string_view from) {
    if (state_ != State::kConnected)
        return Error(ErrorCode::kConnectionLost, name_ + " is not connected");
    for (;;) {
        const ssize_t sent = ::send(fd_, from.data(), from.size(), MSG_NOSIGNAL);
        if (sent >= 0) return IoResult{.bytes = static_cast<size_t>(sent)};
        if (errno == EINTR) continue;
        if (errno == EAGAIN) return IoResult{.want = Want::kWrite};
        return lost("writing to", name_, errno);
    }
}

}  // namespace tandem::net
