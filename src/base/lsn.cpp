#include "base/lsn.h"

#include <charconv>
#include <cstdio>

namespace tandem {

std::string to_string(Lsn lsn) {
    char text[20];
    std::snprintf(text, sizeof text, "%X/%X", static_cast<unsigned>(lsn.value >> 32),
                  static_cast<unsigned>(lsn.value));
    return text;
}

Result<Lsn> parse_lsn(std::string_view text) {
    const char* end = text.data() + text.size();
    uint32_t high = 0;
    uint32_t low = 0;
    auto first = std::from_chars(text.data(), end, high, 16);
    if (first.ec == std::errc() && first.ptr != end && *first.ptr == '/') {
        auto second = std::from_chars(first.ptr + 1, end, low, 16);
        if (second.ec == std::errc() && second.ptr == end)
            return Lsn{(static_cast<uint64_t>(high) << 32) | low};
    }
    return Error(ErrorCode::kMalformedData, "not an LSN: \"" + std::string(text) + "\"");
}

}  // namespace tandem
