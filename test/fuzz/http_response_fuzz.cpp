// An answer over HTTP from the first byte of the head to the last block of the body.
//
// Input: u8 flags (compressed, tagged), u8 size of the pieces, then what the server sends.
#include "clickhouse/client/http_response.h"
#include "clickhouse/client/http_result.h"

using namespace tandem;
using namespace tandem::clickhouse;

namespace {

// False when the answer cannot go on.
bool take_items(HttpResponse& response, HttpResult& result) {
    for (;;) {
        auto item = response.next();
        if (!item.ok() || (item->has_value() && (*item)->kind == HttpItem::Kind::kEnd))
            return false;
        if (!item->has_value()) return true;
        if ((*item)->kind != HttpItem::Kind::kBody) continue;
        result.feed((*item)->body);
        for (;;) {
            auto block = result.next();
            if (!block.ok()) return false;
            if (!block->has_value()) break;
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 2) return 0;
    HttpResultOptions options;
    options.compressed = (data[0] & 1) != 0;
    if ((data[0] & 2) != 0) options.exception_tag = "abcdefghijklmnop";
    options.block_bytes_max = size_t{1} << 20;
    const size_t piece = data[1] + size_t{1};
    std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);

    HttpResponse response;
    HttpResult result(options);
    bool open = true;
    while (open && !bytes.empty()) {
        response.feed(bytes.substr(0, piece));
        bytes.remove_prefix(std::min(piece, bytes.size()));
        open = take_items(response, result);
    }
    const bool complete = !open || response.end_of_input().ok();
    (void)result.finish(complete).ok();
    return 0;
}
