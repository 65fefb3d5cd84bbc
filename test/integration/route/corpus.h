// The files of corpus/, see corpus_test.cpp.
#pragma once

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

namespace tandem::route_test {

struct Entry {
    std::string setup;
    std::string sql;
    std::string expected;
};

inline std::vector<Entry> entries_of(const std::string& path) {
    std::ifstream in(path);
    std::vector<Entry> entries;
    Entry entry;
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("--@ ")) {
            entry.expected = line.substr(4);
        } else if (line.starts_with("--! ")) {
            entry.setup += line.substr(4) + ";";
        } else if (!line.empty() && !line.starts_with("--")) {
            entry.sql += line + "\n";
            if (!line.ends_with(';')) continue;
            entry.sql.resize(entry.sql.size() - 2);
            entries.push_back(std::move(entry));
            entry = {};
        }
    }
    return entries;
}

// The outermost query has an ORDER BY.
inline bool is_sorted(const std::string& sql) {
    size_t at = sql.rfind("ORDER BY");
    return at != std::string::npos &&
           std::count(sql.begin(), sql.begin() + static_cast<std::ptrdiff_t>(at), '(') ==
               std::count(sql.begin(), sql.begin() + static_cast<std::ptrdiff_t>(at), ')');
}

inline constexpr const char* kAfresh =
    "DEALLOCATE ALL; RESET ALL; SET tandem.route_cost_threshold = 0; SET tandem.freshness = "
    "eventual";

}  // namespace tandem::route_test
