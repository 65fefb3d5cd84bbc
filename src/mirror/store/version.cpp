#include "mirror/store/version.h"

#include <algorithm>

namespace tandem::mirror {

std::string to_string(Version version) {
    std::string digits;
    types::UInt128 rest = version.value;
    do {
        digits.push_back(static_cast<char>('0' + static_cast<int>(rest % 10)));
        rest /= 10;
    } while (rest != 0);
    std::reverse(digits.begin(), digits.end());
    return digits;
}

Result<Version> parse_version(std::string_view digits) {
    constexpr types::UInt128 kMax = ~types::UInt128{0};
    Version version;
    if (digits.empty()) return Error(ErrorCode::kMalformedData, "empty version");
    for (char c : digits) {
        if (c < '0' || c > '9')
            return Error(ErrorCode::kMalformedData, "bad version " + std::string(digits));
        auto digit = static_cast<types::UInt128>(c - '0');
        if (version.value > (kMax - digit) / 10)
            return Error(ErrorCode::kMalformedData,
                         "version " + std::string(digits) + " is too big");
        version.value = version.value * 10 + digit;
    }
    return version;
}

}  // namespace tandem::mirror
