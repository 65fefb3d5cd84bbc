#include "route/reason.h"

namespace tandem::route {
namespace {

constexpr ReasonInfo kReasons[] = {
#define TANDEM_REASON(name, code, words, advice) {code, words, advice},
#include "route/reasons.def"
#undef TANDEM_REASON
};

}  // namespace

const ReasonInfo& reason_info(Reason reason) {
    return kReasons[static_cast<size_t>(reason)];
}

}  // namespace tandem::route
