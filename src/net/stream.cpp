#include "net/stream.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace tandem::net {

namespace {

short poll_events(Want want) {
    switch (want) {
        case Want::kNothing:
            return 0;
        case Want::kRead:
            return POLLIN;
        case Want::kWrite:
            return POLLOUT;
        case Want::kReadOrWrite:
            return POLLIN | POLLOUT;
    }
    return 0;
}

}  // namespace

Interrupter::Interrupter() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    TANDEM_ASSERT(fd_ >= 0, "eventfd: out of file descriptors");
}

Interrupter::~Interrupter() {
    ::close(fd_);
}

void Interrupter::interrupt() noexcept {
    const uint64_t one = 1;
    // Fails only when the counter is full, and then it is readable anyway.
    [[maybe_unused]] ssize_t ignored = ::write(fd_, &one, sizeof one);
}

void Interrupter::reset() noexcept {
    uint64_t count = 0;
    [[maybe_unused]] ssize_t ignored = ::read(fd_, &count, sizeof count);
}

Status wait_ready(int fd, Want want, Deadline deadline, const Interrupter* interrupter) {
    if (want == Want::kNothing) return {};
    pollfd polled[2] = {};
    polled[0].fd = fd;
    polled[0].events = poll_events(want);
    polled[1].fd = interrupter == nullptr ? -1 : interrupter->fd();
    polled[1].events = POLLIN;
    for (;;) {
        const int ready = ::poll(polled, 2, deadline.poll_timeout_ms());
        if (ready < 0) {
            if (errno == EINTR) continue;
            return Error(ErrorCode::kIo, std::string("poll: ") + std::strerror(errno));
        }
        if (polled[1].revents != 0)
            return Error(ErrorCode::kCancelled, "interrupted while waiting");
        if (polled[0].revents != 0) return {};  // errors and hang-ups show in the next call
        if (deadline.expired())
            return Error(ErrorCode::kTimeout, want == Want::kRead ? "no answer before the deadline"
                                                                  : "could not send in time");
    }
}

Status establish(Stream& stream, Deadline deadline, const Interrupter* interrupter) {
    for (;;) {
        const Want want = TRY(stream.establish());
        if (want == Want::kNothing) return {};
        TRY(wait_ready(stream.fd(), want, deadline, interrupter).context("connecting"));
    }
}

Status write_all(Stream& stream, std::string_view bytes, Deadline deadline,
                 const Interrupter* interrupter) {
    while (!bytes.empty()) {
        const IoResult written = TRY(stream.write_some(bytes));
        bytes.remove_prefix(written.bytes);
        if (written.bytes == 0) TRY(wait_ready(stream.fd(), written.want, deadline, interrupter));
    }
    return {};
}

Result<size_t> read_some(Stream& stream, std::span<char> into, Deadline deadline,
                         const Interrupter* interrupter) {
    for (;;) {
        const IoResult read = TRY(stream.read_some(into));
        if (read.bytes > 0 || read.end) return read.bytes;
        TRY(wait_ready(stream.fd(), read.want, deadline, interrupter));
    }
}

}  // namespace tandem::net
