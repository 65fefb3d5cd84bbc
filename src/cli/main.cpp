// tandem: the one command. Parses arguments and hands over; what the commands do is in the files
// named after them. Exit codes are those of errors.def.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <functional>
#include <string>
#include <vector>

#include "base/log.h"
#include "cli/commands/demo/demo.h"
#include "cli/commands/mirror.h"
#include "cli/commands/stack.h"
#include "cli/commands/verify.h"
#include "cli/options.h"
#include "cli/terminal.h"

namespace {

using tandem::Status;
using tandem::cli::Options;

// What the arguments are parsed into; `action` is the command that was named.
struct Invocation {
    Options options;
    tandem::cli::MirrorRequest mirror;
    tandem::cli::DemoOptions demo;
    tandem::cli::VerifyRequest verify;
    std::string query;
    std::vector<std::string> rest;
    bool print_environment = false;
    std::function<Status()> action;
};

void add_common(CLI::App& command, Options& options) {
    command.add_flag("--json", options.json, "Print one JSON value on standard output");
    command.add_option("--data", options.data, "Data directory of the stack (default: .tandem)");
    command.add_option("--config", options.config_path,
                       "Configuration file (default: tandem.toml)");
}

void add_servers(CLI::App& command, Options& options) {
    command.add_option("--postgres", options.postgres_url,
                       "Attach to this Postgres (URL; better in TANDEM_POSTGRES, which no other "
                       "user can see)");
    command.add_option("--clickhouse", options.clickhouse_url,
                       "Attach to this ClickHouse: clickhouse://user:password@host:9000/"
                       "?http_port=8123 (or TANDEM_CLICKHOUSE)");
    command.add_option("--engine", options.engine,
                       "ClickHouse to embed: libchdb.so or a clickhouse binary");
    command.add_option("--postgres-bin", options.postgres_bin,
                       "Directory of the Postgres programs to embed");
}

void add_ports(CLI::App& command, Options& options) {
    command.add_option("--postgres-port", options.postgres_port, "Default: a free one, kept");
    command.add_option("--clickhouse-native-port", options.native_port);
    command.add_option("--clickhouse-http-port", options.http_port);
    command.add_option("--console-port", options.console_port);
}

CLI::App* add(CLI::App& parent, Invocation& call, const std::string& name,
              const std::string& description, std::function<Status()> action) {
    CLI::App* command = parent.add_subcommand(name, description);
    add_common(*command, call.options);
    command->callback([&call, action = std::move(action)] { call.action = action; });
    return command;
}

void add_stack_commands(CLI::App& app, Invocation& call) {
    namespace cli = tandem::cli;
    CLI::App* up = add(app, call, "up", "Start the stack, or attach to servers",
                       [&call] { return cli::up(call.options); });
    add_servers(*up, call.options);
    add_ports(*up, call.options);
    add(app, call, "down", "Stop the stack in order; nothing is lost",
        [&call] { return cli::down(call.options); });
    add(app, call, "status", "Endpoints, processes, mirrors, lag",
        [&call] { return cli::status(call.options); });
    CLI::App* doctor = add(app, call, "doctor", "Check everything that is needed; change nothing",
                           [&call] { return cli::doctor(call.options); });
    add_servers(*doctor, call.options);
    CLI::App* sql = add(app, call, "sql", "psql on the Postgres of the stack", [&call] {
        return cli::sql(call.options, call.rest, call.print_environment);
    });
    sql->add_flag("--print-environment", call.print_environment,
                  "Print the variables a libpq program needs, as JSON, and start nothing");
    sql->add_option("arguments", call.rest, "Arguments of psql, after --");
    CLI::App* demo = add(app, call, "demo", "Load, mirror and query demo data; compare the answers",
                         [&call] { return cli::demo(call.options, call.demo); });
    add_ports(*demo, call.options);
    // Fewer would bring the counts of the query's groups so close that some are equal.
    demo->add_option("--events", call.demo.events, "Rows of demo data (default: 3,000,000)")
        ->check(CLI::Range(uint64_t{1'000'000}, uint64_t{1'000'000'000}));
    demo->add_flag("--no-writers", call.demo.no_writers, "Do not leave writers running");
    CLI::App* supervise =
        add(app, call, "_supervise", "", [&call] { return cli::supervise(call.options); });
    supervise->group("");
    add(app, call, "_writer", "", [&call] { return cli::write_for_ever(call.options); })->group("");
}

void add_mirror_commands(CLI::App& app, Invocation& call) {
    namespace cli = tandem::cli;
    CLI::App* mirror = app.add_subcommand("mirror", "Create, look at and change mirrors");
    mirror->require_subcommand(1);
    auto named = [&](const std::string& name, const std::string& description,
                     std::function<Status()> action) {
        CLI::App* command = add(*mirror, call, name, description, std::move(action));
        command->add_option("--postgres", call.options.postgres_url, "Instead of the stack's own");
        if (name != "list")
            command->add_option("name", call.mirror.name, "Name of the mirror")->required();
        return command;
    };
    CLI::App* create = named("create", "Mirror tables into ClickHouse",
                             [&call] { return cli::mirror_create(call.options, call.mirror); });
    create->add_option("--table,-t", call.mirror.tables, "schema.table or a pattern with *; repeat")
        ->required();
    create->add_option("--database", call.mirror.database, "ClickHouse database (default: tandem)");
    create->add_flag("--wait", call.mirror.wait, "Until every table is live");
    named("list", "All mirrors", [&call] { return cli::mirror_list(call.options); });
    named("show", "The tables of a mirror",
          [&call] { return cli::mirror_show(call.options, call.mirror.name); });
    for (const char* action : {"pause", "resume", "drop"})
        named(action, std::string(action) + " a mirror",
              [&call, action] { return cli::mirror_act(call.options, action, call.mirror.name); });
    CLI::App* resync = named("resync", "Load tables again, without touching the others",
                             [&call] { return cli::mirror_resync(call.options, call.mirror); });
    resync->add_option("--table,-t", call.mirror.tables, "Only these tables");
    resync->add_flag("--wait", call.mirror.wait, "Until every table is live");
    CLI::App* verify = add(app, call, "verify", "Compare both sides, value by value",
                           [&call] { return cli::verify(call.options, call.verify); });
    verify->add_option("name", call.verify.mirror, "Name of the mirror (default: all)");
    verify->add_option("--table,-t", call.verify.tables, "Only these tables");
    verify->add_option("--rounds", call.verify.rounds,
                       "Rounds in which a row must differ (default: 5)");
    verify->add_flag("--repair", call.verify.repair, "Write rows that differ again");
    CLI::App* explain = add(app, call, "explain", "Where a query runs, and why",
                            [&call] { return cli::explain(call.options, call.query); });
    explain->add_option("query", call.query, "The query")->required();
    explain->add_option("--postgres", call.options.postgres_url, "Instead of the stack's own");
}

int run(int argc, char** argv) {
    Invocation call;
    CLI::App app("Postgres and ClickHouse as one database.", "tandem");
    app.require_subcommand(1);
    app.set_version_flag("--version", std::string("tandem ") + TANDEM_VERSION);
    add_stack_commands(app, call);
    add_mirror_commands(app, call);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {  // Help and version come this way as well.
        using tandem::ErrorCode;
        return app.exit(error) == 0 ? 0 : tandem::error_info(ErrorCode::kInvalidArgument).exit_code;
    }
    Status status = call.action();
    return status.ok() ? 0 : tandem::cli::report(status.error(), call.options.json);
}

}  // namespace

// Ours do not throw; what the standard library throws ends here.
int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "tandem: %s\n", error.what());
        return tandem::error_info(tandem::ErrorCode::kInternal).exit_code;
    }
}
