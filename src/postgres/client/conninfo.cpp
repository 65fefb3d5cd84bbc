#include "postgres/client/conninfo.h"

#include <libpq-fe.h>

#include <algorithm>
#include <memory>

#include "postgres/client/connection.h"

namespace tandem::postgres {
namespace {

auto find(const Keywords& keywords, std::string_view name) {
    return std::find_if(keywords.begin(), keywords.end(),
                        [&](const auto& pair) { return pair.first == name; });
}

}  // namespace

Result<Keywords> parse_conninfo(std::string_view conninfo) {
    char* why = nullptr;
    std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(
        PQconninfoParse(std::string(conninfo).c_str(), &why), PQconninfoFree);
    // libpq's text quotes the string, so it may hold the password: drop it.
    PQfreemem(why);
    if (options == nullptr)
        return Error(ErrorCode::kInvalidArgument,
                     "the Postgres connection string is neither a postgresql:// URL nor a list of "
                     "keyword=value");
    Keywords keywords;
    for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option)
        if (option->val != nullptr) keywords.emplace_back(option->keyword, option->val);
    return keywords;
}

void set_keyword(Keywords& keywords, std::string_view name, std::string_view value) {
    auto at = std::find_if(keywords.begin(), keywords.end(),
                           [&](const auto& pair) { return pair.first == name; });
    if (at == keywords.end()) {
        keywords.emplace_back(name, value);
    } else {
        at->second = value;
    }
}

void set_default_keyword(Keywords& keywords, std::string_view name, std::string_view value) {
    if (find(keywords, name) == keywords.end()) keywords.emplace_back(name, value);
}

std::string_view keyword(const Keywords& keywords, std::string_view name) {
    auto at = find(keywords, name);
    return at == keywords.end() ? std::string_view() : std::string_view(at->second);
}

std::string describe_conninfo(std::string_view conninfo) {
    auto keywords = parse_conninfo(conninfo);
    if (!keywords.ok()) return "(connection string)";
    std::string text = "postgresql://";
    if (auto user = keyword(*keywords, "user"); !user.empty()) text += std::string(user) + "@";
    std::string_view host = keyword(*keywords, "host");
    if (host.empty()) host = keyword(*keywords, "hostaddr");
    text += host;
    if (auto port = keyword(*keywords, "port"); !port.empty()) text += ":" + std::string(port);
    return text + "/" + std::string(keyword(*keywords, "dbname"));
}

Result<std::string> with_looked_up_password(std::string_view conninfo) {
    Keywords keywords = TRY(parse_conninfo(conninfo));
    if (!keyword(keywords, "password").empty()) return std::string(conninfo);
    // libpq looks the password up when a connection is begun; nothing waits for its answer.
    std::unique_ptr<PGconn, void (*)(PGconn*)> connection(
        PQconnectStart(std::string(conninfo).c_str()), PQfinish);
    const char* password = connection == nullptr ? nullptr : PQpass(connection.get());
    if (password == nullptr || *password == '\0') return std::string(conninfo);
    set_keyword(keywords, "password", password);
    return to_conninfo(keywords);
}

std::string to_conninfo(const Keywords& keywords) {
    std::string text;
    for (const auto& [name, value] : keywords) {
        text += (text.empty() ? "" : " ") + name + "='";
        for (char c : value) {
            if (c == '\'' || c == '\\') text += '\\';
            text += c;
        }
        text += "'";
    }
    return text;
}

}  // namespace tandem::postgres
