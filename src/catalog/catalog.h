// The catalog: schema tandem of the source database, installed and brought up to date from here.
//
// What is wanted and what is stands there; SQL functions write the one, the daemon the other. Plain
// SQL, so that it needs no extension on a managed Postgres.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "postgres/client/connection.h"

namespace tandem::catalog {

// The ClickHouse that mirrors write to; stored as row `name` of tandem.target for the extension.
struct TargetOptions {
    std::string name = "default";
    std::string host = "127.0.0.1";
    uint16_t native_port = 9000;
    uint16_t http_port = 8123;
    std::string user = "default";
    std::string password;
    bool secure = false;
};

// Creates or upgrades schema tandem and its target row; repeatable. `tandem up` calls it before
// CREATE EXTENSION; the reconciler calls it again by itself.
Status install(const std::string& source, const TargetOptions& target);

// For programs that only read and write rows: whether the catalog is the one they were built for.
// kUnsupportedVersion with what to upgrade when it is newer or older. No catalog at all is fine.
Status check_version(postgres::Connection& connection);

}  // namespace tandem::catalog
