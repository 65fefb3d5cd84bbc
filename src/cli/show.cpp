#include "cli/show.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/terminal.h"
#include "types/oid.h"

namespace tandem::cli {
namespace {

using nlohmann::ordered_json;

void print_json(const ordered_json& value) {
    print_line(value.dump(2, ' ', false, ordered_json::error_handler_t::replace));
}

// Types of Postgres whose text form is a JSON number.
bool is_number(Oid type) {
    for (uint32_t oid : {types::oid::kInt8, types::oid::kInt2, types::oid::kInt4})
        if (type.value == oid) return true;
    return false;
}

ordered_json json_value(const postgres::QueryResult& rows, int row, int column) {
    if (rows.is_null(row, column)) return nullptr;
    if (rows.column_type(column).value == types::oid::kBool) return rows.value(row, column) == "t";
    if (is_number(rows.column_type(column))) {
        Result<int64_t> number = rows.integer(row, column);
        if (number.ok()) return *number;
    }
    return rows.text(row, column);
}

std::string padded(std::string text, size_t width) {
    if (text.size() < width) text.append(width - text.size(), ' ');
    return text;
}

std::vector<std::string> aligned(const std::vector<std::vector<std::string>>& table) {
    std::vector<size_t> widths;
    for (const auto& row : table)
        for (size_t i = 0; i < row.size(); ++i) {
            if (widths.size() <= i) widths.push_back(0);
            widths[i] = std::max(widths[i], row[i].size());
        }
    std::vector<std::string> lines;
    for (const auto& row : table) {
        std::string line;
        for (size_t i = 0; i < row.size(); ++i)
            line += i + 1 < row.size() ? padded(row[i], widths[i] + 2) : row[i];
        lines.push_back(std::move(line));
    }
    return lines;
}

void show_table(const std::vector<std::vector<std::string>>& table) {
    for (const std::string& line : aligned(table)) print_line(line);
}

// Lines after the first begin under it.
std::string indented(const std::string& text, size_t by) {
    std::string result;
    for (char c : text) {
        result += c;
        if (c == '\n') result.append(by, ' ');
    }
    return result;
}

// One row after the other, "name  value".
std::string records(const std::vector<std::vector<std::string>>& table) {
    size_t width = 0;
    for (const std::string& name : table[0]) width = std::max(width, name.size());
    std::string text;
    for (size_t row = 1; row < table.size(); ++row) {
        if (row > 1) text += "\n";
        for (size_t i = 0; i < table[row].size(); ++i)
            if (table[row][i] != "-")
                text += padded(table[0][i], width + 2) + indented(table[row][i], width + 2) + "\n";
    }
    return text;
}

// A member of a JSON row as text; "-" for null.
std::string member(const ordered_json& row, const char* name) {
    auto found = row.find(name);
    if (found == row.end() || found->is_null()) return "-";
    return found->is_string() ? found->get<std::string>() : found->dump();
}

ordered_json process_list(const stack::State& state) {
    ordered_json processes = ordered_json::array();
    for (const stack::ProcessState& process : state.processes)
        processes.push_back({{"name", process.name},
                             {"pid", process.id.pid},
                             {"running", stack::is_running(process.id)},
                             {"restarts", process.restarts},
                             {"last_end", process.last_end}});
    return processes;
}

void show_mirrors(const StackView& view) {
    if (!view.mirrors_error.empty()) print_line("mirrors: " + view.mirrors_error);
    ordered_json status = ordered_json::parse(view.mirrors_json, nullptr, false);
    if (!status.is_object() || !status.contains("tables")) return;
    std::vector<std::vector<std::string>> table = {
        {"mirror", "state", "tables", "live", "rows loaded", "lag bytes"}};
    for (const auto& row : status["mirrors"])
        table.push_back({member(row, "name"), member(row, "state"), member(row, "tables"),
                         member(row, "tables_live"), member(row, "rows_loaded"),
                         member(row, "lag_bytes")});
    print_line("");
    if (table.size() == 1)
        print_line("no mirrors yet; `tandem mirror create` makes one");
    else
        show_table(table);
}

}  // namespace

std::string table_text(const std::vector<std::string>& names,
                       const std::vector<std::vector<std::optional<std::string>>>& rows) {
    std::vector<std::vector<std::string>> table(1 + rows.size());
    bool lines = false;
    for (size_t column = 0; column < names.size(); ++column) {
        bool any = rows.empty();
        for (const auto& row : rows) any |= row[column].has_value();
        if (!any) continue;
        table[0].push_back(names[column]);
        for (size_t row = 0; row < rows.size(); ++row) {
            table[row + 1].push_back(rows[row][column].value_or("-"));
            lines |= table[row + 1].back().find('\n') != std::string::npos;
        }
    }
    std::string text;
    for (const std::string& line : aligned(table)) {
        lines |= line.size() > kTableWidth;
        text += line + "\n";
    }
    return lines && !rows.empty() ? records(table) : text;
}

void show_rows(const postgres::QueryResult& rows, bool json) {
    if (json) {
        ordered_json list = ordered_json::array();
        for (int row = 0; row < rows.rows(); ++row) {
            ordered_json object = ordered_json::object();
            for (int column = 0; column < rows.columns(); ++column)
                object[std::string(rows.column_name(column))] = json_value(rows, row, column);
            list.push_back(std::move(object));
        }
        print_json(list);
        return;
    }
    std::vector<std::string> names;
    names.reserve(static_cast<size_t>(rows.columns()));
    for (int column = 0; column < rows.columns(); ++column)
        names.emplace_back(rows.column_name(column));
    std::vector<std::vector<std::optional<std::string>>> table;
    table.reserve(static_cast<size_t>(rows.rows()));
    for (int row = 0; row < rows.rows(); ++row) {
        table.emplace_back();
        for (int column = 0; column < rows.columns(); ++column)
            table.back().push_back(
                rows.is_null(row, column) ? std::nullopt : std::optional(rows.text(row, column)));
    }
    std::fputs(table_text(names, table).c_str(), stdout);
}

void show_checks(const std::vector<stack::Check>& checks, bool json) {
    if (json) {
        ordered_json list = ordered_json::array();
        for (const stack::Check& check : checks)
            list.push_back({{"check", check.name},
                            {"outcome", stack::to_string(check.outcome)},
                            {"found", check.found},
                            {"fix", check.fix}});
        print_json(list);
        return;
    }
    for (const stack::Check& check : checks) {
        print_line(padded(std::string(stack::to_string(check.outcome)), 8) +
                   padded(check.name, 20) + check.found);
        if (!check.fix.empty()) print_line(padded("", 28) + indented(check.fix, 28));
    }
}

void show_stack(const StackView& view, bool json) {
    ordered_json status = ordered_json::parse(view.mirrors_json, nullptr, false);
    if (json) {
        ordered_json object = {{"running", view.running},
                               {"phase", view.phase},
                               {"endpoints",
                                {{"postgres", view.endpoints.postgres},
                                 {"clickhouse_http", view.endpoints.clickhouse_http},
                                 {"clickhouse_native", view.endpoints.clickhouse_native},
                                 {"console", view.endpoints.console}}},
                               {"credentials",
                                {{"postgres_passfile", view.run_directory + "/pgpass"},
                                 {"postgres_service_file", view.run_directory + "/pg_service.conf"},
                                 {"clickhouse_user", view.clickhouse_user},
                                 {"clickhouse_netrc", view.run_directory + "/netrc"}}},
                               {"processes", process_list(view.state)},
                               {"mirrors", ordered_json::array()},
                               {"tables", ordered_json::array()},
                               {"lag", ordered_json::array()}};
        if (status.is_object())
            for (const char* part : {"mirrors", "tables", "lag"})
                if (status.contains(part)) object[part] = status[part];
        if (!view.mirrors_error.empty()) object["mirrors_error"] = view.mirrors_error;
        print_json(object);
        return;
    }
    if (!view.running) {
        print_line("the stack is not running (" + view.phase + "); `tandem up` starts it");
        return;
    }
    show_table(
        {{"postgres", view.endpoints.postgres},
         {"clickhouse http", view.endpoints.clickhouse_http + "  (user " + view.clickhouse_user +
                                 ", curl --netrc-file " + view.run_directory + "/netrc)"},
         {"clickhouse native", view.endpoints.clickhouse_native},
         {"console", view.endpoints.console}});
    print_line("");
    std::vector<std::vector<std::string>> table = {{"process", "pid", "restarts", ""}};
    for (const stack::ProcessState& process : view.state.processes)
        table.push_back({process.name,
                         stack::is_running(process.id) ? std::to_string(process.id.pid) : "-",
                         std::to_string(process.restarts),
                         process.last_end.empty() ? "" : "last " + process.last_end});
    show_table(table);
    show_mirrors(view);
}

void show_environment(const std::vector<std::pair<std::string, std::string>>& variables) {
    ordered_json object = ordered_json::object();
    for (const auto& [name, value] : variables) object[name] = value;
    print_json(object);
}

void show_stopped(bool json, bool was_running) {
    if (json)
        print_json({{"running", false}, {"was_running", was_running}});
    else
        print_line(was_running ? "the stack is stopped" : "the stack was not running");
}

}  // namespace tandem::cli
