#include "conformance/proxy.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "base/assert.h"

namespace tandem::test_support {
namespace {

int listen_on_loopback(uint16_t& port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    const bool listening = ::bind(fd, generic, size) == 0 && ::listen(fd, 16) == 0 &&
                           ::getsockname(fd, generic, &size) == 0;
    TANDEM_ASSERT(listening, "the proxy cannot listen");
    port = ntohs(address.sin_port);
    return fd;
}

int connect_to(uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
    ::close(fd);
    return -1;
}

bool send_all(int fd, SSL* ssl, const char* from, size_t size) {
    while (size > 0) {
        const ssize_t sent = ssl == nullptr ? ::send(fd, from, size, MSG_NOSIGNAL)
                                            : SSL_write(ssl, from, static_cast<int>(size));
        if (sent <= 0) return false;
        from += sent;
        size -= static_cast<size_t>(sent);
    }
    return true;
}

}  // namespace

struct Proxy::Connection {
    ProxyOptions options;
    int client = -1;
    int server = -1;
    SSL* ssl = nullptr;
    std::thread thread;
};

Proxy::Proxy(const ProxyOptions& options) : options_(options) {
    if (options.tls) make_certificate();
    listener_ = listen_on_loopback(port_);
    acceptor_ = std::thread([this] { accept_loop(); });
}

Proxy::~Proxy() {
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    cut_all();
    for (auto& connection : open_) {
        connection->thread.join();
        if (connection->ssl != nullptr) SSL_free(connection->ssl);
        ::close(connection->client);
        ::close(connection->server);
    }
    ::close(listener_);
    SSL_CTX_free(context_);
    if (!certificate_file_.empty()) ::unlink(certificate_file_.c_str());
}

void Proxy::set_options(const ProxyOptions& options) {
    std::lock_guard lock(mutex_);
    options_ = options;
}

void Proxy::cut_all() {
    std::lock_guard lock(mutex_);
    for (auto& connection : open_) {
        ::shutdown(connection->client, SHUT_RDWR);
        ::shutdown(connection->server, SHUT_RDWR);
    }
}

void Proxy::accept_loop() {
    while (!stopping_) {
        const int client = ::accept(listener_, nullptr, nullptr);
        if (client < 0) continue;
        std::lock_guard lock(mutex_);
        ++connections_;
        auto connection = std::make_unique<Connection>();
        connection->options = options_;
        connection->client = client;
        connection->server = connect_to(options_.target_port);
        Connection& running = *connection;
        open_.push_back(std::move(connection));
        running.thread = std::thread([this, &running] { serve(running); });
    }
}

void Proxy::serve(Connection& connection) {
    if (context_ != nullptr) {
        connection.ssl = SSL_new(context_);
        SSL_set_fd(connection.ssl, connection.client);
        if (SSL_accept(connection.ssl) != 1) {
            ::shutdown(connection.client, SHUT_RDWR);
            ::shutdown(connection.server, SHUT_RDWR);
            return;
        }
    }
    int64_t requested = 0;
    int64_t answered = 0;
    const ProxyOptions& options = connection.options;
    std::array<char, 16384> buffer;
    for (bool open = true; open;) {
        pollfd polled[2] = {{connection.client, POLLIN, 0}, {connection.server, POLLIN, 0}};
        const bool decrypted = connection.ssl != nullptr && SSL_pending(connection.ssl) > 0;
        if (!decrypted && ::poll(polled, 2, -1) < 0) break;
        if (decrypted || polled[0].revents != 0) {
            const ssize_t got =
                connection.ssl == nullptr
                    ? ::recv(connection.client, buffer.data(), buffer.size(), 0)
                    : SSL_read(connection.ssl, buffer.data(), static_cast<int>(buffer.size()));
            open = got > 0 &&
                   send_all(connection.server, nullptr, buffer.data(), static_cast<size_t>(got));
            requested += got;
            const int64_t limit = options.cut_after_request_bytes;
            if (limit >= 0 && requested >= limit) open = false;
        }
        if (open && polled[1].revents != 0) {
            ssize_t got = ::recv(connection.server, buffer.data(), buffer.size(), 0);
            if (got <= 0) break;
            const int64_t cut = options.cut_after_answer_bytes;
            if (cut >= 0 && answered + got >= cut) {
                got = cut - answered;
                open = false;
            }
            answered += got;
            const int64_t stall = options.stall_after_answer_bytes;
            if (stall >= 0 && answered > stall) continue;
            if (!send_all(connection.client, connection.ssl, buffer.data(),
                          static_cast<size_t>(got)))
                open = false;
        }
    }
    ::shutdown(connection.client, SHUT_RDWR);
    ::shutdown(connection.server, SHUT_RDWR);
}

void Proxy::make_certificate() {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_version(certificate, X509_VERSION_3);
    X509_set_pubkey(certificate, key);
    X509_NAME* name = X509_get_subject_name(certificate);
    const auto* text = reinterpret_cast<const unsigned char*>("localhost");
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_EXTENSION* names =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost");
    X509_add_ext(certificate, names, -1);
    X509_EXTENSION_free(names);
    X509_sign(certificate, key, EVP_sha256());

    char path[] = "/tmp/tandem-proxy-XXXXXX";
    const int fd = ::mkstemp(path);
    TANDEM_ASSERT(fd >= 0, "no temporary file for the certificate");
    FILE* file = ::fdopen(fd, "w");
    PEM_write_X509(file, certificate);
    std::fclose(file);
    certificate_file_ = path;

    context_ = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(context_, certificate);
    SSL_CTX_use_PrivateKey(context_, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

}  // namespace tandem::test_support
