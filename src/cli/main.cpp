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
#include "cli/commands/support.h"
#include "cli/commands/telemetry/diff.h"
#include "cli/commands/telemetry/queries.h"
#include "cli/commands/telemetry/top.h"
#include "cli/commands/verify.h"
#include "cli/generate.h"
#include "cli/options.h"
#include "cli/terminal.h"

namespace {

using tandem::Status;
using tandem::cli::Options;

using tandem::config::Group;
using tandem::config::Option;

std::string refusal(const Status& status) {
    return status.ok() ? std::string() : status.error().message();
}

// What the arguments are parsed into; `action` is the command that was named.
struct Invocation {
    Options options;
    tandem::cli::MirrorRequest mirror;
    tandem::cli::DemoOptions demo;
    tandem::cli::VerifyRequest verify;
    tandem::cli::TopRequest top;
    tandem::cli::DiffRequest diff;
    std::string query;
    std::string path = "tandem-support.txt";
    std::string shell;
    std::vector<std::string> rest;
    bool print_environment = false;
    std::function<Status()> action;
};

// The options of options.def that belong to a group.
void add_group(CLI::App& command, tandem::config::Values& options, Group group) {
    for (const Option& option : tandem::config::options()) {
        if (option.group != group || option.flag.empty()) continue;
        std::string help(option.meaning);
        if (!option.default_words.empty())
            help += " (default: " + std::string(option.default_words) + ")";
        std::string flag(option.flag);
        if (option.text != nullptr)
            command.add_option(flag, options.*option.text, help)
                ->check([&option](const std::string& text) {
                    tandem::config::Values ignored;
                    return refusal(set_from_text(option, option.flag, text, ignored));
                });
        else
            command.add_option(flag, options.*option.number, help)
                ->check(CLI::Range(option.least, option.most));
    }
}

// How tables are laid out in ClickHouse.
void add_layout(CLI::App& command, tandem::cli::MirrorRequest& mirror) {
    command.add_option("--order-by", mirror.order_by,
                       "Order of a table in ClickHouse, as schema.table=column,column; repeat. "
                       "Nothing behind =: the key. The table is loaded again");
    command.add_option("--partition-by", mirror.partition_by,
                       "Its partitions, as schema.table=column or schema.table=toYYYYMM(column)");
    command.add_option("--codec", mirror.codecs,
                       "Codec of a column, as schema.table.column=ZSTD(3); repeat");
    command.add_option(
        "--json-keys", mirror.json_keys,
        "Keys of a jsonb column that become columns, as schema.table.column=key,key; "
        "repeat. schema.table=none: none of the table; nothing behind =: those that "
        "most documents have");
}

void add_wait(CLI::App& command, bool& wait, const std::string& help) {
    command.add_flag("--wait,!--no-wait", wait, help);
}

void add_servers(CLI::App& command, Options& options) {
    add_group(command, options, Group::servers);
}

void add_ports(CLI::App& command, Options& options) {
    add_group(command, options, Group::ports);
}

void add_common(CLI::App& command, Options& options) {
    command.add_flag("--json", options.json, "Print one JSON value on standard output");
    add_group(command, options, Group::data);
    command.add_option("--config", options.config_path,
                       "Configuration file (default: tandem.toml)");
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
    add_group(*up, call.options, Group::tuning);
    add_group(*up, call.options, Group::mirror);
    add(app, call, "down", "Stop the stack in order; nothing is lost",
        [&call] { return cli::down(call.options); });
    CLI::App* status = add(app, call, "status", "Endpoints, processes, mirrors, lag",
                           [&call] { return cli::status(call.options); });
    status->add_option("--postgres", call.options.postgres_url, "Instead of the stack's own");
    CLI::App* doctor = add(app, call, "doctor", "Check everything that is needed; change nothing",
                           [&call] { return cli::doctor(call.options, call.mirror); });
    add_servers(*doctor, call.options);
    doctor->add_option(
        "--table,-t", call.mirror.tables,
        "Tables that are to be mirrored (default: all): schema.table, * is a wildcard");
    doctor->add_option("--mirror", call.mirror.name,
                       "Name of the mirror, for the statements shown");
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
    demo->add_flag("--verbose,-v", call.demo.verbose, "Print what ClickHouse is asked");
    CLI::App* support = add(app, call, "support", "Write a file for whoever helps, without secrets",
                            [&call] { return cli::support(call.options, call.path); });
    support->add_option("--output,-o", call.path, "The file (default: tandem-support.txt)");
    add_servers(*support, call.options);
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
    add_wait(*create, call.mirror.wait, "Return when every table is live (the default)");
    add_group(*create, call.mirror.options, Group::mirror);
    add_layout(*create, call.mirror);
    CLI::App* alter = named("alter", "Change options of a mirror; it goes on with them at once",
                            [&call] { return cli::mirror_alter(call.options, call.mirror); });
    add_group(*alter, call.mirror.options, Group::mirror);
    add_layout(*alter, call.mirror);
    CLI::App* join = named("add", "Mirror more tables, without touching the others",
                           [&call] { return cli::mirror_add(call.options, call.mirror); });
    join->add_option("--table,-t", call.mirror.tables, "schema.table or a pattern with *; repeat")
        ->required();
    add_wait(*join, call.mirror.wait, "Return when every table is live (the default)");
    CLI::App* remove =
        named("remove", "Mirror tables no longer; their rows in ClickHouse are dropped",
              [&call] { return cli::mirror_remove(call.options, call.mirror); });
    remove->add_option("--table,-t", call.mirror.tables, "schema.table or a pattern with *; repeat")
        ->required();
    add_wait(*remove, call.mirror.wait, "Return when they are gone (the default)");
    named("list", "All mirrors", [&call] { return cli::mirror_list(call.options); });
    named("show", "The tables of a mirror",
          [&call] { return cli::mirror_show(call.options, call.mirror.name); });
    const std::pair<const char*, const char*> actions[] = {
        {"pause", "Stop a mirror; Postgres keeps its WAL meanwhile"},
        {"resume", "Go on with a mirror that was paused or has failed"},
        {"drop", "Remove a mirror with slot and publication; the tables in ClickHouse stay"}};
    for (const auto& [action, description] : actions) {
        CLI::App* command = named(action, description, [&call, action = action] {
            return cli::mirror_act(call.options, action, call.mirror);
        });
        add_wait(*command, call.mirror.wait, "Return when it is done (the default)");
    }
    CLI::App* resync = named("resync", "Load tables again, without touching the others",
                             [&call] { return cli::mirror_resync(call.options, call.mirror); });
    resync->add_option("--table,-t", call.mirror.tables, "Only these tables");
    add_wait(*resync, call.mirror.wait, "Return when every table is live (the default)");
    CLI::App* verify = add(app, call, "verify", "Compare both sides, value by value",
                           [&call] { return cli::verify(call.options, call.verify); });
    add_servers(*verify, call.options);
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

// Where telemetry is read from.
void add_telemetry_source(CLI::App& command, Options& options) {
    command.add_option("--postgres", options.postgres_url, "Instead of the stack's own");
    command.add_option("--clickhouse", options.clickhouse_url,
                       "Where its telemetry is (default: what tandem.telemetry_clickhouse says)");
}

void add_telemetry_commands(CLI::App& app, Invocation& call) {
    namespace cli = tandem::cli;
    CLI::App* top = add(app, call, "top", "The queries that cost most; live on a terminal",
                        [&call] { return cli::top(call.options, call.top); });
    add_telemetry_source(*top, call.options);
    top->add_option("--sort", call.top.sort, "What comes first (default: total)")
        ->check(CLI::IsMember(cli::sort_names()));
    top->add_option("--since", call.top.since, "How far back: 90s, 5m, 2h, 7d (default: 5m)");
    top->add_option("--database", call.top.database, "Only this database of Postgres");
    top->add_option("--query", call.top.query, "Only this query, in every respect: its query id");
    top->add_option("--limit", call.top.limit, "Rows (default: 20, or what the terminal has)");
    top->add_option("--interval-ms", call.top.interval_ms,
                    "How often it looks again, in milliseconds (default: 2000)")
        ->check(CLI::Range(100, 3'600'000));
    top->add_flag("--nested", call.top.nested, "Also what runs inside of functions");
    top->add_flag("--once", call.top.once, "Print once, on a terminal too");
    CLI::App* diff = add(app, call, "diff", "Which queries changed between two windows of time",
                         [&call] { return cli::diff(call.options, call.diff); });
    add_telemetry_source(*diff, call.options);
    const std::string window = "BEGIN..END or BEGIN; a time is now, 2h (ago) or 2026-12-01 14:00";
    diff->add_option("--from", call.diff.from, "The window before: " + window)->required();
    diff->add_option("--to", call.diff.to, "The window after: " + window)->required();
    diff->add_option("--length", call.diff.length, "Of a window without END (default: 1h)");
    diff->add_option("--database", call.diff.database, "Only this database of Postgres");
    diff->add_option("--factor", call.diff.factor,
                     "From which on slower is slower and more is more (default: 1.5)")
        ->check(CLI::Range(1.0, 1000.0));
    diff->add_option("--calls", call.diff.calls,
                     "Executions below which percentiles say nothing (default: 20)");
    diff->add_flag("--nested", call.diff.nested, "Also what runs inside of functions");
}

// What is written from the definitions above.
void add_generators(CLI::App& app, Invocation& call) {
    CLI::App* completion = app.add_subcommand("completion", "Print completion for a shell");
    completion->add_option("shell", call.shell, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    completion->callback([&app, &call] {
        call.action = [&app, &call]() -> Status {
            tandem::cli::print_line(tandem::cli::completion(app, call.shell));
            return {};
        };
    });
    CLI::App* man = app.add_subcommand("_man", "")->group("");
    man->callback([&app, &call] {
        call.action = [&app]() -> Status {
            tandem::cli::print_line(tandem::cli::man_page(app, TANDEM_VERSION));
            return {};
        };
    });
}

int run(int argc, char** argv) {
    Invocation call;
    if (argc > 0) call.demo.program = argv[0];
    CLI::App app("Postgres and ClickHouse as one database.", "tandem");
    app.require_subcommand(1);
    app.set_version_flag("--version", std::string("tandem ") + TANDEM_VERSION);
    add_stack_commands(app, call);
    add_mirror_commands(app, call);
    add_telemetry_commands(app, call);
    add_generators(app, call);
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
