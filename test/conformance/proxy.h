// A proxy of one process for tests: passes bytes on to a real server, and can break the connection
// after a number of bytes, stop passing them on, or speak TLS to the client.
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tandem::test_support {

struct ProxyOptions {
    uint16_t target_port = 0;
    bool tls = false;
    // Closes both sides after so many bytes from the server (per connection); -1: never.
    int64_t cut_after_answer_bytes = -1;
    // The same for bytes from the client.
    int64_t cut_after_request_bytes = -1;
    // From so many bytes from the server on nothing is passed on any more.
    int64_t stall_after_answer_bytes = -1;
};

class Proxy {
  public:
    explicit Proxy(const ProxyOptions& options);
    ~Proxy();
    Proxy(const Proxy&) = delete;
    Proxy& operator=(const Proxy&) = delete;

    uint16_t port() const { return port_; }
    int connections() const { return connections_; }
    // Applies to connections accepted from now on.
    void set_options(const ProxyOptions& options);
    // Closes every connection that is open.
    void cut_all();
    // PEM file of the certificate, for the host name "localhost"; valid while the Proxy lives.
    const std::string& certificate_file() const { return certificate_file_; }

  private:
    struct Connection;

    void accept_loop();
    void serve(Connection& connection);
    void make_certificate();

    std::mutex mutex_;
    ProxyOptions options_;
    std::string certificate_file_;
    SSL_CTX* context_ = nullptr;
    int listener_ = -1;
    uint16_t port_ = 0;
    std::atomic<bool> stopping_ = false;
    std::atomic<int> connections_ = 0;
    std::vector<std::unique_ptr<Connection>> open_;
    std::thread acceptor_;
};

}  // namespace tandem::test_support
