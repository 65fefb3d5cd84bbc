#include "stack/clickhouse/clickhouse_http.h"

#include <httplib.h>

namespace tandem::stack {
namespace {

constexpr size_t kAnswerBytesMax = 1 << 20;
constexpr int kAuthenticationFailedCode = 516;

Error refused(const httplib::Response& response) {
    int code = std::atoi(response.get_header_value("X-ClickHouse-Exception-Code").c_str());
    ErrorCode kind = code == kAuthenticationFailedCode ? ErrorCode::kAuthenticationFailed
                                                       : ErrorCode::kClickHouseError;
    return Error(kind, "ClickHouse answered: " + response.body.substr(0, 500))
        .with_foreign_code(code);
}

}  // namespace

Result<std::string> ask_clickhouse(const config::ClickHouseUrl& target, const std::string& sql,
                                   std::chrono::milliseconds timeout) {
    std::string where = std::string(target.secure ? "https" : "http") + "://" + target.host + ":" +
                        std::to_string(target.http_port);
    httplib::Client client(where);
    client.set_connection_timeout(std::chrono::seconds(10));
    client.set_read_timeout(timeout);
    httplib::Headers headers = {{"X-ClickHouse-User", target.user},
                                {"X-ClickHouse-Key", target.password}};
    httplib::Result result = client.Post("/", headers, sql, "text/plain");
    if (!result)
        return Error(ErrorCode::kConnectionFailed,
                     "ClickHouse at " + where + ": " + httplib::to_string(result.error()));
    if (result->status != 200) return refused(*result);
    std::string body = result->body.substr(0, kAnswerBytesMax);
    if (body.ends_with('\n')) body.pop_back();
    return body;
}

}  // namespace tandem::stack
