// Plain structs in Postgres memory contexts: they need no destructor, the context frees them.
#pragma once

#include <new>
#include <type_traits>

#include "base/boundary.h"

namespace tandem::shell {

template <typename T>
T* make() {
    static_assert(std::is_trivially_destructible_v<T>);
    return new (palloc(sizeof(T))) T();
}

template <typename T>
T* make_array(size_t size) {
    static_assert(std::is_trivially_destructible_v<T>);
    // NOLINTNEXTLINE(bugprone-sizeof-expression): T may be a pointer.
    T* items = static_cast<T*>(palloc(sizeof(T) * (size == 0 ? 1 : size)));
    for (size_t i = 0; i < size; ++i) new (&items[i]) T();
    return items;
}

inline Text text_of(const char* c_string) {
    return Text(c_string);
}

// A NUL-terminated copy in the current memory context.
inline char* c_string_of(Text text) {
    return pnstrdup(text.data(), text.size());
}

}  // namespace tandem::shell
