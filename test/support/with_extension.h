// A Postgres that has loaded the extension of the build tree, beside a ClickHouse; and what several
// fixtures ask of them.
//
// The module is loaded from a copy, so that nothing has to be installed: several builds can be
// tested at once, by users that the server does not run as.
#pragma once

#include <memory>
#include <string>

#include "postgres/client/connection.h"
#include "support/servers.h"

namespace tandem::test_support {

struct BothServers {
    std::unique_ptr<TestDirectory> directory;
    std::string module;  // where Postgres loads it from
    std::unique_ptr<TestPostgres> postgres;
    std::unique_ptr<TestClickHouse> clickhouse;
};

struct ServersWanted {
    stack::PostgresSettings settings = {};
    Environment profile = {};  // settings of ClickHouse's user
    // On disks that can be full (full_disk.c): Postgres' while the file `disk_of_postgres` in the
    // directory exists, ClickHouse's while `disk_of_clickhouse` does.
    bool small_disks = false;
};

// `module` is the library as it was built.
Result<BothServers> start_both(const std::string& module, ServersWanted wanted = {});

// A file of the sources, by its path in the repository; empty when there is none.
std::string source_text(const std::string& path);
// The SQL of CREATE EXTENSION for a module that is not installed.
std::string extension_script(const std::string& module);

// What a failed comparison is explained with: mirrors, tables, slots and sessions of Tandem.
std::string state_of_tandem(postgres::Connection& connection);

}  // namespace tandem::test_support
