#include "stack/machine/files.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/sha.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace tandem::stack {
namespace {

// Closes a descriptor at the end of the scope.
class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd_ >= 0) close(fd_);
    }
    int get() const { return fd_; }

  private:
    int fd_;
};

Error io_error(const std::string& what, const std::string& path) {
    int saved = errno;
    return Error(saved == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                 what + " " + path + ": " + std::strerror(saved));
}

sockaddr_in loopback(uint16_t port) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

Status write_all(int fd, std::string_view content, const std::string& path) {
    while (!content.empty()) {
        ssize_t written = write(fd, content.data(), content.size());
        if (written < 0) return io_error("cannot write", path);
        content.remove_prefix(static_cast<size_t>(written));
    }
    return {};
}

}  // namespace

Result<std::string> read_file(const std::string& path, size_t bytes_max) {
    Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) return io_error("cannot open", path);
    std::string content;
    std::array<char, 16384> buffer;
    for (;;) {
        ssize_t count = read(file.get(), buffer.data(), buffer.size());
        if (count < 0) return io_error("cannot read", path);
        if (count == 0) return content;
        if (content.size() + static_cast<size_t>(count) > bytes_max)
            return Error(ErrorCode::kLimitExceeded,
                         path + " is larger than " + std::to_string(bytes_max) + " bytes");
        content.append(buffer.data(), static_cast<size_t>(count));
    }
}

Status write_private_file(const std::string& path, std::string_view content,
                          const std::optional<Account>& owner) {
    std::string temporary = path + ".new";
    unlink(temporary.c_str());
    {
        Descriptor file(
            open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (file.get() < 0) return io_error("cannot create", temporary);
        TRY(write_all(file.get(), content, temporary));
        if (owner && fchown(file.get(), owner->uid, owner->gid) != 0)
            return io_error("cannot change the owner of", temporary);
        if (fsync(file.get()) != 0) return io_error("cannot sync", temporary);
    }
    if (rename(temporary.c_str(), path.c_str()) != 0) return io_error("cannot replace", path);
    return {};
}

Status make_directory(const std::string& path, mode_t mode, const std::optional<Account>& owner) {
    std::error_code failure;
    std::filesystem::create_directories(path, failure);
    if (failure) return Error(ErrorCode::kIo, "cannot create " + path + ": " + failure.message());
    if (owner && chown(path.c_str(), owner->uid, owner->gid) != 0)
        return io_error("cannot change the owner of", path);
    if (chmod(path.c_str(), mode) != 0) return io_error("cannot change the mode of", path);
    return {};
}

Result<std::string> random_password() {
    constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    constexpr unsigned kUnbiased = 256 / 62 * 62;
    std::string password;
    while (password.size() < 32) {
        unsigned char byte = 0;
        if (getrandom(&byte, 1, 0) != 1)
            return Error(ErrorCode::kIo, "the kernel's random source failed");
        if (byte < kUnbiased) password.push_back(kAlphabet[byte % kAlphabet.size()]);
    }
    return password;
}

std::string sha256_hex(std::string_view text) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string hex;
    for (unsigned char byte : digest) {
        hex.push_back(kDigits[byte >> 4]);
        hex.push_back(kDigits[byte & 15]);
    }
    return hex;
}

bool port_is_free(uint16_t port) {
    Descriptor socket_fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    int on = 1;  // A port in TIME_WAIT is free for a server, which sets this option as well.
    setsockopt(socket_fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address = loopback(port);
    return bind(socket_fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
           listen(socket_fd.get(), 1) == 0;
}

Result<uint16_t> free_port() {
    constexpr unsigned kFirst = 20000;
    constexpr unsigned kCount = 12000;
    for (int attempt = 0; attempt < 1000; ++attempt) {
        uint32_t random = 0;
        if (getrandom(&random, sizeof random, 0) != sizeof random)
            return Error(ErrorCode::kIo, "the kernel's random source failed");
        uint16_t port = static_cast<uint16_t>(kFirst + random % kCount);
        if (port_is_free(port)) return port;
    }
    return Error(ErrorCode::kPortTaken, "found no free port between 20000 and 31999");
}

bool port_answers(uint16_t port) {
    Descriptor socket_fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = loopback(port);
    return connect(socket_fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

Result<uint64_t> free_disk_bytes(const std::string& path) {
    struct statvfs info = {};
    if (statvfs(path.c_str(), &info) != 0) return io_error("cannot look at the disk of", path);
    return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
}

}  // namespace tandem::stack
