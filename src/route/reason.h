// Reasons why a query does not ship: the enum of reasons.def with code, words and advice.
#pragma once

#include <cstdint>
#include <string_view>

namespace tandem::route {

enum class Reason : uint8_t {
#define TANDEM_REASON(name, code, words, advice) k##name,
#include "route/reasons.def"
#undef TANDEM_REASON
};

struct ReasonInfo {
    std::string_view code;
    std::string_view words;
    std::string_view advice;
};

const ReasonInfo& reason_info(Reason reason);

}  // namespace tandem::route
