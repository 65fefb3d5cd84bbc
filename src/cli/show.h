// How results look: for people as aligned text, with --json as one JSON value.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "postgres/client/connection.h"
#include "stack/checks/checks.h"
#include "stack/supervisor/settings.h"

namespace tandem::cli {

// Rows of a query as an aligned table, or as a JSON array of objects (numbers and booleans typed).
// Columns that are null in every row are left out of a table; one that would be wider than
// kTableWidth, or has texts of several lines, becomes a list of "name  value" for each row.
inline constexpr size_t kTableWidth = 100;
std::string table_text(const std::vector<std::string>& names,
                       const std::vector<std::vector<std::optional<std::string>>>& rows);
void show_rows(const postgres::QueryResult& rows, bool json);

void show_checks(const std::vector<stack::Check>& checks, bool json);

struct StackView {
    bool running = false;
    std::string phase = {};
    stack::Endpoints endpoints = {};
    stack::State state = {};
    std::string run_directory = {};
    std::string clickhouse_user = {};
    std::string mirrors_json = {};  // of read_mirror_status; empty: not read
    std::string mirrors_error = {};
};
void show_stack(const StackView& view, bool json);
void show_environment(const std::vector<std::pair<std::string, std::string>>& variables);
void show_stopped(bool json, bool was_running);

}  // namespace tandem::cli
