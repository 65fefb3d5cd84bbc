#include "base/error.h"

#include <array>

namespace tandem {
namespace {

constexpr std::array kErrors = {
#define TANDEM_ERROR(name, code, retry, exit, sqlstate, advice) \
    ErrorInfo{code, RetryClass::retry, exit, sqlstate, advice},
#include "base/errors.def"
#undef TANDEM_ERROR
};

}  // namespace

const ErrorInfo& error_info(ErrorCode code) {
    return kErrors[static_cast<size_t>(code)];
}

std::optional<ErrorCode> find_error_code(std::string_view text) {
    for (size_t i = 0; i < kErrors.size(); ++i)
        if (kErrors[i].code == text) return static_cast<ErrorCode>(i);
    return std::nullopt;
}

Error&& Error::context(std::string_view what) && {
    message_.insert(0, std::string(what) + ": ");
    return std::move(*this);
}

std::string Error::to_string() const {
    std::string text = message_;
    text += " [";
    text += info().code;
    text += "]. ";
    text += info().advice;
    return text;
}

}  // namespace tandem
