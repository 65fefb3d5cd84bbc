#include "mirror/batch/value_bytes.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tandem::mirror {
namespace {

void append_length(size_t length, std::string& out) {
    out.append(reinterpret_cast<const char*>(&length), sizeof length);
}

}  // namespace

void append_value_bytes(const types::Column& column, size_t row, std::string& out) {
    bool null = column.is_null(row);
    out.push_back(null ? '\1' : '\0');
    if (null) return;
    if (column.value_width() > 0) {
        out.append(column.data.data() + row * column.value_width(), column.value_width());
        return;
    }
    switch (column.value_kind()) {
        case types::ChKind::kArray:
        case types::ChKind::kMap: {
            auto [first, end] = column.elements(row);
            append_length(end - first, out);
            for (size_t i = first; i < end; ++i)
                for (const types::Column& child : column.children)
                    append_value_bytes(child, i, out);
            return;
        }
        case types::ChKind::kTuple:
            for (const types::Column& child : column.children) append_value_bytes(child, row, out);
            return;
        default: {
            std::string_view text = column.string(row);
            append_length(text.size(), out);
            out.append(text);
        }
    }
}

uint64_t hash_of_key(std::span<const types::NamedColumn> key, size_t row, std::string& scratch) {
    scratch.clear();
    for (const types::NamedColumn& column : key) append_value_bytes(column.column, row, scratch);
    return XXH3_64bits(scratch.data(), scratch.size());
}

types::UInt128 hash_of_row(std::span<const types::NamedColumn> columns,
                           std::span<const size_t> order, size_t row, std::string& scratch) {
    scratch.clear();
    for (size_t column : order) append_value_bytes(columns[column].column, row, scratch);
    XXH128_hash_t hash = XXH3_128bits(scratch.data(), scratch.size());
    return types::UInt128{hash.high64} << 64 | hash.low64;
}

}  // namespace tandem::mirror
