// Stream: a connected byte stream that never blocks, and the waits around it that do.
//
// Two implementations, made by net/connect.h: plain TCP and TLS over TCP. The non-blocking calls
// are what a Postgres backend uses (it waits on its own latch); blocking drivers use the functions
// at the end, each with a deadline. No signals: a broken pipe is an Error, never SIGPIPE. A Stream
// belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"
#include "net/deadline.h"

namespace tandem::net {

// What a call has to wait for before it can go on. With TLS a read may want to write and
// the other way round, so always wait for what is returned, not for what was called.
// kReadOrWrite never comes out of a Stream: it is for those who have both to do.
enum class Want : uint8_t { kNothing, kRead, kWrite, kReadOrWrite };

// Outcome of one non-blocking call. Exactly one of three: bytes > 0; end; want != kNothing.
struct IoResult {
    size_t bytes = 0;
    Want want = Want::kNothing;
    bool end = false;  // the peer closed its side in order; only from read_some
};

class Stream {
  public:
    Stream() = default;
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    virtual ~Stream() = default;

    // Drives the connect and the TLS handshake; call it again once what it wants is ready.
    // kNothing: established. fd() may change between two calls (the next address of the host).
    virtual Result<Want> establish() = 0;
    virtual Result<IoResult> read_some(std::span<char> into) = 0;
    virtual Result<IoResult> write_some(std::string_view from) = 0;
    // -1 when closed. Only for waiting; reading or writing it directly breaks TLS.
    virtual int fd() const = 0;
    // Closes at once; does not wait for the peer. Safe to call twice.
    virtual void close() noexcept = 0;
};

// Wakes a blocking wait from another thread. The waiting call returns kCancelled.
class Interrupter {
  public:
    Interrupter();
    ~Interrupter();
    Interrupter(const Interrupter&) = delete;
    Interrupter& operator=(const Interrupter&) = delete;

    // Any thread, any number of times; holds until reset().
    void interrupt() noexcept;
    void reset() noexcept;
    int fd() const { return fd_; }

  private:
    int fd_ = -1;
};

// Waits until `fd` is ready for `want`. kTimeout at the deadline, kCancelled when interrupted.
Status wait_ready(int fd, Want want, Deadline deadline, const Interrupter* interrupter = nullptr);

Status establish(Stream& stream, Deadline deadline, const Interrupter* interrupter = nullptr);
Status write_all(Stream& stream, std::string_view bytes, Deadline deadline,
                 const Interrupter* interrupter = nullptr);
// At least one byte, or 0 when the peer closed its side.
Result<size_t> read_some(Stream& stream, std::span<char> into, Deadline deadline,
                         const Interrupter* interrupter = nullptr);

}  // namespace tandem::net
