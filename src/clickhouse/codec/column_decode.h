// Reading one column of a block. Internal to the codec.
//
// The state of a column comes before its data: versions and structures of the stateful types in
// it (LowCardinality, Variant, Dynamic, JSON), outermost first. So reading has two steps, and what
// the first one learns is kept in a tree parallel to the type.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "clickhouse/codec/source.h"
#include "types/clickhouse/column.h"

namespace tandem::clickhouse {

struct ColumnState {
    uint64_t version = 0;                 // LowCardinality, Variant (its mode), Dynamic, JSON
    uint64_t mode = 0;                    // Dynamic in an old form: the mode of its Variant
    std::vector<ColumnState> children;    // one per child; Dynamic: per type; JSON: per path
    std::vector<types::ChTypePtr> types;  // Dynamic: the types of its values, by discriminator
    std::vector<std::string> paths;       // JSON: the paths beyond the typed ones
};

Result<ColumnState> decode_state(const types::ChType& type, Source& source);

// Appends `rows` values to an empty column of the type.
Status decode_data(const types::ChType& type, const ColumnState& state, types::Column& column,
                   uint64_t rows, Source& source);

// The same for the types whose layout arrives with the data.
Result<ColumnState> decode_dynamic_state(Source& source);
Status decode_dynamic(const ColumnState& state, types::Column& column, uint64_t rows,
                      Source& source);
Result<ColumnState> decode_json_state(const types::ChType& type, Source& source);
Status decode_json(const types::ChType& type, const ColumnState& state, types::Column& column,
                   uint64_t rows, Source& source);

Status decode_strings(types::Column& column, uint64_t rows, Source& source);
// Reads `count` integers of 1, 2, 4 or 8 bytes; kMalformedData when one is not below `end`.
Result<std::vector<uint64_t>> decode_indexes(uint64_t count, size_t width, uint64_t end,
                                             Source& source);

}  // namespace tandem::clickhouse
