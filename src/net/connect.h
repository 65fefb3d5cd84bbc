// Opening a Stream: TCP to a host, with TLS on top when asked.
//
// Name resolution is the one thing here that can block without a deadline of ours: getaddrinfo
// obeys the resolver's own timeouts (resolv.conf). Addresses given as numbers never block.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "net/stream.h"

namespace tandem::net {

struct TlsOptions {
    bool verify = true;            // certificate chain and host name
    std::string ca_file = {};      // PEM; empty: the system's store
    std::string certificate = {};  // PEM, our own certificate, when the server wants one
    std::string private_key = {};  // PEM, for `certificate`
    std::string server_name = {};  // for SNI and the check; empty: the host connected to
};

struct ConnectOptions {
    std::string host;
    uint16_t port = 0;
    bool secure = false;
    TlsOptions tls = {};
};

// Resolves the host and starts connecting; Stream::establish() carries on from there, one address
// after the other. Errors: kConnectionFailed, kTlsFailed (options that cannot be used).
Result<std::unique_ptr<Stream>> start_connect(const ConnectOptions& options);

// Both steps, blocking.
Result<std::unique_ptr<Stream>> connect(const ConnectOptions& options, Deadline deadline,
                                        const Interrupter* interrupter = nullptr);

}  // namespace tandem::net
