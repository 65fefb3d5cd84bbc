// Plain types that cross the boundary between a Postgres backend's shell and the C++ core.
//
// Trivially destructible throughout: the shell builds and reads them in frames that longjmp may
// leave. They own nothing; each use says who owns the memory behind the views.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tandem {

// A view of an array, to be built from palloc'ed memory.
template <typename T>
struct List {
    const T* items = nullptr;
    uint32_t size = 0;
    const T* begin() const { return items; }
    const T* end() const { return items + size; }
    const T& operator[](uint32_t i) const { return items[i]; }
    bool empty() const { return size == 0; }
};

using Text = std::string_view;

// What the shell does about a failure does not depend on its text.
enum class FailureKind : uint8_t {
    kOther,
    kUnreachable,     // the server does not answer, or not to us
    kConnectionLost,  // the same, where a connection was there before
};

// Why a facade function failed. The texts are copied in and end with NUL; nothing needs freeing.
struct Failure {
    char code[32];        // stable code: errors.def, or a reason code when a query does not ship
    char sqlstate[6];     // five characters
    char message[1024];   // for the user, UTF-8, cut at a character border
    char advice[256];     // what to do about it; may be empty
    int clickhouse_code;  // ClickHouse exception code or 0
    FailureKind kind;
};

// Copies, cuts at a UTF-8 character border when `to` is too small, terminates with NUL. For the
// texts of a Failure, on both sides of the boundary (barrier.cpp).
void copy_text(char* to, size_t size, std::string_view text) noexcept;

}  // namespace tandem
