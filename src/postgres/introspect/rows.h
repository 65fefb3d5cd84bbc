// Reading catalog rows out of text results. Private to the catalog reader.
#pragma once

#include <charconv>
#include <string>
#include <vector>

#include "postgres/introspect/introspect.h"

namespace tandem::postgres {

// Columns of one row, read in order. A value of the wrong form is remembered as failure, so that a
// row reads like a list; check `failed` once per result.
class RowReader {
  public:
    explicit RowReader(const QueryResult& result) : result_(result) {}

    void start(int row) {
        row_ = row;
        column_ = 0;
    }
    std::string text() { return result_.text(row_, column_++); }
    std::optional<std::string> optional_text() {
        bool null = result_.is_null(row_, column_);
        std::string value = text();
        return null ? std::nullopt : std::optional(std::move(value));
    }
    char letter() {
        std::string_view value = result_.value(row_, column_++);
        return value.empty() ? '\0' : value[0];
    }
    bool boolean() { return letter() == 't'; }
    int64_t integer() { return number(int64_t{0}); }
    std::optional<int64_t> optional_integer() {
        bool null = result_.is_null(row_, column_);
        int64_t value = integer();
        return null ? std::nullopt : std::optional(value);
    }
    double real() { return number(0.0); }
    int32_t int32() { return static_cast<int32_t>(integer()); }
    int16_t int16() { return static_cast<int16_t>(integer()); }
    Oid oid() { return {static_cast<uint32_t>(integer())}; }
    Lsn lsn() {
        auto value = parse_lsn(result_.value(row_, column_++));
        return value.ok() ? *value : Lsn{};  // NULL: no position
    }
    // "1 2 3", the text of int2vector.
    std::vector<int16_t> int16_list() {
        std::vector<int16_t> list;
        std::string_view value = result_.value(row_, column_++);
        const char* at = value.data();
        const char* end = at + value.size();
        while (at < end) {
            int16_t element = 0;
            auto [next, error] = std::from_chars(at, end, element);
            if (error != std::errc()) {
                failed_ = true;
                break;
            }
            list.push_back(element);
            at = next + 1;
        }
        return list;
    }

    Status check() const {
        if (!failed_) return {};
        return Error(ErrorCode::kMalformedData, "the catalog gave a value of an unexpected form");
    }

  private:
    template <typename T>
    T number(T value) {
        std::string_view digits = result_.value(row_, column_);
        if (!result_.is_null(row_, column_++)) {
            auto [end, error] =
                std::from_chars(digits.data(), digits.data() + digits.size(), value);
            if (error != std::errc() || end != digits.data() + digits.size()) failed_ = true;
        }
        return value;
    }

    const QueryResult& result_;
    int row_ = 0;
    int column_ = 0;
    bool failed_ = false;
};

// "{1,2}", to be cast to oid[].
inline std::string oid_array(std::span<const Oid> oids) {
    std::string array = "{";
    for (Oid oid : oids) {
        if (array.size() > 1) array.push_back(',');
        array += std::to_string(oid.value);
    }
    return array + "}";
}

inline Result<QueryResult> query_oids(Connection& connection, std::string_view sql,
                                      std::span<const Oid> oids) {
    std::string array = oid_array(oids);
    Parameter parameter{.value = array, .type = {}, .binary = false};
    return connection.query(sql, {&parameter, 1});
}

}  // namespace tandem::postgres
