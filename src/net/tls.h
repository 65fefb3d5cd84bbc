// TLS over another Stream, by OpenSSL.
//
// Internal to the module; others use net/connect.h. The inner stream is read and written through a
// BIO of our own, so that nothing but the Stream touches the socket (no SIGPIPE, no second path).
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "net/connect.h"
#include "net/stream.h"

namespace tandem::net {

class TlsStream final : public Stream {
  public:
    // kTlsFailed when the options cannot be used (files, names). The handshake is establish()'s.
    static Result<std::unique_ptr<TlsStream>> wrap(std::unique_ptr<Stream> inner,
                                                   const TlsOptions& options,
                                                   const std::string& host);
    ~TlsStream() override { close(); }

    Result<Want> establish() override;
    Result<IoResult> read_some(std::span<char> into) override;
    Result<IoResult> write_some(std::string_view from) override;
    int fd() const override { return inner_->fd(); }
    void close() noexcept override;

  private:
    struct SslFree {
        void operator()(SSL* ssl) const { SSL_free(ssl); }
    };

    TlsStream(std::unique_ptr<Stream> inner, std::string host)
        : inner_(std::move(inner)), host_(std::move(host)) {}

    static int bio_read(BIO* bio, char* into, int size);
    static int bio_write(BIO* bio, const char* from, int size);
    static long bio_control(BIO* bio, int command, long number, void* pointer);
    static BIO_METHOD* bio_method();

    Status set_up(const TlsOptions& options);
    // Turns a failed call into what to wait for, an end or an Error.
    Result<IoResult> outcome(int returned, const char* doing);
    Error tls_error(const char* doing) const;

    std::unique_ptr<Stream> inner_;
    std::string host_;
    std::unique_ptr<SSL, SslFree> ssl_;
    std::optional<Error> inner_error_;  // what the inner stream said inside a BIO call
    bool inner_established_ = false;
    bool established_ = false;
};

}  // namespace tandem::net
