// TCP: one non-blocking connection, trying the addresses of a host in turn.
//
// Internal to the module; others use net/connect.h.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/stream.h"

namespace tandem::net {

struct Address {
    sockaddr_storage storage = {};
    socklen_t length = 0;
};

Result<std::vector<Address>> resolve(const std::string& host, uint16_t port);

class TcpStream final : public Stream {
  public:
    // `name` is "host:port", for messages. INVARIANT: addresses is not empty.
    TcpStream(std::vector<Address> addresses, std::string name);
    ~TcpStream() override { close(); }

    Result<Want> establish() override;
    Result<IoResult> read_some(std::span<char> into) override;
    Result<IoResult> write_some(std::string_view from) override;
    int fd() const override { return fd_; }
    void close() noexcept override;

  private:
    enum class State : uint8_t { kNew, kConnecting, kConnected, kClosed };

    Result<Want> try_next_address();
    Result<Want> begin_connect(const Address& address);
    Result<Want> connect_failed(int error);

    std::vector<Address> addresses_;
    std::string name_;
    size_t next_address_ = 0;
    int fd_ = -1;
    int last_error_ = 0;
    State state_ = State::kNew;
};

}  // namespace tandem::net
