// TANDEM_ASSERT: programmer errors, checked in release builds as well.
//
// Bytes that come from outside are never asserted: they produce an Error. In the daemon a failed
// assertion traps; inside a Postgres backend the facade's barrier turns it into an ERROR, through
// the handler it installs.
#pragma once

namespace tandem {

using AssertHandler = void (*)(const char* condition, const char* message, const char* file,
                               int line);

// Replaces what a failed assertion does; nullptr restores the default (print and abort). The
// handler must not return. Process wide; set it once before threads start.
void set_assert_handler(AssertHandler handler);

[[noreturn]] void assert_failed(const char* condition, const char* message, const char* file,
                                int line);

}  // namespace tandem

#define TANDEM_ASSERT(condition, message) \
    ((condition) ? static_cast<void>(0)   \
                 : ::tandem::assert_failed(#condition, message, __FILE__, __LINE__))
