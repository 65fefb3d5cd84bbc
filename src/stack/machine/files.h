// Files, secrets and ports of the stack. Everything here is thread safe; nothing logs a content.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "stack/machine/account.h"

namespace tandem::stack {

// The whole file; kNotFound when it does not exist, kLimitExceeded beyond `bytes_max`.
Result<std::string> read_file(const std::string& path, size_t bytes_max = 1 << 20);

// Replaces the file in one step (temporary file, fsync, rename), mode 0600. With an owner the file
// then belongs to that account.
Status write_private_file(const std::string& path, std::string_view content,
                          const std::optional<Account>& owner = std::nullopt);

// Creates the directory (and missing parents) or sets mode and owner of an existing one.
Status make_directory(const std::string& path, mode_t mode,
                      const std::optional<Account>& owner = std::nullopt);

// 32 characters of [A-Za-z0-9] from the kernel's random source: about 190 bits.
Result<std::string> random_password();

// Lower-case hexadecimal SHA-256, the form users.xml wants a password in.
std::string sha256_hex(std::string_view text);

// A TCP port on 127.0.0.1 that nothing listens on now. Below the ephemeral range, so that no
// outgoing connection takes it before the server binds.
Result<uint16_t> free_port();
bool port_is_free(uint16_t port);

// True when something accepts a connection on 127.0.0.1:port.
bool port_answers(uint16_t port);

// Bytes an unprivileged process may still write on the file system of `path`.
Result<uint64_t> free_disk_bytes(const std::string& path);

}  // namespace tandem::stack
