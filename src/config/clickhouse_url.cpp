#include <charconv>

#include "config/config.h"

namespace tandem::config {
namespace {

Error bad(const std::string& what) {
    return Error(ErrorCode::kInvalidArgument,
                 "ClickHouse URL: " + what +
                     "; expected clickhouse://user:password@host:port/?http_port=8123&secure=0");
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

Result<std::string> decode(std::string_view text, const char* part) {
    std::string decoded;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            decoded += text[i];
            continue;
        }
        int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
        int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
        if (high < 0 || low < 0) return bad(std::string("broken %-escape in the ") + part);
        decoded += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return decoded;
}

Result<uint16_t> parse_port(std::string_view text, const char* part) {
    uint16_t port = 0;
    auto parsed = std::from_chars(text.data(), text.data() + text.size(), port);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || port == 0)
        return bad(std::string("the ") + part + " must be a number from 1 to 65535");
    return port;
}

Status parse_authority(std::string_view text, ClickHouseUrl& url) {
    if (size_t at = text.rfind('@'); at != std::string_view::npos) {
        std::string_view login = text.substr(0, at);
        size_t colon = login.find(':');
        url.user = TRY(decode(login.substr(0, colon), "user"));
        if (colon != std::string_view::npos)
            url.password = TRY(decode(login.substr(colon + 1), "password"));
        text.remove_prefix(at + 1);
    }
    size_t colon = text.rfind(':');
    bool in_brackets = text.starts_with('[');
    if (in_brackets && text.find(']') == std::string_view::npos) return bad("the host lacks a ]");
    if (in_brackets && colon < text.find(']')) colon = std::string_view::npos;
    std::string_view host = text.substr(0, colon);
    if (in_brackets) host = host.substr(1, host.find(']') - 1);
    if (!host.empty()) url.host = TRY(decode(host, "host"));
    if (colon != std::string_view::npos)
        url.native_port = TRY(parse_port(text.substr(colon + 1), "port"));
    return {};
}

Status parse_option(std::string_view item, ClickHouseUrl& url) {
    size_t equals = item.find('=');
    std::string_view name = item.substr(0, equals);
    std::string_view value =
        equals == std::string_view::npos ? std::string_view() : item.substr(equals + 1);
    if (name == "http_port") {
        url.http_port = TRY(parse_port(value, "http_port"));
    } else if (name == "secure") {
        if (value != "0" && value != "1") return bad("secure is 0 or 1");
        url.secure = value == "1";
    } else {
        return bad("unknown option " + std::string(name));
    }
    return {};
}

}  // namespace

Result<ClickHouseUrl> parse_clickhouse_url(std::string_view text) {
    constexpr std::string_view kScheme = "clickhouse://";
    constexpr std::string_view kSecureScheme = "clickhouses://";
    ClickHouseUrl url;
    if (text.starts_with(kSecureScheme)) {
        url.secure = true;
        text.remove_prefix(kSecureScheme.size());
    } else if (text.starts_with(kScheme)) {
        text.remove_prefix(kScheme.size());
    } else {
        return bad("it must begin with clickhouse://");
    }
    size_t query = text.find('?');
    std::string_view options =
        query == std::string_view::npos ? std::string_view() : text.substr(query + 1);
    text = text.substr(0, query);
    // TLS has ports of its own, unless the URL names others.
    if (url.secure || options.find("secure=1") != std::string_view::npos) {
        url.native_port = 9440;
        url.http_port = 8443;
    }
    size_t slash = text.find('/');
    if (slash != std::string_view::npos)
        url.database = TRY(decode(text.substr(slash + 1), "database"));
    TRY(parse_authority(text.substr(0, slash), url));
    while (!options.empty()) {
        size_t end = std::min(options.find('&'), options.size());
        TRY(parse_option(options.substr(0, end), url));
        options.remove_prefix(std::min(end + 1, options.size()));
    }
    return url;
}

}  // namespace tandem::config
