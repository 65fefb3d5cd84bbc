// Type names: any text is a type or an error, and the name of a type reads back as the same type.
#include <cstdlib>

#include "types/clickhouse/column.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace tandem::types;
    auto type = parse_clickhouse_type({reinterpret_cast<const char*>(data), size});
    if (!type.ok()) return 0;
    auto again = parse_clickhouse_type((*type)->name);
    if (!again.ok() || (*again)->name != (*type)->name) std::abort();
    Column column(*type);
    column.append_default();
    column.append_from(column, 0);
    if (!column.consistent()) std::abort();
    column.pop_back();
    return column.rows == 1 ? 0 : 1;
}
