// Any bytes as the binary and the text form of every built-in type: refused or taken, never a
// broken column, and what was taken can be printed.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "types/postgres/convert.h"
#include "types/postgres/parameter.h"

namespace {

using namespace tandem;

void require(bool condition) {
    if (!condition) std::abort();
}

void append_both(const types::PgType& type, std::string_view bytes) {
    auto mapping = types::map_type(type);
    if (!mapping.ok()) return;
    types::Converter converter(*mapping);
    types::Column column = converter.make_column();
    size_t rows = 0;
    rows += mapping->binary && converter.append_binary(bytes, column).ok() ? 1 : 0;
    rows += converter.append_text(bytes, column).ok() ? 1 : 0;
    require(column.rows == rows && column.consistent());
    std::string text;
    for (size_t row = 0; row < rows; ++row)
        if (!column.is_null(row)) require(append_pg_text(column, row, *mapping, text).ok());
}

}  // namespace

// The first three bytes choose type and modifiers, the rest is the value.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 3) return 0;
    const uint32_t oid = static_cast<uint32_t>(data[0]) | (static_cast<uint32_t>(data[1]) << 8);
    const int32_t precision = data[2] >> 1;
    auto type = types::builtin_type(Oid{oid}, (precision << 16) + (precision / 2) + 4);
    if (!type.ok()) return 0;
    type->not_null = (data[2] & 1) != 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 3, size - 3);
    append_both(*type, bytes);
    (void)types::parameter_from_binary(*type, bytes);
    return 0;
}
