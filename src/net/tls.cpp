#include "net/tls.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <climits>

namespace tandem::net {
namespace {

using ContextPtr = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

// The oldest entry of OpenSSL's error queue, which is the cause; empties the queue.
std::string take_openssl_reason() {
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (code == 0) return "no reason given";
    const char* reason = ERR_reason_error_string(code);
    return reason == nullptr ? "error " + std::to_string(code) : reason;
}

Error option_error(const std::string& what) {
    return Error(ErrorCode::kTlsFailed, what + ": " + take_openssl_reason());
}

bool is_numeric_address(const std::string& host) {
    unsigned char address[sizeof(in6_addr)];
    return ::inet_pton(AF_INET, host.c_str(), address) == 1 ||
           ::inet_pton(AF_INET6, host.c_str(), address) == 1;
}

Status load_certificates(SSL_CTX* context, const TlsOptions& options) {
    if (!options.ca_file.empty()) {
        if (SSL_CTX_load_verify_locations(context, options.ca_file.c_str(), nullptr) != 1)
            return option_error("cannot read the CA file " + options.ca_file);
    } else if (SSL_CTX_set_default_verify_paths(context) != 1) {
        return option_error("cannot read the system's certificate store");
    }
    if (options.certificate.empty()) return {};
    if (SSL_CTX_use_certificate_chain_file(context, options.certificate.c_str()) != 1)
        return option_error("cannot read the certificate " + options.certificate);
    const std::string& key =
        options.private_key.empty() ? options.certificate : options.private_key;
    if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1)
        return option_error("cannot read the private key " + key);
    return {};
}

}  // namespace

Result<std::unique_ptr<TlsStream>> TlsStream::wrap(std::unique_ptr<Stream> inner,
                                                   const TlsOptions& options,
                                                   const std::string& host) {
    std::unique_ptr<TlsStream> stream(new TlsStream(std::move(inner), host));
    TRY(stream->set_up(options));
    return stream;
}

Status TlsStream::set_up(const TlsOptions& options) {
    ERR_clear_error();
    ContextPtr context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
    if (context == nullptr) return option_error("cannot start TLS");
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    // Writes may go on from a moved buffer, because the caller's output buffer may have grown.
    SSL_CTX_set_mode(context.get(),
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_verify(context.get(), options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    TRY(load_certificates(context.get(), options));

    ssl_.reset(SSL_new(context.get()));
    if (ssl_ == nullptr) return option_error("cannot start TLS");
    const std::string& name = options.server_name.empty() ? host_ : options.server_name;
    if (is_numeric_address(name)) {
        if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), name.c_str()) != 1)
            return option_error("cannot use the server name " + name);
    } else {
        // What SSL_set_tlsext_host_name expands to, without its C cast.
        if (SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                     const_cast<char*>(name.c_str())) != 1 ||
            SSL_set1_host(ssl_.get(), name.c_str()) != 1)
            return option_error("cannot use the server name " + name);
    }
    BIO* bio = BIO_new(bio_method());
    if (bio == nullptr) return option_error("cannot start TLS");
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);  // owns the one reference, used for both directions
    SSL_set_connect_state(ssl_.get());
    return {};
}

BIO_METHOD* TlsStream::bio_method() {
    static BIO_METHOD* const method = [] {
        BIO_METHOD* made = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "stream");
        BIO_meth_set_read(made, &TlsStream::bio_read);
        BIO_meth_set_write(made, &TlsStream::bio_write);
        BIO_meth_set_ctrl(made, &TlsStream::bio_control);
        return made;
    }();
    return method;
}

int TlsStream::bio_read(BIO* bio, char* into, int size) {
    auto* self = static_cast<TlsStream*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    auto read = self->inner_->read_some({into, static_cast<size_t>(std::max(size, 0))});
    if (!read.ok()) {
        self->inner_error_ = std::move(read).error();
        return -1;
    }
    if (read->end) return 0;
    if (read->bytes > 0) return static_cast<int>(read->bytes);
    BIO_set_retry_read(bio);
    return -1;
}

int TlsStream::bio_write(BIO* bio, const char* from, int size) {
    auto* self = static_cast<TlsStream*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    auto written = self->inner_->write_some({from, static_cast<size_t>(std::max(size, 0))});
    if (!written.ok()) {
        self->inner_error_ = std::move(written).error();
        return -1;
    }
    if (written->bytes > 0) return static_cast<int>(written->bytes);
    BIO_set_retry_write(bio);
    return -1;
}

long TlsStream::bio_control(BIO*, int command, long, void*) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

Error TlsStream::tls_error(const char* doing) const {
    std::string text = std::string(doing) + " with " + host_ + ": " + take_openssl_reason();
    const long verified = SSL_get_verify_result(ssl_.get());
    if (verified != X509_V_OK)
        text += std::string(" (") + X509_verify_cert_error_string(verified) + ")";
    return Error(ErrorCode::kTlsFailed, std::move(text));
}

Result<IoResult> TlsStream::outcome(int returned, const char* doing) {
    if (inner_error_.has_value()) {
        Error error = std::move(*inner_error_);
        inner_error_.reset();
        ERR_clear_error();
        return error;
    }
    switch (SSL_get_error(ssl_.get(), returned)) {
        case SSL_ERROR_WANT_READ:
            return IoResult{.want = Want::kRead};
        case SSL_ERROR_WANT_WRITE:
            return IoResult{.want = Want::kWrite};
        case SSL_ERROR_ZERO_RETURN:
            return IoResult{.end = true};
        default:
            break;
    }
    // Servers that close without a TLS goodbye; what was received is whole or the protocol above
    // notices that it is not, since both our protocols mark their own ends.
    if (established_ && ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        ERR_clear_error();
        return IoResult{.end = true};
    }
    return tls_error(doing);
}

Result<Want> TlsStream::establish() {
    if (established_) return Want::kNothing;
    if (ssl_ == nullptr) return Error(ErrorCode::kConnectionLost, host_ + " is closed");
    if (!inner_established_) {
        const Want want = TRY(inner_->establish());
        if (want != Want::kNothing) return want;
        inner_established_ = true;
    }
    ERR_clear_error();
    const int returned = SSL_do_handshake(ssl_.get());
    if (returned == 1) {
        established_ = true;
        return Want::kNothing;
    }
    const IoResult result = TRY(outcome(returned, "TLS handshake"));
    if (result.end)
        return Error(ErrorCode::kTlsFailed, host_ + " closed the connection in the TLS handshake");
    return result.want;
}

Result<IoResult> TlsStream::read_some(std::span<char> into) {
    if (!established_) return Error(ErrorCode::kConnectionLost, host_ + " is not connected");
    ERR_clear_error();
    const int size = static_cast<int>(std::min<size_t>(into.size(), INT_MAX));
    const int got = SSL_read(ssl_.get(), into.data(), size);
    if (got > 0) return IoResult{.bytes = static_cast<size_t>(got)};
    return outcome(got, "TLS read");
}

Result<IoResult> TlsStream::write_some(std::string_view from) {
    if (!established_) return Error(ErrorCode::kConnectionLost, host_ + " is not connected");
    ERR_clear_error();
    const int size = static_cast<int>(std::min<size_t>(from.size(), INT_MAX));
    const int sent = SSL_write(ssl_.get(), from.data(), size);
    if (sent > 0) return IoResult{.bytes = static_cast<size_t>(sent)};
    const IoResult result = TRY(outcome(sent, "TLS write"));
    if (result.end) return Error(ErrorCode::kConnectionLost, host_ + " closed the connection");
    return result;
}

void TlsStream::close() noexcept {
    // One attempt at a goodbye, without waiting: the answer is of no interest.
    if (established_ && !inner_error_.has_value()) SSL_shutdown(ssl_.get());
    ERR_clear_error();
    established_ = false;
    ssl_.reset();
    inner_->close();
}

}  // namespace tandem::net
