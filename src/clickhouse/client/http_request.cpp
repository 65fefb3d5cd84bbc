#include "clickhouse/client/http_request.h"

#include <random>

#include "clickhouse/client/parameters.h"
#include "clickhouse/codec/block.h"

namespace tandem::clickhouse {
namespace {

// Native over HTTP is the format without protocol revision.
constexpr uint64_t kRevision = 0;

void append(types::Bytes& out, std::string_view text) {
    out.append(text.data(), text.size());
}

class Target {
  public:
    void add(std::string_view name, std::string_view value) {
        text_ += text_.empty() ? "/?" : "&";
        text_ += percent_encode(name);
        text_ += '=';
        text_ += percent_encode(value);
    }
    const std::string& text() const { return text_; }

  private:
    std::string text_;
};

Status check_header_value(std::string_view what, std::string_view value) {
    if (value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos) return {};
    return Error(ErrorCode::kInvalidArgument,
                 std::string(what) + " contains a line break, which HTTP cannot carry");
}

// What the caller sets comes after what we set, so that it wins.
Target build_target(const Endpoint& endpoint, const ClientOptions& options, const Query& query,
                    const HttpRequestOptions& how) {
    Target target;
    target.add("default_format", "Native");
    if (!endpoint.database.empty()) target.add("database", endpoint.database);
    if (!query.query_id.empty()) target.add("query_id", query.query_id);
    if (!options.quota_key.empty()) target.add("quota_key", options.quota_key);
    if (options.compression != Compression::kNone) {
        target.add("compress", "1");
        if (how.purpose == HttpPurpose::kInsert) target.add("decompress", "1");
        if (options.compression == Compression::kZstd)
            target.add("network_compression_method", "ZSTD");
    }
    if (how.json_as_text) target.add("output_format_native_write_json_as_string", "1");
    if (how.flat_dynamic)
        target.add("output_format_native_use_flattened_dynamic_and_json_serialization", "1");
    if (how.revision != 0) target.add("client_protocol_version", std::to_string(how.revision));
    // Closing the connection is the only way to cancel.
    if (how.purpose == HttpPurpose::kSelect)
        target.add("cancel_http_readonly_queries_on_client_close", "1");
    if (query.on_progress) target.add("send_progress_in_http_headers", "1");
    for (const Setting& setting : query.settings) target.add(setting.name, setting.value);
    for (const Parameter& parameter : query.parameters)
        target.add("param_" + parameter.name, parameter_text(parameter));
    return target;
}

std::string make_boundary() {
    std::random_device device;
    std::string boundary = "tandem";
    for (int i = 0; i < 6; ++i) boundary += std::to_string(device());
    return boundary;
}

// "a UInt8, `b c` String", as the server wants the structure of an external table.
std::string structure_of(const types::Block& block) {
    std::string text;
    for (const types::NamedColumn& column : block.columns) {
        if (!text.empty()) text += ", ";
        text += '`';
        for (const char c : column.name) {
            if (c == '`' || c == '\\') text += '\\';
            text += c;
        }
        text += "` " + column.column.type->name;
    }
    return text;
}

Result<types::Bytes> build_multipart(const Query& query, const std::string& boundary) {
    types::Bytes body;
    append(body, "--" + boundary + "\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\n");
    append(body, query.sql);
    for (const ExternalTable& table : query.external_tables) {
        if (table.name.find_first_of("\"\r\n\\") != std::string::npos)
            return Error(ErrorCode::kInvalidArgument,
                         "HTTP cannot carry the external table name " + table.name);
        append(body, "\r\n--" + boundary + "\r\nContent-Disposition: form-data; name=\"" +
                         table.name + "\"; filename=\"" + table.name +
                         "\"\r\nContent-Type: application/octet-stream\r\n\r\n");
        TRY(encode_block(table.block, kRevision, body).context("external table " + table.name));
    }
    append(body, "\r\n--" + boundary + "--\r\n");
    return body;
}

}  // namespace

std::string percent_encode(std::string_view text) {
    constexpr char kHex[] = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += kHex[byte >> 4];
        out += kHex[byte & 15];
    }
    return out;
}

void append_chunk(types::Bytes& out, std::string_view content) {
    char size[20];
    const int length = std::snprintf(size, sizeof size, "%zx\r\n", content.size());
    out.append(size, static_cast<size_t>(length));
    out.append(content.data(), content.size());
    append(out, "\r\n");
}

Result<HttpRequest> build_request(const Endpoint& endpoint, const ClientOptions& options,
                                  const Query& query, const HttpRequestOptions& how) {
    TRY(check_header_value("the user name", endpoint.user));
    TRY(check_header_value("the password", endpoint.password));
    TRY(check_header_value("the host", endpoint.host));
    TRY(check_header_value("the client name", options.client_name));
    TRY(check_header_value("the trace context", query.traceparent));

    HttpRequest request;
    Target target = build_target(endpoint, options, query, how);
    std::string body_headers;
    if (how.purpose == HttpPurpose::kInsert) {
        target.add("query", query.sql + " FORMAT Native");
        body_headers = "Transfer-Encoding: chunked\r\n";
    } else if (!query.external_tables.empty()) {
        const std::string boundary = make_boundary();
        for (const ExternalTable& table : query.external_tables) {
            target.add(table.name + "_format", "Native");
            target.add(table.name + "_structure", structure_of(table.block));
        }
        request.body = TRY(build_multipart(query, boundary));
        body_headers = "Content-Type: multipart/form-data; boundary=" + boundary + "\r\n";
    } else {
        append(request.body, query.sql);
        body_headers = "Content-Type: text/plain; charset=UTF-8\r\n";
    }
    if (how.purpose == HttpPurpose::kSelect)
        body_headers += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";

    const bool is_ipv6 = endpoint.host.find(':') != std::string::npos;
    append(request.head, "POST " + target.text() + " HTTP/1.1\r\nHost: " +
                             (is_ipv6 ? "[" + endpoint.host + "]" : endpoint.host) + ":" +
                             std::to_string(endpoint.port) + "\r\n");
    append(request.head, "User-Agent: " + options.client_name + "\r\n");
    append(request.head, "X-ClickHouse-User: " + endpoint.user + "\r\n");
    append(request.head, "X-ClickHouse-Key: " + endpoint.password + "\r\n");
    if (!query.traceparent.empty())
        append(request.head, "traceparent: " + query.traceparent + "\r\n");
    append(request.head, body_headers);
    append(request.head, "\r\n");
    return request;
}

}  // namespace tandem::clickhouse
