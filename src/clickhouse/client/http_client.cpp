// The driver of ClickHouse's HTTP interface. One connection with keep-alive; blocking with
// deadlines.
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "clickhouse/client/arrange.h"
#include "clickhouse/client/client.h"
#include "clickhouse/client/exceptions.h"
#include "clickhouse/client/http_request.h"
#include "clickhouse/client/http_response.h"
#include "clickhouse/client/http_result.h"
#include "clickhouse/codec/block.h"
#include "clickhouse/codec/compress.h"
#include "net/connect.h"
#include "net/stream.h"

namespace tandem::clickhouse {
namespace {

constexpr uint16_t kPort = 8123;
constexpr uint16_t kSecurePort = 8443;
constexpr size_t kErrorTextMax = size_t{1} << 20;
// The first version that knows output_format_native_write_json_as_string.
constexpr std::pair<uint64_t, uint64_t> kJsonAsTextSince{24, 10};
// The first long-lived version that knows the flat form of Dynamic.
constexpr std::pair<uint64_t, uint64_t> kFlatDynamicSince{25, 8};
// The first long-lived version that lets us choose the revision of the blocks. Without a choice the
// names of types come as for clients of 2018: DateTime has no zone then.
constexpr std::pair<uint64_t, uint64_t> kRevisionChosenSince{23, 8};

// "{"read_rows":"10","read_bytes":"80",...}": numbers of the progress headers, as strings.
uint64_t progress_number(std::string_view json, std::string_view name) {
    const std::string key = "\"" + std::string(name) + "\":\"";
    const size_t at = json.find(key);
    if (at == std::string_view::npos) return 0;
    uint64_t value = 0;
    std::from_chars(json.data() + at + key.size(), json.data() + json.size(), value);
    return value;
}

Progress parse_progress(std::string_view json) {
    Progress progress;
    progress.rows_read = progress_number(json, "read_rows");
    progress.bytes_read = progress_number(json, "read_bytes");
    progress.rows_total = progress_number(json, "total_rows_to_read");
    progress.rows_written = progress_number(json, "written_rows");
    progress.bytes_written = progress_number(json, "written_bytes");
    progress.elapsed_ns = progress_number(json, "elapsed_ns");
    return progress;
}

// An error answer may be in frames too when the request asked for compress=1.
std::string plain_text(std::string text) {
    types::Bytes plain;
    ByteCursor cursor(text);
    while (!cursor.empty() && decompress_frame(cursor, plain).ok()) {
    }
    if (!plain.empty()) text = plain.view();
    return text;
}

// What the head of an answer said.
struct Head {
    int status = 0;
    int exception_code = 0;
    std::string exception_tag;
    std::string timezone;
    std::string display_name;
};

Error to_error(const Head& head, std::string text) {
    text = plain_text(std::move(text));
    ServerException exception = parse_exception_text(text, head.exception_code);
    if (exception.code != 0) return to_error(exception);
    const std::string message =
        "HTTP status " + std::to_string(head.status) + ": " + text.substr(0, 1000);
    if (head.status == 401 || head.status == 403)
        return Error(ErrorCode::kAuthenticationFailed, message);
    if (head.status == 502 || head.status == 503 || head.status == 504)
        return Error(ErrorCode::kClickHouseRetry, message);
    return Error(ErrorCode::kProtocolViolation, message);
}

class HttpClient final : public Client {
  public:
    HttpClient(Endpoint endpoint, ClientOptions options)
        : endpoint_(std::move(endpoint)), options_(std::move(options)) {
        if (endpoint_.port == 0) endpoint_.port = endpoint_.secure ? kSecurePort : kPort;
    }

    Status execute(const Query& query) override;
    Status select(const Query& query, const BlockCallback& on_block) override;
    Status insert(const Query& query, const types::Block& block) override;
    Result<std::unique_ptr<InsertStream>> begin_insert(const Query& query) override;
    const ServerInfo& server() const override { return server_; }
    Status ping() override;
    void interrupt() noexcept override { interrupter_.interrupt(); }
    void close() noexcept override { stream_.reset(); }

    Status greet();

  private:
    friend class HttpInsert;

    bool compressing() const { return options_.compression != Compression::kNone; }
    HttpRequestOptions request_options(const Query& query, HttpPurpose purpose) const;
    Status connect(net::Deadline deadline);
    bool alive_when_idle();
    Status send(std::string_view bytes, net::Deadline deadline);
    Status give_up(Error error);
    Status answer(const Query& query, const BlockCallback& on_block, net::Deadline deadline,
                  uint64_t revision);

    Endpoint endpoint_;
    ClientOptions options_;
    ServerInfo server_;
    net::Interrupter interrupter_;
    std::unique_ptr<net::Stream> stream_;
};

// Reads one answer: head, blocks or the text of an error, end.
class HttpAnswer {
  public:
    HttpAnswer(const ClientOptions& options, const Query& query, const BlockCallback& on_block,
               uint64_t revision)
        : options_(options), query_(query), on_block_(on_block), revision_(revision) {}

    // True once the answer is complete.
    Result<bool> take(std::string_view bytes);
    Status end_of_input();

    bool keep_alive() const { return response_.keep_alive(); }
    const Head& head() const { return head_; }

  private:
    Status on_item(const HttpItem& item);
    void on_header(const HttpItem& item);
    Status on_body(std::string_view body);
    Status on_end(bool complete);

    const ClientOptions& options_;
    const Query& query_;
    const BlockCallback& on_block_;
    const uint64_t revision_;
    HttpResponse response_;
    Head head_;
    std::optional<HttpResult> result_;
    std::string error_text_;
};

Result<bool> HttpAnswer::take(std::string_view bytes) {
    response_.feed(bytes);
    for (;;) {
        const auto item = TRY(response_.next());
        if (!item.has_value()) return false;
        TRY(on_item(*item));
        if (item->kind == HttpItem::Kind::kEnd) return true;
    }
}

Status HttpAnswer::end_of_input() {
    auto item = response_.end_of_input();
    if (item.ok()) return on_end(true);
    // A failure in mid-stream is told in the body and then by cutting the connection.
    if (head_.status != 0) TRY(on_end(false));
    return std::move(item).error();
}

Status HttpAnswer::on_item(const HttpItem& item) {
    switch (item.kind) {
        case HttpItem::Kind::kStatus:
            head_ = Head{};
            head_.status = item.status;
            break;
        case HttpItem::Kind::kHeader:
            on_header(item);
            break;
        case HttpItem::Kind::kHeadEnd:
            if (head_.status == 200 && head_.exception_code == 0)
                result_.emplace(
                    HttpResultOptions{.compressed = options_.compression != Compression::kNone,
                                      .revision = revision_,
                                      .exception_tag = head_.exception_tag,
                                      .block_bytes_max = options_.block_bytes_max});
            break;
        case HttpItem::Kind::kBody:
            return on_body(item.body);
        case HttpItem::Kind::kEnd:
            return on_end(true);
    }
    return {};
}

void HttpAnswer::on_header(const HttpItem& item) {
    if (item.name == "x-clickhouse-exception-code") {
        const char* begin = item.value.data();
        std::from_chars(begin, begin + item.value.size(), head_.exception_code);
    } else if (item.name == "x-clickhouse-exception-tag") {
        head_.exception_tag = item.value;
    } else if (item.name == "x-clickhouse-timezone") {
        head_.timezone = item.value;
    } else if (item.name == "x-clickhouse-server-display-name") {
        head_.display_name = item.value;
    } else if (item.name == "x-clickhouse-progress" && query_.on_progress) {
        query_.on_progress(parse_progress(item.value));
    }
}

Status HttpAnswer::on_body(std::string_view body) {
    if (!result_.has_value()) {
        error_text_.append(
            body.substr(0, kErrorTextMax - std::min(kErrorTextMax, error_text_.size())));
        return {};
    }
    result_->feed(body);
    for (;;) {
        auto block = TRY(result_->next());
        if (!block.has_value()) return {};
        TRY(on_block_(*std::move(block)));
    }
}

Status HttpAnswer::on_end(bool complete) {
    if (!result_.has_value()) return to_error(head_, std::move(error_text_));
    return result_->finish(complete);
}

class HttpInsert final : public InsertStream {
  public:
    HttpInsert(HttpClient& client, Query query)
        : client_(client),
          query_(std::move(query)),
          answer_(client.options_, query_, ignore_blocks_, 0) {}
    ~HttpInsert() override {
        if (!finished_) client_.close();
    }

    const types::Block& header() const override { return header_; }
    Status write(const types::Block& block) override;
    Status finish() override;

  private:
    Status send(std::string_view bytes, net::Deadline deadline);
    Status refused(net::Deadline deadline);

    HttpClient& client_;
    Query query_;
    types::Block header_;
    const BlockCallback ignore_blocks_ = [](types::Block&&) { return Status(); };
    HttpAnswer answer_;
    bool finished_ = false;
};

Status HttpClient::give_up(Error error) {
    if (error.code() == ErrorCode::kCancelled) interrupter_.reset();
    close();
    return std::move(error).context("ClickHouse (HTTP)");
}

// An idle connection is dead when the server closed it; it may not say anything unasked either.
bool HttpClient::alive_when_idle() {
    if (stream_ == nullptr) return false;
    std::array<char, 16> buffer;
    auto got = stream_->read_some(buffer);
    return got.ok() && got->bytes == 0 && !got->end;
}

Status HttpClient::connect(net::Deadline deadline) {
    if (alive_when_idle()) return {};
    deadline = earlier(deadline, net::Deadline::after(options_.connect_timeout));
    net::ConnectOptions connect;
    connect.host = endpoint_.host;
    connect.port = endpoint_.port;
    connect.secure = endpoint_.secure;
    connect.tls = endpoint_.tls;
    auto stream = net::connect(connect, deadline, &interrupter_);
    if (!stream.ok()) return give_up(std::move(stream).error());
    stream_ = std::move(stream).value();
    return {};
}

Status HttpClient::send(std::string_view bytes, net::Deadline deadline) {
    return net::write_all(*stream_, bytes, deadline, &interrupter_);
}

HttpRequestOptions HttpClient::request_options(const Query& query, HttpPurpose purpose) const {
    const std::pair version(server_.version_major, server_.version_minor);
    // The choice would hold for external tables and inserted blocks as well, which need none.
    const bool chosen = purpose == HttpPurpose::kSelect && query.external_tables.empty() &&
                        version >= kRevisionChosenSince;
    return {.purpose = purpose,
            .json_as_text = version >= kJsonAsTextSince,
            .flat_dynamic = version >= kFlatDynamicSince,
            .revision = chosen ? kRevisionNewest : 0};
}

Status HttpClient::answer(const Query& query, const BlockCallback& on_block, net::Deadline deadline,
                          uint64_t revision) {
    HttpAnswer answer(options_, query, on_block, revision);
    std::vector<char> buffer(size_t{128} << 10);
    for (;;) {
        auto got = net::read_some(*stream_, buffer, deadline, &interrupter_);
        if (!got.ok()) return give_up(std::move(got).error());
        if (*got == 0) {
            auto ended = answer.end_of_input();
            close();
            return ended;
        }
        auto complete = answer.take({buffer.data(), *got});
        if (!complete.ok()) {
            // The rest of an answer that failed half way is not worth reading. A refused request
            // is different: its answer was complete.
            if (!answer.keep_alive()) close();
            return std::move(complete).error();
        }
        if (!*complete) continue;
        if (!answer.keep_alive()) close();
        if (!answer.head().timezone.empty()) server_.timezone = answer.head().timezone;
        if (!answer.head().display_name.empty()) server_.display_name = answer.head().display_name;
        return {};
    }
}

Status HttpClient::execute(const Query& query) {
    return select(query, [](types::Block&&) { return Status(); });
}

Status HttpClient::select(const Query& query, const BlockCallback& on_block) {
    const net::Deadline deadline = net::Deadline::after(query.timeout);
    const HttpRequestOptions how = request_options(query, HttpPurpose::kSelect);
    const HttpRequest request = TRY(build_request(endpoint_, options_, query, how));
    TRY(connect(deadline));
    auto sent = send(request.head.view(), deadline);
    if (sent.ok()) sent = send(request.body.view(), deadline);
    if (!sent.ok()) return give_up(std::move(sent).error());
    return answer(query, on_block, deadline, how.revision);
}

Status HttpClient::insert(const Query& query, const types::Block& block) {
    auto stream = TRY(begin_insert(query));
    if (block.rows() > 0) TRY(stream->write(block));
    return stream->finish();
}

Result<std::unique_ptr<InsertStream>> HttpClient::begin_insert(const Query& query) {
    if (!query.external_tables.empty())
        return Error(ErrorCode::kInvalidArgument,
                     "an insert with external tables needs the native protocol");
    const net::Deadline deadline = net::Deadline::after(query.timeout);
    const HttpRequest request = TRY(
        build_request(endpoint_, options_, query, request_options(query, HttpPurpose::kInsert)));
    TRY(connect(deadline));
    auto sent = send(request.head.view(), deadline);
    if (!sent.ok()) return give_up(std::move(sent).error()).error();
    return std::unique_ptr<InsertStream>(std::make_unique<HttpInsert>(*this, query));
}

Status HttpClient::ping() {
    return execute(Query{.sql = "SELECT 1", .timeout = options_.connect_timeout});
}

// Learns the version and checks the password.
Status HttpClient::greet() {
    Query query{.sql = "SELECT version()", .timeout = options_.connect_timeout};
    server_.name = "ClickHouse";
    return select(query, [&](types::Block&& block) -> Status {
        if (block.columns.size() != 1 || block.rows() != 1 ||
            block.columns[0].column.type->kind != types::ChKind::kString)
            return Error(ErrorCode::kProtocolViolation, "version() is no string");
        const std::string text(block.columns[0].column.string(0));
        uint64_t* const numbers[] = {&server_.version_major, &server_.version_minor,
                                     &server_.version_patch};
        const char* at = text.data();
        const char* const end = at + text.size();
        for (uint64_t* number : numbers) {
            at = std::from_chars(at, end, *number).ptr;
            if (at == end || *at != '.') break;
            ++at;
        }
        return {};
    });
}

// The server refuses an insert by answering before it has read everything, and may then close.
Status HttpInsert::refused(net::Deadline deadline) {
    std::array<char, 16384> buffer;
    for (;;) {
        auto got = net::read_some(*client_.stream_, buffer, deadline, &client_.interrupter_);
        if (!got.ok()) return client_.give_up(std::move(got).error());
        if (*got == 0) {
            auto ended = answer_.end_of_input();
            client_.close();
            return ended;
        }
        auto complete = answer_.take({buffer.data(), *got});
        if (complete.ok() && !*complete) continue;
        if (!complete.ok() || !answer_.keep_alive() || !finished_) client_.close();
        if (!complete.ok()) return std::move(complete).error();
        return {};
    }
}

Status HttpInsert::send(std::string_view bytes, net::Deadline deadline) {
    if (client_.stream_ == nullptr)
        return Error(ErrorCode::kConnectionLost, "the connection was closed during the insert");
    while (!bytes.empty()) {
        auto sent = client_.stream_->write_some(bytes);
        if (!sent.ok()) {
            finished_ = true;
            Error lost = std::move(sent).error();
            TRY(refused(net::Deadline::after(std::chrono::seconds(1))));
            return client_.give_up(std::move(lost));
        }
        bytes.remove_prefix(sent->bytes);
        if (sent->bytes > 0) continue;
        auto ready =
            net::wait_ready(client_.stream_->fd(), sent->want, deadline, &client_.interrupter_);
        if (!ready.ok()) {
            finished_ = true;
            return client_.give_up(std::move(ready).error());
        }
    }
    return {};
}

Status HttpInsert::write(const types::Block& block) {
    TANDEM_ASSERT(!finished_, "write after the end of an insert");
    if (block.rows() == 0) return {};
    types::Bytes plain;
    TRY(encode_block(block, 0, plain));
    types::Bytes content;
    if (client_.compressing()) {
        const auto method = client_.options_.compression == Compression::kZstd
                                ? CompressionMethod::kZstd
                                : CompressionMethod::kLz4;
        TRY(compress_frames(method, plain.view(), content));
    } else {
        content = std::move(plain);
    }
    types::Bytes chunk;
    append_chunk(chunk, content.view());
    return send(chunk.view(), net::Deadline::after(query_.timeout));
}

Status HttpInsert::finish() {
    TANDEM_ASSERT(!finished_, "finish after the end of an insert");
    const net::Deadline deadline = net::Deadline::after(query_.timeout);
    types::Bytes end;
    append_chunk(end, "");
    TRY(send(end.view(), deadline));
    finished_ = true;
    return refused(deadline);
}

}  // namespace

Result<std::unique_ptr<Client>> connect_http(const Endpoint& endpoint,
                                             const ClientOptions& options) {
    auto client = std::make_unique<HttpClient>(endpoint, options);
    TRY(client->greet());
    return std::unique_ptr<Client>(std::move(client));
}

}  // namespace tandem::clickhouse
