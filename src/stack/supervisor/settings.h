// Settings and State: what a stack should be, and what it is. Both are small JSON files in run/,
// mode 0600, replaced in one step; Settings hold passwords, State never does.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "stack/machine/layout.h"
#include "stack/machine/process.h"

namespace tandem::stack {

// The database of the private Postgres that users are pointed to.
inline constexpr const char* kPostgresDatabase = "postgres";

// The options, and what `up` has chosen where they leave it open. The group `servers` is as given
// on the last start that gave it; a URL that is set means: attached, nothing is started.
struct Settings : config::Values {
    std::string postgres_password = {};
    bool demo_writer = false;  // keep the demo's writers running
    bool embedded_postgres() const { return postgres_url.empty(); }
    bool embedded_clickhouse() const { return clickhouse_url.empty(); }
};

Result<Settings> load_settings(const Layout& layout);
Status save_settings(const Layout& layout, const Settings& settings);

struct ProcessState {
    std::string name;
    ProcessId id;
    int restarts = 0;
    std::string last_end = {};  // how it ended the last time, empty if it never did
};

struct State {
    std::string phase;  // starting, ready, stopping, stopped, failed
    std::string step = {};
    std::string error_code = {};
    std::string error = {};
    ProcessId supervisor = {};
    std::vector<ProcessState> processes = {};
};

Result<State> load_state(const Layout& layout);
Status save_state(const Layout& layout, const State& state);

// Where the parts are reached, without secrets.
struct Endpoints {
    std::string postgres;
    std::string clickhouse_http;
    std::string clickhouse_native;
    std::string console;
};
Endpoints endpoints_of(const Layout& layout, const Settings& settings);

// libpq connection string with the password: for our own processes, through private files only.
std::string source_conninfo(const Settings& settings);
// Host, ports, user and password of ClickHouse, embedded or attached.
Result<config::ClickHouseUrl> clickhouse_target(const Settings& settings);

// Writes pgpass, netrc and pg_service.conf for psql, curl and the like.
Status write_credentials(const Layout& layout, const Settings& settings);

}  // namespace tandem::stack
