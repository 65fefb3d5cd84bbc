#include "net/connect.h"

#include "net/tcp.h"
#include "net/tls.h"

namespace tandem::net {

Result<std::unique_ptr<Stream>> start_connect(const ConnectOptions& options) {
    auto addresses = TRY(resolve(options.host, options.port));
    const bool is_ipv6 = options.host.find(':') != std::string::npos;
    std::string name =
        (is_ipv6 ? "[" + options.host + "]" : options.host) + ":" + std::to_string(options.port);
    std::unique_ptr<Stream> stream =
        std::make_unique<TcpStream>(std::move(addresses), std::move(name));
    if (options.secure) stream = TRY(TlsStream::wrap(std::move(stream), options.tls, options.host));
    return stream;
}

Result<std::unique_ptr<Stream>> connect(const ConnectOptions& options, Deadline deadline,
                                        const Interrupter* interrupter) {
    auto stream = TRY(start_connect(options));
    TRY(establish(*stream, deadline, interrupter));
    return stream;
}

}  // namespace tandem::net
