// tandem status, doctor, sql: looking, without changing anything.
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "catalog/catalog.h"
#include "cli/commands/stack.h"
#include "cli/show.h"
#include "console/mirror_status.h"
#include "stack/checks/checks.h"
#include "stack/supervisor/supervisor.h"

namespace tandem::cli {

Result<postgres::Connection> connect_source(Options& options) {
    TRY(complete(options));
    postgres::ConnectOptions connect;
    connect.application_name = "tandem cli";
    connect.conninfo = options.postgres_url;
    connect.on_notice = [](std::string_view text) {
        std::fprintf(stderr, "notice: %.*s\n", static_cast<int>(text.size()), text.data());
    };
    Result<stack::Layout> layout = stack::find_layout(options.data);
    if (layout.ok()) {
        stack::Settings settings = TRY(stack::load_settings(*layout));
        if (connect.conninfo.empty()) connect.conninfo = stack::source_conninfo(settings);
    } else if (connect.conninfo.empty()) {
        return std::move(layout).error();
    }
    postgres::Connection connection = TRY(postgres::Connection::open(connect));
    TRY(catalog::check_version(connection));
    return connection;
}

namespace {

void overlay_servers(const Options& options, stack::Settings& settings) {
    std::string own_password = settings.clickhouse_password;
    config::overlay(options, config::Group::servers, settings);
    // A variable may hold the password of another server.
    if (settings.embedded_clickhouse()) settings.clickhouse_password = own_password;
}

}  // namespace

Result<stack::Settings> known_settings(const Options& options) {
    stack::Settings settings;
    Result<stack::Layout> layout = stack::find_layout(options.data);
    if (layout.ok())
        settings = TRY(stack::load_settings(*layout));
    else if (options.postgres_url.empty())
        return std::move(layout).error();
    overlay_servers(options, settings);
    return settings;
}

// Of a daemon that is a service of its own: what the catalog says.
Status status_without_stack(Options options) {
    postgres::Connection connection = TRY(connect_source(options));
    StackView view;
    view.running = true;
    view.phase = "attached";
    stack::Settings settings;
    overlay_servers(options, settings);
    view.endpoints = stack::endpoints_of({}, settings);
    view.mirrors_json = TRY(console::read_mirror_status(connection));
    show_stack(view, options.json);
    return {};
}

Status status(Options options) {
    bool named = !options.postgres_url.empty();
    TRY(complete(options));
    Result<stack::Layout> found = stack::find_layout(options.data);
    if (named || (!found.ok() && !options.postgres_url.empty()))
        return status_without_stack(options);
    stack::Layout layout = TRY(std::move(found));
    stack::Settings settings = TRY(stack::load_settings(layout));
    StackView view;
    view.running = stack::is_supervised(layout);
    Result<stack::State> state = stack::load_state(layout);
    if (state.ok()) view.state = *state;
    view.phase = view.running                    ? view.state.phase
                 : view.state.phase == "failed"  ? "failed: " + view.state.error
                 : view.state.phase == "stopped" ? "stopped"
                                                 : "killed";
    view.endpoints = stack::endpoints_of(layout, settings);
    view.run_directory = layout.home + "/run";
    view.clickhouse_user = TRY(stack::clickhouse_target(settings))
    .user;
    if (view.running) {
        Result<std::string> mirrors = [&]() -> Result<std::string> {
            postgres::Connection connection = TRY(connect_source(options));
            return console::read_mirror_status(connection);
        }();
        if (mirrors.ok())
            view.mirrors_json = *mirrors;
        else
            view.mirrors_error = mirrors.error().message();
    }
    show_stack(view, options.json);
    return {};
}

Status doctor(Options options, const MirrorRequest& request) {
    TRY(complete(options));
    stack::Settings settings;
    Result<stack::Layout> layout = stack::find_layout(options.data);
    if (layout.ok()) settings = TRY(stack::load_settings(*layout));
    overlay_servers(options, settings);

    std::vector<stack::Check> checks =
        stack::check_machine(options.data, settings.embedded_clickhouse());
    auto add = [&](std::vector<stack::Check> more) {
        checks.insert(checks.end(), more.begin(), more.end());
    };
    add(stack::check_installation(settings, stack::own_directory()));
    bool running = layout.ok() && stack::is_supervised(*layout);
    bool postgres = running || !settings.embedded_postgres();
    bool clickhouse = running || !settings.embedded_clickhouse();
    std::string source = stack::source_conninfo(settings);
    config::ClickHouseUrl target = TRY(stack::clickhouse_target(settings));
    if (postgres) add(stack::check_postgres(source));
    if (postgres)
        add(stack::check_tables(source, request.name.empty() ? "NAME" : request.name,
                                request.tables));
    if (clickhouse) add(stack::check_clickhouse(target));
    if (postgres && clickhouse) add({stack::check_time_zones(source, target)});
    show_checks(checks, options.json);
    return stack::all_passed(checks);
}

Status sql(Options options, const std::vector<std::string>& arguments, bool print_environment) {
    TRY(complete(options));
    stack::Layout layout = TRY(stack::find_layout(options.data));
    if (print_environment) {
        show_environment(
            {{"PGSERVICEFILE", layout.run("pg_service.conf")}, {"PGSERVICE", "tandem"}});
        return {};
    }
    // The service file holds host, user and password; nothing of it is on the command line.
    setenv("PGSERVICEFILE", layout.run("pg_service.conf").c_str(), 1);
    setenv("PGSERVICE", "tandem", 1);
    std::vector<std::string> texts = {"psql"};
    if (options.json) texts.emplace_back("--csv");
    texts.insert(texts.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    argv.reserve(texts.size() + 1);
    for (std::string& text : texts) argv.push_back(text.data());
    argv.push_back(nullptr);
    execvp("psql", argv.data());
    return Error(ErrorCode::kNotFound, std::string("cannot run psql: ") + std::strerror(errno) +
                                           "; install the package postgresql-client");
}

}  // namespace tandem::cli
