// An HTTP/1.1 response as a state machine without I/O: bytes in, items out.
//
// Knows status line, headers, Content-Length, chunked transfer and bodies that end with the
// connection. Not here: content encodings, redirects, pipelining. Whatever is malformed is
// kProtocolViolation; lines and counts are limited, bodies are handed through without a copy.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "types/clickhouse/column.h"

namespace tandem::clickhouse {

struct HttpItem {
    enum class Kind : uint8_t { kStatus, kHeader, kHeadEnd, kBody, kEnd };
    Kind kind = Kind::kEnd;
    int status = 0;              // kStatus
    std::string name = {};       // kHeader, in lower case
    std::string value = {};      // kHeader, without blanks around it
    std::string_view body = {};  // kBody; valid until the next call
};

class HttpResponse {
  public:
    void feed(std::string_view bytes);
    // The next item, or nothing when more bytes are needed. After kEnd only a new object helps.
    Result<std::optional<HttpItem>> next();
    // The peer closed its side: kEnd when that is how the body ends, else kConnectionLost.
    Result<HttpItem> end_of_input();

    // Whether another request may follow on this connection; known after kEnd.
    bool keep_alive() const { return keep_alive_ && state_ == State::kDone; }
    bool started() const { return state_ != State::kStatus || !input_.empty(); }

  private:
    enum class State : uint8_t {
        kStatus,
        kHeaders,
        kSized,
        kChunkSize,
        kChunk,
        kChunkEnd,
        kTrailer,
        kUntilClose,
        kDone
    };

    Result<std::optional<std::string_view>> line();
    Result<std::optional<HttpItem>> on_status(std::string_view text);
    Result<std::optional<HttpItem>> on_header(std::string_view text);
    Status note_header(const HttpItem& header);
    HttpItem on_head_end();
    Status on_chunk_size(std::string_view text);
    std::optional<HttpItem> take_body(State afterwards);
    Result<std::optional<HttpItem>> on_line(std::string_view text);

    types::Bytes input_;
    size_t input_at_ = 0;
    State state_ = State::kStatus;
    int status_ = 0;
    uint64_t left_ = 0;  // bytes of the body or the chunk still to come
    size_t headers_ = 0;
    bool chunked_ = false;
    bool sized_ = false;
    bool keep_alive_ = true;
};

}  // namespace tandem::clickhouse
