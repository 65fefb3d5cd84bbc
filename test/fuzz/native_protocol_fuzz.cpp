// The native protocol's receiving half: any bytes give events or an error, and memory stays within
// what the limits allow.
//
// Input: u8 compression, u8 how far below the newest revision we offer, u8 size of the pieces, then
// what the server sends.
#include <cstdlib>

#include "clickhouse/client/native_protocol.h"

using namespace tandem;
using namespace tandem::clickhouse;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 3) return 0;
    ClientOptions options;
    options.compression = data[0] % 2 == 0 ? Compression::kNone : Compression::kLz4;
    options.revision_max = kRevisionNewest - data[1] % (kRevisionNewest - kRevisionOldest + 1);
    options.block_bytes_max = size_t{1} << 20;
    const size_t piece = data[2] + size_t{1};
    std::string_view bytes(reinterpret_cast<const char*>(data) + 3, size - 3);

    NativeProtocol machine(Endpoint{}, options);
    while (!bytes.empty()) {
        machine.feed(bytes.substr(0, piece));
        bytes.remove_prefix(std::min(piece, bytes.size()));
        for (;;) {
            auto event = machine.next();
            if (!event.ok()) return 0;
            if (!event->has_value()) break;
            const auto* block = std::get_if<BlockEvent>(&**event);
            if (block == nullptr) continue;
            for (const types::NamedColumn& column : block->block.columns)
                if (column.column.rows != block->block.rows()) std::abort();
        }
    }
    return 0;
}
