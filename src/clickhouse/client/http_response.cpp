#include "clickhouse/client/http_response.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace tandem::clickhouse {
namespace {

constexpr size_t kLineMax = size_t{1} << 20;
// Progress comes as headers, ten a second at most, so there may be many.
constexpr size_t kHeadersMax = 1'000'000;

Error violation(const std::string& what) {
    return Error(ErrorCode::kProtocolViolation, "HTTP: " + what);
}

std::string_view trim(std::string_view text) {
    const size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string to_lower(std::string_view text) {
    std::string lower(text);
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return lower;
}

bool parse_number(std::string_view text, int base, uint64_t& value) {
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, value, base);
    return result.ec == std::errc() && result.ptr == end;
}

}  // namespace

void HttpResponse::feed(std::string_view bytes) {
    if (input_at_ > 0) {
        const size_t left = input_.size() - input_at_;
        std::memmove(input_.data(), input_.data() + input_at_, left);
        input_.truncate(left);
        input_at_ = 0;
    }
    input_.append(bytes.data(), bytes.size());
}

Result<std::optional<std::string_view>> HttpResponse::line() {
    const std::string_view rest = input_.view().substr(input_at_);
    const size_t end = rest.find('\n');
    if (std::min(end, rest.size()) > kLineMax) return violation("a line is too long");
    if (end == std::string_view::npos) return std::optional<std::string_view>();
    input_at_ += end + 1;
    std::string_view text = rest.substr(0, end);
    if (text.ends_with('\r')) text.remove_suffix(1);
    return std::optional(text);
}

Result<std::optional<HttpItem>> HttpResponse::next() {
    for (;;) {
        switch (state_) {
            case State::kSized:
                return take_body(State::kDone);
            case State::kChunk:
                if (auto body = take_body(State::kChunkEnd)) return body;
                if (state_ == State::kChunk) return std::optional<HttpItem>();
                continue;
            case State::kUntilClose:
                left_ = UINT64_MAX;
                return take_body(State::kUntilClose);
            case State::kDone:
                return std::optional(HttpItem{.kind = HttpItem::Kind::kEnd});
            default:
                break;
        }
        const auto text = TRY(line());
        if (!text.has_value()) return std::optional<HttpItem>();
        auto item = TRY(on_line(*text));
        if (item.has_value()) return item;
    }
}

Result<std::optional<HttpItem>> HttpResponse::on_line(std::string_view text) {
    switch (state_) {
        case State::kStatus:
            return on_status(text);
        case State::kHeaders:
            if (!text.empty()) return on_header(text);
            if (status_ >= 100 && status_ < 200) {  // an interim answer: the real one follows
                state_ = State::kStatus;
                return std::optional<HttpItem>();
            }
            return std::optional(on_head_end());
        case State::kChunkSize:
            TRY(on_chunk_size(text));
            break;
        case State::kChunkEnd:
            if (!text.empty()) return violation("a chunk is longer than it said");
            state_ = State::kChunkSize;
            break;
        case State::kTrailer:
            if (text.empty()) state_ = State::kDone;
            break;
        default:
            return violation("no line is expected here");
    }
    return std::optional<HttpItem>();
}

// What there is of a body, or nothing; when all of it was handed out, the state changes.
std::optional<HttpItem> HttpResponse::take_body(State afterwards) {
    const std::string_view rest = input_.view().substr(input_at_);
    if (left_ == 0) {
        state_ = afterwards;
        if (afterwards != State::kDone) return std::nullopt;
        return HttpItem{.kind = HttpItem::Kind::kEnd};
    }
    if (rest.empty()) return std::nullopt;
    const size_t size = static_cast<size_t>(std::min<uint64_t>(left_, rest.size()));
    left_ -= size;
    input_at_ += size;
    HttpItem item;
    item.kind = HttpItem::Kind::kBody;
    item.body = rest.substr(0, size);
    return item;
}

Result<std::optional<HttpItem>> HttpResponse::on_status(std::string_view text) {
    uint64_t status = 0;
    const bool valid = text.size() >= 12 && text.starts_with("HTTP/1.") && text[8] == ' ' &&
                       parse_number(text.substr(9, 3), 10, status) && status >= 100;
    if (!valid) return violation("no status line; is this an HTTP port?");
    keep_alive_ = text[7] == '1';
    status_ = static_cast<int>(status);
    state_ = State::kHeaders;
    HttpItem item;
    item.kind = HttpItem::Kind::kStatus;
    item.status = status_;
    return std::optional(std::move(item));
}

Result<std::optional<HttpItem>> HttpResponse::on_header(std::string_view text) {
    const size_t colon = text.find(':');
    if (colon == std::string_view::npos || colon == 0) return violation("a header without a name");
    if (++headers_ > kHeadersMax) return violation("too many headers");
    HttpItem item;
    item.kind = HttpItem::Kind::kHeader;
    item.name = to_lower(text.substr(0, colon));
    item.value = trim(text.substr(colon + 1));
    TRY(note_header(item));
    return std::optional(std::move(item));
}

Status HttpResponse::note_header(const HttpItem& header) {
    if (header.name == "content-length") {
        if (!parse_number(header.value, 10, left_)) return violation("a bad Content-Length");
        sized_ = true;
    } else if (header.name == "transfer-encoding") {
        if (to_lower(header.value) != "chunked")
            return violation("Transfer-Encoding " + header.value + " is not supported");
        chunked_ = true;
    } else if (header.name == "connection") {
        const std::string value = to_lower(header.value);
        if (value == "close") keep_alive_ = false;
        if (value == "keep-alive") keep_alive_ = true;
    }
    return {};
}

HttpItem HttpResponse::on_head_end() {
    if (status_ == 204 || status_ == 304) {
        left_ = 0;
        state_ = State::kSized;
    } else if (chunked_) {
        state_ = State::kChunkSize;
    } else if (sized_) {
        state_ = State::kSized;
    } else {
        state_ = State::kUntilClose;
        keep_alive_ = false;
    }
    return HttpItem{.kind = HttpItem::Kind::kHeadEnd};
}

Status HttpResponse::on_chunk_size(std::string_view text) {
    const std::string_view digits = trim(text.substr(0, text.find(';')));
    if (!parse_number(digits, 16, left_)) return violation("a bad chunk size");
    state_ = left_ == 0 ? State::kTrailer : State::kChunk;
    return {};
}

Result<HttpItem> HttpResponse::end_of_input() {
    if (state_ == State::kUntilClose || state_ == State::kDone) {
        state_ = State::kDone;
        return HttpItem{.kind = HttpItem::Kind::kEnd};
    }
    return Error(ErrorCode::kConnectionLost,
                 started() ? "the server closed the connection in the middle of its answer"
                           : "the server closed the connection without an answer");
}

}  // namespace tandem::clickhouse
