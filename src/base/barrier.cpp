#include "base/barrier.h"

#include <cstring>

#include "base/assert.h"

namespace tandem {
namespace {

int g_depth = 0;

[[noreturn]] void raise_assertion(const char* condition, const char* message, const char* file,
                                  int line) {
    detail::AssertionFailure failure;
    std::snprintf(failure.text, sizeof failure.text, "%s:%d: assertion failed: %s (%s)", file, line,
                  message, condition);
    throw failure;  // the only throw of the product; the barrier that installed us catches it
}

}  // namespace

namespace detail {

BarrierScope::BarrierScope() noexcept {
    if (g_depth++ == 0) set_assert_handler(raise_assertion);
}

BarrierScope::~BarrierScope() {
    if (--g_depth == 0) set_assert_handler(nullptr);
}

}  // namespace detail

void copy_text(char* to, size_t size, std::string_view text) noexcept {
    size_t length = text.size();
    if (length >= size) {
        length = size - 1;
        // A continuation byte right after the cut means that the cut is inside a character.
        while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) --length;
    }
    // An empty view may carry a null pointer, which memcpy must not see.
    if (length != 0) std::memcpy(to, text.data(), length);
    to[length] = '\0';
}

namespace {

FailureKind kind_of(ErrorCode code) {
    switch (code) {
        case ErrorCode::kConnectionLost:
            return FailureKind::kConnectionLost;
        case ErrorCode::kConnectionFailed:
        case ErrorCode::kAuthenticationFailed:
        case ErrorCode::kTlsFailed:
        case ErrorCode::kTimeout:
            return FailureKind::kUnreachable;
        default:
            return FailureKind::kOther;
    }
}

}  // namespace

void fill_failure(Failure* failure, ErrorCode code, std::string_view message) noexcept {
    const ErrorInfo& info = error_info(code);
    copy_text(failure->code, sizeof failure->code, info.code);
    copy_text(failure->sqlstate, sizeof failure->sqlstate, info.sqlstate);
    copy_text(failure->message, sizeof failure->message, message);
    copy_text(failure->advice, sizeof failure->advice, info.advice);
    failure->clickhouse_code = 0;
    failure->kind = kind_of(code);
}

void fill_failure(Failure* failure, const Error& error) noexcept {
    fill_failure(failure, error.code(), error.message());
    copy_text(failure->sqlstate, sizeof failure->sqlstate, error.sqlstate());
    failure->clickhouse_code = error.foreign_code();
}

}  // namespace tandem
