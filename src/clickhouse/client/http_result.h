// The body of ClickHouse's answer over HTTP: blocks in Native format, perhaps compressed, perhaps
// ended by an exception. Without I/O.
//
// A failure after the head was sent comes as text within the body. Servers since 25.11 name a
// random tag in X-ClickHouse-Exception-Tag and wrap the text in "__exception__" lines with that
// tag; older ones append "Code: 395. DB::Exception: ..." as it is. Both are recognised at the start
// of a block, and in whatever is left when the body ends in the middle of one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "clickhouse/client/exceptions.h"
#include "clickhouse/codec/block.h"
#include "types/clickhouse/column.h"

namespace tandem::clickhouse {

struct HttpResultOptions {
    bool compressed = false;
    uint64_t revision = 0;           // what was asked for with client_protocol_version
    std::string exception_tag = {};  // empty: an older server
    size_t block_bytes_max = size_t{1} << 30;
};

class HttpResult {
  public:
    explicit HttpResult(HttpResultOptions options);

    void feed(std::string_view body);
    // The next block with rows, or nothing when more bytes are needed. An exception of the server
    // is an Error as to_error() makes it.
    Result<std::optional<types::Block>> next();
    // The body is over, `complete` when it ended as HTTP says it should.
    Status finish(bool complete);

  private:
    enum class Look : uint8_t { kBlock, kException, kUnclear };

    Result<bool> more_plain();
    Look look_at_start() const;
    std::string_view rest() const { return plain_.view().substr(plain_at_); }
    Status exception_in(std::string_view text) const;

    HttpResultOptions options_;
    std::string marker_;
    types::Bytes frames_;  // compressed input
    size_t frames_at_ = 0;
    types::Bytes plain_;
    size_t plain_at_ = 0;
    size_t wanted_ = 1;
    BlockDecoder decoder_;
    bool inside_block_ = false;
    bool collecting_ = false;      // only the text of an exception is still expected
    std::optional<Error> failed_;  // why collecting_, unless the marker was seen
};

// "Code: 60. DB::Exception: text" and what ClickHouse puts around it.
ServerException parse_exception_text(std::string_view text, int code_from_header);

}  // namespace tandem::clickhouse
