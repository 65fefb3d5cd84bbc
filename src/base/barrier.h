// The barrier between C++ that may throw (std::bad_alloc, a failed TANDEM_ASSERT) and a Postgres
// backend, where an exception must never leave a facade function.
//
//     bool facade_function(..., Failure* failure) noexcept {
//         return barrier(failure, false, [&] { ...; return fill(failure, error), false; });
//     }
//
// The text is copied out before the catch is left, so that the shell may longjmp afterwards.
// While a barrier is on the stack a failed assertion unwinds to it. One thread per process.
#pragma once

#include <cstdio>
#include <exception>
#include <new>

#include "base/boundary.h"
#include "base/error.h"

namespace tandem {

void fill_failure(Failure* failure, const Error& error) noexcept;
void fill_failure(Failure* failure, ErrorCode code, std::string_view message) noexcept;

namespace detail {

// What a failed TANDEM_ASSERT throws inside a barrier.
struct AssertionFailure {
    char text[512];
};

// Makes failed assertions throw while at least one barrier is active.
class BarrierScope {
  public:
    BarrierScope() noexcept;
    ~BarrierScope();
    BarrierScope(const BarrierScope&) = delete;
    BarrierScope& operator=(const BarrierScope&) = delete;
};

}  // namespace detail

template <typename R, typename F>
R barrier(Failure* failure, R on_failure, F&& body) noexcept {
    detail::BarrierScope scope;
    try {
        return body();
    } catch (const std::bad_alloc&) {
        fill_failure(failure, ErrorCode::kOutOfMemory, "out of memory");
    } catch (const detail::AssertionFailure& assertion) {
        fill_failure(failure, ErrorCode::kInternal, assertion.text);
    } catch (const std::exception& error) {
        fill_failure(failure, ErrorCode::kInternal, error.what());
    } catch (...) {
        fill_failure(failure, ErrorCode::kInternal, "unknown exception");
    }
    return on_failure;
}

}  // namespace tandem
