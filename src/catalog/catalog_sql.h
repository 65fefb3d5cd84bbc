// The text of migrations/ and functions/, put into the binary by the build.
#pragma once

#include <cstddef>

namespace tandem::catalog {

struct Migration {
    const char* name;  // "0002_copies"
    const char* sql;
};
// The n-th one leads to number n of tandem.catalog_version.
extern const Migration kMigrations[];
extern const size_t kMigrationCount;

extern const char* const kFunctionsSql;

}  // namespace tandem::catalog
