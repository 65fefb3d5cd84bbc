#include "cli/commands/mirror.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/back_off.h"
#include "cli/commands/stack.h"
#include "cli/show.h"
#include "cli/terminal.h"
#include "sqltext/quote.h"

namespace tandem::cli {
namespace {

using postgres::Parameter;

constexpr std::chrono::milliseconds kPoll(100);
// How long a daemon that runs may take to notice what is wanted of it.
constexpr std::chrono::seconds kDaemonPatience(15);

nlohmann::json options_json(const config::Values& values) {
    nlohmann::json object = nlohmann::json::object();
    for (const config::Option& option : config::options())
        if (option.group == config::Group::mirror && option.given(values))
            object[std::string(option.member)] = values.*option.number;
    return object;
}

// "key=value" into object[key]; of a column, object[table][column].
Status add_layout(nlohmann::json& settings, const char* option,
                  const std::vector<std::string>& given) {
    for (const std::string& text : given) {
        size_t equals = text.find('=');
        std::string key = text.substr(0, equals);
        bool keys = std::string_view(option) == "json_keys";
        // Of json_keys a table alone stands before "=none".
        bool none = keys && text.ends_with("=none");
        bool of_column = (std::string_view(option) == "codecs" || keys) && !none;
        size_t dot = of_column ? key.rfind('.') : 0;
        if (equals == std::string::npos || dot == std::string::npos)
            return Error(ErrorCode::kInvalidArgument, "\"" + text + "\" is not of the form table" +
                                                          (of_column ? ".column" : "") + "=" +
                                                          (keys        ? "keys"
                                                           : of_column ? "codec"
                                                                       : "columns"));
        std::string value = text.substr(equals + 1);
        nlohmann::json& object = settings[option];
        if (none)
            object[key] = false;
        else if (keys && !value.empty())
            for (std::stringstream list(value); std::getline(list, value, ',');)
                object[key.substr(0, dot)][key.substr(dot + 1)].push_back(value);
        else if (of_column && !value.empty())
            object[key.substr(0, dot)][key.substr(dot + 1)] = value;
        else if (value.empty())
            object[of_column ? key.substr(0, dot) : key] = nullptr;
        else if (std::string_view(option) == "partition_by")
            object[key] = value;
        else
            for (std::stringstream list(value); std::getline(list, value, ',');)
                object[key].push_back(value);
    }
    return {};
}

Result<nlohmann::json> settings_of(const MirrorRequest& request) {
    nlohmann::json settings = options_json(request.options);
    TRY(add_layout(settings, "order_by", request.order_by));
    TRY(add_layout(settings, "partition_by", request.partition_by));
    TRY(add_layout(settings, "codecs", request.codecs));
    TRY(add_layout(settings, "json_keys", request.json_keys));
    return settings;
}

struct Progress {
    uint64_t tables = 0;
    uint64_t live = 0;
    uint64_t rows = 0;
    std::string failure = {};
    ErrorCode code = ErrorCode::kPostgresError;
};

Result<Progress> read_progress(postgres::Connection& connection, const std::string& mirror) {
    const Parameter parameters[] = {{.value = mirror}};
    postgres::QueryResult rows = TRY(connection.query(
        "SELECT count(*) FILTER (WHERE state <> 'dropped'), count(*) FILTER (WHERE state = "
        "'live'), coalesce(sum(rows_loaded), "
        "0)::bigint, coalesce((SELECT error_message FROM tandem.mirrors WHERE name = $1 AND "
        "state = 'failed'), max(schema_name || '.' || table_name || ': ' || error_message) FILTER "
        "(WHERE state = 'failed')), coalesce((SELECT error_code FROM tandem.mirrors WHERE name = "
        "$1 "
        "AND state = 'failed'), max(error_code) FILTER (WHERE state = 'failed')) FROM "
        "tandem.mirror_tables WHERE mirror = $1",
        parameters));
    Progress progress;
    progress.tables = static_cast<uint64_t>(TRY(rows.integer(0, 0)));
    progress.live = static_cast<uint64_t>(TRY(rows.integer(0, 1)));
    progress.rows = static_cast<uint64_t>(TRY(rows.integer(0, 2)));
    progress.failure = rows.text(0, 3);
    progress.code = find_error_code(rows.text(0, 4)).value_or(ErrorCode::kPostgresError);
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
    show_rows(
        TRY(connection.query("SELECT name, state, wanted, target_database, tables, "
                             "tables_live, tables_failed, rows_loaded, lag_bytes, error_code, "
                             "error_message FROM tandem.mirrors WHERE name = $1",
                             parameters)),
        json);
    return {};
}

// The SQL with a clause to a line, without the settings, which are the same for every query.
std::string for_people(std::string sql) {
    sql.resize(std::min(sql.size(), sql.find("\nSETTINGS ")));
    for (size_t at = 0; (at = sql.find('\n', at)) != sql.npos; at += 5) sql.insert(at + 1, "    ");
    return sql;
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
            return Error(progress.code, "mirror " + mirror + ": " + progress.failure);
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

Status wait_until_done(postgres::Connection& connection, const std::string& action,
                       const std::string& mirror) {
    const Parameter parameters[] = {{.value = mirror}};
    Step step(action + " " + mirror);
    auto deadline = std::chrono::steady_clock::now() + kDaemonPatience;
    for (;;) {
        // The lease is an advisory lock of the daemon (src/control), seen by every role.
        postgres::QueryResult rows = TRY(connection.query(
            "SELECT m.state, m.error_message, m.error_code, EXISTS (SELECT FROM pg_locks l WHERE "
            "l.locktype = "
            "'advisory' AND l.classid = 7235 AND l.objid = m.mirror_id), m.wanted = 'running' AND "
            "EXISTS (SELECT FROM tandem.mirror_table t WHERE t.mirror_id = m.mirror_id AND "
            "t.error_code = 'removed') FROM tandem.mirror m WHERE m.name = $1",
            parameters));
        if (rows.rows() == 0) return {};
        std::string state = rows.text(0, 0);
        if ((action == "pause" && state == "paused") || (action == "resume" && state == "running"))
            return {};
        // A mirror that is paused does it when it goes on.
        if (action == "remove" && !TRY(rows.boolean(0, 4))) return {};
        if (state == "failed" && (action == "resume" || action == "remove"))
            return Error(find_error_code(rows.text(0, 2)).value_or(ErrorCode::kPostgresError),
                         "mirror " + mirror + ": " + rows.text(0, 1));
        if (TRY(rows.boolean(0, 3))) deadline = std::chrono::steady_clock::now() + kDaemonPatience;
        if (std::chrono::steady_clock::now() > deadline) {
            step.finish("nobody does it");
            return Error(ErrorCode::kTimeout,
                         "no daemon acts on mirror " + mirror +
                             "; it is done when one runs (`tandem status` shows the daemon)");
        }
        step.update();
        back_off(kPoll);
    }
}

Status mirror_create(Options options, const MirrorRequest& request) {
    postgres::Connection connection = TRY(connect_source(options));
    nlohmann::json settings = TRY(settings_of(request));
    if (!request.database.empty()) settings["database"] = request.database;
    std::string tables = sqltext::pg_array(request.tables);
    std::string json = settings.dump();
    const Parameter parameters[] = {{.value = request.name}, {.value = tables}, {.value = json}};
    TRY(connection.execute("SELECT tandem.create_mirror($1, $2::text[], $3::jsonb)", parameters));
    if (request.wait) TRY(wait_until_live(connection, request.name, 0));
    return show_mirror(connection, request.name, options.json);
}

Status mirror_alter(Options options, const MirrorRequest& request) {
    postgres::Connection connection = TRY(connect_source(options));
    std::string json = TRY(settings_of(request))
    .dump();
    if (json == "{}")
        return Error(ErrorCode::kInvalidArgument, "no option was given that could be changed");
    const Parameter parameters[] = {{.value = request.name}, {.value = json}};
    TRY(connection.execute("SELECT tandem.alter_mirror($1, $2::jsonb)", parameters));
    return show_mirror(connection, request.name, options.json);
}

Status mirror_add(Options options, const MirrorRequest& request) {
    postgres::Connection connection = TRY(connect_source(options));
    std::string tables = sqltext::pg_array(request.tables);
    const Parameter parameters[] = {{.value = request.name}, {.value = tables}};
    TRY(connection.execute("SELECT tandem.add_to_mirror($1, $2::text[])", parameters));
    if (request.wait) TRY(wait_until_live(connection, request.name, 0));
    return show_mirror(connection, request.name, options.json);
}

Status mirror_remove(Options options, const MirrorRequest& request) {
    postgres::Connection connection = TRY(connect_source(options));
    std::string tables = sqltext::pg_array(request.tables);
    const Parameter parameters[] = {{.value = request.name}, {.value = tables}};
    TRY(connection.execute("SELECT tandem.remove_from_mirror($1, $2::text[])", parameters));
    if (request.wait) TRY(wait_until_done(connection, "remove", request.name));
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
        "chunks_done, chunks, inexact_columns, layout, error_message FROM tandem.mirror_tables "
        "WHERE "
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

Status mirror_act(Options options, const std::string& action, const MirrorRequest& request) {
    postgres::Connection connection = TRY(connect_source(options));
    const Parameter parameters[] = {{.value = request.name}};
    TRY(connection.execute("SELECT tandem." + action + "_mirror($1)", parameters));
    if (!request.wait) return show_mirror(connection, request.name, options.json);
    TRY(wait_until_done(connection, action, request.name));
    if (action != "drop") return show_mirror(connection, request.name, options.json);
    if (options.json)
        print_line(nlohmann::json({{"name", request.name}, {"state", "dropped"}}).dump(2));
    else
        print_line("mirror " + request.name + " is dropped; its tables in ClickHouse stay");
    return {};
}

Status mirror_resync(Options options, const MirrorRequest& request) {
    postgres::Connection connection = TRY(connect_source(options));
    std::string tables = sqltext::pg_array(request.tables);
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
            print_line("  " + std::string(rows.column_name(column)) + ": " +
                       for_people(rows.text(0, column)));
    return {};
}

}  // namespace tandem::cli
