// Columns that a server from revision 54454 on sends in another form than the plain one: sparse,
// replicated, or both, one above the other. Internal to the codec.
#pragma once

#include <cstdint>
#include <vector>

#include "clickhouse/codec/column_decode.h"

namespace tandem::clickhouse {

// The forms of a column, innermost first; a Tuple has one for each element as well.
struct Layout {
    enum class Form : uint8_t { kSparse, kReplicated };
    std::vector<Form> forms;
    std::vector<Layout> elements;
};

Result<Layout> decode_layout(const types::ChType& type, Source& source);

Status decode_laid_out(const types::ChType& type, const Layout& layout, const ColumnState& state,
                       types::Column& column, uint64_t rows, Source& source);

}  // namespace tandem::clickhouse
