#include "cli/commands/mirror.h"

#include <nlohmann/json.hpp>

#include "base/back_off.h"
#include "cli/commands/stack.h"
#include "cli/show.h"
#include "cli/terminal.h"

namespace tandem::cli {
namespace {

using postgres::Parameter;

constexpr std::chrono::milliseconds kPoll(100);

// ARRAY literal: quotes every element.
std::string array_literal(const std::vector<std::string>& elements) {
    std::string text = "{";
    for (const std::string& element : elements) {
        if (text.size() > 1) text += ",";
        text += '"';
        for (char c : element) {
            if (c == '"' || c == '\\') text += '\\';
            text += c;
        }
        text += '"';
    }
    return text + "}";
}

nlohmann::json options_json(const config::Values& values) {
    nlohmann::json object = nlohmann::json::object();
    for (const config::Option& option : config::options())
        if (option.group == config::Group::mirror && option.given(values))
            object[std::string(option.member)] = values.*option.number;
    return object;
}

struct Progress {
    uint64_t tables = 0;
    uint64_t live = 0;
    uint64_t rows = 0;
    std::string failure = {};
};

Result<Progress> read_progress(postgres::Connection& connection, const std::string& mirror) {
    const Parameter parameters[] = {{.value = mirror}};
    postgres::QueryResult rows = TRY(connection.query(
        "SELECT count(*), count(*) FILTER (WHERE state = 'live'), coalesce(sum(rows_loaded), "
        "0)::bigint, coalesce((SELECT error_message FROM tandem.mirrors WHERE name = $1 AND "
        "state = 'failed'), max(schema_name || '.' || table_name || ': ' || error_message) FILTER "
        "(WHERE state = 'failed')) FROM tandem.mirror_tables WHERE mirror = $1",
        parameters));
    Progress progress;
    progress.tables = static_cast<uint64_t>(TRY(rows.integer(0, 0)));
    progress.live = static_cast<uint64_t>(TRY(rows.integer(0, 1)));
    progress.rows = static_cast<uint64_t>(TRY(rows.integer(0, 2)));
    progress.failure = rows.text(0, 3);
    return progress;
}

Result<uint64_t> estimate_rows(postgres::Connection& connection, const std::string& mirror) {
    const Parameter parameters[] = {{.value = mirror}};
    postgres::QueryResult rows = TRY(connection.query(
        "SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint FROM tandem.mirror_tables t "
        "JOIN pg_class c ON c.relname = t.table_name JOIN pg_namespace n ON n.oid = "
        "c.relnamespace AND n.nspname = t.schema_name WHERE t.mirror = $1",
        parameters));
    return static_cast<uint64_t>(TRY(rows.integer(0, 0)));
}

Status show_mirror(postgres::Connection& connection, const std::string& name, bool json) {
    const Parameter parameters[] = {{.value = name}};
    show_rows(TRY(connection.query("SELECT * FROM tandem.mirrors WHERE name = $1", parameters)),
              json);
    return {};
}

}  // namespace

Status wait_until_live(postgres::Connection& connection, const std::string& mirror,
                       uint64_t rows_total) {
    if (rows_total == 0) rows_total = TRY(estimate_rows(connection, mirror));
    Step step("mirroring " + mirror);
    for (;;) {
        Progress progress = TRY(read_progress(connection, mirror));
        if (!progress.failure.empty()) {
            step.finish("failed");
            return Error(ErrorCode::kPostgresError, "mirror " + mirror + ": " + progress.failure);
        }
        if (progress.tables > 0 && progress.live == progress.tables) {
            step.finish(with_thousands(progress.rows) + " rows in " +
                        std::to_string(progress.tables) + " tables, live");
            return {};
        }
        step.update(progress.rows, rows_total, "rows");
        back_off(kPoll);
    }
}

Status mirror_create(Options options, const MirrorRequest& request) {
    postgres::Connection connection = TRY(connect_source(options));
    nlohmann::json settings = options_json(request.options);
    if (!request.database.empty()) settings["database"] = request.database;
    std::string tables = array_literal(request.tables);
    std::string json = settings.dump();
    const Parameter parameters[] = {{.value = request.name}, {.value = tables}, {.value = json}};
    TRY(connection.execute("SELECT tandem.create_mirror($1, $2::text[], $3::jsonb)", parameters));
    if (request.wait) TRY(wait_until_live(connection, request.name, 0));
    return show_mirror(connection, request.name, options.json);
}

Status mirror_alter(Options options, const MirrorRequest& request) {
    postgres::Connection connection = TRY(connect_source(options));
    std::string json = options_json(request.options).dump();
    if (json == "{}")
        return Error(ErrorCode::kInvalidArgument, "no option was given that could be changed");
    const Parameter parameters[] = {{.value = request.name}, {.value = json}};
    TRY(connection.execute("SELECT tandem.alter_mirror($1, $2::jsonb)", parameters));
    return show_mirror(connection, request.name, options.json);
}

Status mirror_list(Options options) {
    postgres::Connection connection = TRY(connect_source(options));
    show_rows(TRY(connection.query("SELECT name, state, wanted, target_database, tables, "
                                   "tables_live, tables_failed, rows_loaded, lag_bytes, "
                                   "error_message FROM tandem.mirrors ORDER BY name")),
              options.json);
    return {};
}

Status mirror_show(Options options, const std::string& name) {
    postgres::Connection connection = TRY(connect_source(options));
    const Parameter parameters[] = {{.value = name}};
    postgres::QueryResult tables = TRY(connection.query(
        "SELECT schema_name, table_name, target_database, target_table, state, rows_loaded, "
        "chunks_done, chunks, inexact_columns, error_message FROM tandem.mirror_tables WHERE "
        "mirror = $1 ORDER BY schema_name, table_name",
        parameters));
    if (tables.rows() == 0)
        return Error(ErrorCode::kNotFound, "there is no mirror \"" + name + "\"");
    if (!options.json) {
        TRY(show_mirror(connection, name, false));
        print_line("");
    }
    show_rows(tables, options.json);
    return {};
}

Status mirror_act(Options options, const std::string& action, const std::string& name) {
    postgres::Connection connection = TRY(connect_source(options));
    const Parameter parameters[] = {{.value = name}};
    TRY(connection.execute("SELECT tandem." + action + "_mirror($1)", parameters));
    return show_mirror(connection, name, options.json);
}

Status mirror_resync(Options options, const MirrorRequest& request) {
    postgres::Connection connection = TRY(connect_source(options));
    std::string tables = array_literal(request.tables);
    Parameter list{.value = tables};
    if (request.tables.empty()) list.value = std::nullopt;
    const Parameter parameters[] = {{.value = request.name}, list};
    TRY(connection.execute("SELECT tandem.resync_mirror($1, $2::text[])", parameters));
    if (request.wait) TRY(wait_until_live(connection, request.name, 0));
    return show_mirror(connection, request.name, options.json);
}

Status explain(Options options, const std::string& query) {
    postgres::Connection connection = TRY(connect_source(options));
    TRY(connection.execute("SET search_path = public"));
    const Parameter parameters[] = {{.value = query}};
    postgres::QueryResult rows =
        TRY(connection.query("SELECT * FROM tandem.explain_route($1)", parameters));
    if (options.json || rows.rows() == 0) {
        show_rows(rows, options.json);
        return {};
    }
    bool routed = TRY(rows.boolean(0, 0));
    print_line(routed ? "runs in ClickHouse as:" : "runs in Postgres:");
    for (int column = 1; column < rows.columns(); ++column)
        if (!rows.is_null(0, column) && !rows.value(0, column).empty())
            print_line("  " + std::string(rows.column_name(column)) + ": " + rows.text(0, column));
    return {};
}

}  // namespace tandem::cli
