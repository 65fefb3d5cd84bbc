#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace tandem {
namespace {
AssertHandler g_handler = nullptr;
}

void set_assert_handler(AssertHandler handler) {
    g_handler = handler;
}

void assert_failed(const char* condition, const char* message, const char* file, int line) {
    if (g_handler != nullptr) g_handler(condition, message, file, line);
    std::fprintf(stderr, "%s:%d: assertion failed: %s (%s)\n", file, line, message, condition);
    std::abort();
}

}  // namespace tandem
