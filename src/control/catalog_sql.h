// The text of catalog.sql and functions.sql, put into the binary by the build.
#pragma once

namespace tandem::control {
extern const char* const kCatalogSql;
}  // namespace tandem::control
