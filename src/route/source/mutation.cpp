// UPDATE and DELETE of a foreign table. ClickHouse takes no derived table there, so the expressions
// of a translated query are cut out of its text, and each column in them is replaced by what the
// derived table would have made of it.
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "base/barrier.h"
#include "route/source/facade.h"
#include "route/source/forms.h"
#include "route/sql/print.h"
#include "sqltext/quote.h"

namespace tandem::route::source {
namespace {

// The end of what is in quotes at `at`, or `at` when nothing is.
size_t behind_quotes(std::string_view sql, size_t at) {
    char quote = sql[at];
    if (quote != '\'' && quote != '`' && quote != '"') return at;
    for (size_t i = at + 1; i < sql.size(); ++i) {
        if (sql[i] == '\\') {
            ++i;
            continue;
        }
        if (sql[i] == quote) return i + 1;
    }
    return sql.size();
}

struct Parts {
    std::vector<std::string> results;
    std::string settings;  // as they follow the query
};

bool at_word(std::string_view sql, size_t at, std::string_view word) {
    return sql.substr(at, word.size()) == word;
}

Error unreadable() {
    return Error(ErrorCode::kUnsupportedType, "the translated query has another form");
}

// "SELECT a AS c1, b AS c2 FROM place AS t1 SETTINGS ..."
Result<Parts> parts_of(std::string_view sql) {
    static constexpr std::string_view kSelect = "SELECT ";
    static const std::string kFrom = std::string(" FROM ") + sql::kPlace;
    if (!sql.starts_with(kSelect)) return unreadable();
    Parts parts;
    size_t begin = kSelect.size();
    size_t name = std::string_view::npos;
    int depth = 0;
    for (size_t at = begin; at < sql.size(); ++at) {
        if (size_t end = behind_quotes(sql, at); end > at) {
            at = end - 1;
            continue;
        }
        if (sql[at] == '(' || sql[at] == '[') ++depth;
        if (sql[at] == ')' || sql[at] == ']') --depth;
        if (depth > 0) continue;
        if (at_word(sql, at, " AS ")) name = at;
        bool from = at_word(sql, at, kFrom);
        if (sql[at] != ',' && !from) continue;
        if (name == std::string_view::npos || name < begin) return unreadable();
        parts.results.emplace_back(sql.substr(begin, name - begin));
        begin = at + 2;
        if (!from) continue;
        std::string_view rest = sql.substr(at);
        if (size_t settings = rest.find(" SETTINGS "); settings != std::string_view::npos)
            parts.settings = rest.substr(settings);
        std::string_view table = rest.substr(0, rest.size() - parts.settings.size());
        if (!table.ends_with(" AS t1")) return unreadable();
        return parts;
    }
    return unreadable();
}

Result<std::string> column_of(const Mutation& mutation, std::string_view quoted) {
    for (const Column& column : mutation.columns)
        if (sqltext::ch_ident(column.name) == quoted) return read_column(column);
    return unreadable();
}

// Columns of t1 by what they are made of.
Result<std::string> inlined(const Mutation& mutation, std::string_view text) {
    static constexpr std::string_view kRelation = "t1.`";
    std::string out;
    for (size_t at = 0; at < text.size();) {
        if (at_word(text, at, kRelation)) {
            size_t name = at + kRelation.size() - 1;
            size_t end = behind_quotes(text, name);
            out += TRY(column_of(mutation, text.substr(name, end - name)));
            at = end;
            continue;
        }
        size_t end = std::max(behind_quotes(text, at), at + 1);
        out += text.substr(at, end - at);
        at = end;
    }
    return out;
}

struct Written {
    std::string condition = "1";
    std::vector<std::string> values;
    std::string settings;
};

Result<Written> expressions_of(const Mutation& mutation) {
    Parts parts;
    if (!mutation.sql.empty()) parts = TRY(parts_of(mutation.sql));
    auto result = [&](int32_t item) -> Result<std::string> {
        if (static_cast<size_t>(item) >= parts.results.size()) return unreadable();
        return inlined(mutation, parts.results[static_cast<size_t>(item)]);
    };
    Written written;
    if (mutation.condition >= 0) written.condition = TRY(result(mutation.condition));
    for (const Assignment& one : mutation.assignments) {
        std::string value(one.given);
        if (one.item >= 0) value = "(" + TRY(result(one.item))
        +")";
        written.values.push_back(TRY(written_value(one.target, value)));
    }
    written.settings = parts.settings;
    return written;
}

std::string rehearsal(const Mutation& mutation, const Written& written) {
    std::string values;
    for (const std::string& value : written.values) values += ", " + value;
    return "SELECT toString(count()), toString(ifNull(groupBitXor(sipHash64(1" + values +
           ")), 0)) FROM " + table_name(mutation.database, mutation.table) + " WHERE " +
           written.condition + written.settings;
}

Result<std::string> written_mutation(const Mutation& mutation, bool rehearse) {
    Written written = TRY(expressions_of(mutation));
    if (rehearse) return rehearsal(mutation, written);
    std::string table = table_name(mutation.database, mutation.table);
    if (mutation.removes) return "DELETE FROM " + table + " WHERE (" + written.condition + ")";
    std::string sql = "ALTER TABLE " + table + " UPDATE ";
    for (size_t i = 0; i < written.values.size(); ++i)
        sql += (i == 0 ? "" : ", ") +
               sqltext::ch_ident(mutation.assignments[static_cast<uint32_t>(i)].target.name) +
               " = " + written.values[i];
    return sql + " WHERE (" + written.condition + ")";
}

}  // namespace

int64_t write_mutation(const Mutation& mutation, bool rehearse, char* out, size_t capacity,
                       Failure* failure) noexcept {
    return barrier(failure, int64_t{-1}, [&] {
        Result<std::string> sql = written_mutation(mutation, rehearse);
        if (!sql.ok()) return fill_failure(failure, sql.error()), int64_t{-1};
        if (sql->size() < capacity) std::memcpy(out, sql->c_str(), sql->size() + 1);
        return static_cast<int64_t>(sql->size());
    });
}

}  // namespace tandem::route::source
