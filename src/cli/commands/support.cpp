#include "cli/commands/support.h"

#include <sys/utsname.h>

#include <fstream>
#include <regex>

#include "catalog/catalog.h"
#include "cli/commands/stack.h"
#include "cli/terminal.h"
#include "console/mirror_status.h"
#include "stack/checks/checks.h"
#include "stack/machine/files.h"
#include "stack/supervisor/supervisor.h"

namespace tandem::cli {
namespace {

constexpr std::streamoff kLogTail = 200 << 10;

// Collects sections; an error becomes the text of its section.
class Bundle {
  public:
    void add(const std::string& title, const std::string& text) {
        text_ += "\n===== " + title + " =====\n" + text + (text.ends_with('\n') ? "" : "\n");
    }
    void add(const std::string& title, const Result<std::string>& text) {
        add(title, text.ok() ? *text : "not available: " + text.error().to_string());
    }
    const std::string& text() const { return text_; }

  private:
    std::string text_;
};

std::string machine() {
    utsname name = {};
    uname(&name);
    return std::string(name.sysname) + " " + name.release + " " + name.machine + ", memory " +
           std::to_string(stack::machine_memory_bytes() >> 20) + " MiB\n";
}

std::string checks_text(const std::vector<stack::Check>& checks) {
    std::string text;
    for (const stack::Check& check : checks)
        text += std::string(stack::to_string(check.outcome)) + " " + check.name + ": " +
                check.found + (check.fix.empty() ? "" : "\n    " + check.fix) + "\n";
    return text;
}

Result<std::string> tail(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return Error(ErrorCode::kNotFound, path + " cannot be read");
    file.seekg(0, std::ios::end);
    std::streamoff size = file.tellg();
    file.seekg(std::max<std::streamoff>(0, size - kLogTail));
    return std::string(std::istreambuf_iterator<char>(file), {});
}

// Names, states and numbers; never rows of the application's tables.
Result<std::string> catalog_text(postgres::Connection& connection) {
    std::string text = TRY(console::read_mirror_status(connection));
    text += '\n';
    for (const char* sql :
         {"SELECT 'catalog: ' || row_to_json(v) FROM tandem.catalog_version v",
          "SELECT 'extension: ' || extversion FROM pg_extension WHERE extname = 'tandem'",
          "SELECT 'column: ' || row_to_json(q) FROM tandem.quarantine q",
          "SELECT 'slot: ' || row_to_json(s) FROM pg_replication_slots s",
          R"(SELECT 'setting: ' || name || ' = ' || setting FROM pg_settings WHERE
             name ~ '^(tandem\.|wal_|max_wal|max_slot|max_repl|logical_|server_version$)')"}) {
        Result<postgres::QueryResult> rows = connection.query(sql);
        if (!rows.ok()) text += rows.error().message() + "\n";
        for (int i = 0; rows.ok() && i < rows->rows(); ++i) text += rows->text(i, 0) + "\n";
    }
    return text;
}

void add_servers(Bundle& bundle, Options& options, const stack::Settings& settings) {
    bundle.add("checks of Postgres",
               checks_text(stack::check_postgres(stack::source_conninfo(settings))));
    Result<config::ClickHouseUrl> target = stack::clickhouse_target(settings);
    if (target.ok())
        bundle.add("checks of ClickHouse", checks_text(stack::check_clickhouse(*target)));
    Result<postgres::Connection> connection = connect_source(options);
    bundle.add("catalog", connection.ok() ? catalog_text(*connection)
                                          : Result<std::string>(connection.error()));
}

}  // namespace

std::string redacted(std::string text, const std::vector<std::string>& secrets) {
    for (const std::string& secret : secrets)
        for (size_t at = 0; !secret.empty() && (at = text.find(secret, at)) != std::string::npos;)
            text.replace(at, secret.size(), "***");
    static const std::regex in_url("(://[^/@:\\s\"]*:)[^@/\\s\"]+@");
    static const std::regex in_words("(password['\"]?\\s*[=:]\\s*)('[^']*'|\"[^\"]*\"|[^\\s,}]+)",
                                     std::regex::icase);
    text = std::regex_replace(text, in_url, "$1***@");
    return std::regex_replace(text, in_words, "$1***");
}

Status support(Options options, const std::string& path) {
    TRY(complete(options));
    Bundle bundle;
    bundle.add(
        "about this file",
        "Made by `tandem support`. Holds no row of your tables and no password, but names of "
        "servers, tables and columns, and lines of logs. Read it before you pass it on.");
    bundle.add("version", std::string("tandem ") + TANDEM_VERSION + "\n" + machine());
    bundle.add("checks of this machine",
               checks_text(stack::check_machine(options.data, options.clickhouse_url.empty())));
    stack::Settings settings;
    static_cast<config::Values&>(settings) = static_cast<const config::Values&>(options);
    Result<stack::Layout> layout = stack::find_layout(options.data);
    if (layout.ok()) {
        Result<stack::Settings> known = stack::load_settings(*layout);
        if (known.ok()) settings = *known;
        for (const char* name : {"settings.json", "state.json"})
            bundle.add(name, stack::read_file(layout->run(name)));
        for (const char* name : {"supervisor", "daemon", "clickhouse"})
            bundle.add(std::string("log of ") + name, tail(layout->log(name)));
    }
    if (layout.ok() || !settings.postgres_url.empty()) add_servers(bundle, options, settings);
    std::string text =
        redacted(bundle.text(), {settings.postgres_password, settings.clickhouse_password});
    TRY(stack::write_private_file(path, text));
    print_line(path + ": " + std::to_string(text.size() >> 10) +
               " KiB, without passwords; read it before you pass it on");
    return {};
}

}  // namespace tandem::cli
