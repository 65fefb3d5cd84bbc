// Result<T>: a value or an Error. [[nodiscard]], move-friendly, no exceptions.
//
//     Result<Block> read() {
//         auto header = TRY(read_header());        // returns the error to our caller
//         if (header.rows > kRowsMax)
//             return Error(ErrorCode::kLimitExceeded, "...");
//         ...
//     }
//
// TRY propagates; MUST asserts that failure is impossible and the line says why. TRY does not
// belong inside of braces, S{a, TRY(b())}: compilers leave an initializer list without destroying
// what it had built, so `a` would leak. Arguments of calls are fine.
#pragma once

#include <optional>
#include <utility>
#include <variant>

#include "base/assert.h"
#include "base/error.h"

namespace tandem {

template <typename T>
class [[nodiscard]] Result {
  public:
    using value_type = T;

    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

    bool ok() const { return state_.index() == 0; }
    explicit operator bool() const { return ok(); }

    T& value() & { return held<0>(state_); }
    const T& value() const& { return held<0>(state_); }
    T&& value() && { return std::move(held<0>(state_)); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }

    Error& error() & { return held<1>(state_); }
    const Error& error() const& { return held<1>(state_); }
    Error&& error() && { return std::move(held<1>(state_)); }

    // Adds "what: " in front of the error's message, if there is one.
    Result&& context(std::string_view what) && {
        if (!ok()) std::move(error()).context(what);
        return std::move(*this);
    }

  private:
    template <size_t kWhich, typename State>
    static auto& held(State& state) {
        auto* item = std::get_if<kWhich>(&state);
        TANDEM_ASSERT(item != nullptr, kWhich == 0 ? "value of a failed Result was read"
                                                   : "error of a Result that is ok was read");
        return *item;
    }

    std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
  public:
    using value_type = void;

    Result() = default;
    Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit by design

    bool ok() const { return !error_.has_value(); }
    explicit operator bool() const { return ok(); }
    void value() const {}

    Error& error() & { return *error_; }
    const Error& error() const& { return *error_; }
    Error&& error() && { return std::move(*error_); }

    Result&& context(std::string_view what) && {
        if (!ok()) std::move(*error_).context(what);
        return std::move(*this);
    }

  private:
    std::optional<Error> error_;
};

using Status = Result<void>;

namespace detail {
// Lets TRY be used on Result<T> and Status alike.
template <typename T>
T take(Result<T>& result) {
    if constexpr (!std::is_void_v<T>) return std::move(result).value();
}
}  // namespace detail

#define TRY(expression)                                   \
    ({                                                    \
        auto tandem_try_result_ = (expression);           \
        if (!tandem_try_result_.ok()) [[unlikely]]        \
            return std::move(tandem_try_result_).error(); \
        ::tandem::detail::take(tandem_try_result_);       \
    })

#define MUST(expression)                                                      \
    ({                                                                        \
        auto tandem_must_result_ = (expression);                              \
        TANDEM_ASSERT(tandem_must_result_.ok(), "MUST failed: " #expression); \
        ::tandem::detail::take(tandem_must_result_);                          \
    })

}  // namespace tandem
