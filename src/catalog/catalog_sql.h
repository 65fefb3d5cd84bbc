// The text of tables.sql and functions.sql, put into the binary by the build.
#pragma once

namespace tandem::catalog {
extern const char* const kCatalogSql;
}  // namespace tandem::catalog
