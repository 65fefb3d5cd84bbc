#include "clickhouse/client/http_result.h"

#include <algorithm>
#include <charconv>

#include "clickhouse/codec/compress.h"

namespace tandem::clickhouse {
namespace {

constexpr std::string_view kMarkerStart = "\r\n__exception__\r\n";
constexpr std::string_view kOldStart = "Code: ";
constexpr size_t kExceptionTextMax = size_t{1} << 20;

// Bytes that are no block are a peer that breaks its protocol.
Error as_violation(Error error) {
    if (error.code() != ErrorCode::kMalformedData) return error;
    return Error(ErrorCode::kProtocolViolation, error.message());
}

bool is_prefix_of(std::string_view a, std::string_view b) {
    return b.starts_with(a);
}

// "Code: 395. DB::Exception": the shape of an exception's text, the number included.
bool looks_like_exception(std::string_view text) {
    if (!text.starts_with(kOldStart)) return false;
    const size_t digits_end = text.find_first_not_of("0123456789", kOldStart.size());
    return digits_end != std::string_view::npos && digits_end > kOldStart.size() &&
           text.substr(digits_end).starts_with(". DB::");
}

}  // namespace

ServerException parse_exception_text(std::string_view text, int code_from_header) {
    ServerException exception;
    exception.code = code_from_header;
    const size_t start = text.find(kOldStart);
    if (start != std::string_view::npos) {
        const std::string_view number = text.substr(start + kOldStart.size());
        int code = 0;
        const auto parsed = std::from_chars(number.data(), number.data() + number.size(), code);
        if (parsed.ec == std::errc()) {
            exception.code = code;
            const size_t rest = static_cast<size_t>(parsed.ptr - number.data());
            text = number.substr(rest);
            if (text.starts_with(". ")) text.remove_prefix(2);
        }
    }
    while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
    exception.message = text;
    return exception;
}

HttpResult::HttpResult(HttpResultOptions options)
    : options_(std::move(options)),
      decoder_(options_.revision, DecodeLimits{.bytes_max = options_.block_bytes_max}) {
    if (!options_.exception_tag.empty())
        marker_ = std::string(kMarkerStart) + options_.exception_tag + "\r\n";
}

void HttpResult::feed(std::string_view body) {
    types::Bytes& into = options_.compressed ? frames_ : plain_;
    size_t& at = options_.compressed ? frames_at_ : plain_at_;
    if (at == into.size()) {
        into.clear();
        at = 0;
    } else if (at > into.size() / 2) {
        types::Bytes left;
        left.append(into.data() + at, into.size() - at);
        into.swap(left);
        at = 0;
    }
    into.append(body.data(), body.size());
}

// Decompresses one more frame; false when there is none in full.
Result<bool> HttpResult::more_plain() {
    if (!options_.compressed) return false;
    if (plain_at_ == plain_.size()) {
        plain_.clear();
        plain_at_ = 0;
    }
    if (plain_.size() - plain_at_ > options_.block_bytes_max)
        return Error(ErrorCode::kLimitExceeded, "a block is larger than block_bytes_max");
    ByteCursor cursor(frames_.view().substr(frames_at_));
    auto frame =
        decompress_frame(cursor, plain_, FrameLimits{.content_max = options_.block_bytes_max});
    if (frame.ok()) {
        frames_at_ += cursor.offset();
        return true;
    }
    if (frame.error().code() == ErrorCode::kWouldBlock) return false;
    return as_violation(std::move(frame).error());
}

HttpResult::Look HttpResult::look_at_start() const {
    const std::string_view text = rest();
    if (!marker_.empty()) {
        if (text.starts_with(marker_)) return Look::kException;
        return is_prefix_of(text, marker_) ? Look::kUnclear : Look::kBlock;
    }
    if (looks_like_exception(text)) return Look::kException;
    const bool short_text = text.size() < 24 && is_prefix_of(text.substr(0, 6), kOldStart);
    return short_text ? Look::kUnclear : Look::kBlock;
}

Result<std::optional<types::Block>> HttpResult::next() {
    for (;;) {
        if (collecting_) {
            while (TRY(more_plain())) {
            }
            if (rest().size() > kExceptionTextMax) TRY(finish(false));
            return std::optional<types::Block>();
        }
        if (rest().size() < wanted_) {
            if (TRY(more_plain())) continue;
            return std::optional<types::Block>();
        }
        if (!inside_block_) {
            const Look look = look_at_start();
            if (look == Look::kException) {
                collecting_ = true;
                continue;
            }
            if (look == Look::kUnclear) {
                wanted_ = rest().size() + 1;
                continue;
            }
        }
        ByteCursor cursor(rest());
        auto block = decoder_.decode(cursor);
        if (block.ok()) {
            plain_at_ += cursor.offset();
            inside_block_ = false;
            wanted_ = 1;
            if (block->rows() > 0) return std::optional(std::move(block).value());
            continue;
        }
        if (block.error().code() != ErrorCode::kWouldBlock) {
            failed_ = as_violation(std::move(block).error());  // unless an exception explains it
            collecting_ = true;
            continue;
        }
        plain_at_ += cursor.offset();
        inside_block_ = true;
        wanted_ = rest().size() + decoder_.wanted();
    }
}

// Looks for the text of an exception; ok when there is none.
Status HttpResult::exception_in(std::string_view text) const {
    size_t start = std::string_view::npos;
    if (!marker_.empty()) {
        start = text.find(marker_);
        if (start != std::string_view::npos) start += marker_.size();
    }
    if (start == std::string_view::npos) {
        start = text.find(kOldStart);
        while (start != std::string_view::npos && !looks_like_exception(text.substr(start)))
            start = text.find(kOldStart, start + 1);
    }
    if (start == std::string_view::npos) return {};
    std::string_view message = text.substr(start);
    // "\n<length> <tag>\r\n__exception__\r\n" closes it.
    const size_t end = message.rfind(" " + options_.exception_tag + kMarkerStart.data());
    if (!marker_.empty() && end != std::string_view::npos) {
        const size_t line = message.rfind('\n', end);
        if (line != std::string_view::npos) message = message.substr(0, line);
    }
    return to_error(parse_exception_text(message, 0));
}

Status HttpResult::finish(bool complete) {
    TRY(exception_in(rest()));
    if (failed_.has_value()) return std::move(*failed_);
    if (!complete)
        return Error(ErrorCode::kConnectionLost,
                     "the connection broke in the middle of the result");
    if (!rest().empty() || inside_block_ || frames_at_ != frames_.size())
        return Error(ErrorCode::kProtocolViolation, "the result ends in the middle of a block");
    return {};
}

}  // namespace tandem::clickhouse
