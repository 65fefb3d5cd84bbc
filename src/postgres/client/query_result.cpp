#include <libpq-fe.h>

#include <charconv>

#include "postgres/client/connection.h"

namespace tandem::postgres {
namespace {

Error not_a(std::string_view what, std::string_view value) {
    return Error(ErrorCode::kMalformedData, "Postgres returned \"" + std::string(value) +
                                                "\" where " + std::string(what) + " was expected");
}

}  // namespace

void QueryResult::Clear::operator()(PGresult* result) const {
    PQclear(result);
}

int QueryResult::rows() const {
    return PQntuples(result_.get());
}

int QueryResult::columns() const {
    return PQnfields(result_.get());
}

std::string_view QueryResult::column_name(int column) const {
    const char* name = PQfname(result_.get(), column);
    return name == nullptr ? std::string_view() : std::string_view(name);
}

Oid QueryResult::column_type(int column) const {
    return {PQftype(result_.get(), column)};
}

bool QueryResult::is_null(int row, int column) const {
    return PQgetisnull(result_.get(), row, column) != 0;
}

std::string_view QueryResult::value(int row, int column) const {
    const char* data = PQgetvalue(result_.get(), row, column);
    if (data == nullptr) return {};
    return {data, static_cast<size_t>(PQgetlength(result_.get(), row, column))};
}

Result<int64_t> QueryResult::integer(int row, int column) const {
    std::string_view text = value(row, column);
    int64_t number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc() || end != text.data() + text.size())
        return not_a("an integer", text);
    return number;
}

Result<bool> QueryResult::boolean(int row, int column) const {
    std::string_view text = value(row, column);
    if (text == "t") return true;
    if (text == "f") return false;
    return not_a("a boolean", text);
}

Result<Lsn> QueryResult::lsn(int row, int column) const {
    return parse_lsn(value(row, column));
}

uint64_t QueryResult::affected() const {
    if (result_ == nullptr) return 0;
    std::string_view text = PQcmdTuples(result_.get());
    uint64_t count = 0;
    std::from_chars(text.data(), text.data() + text.size(), count);
    return count;
}

}  // namespace tandem::postgres
