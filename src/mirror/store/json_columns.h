// The columns that rows have of keys of their jsonb documents, see README.md.
//
// They are made of the document where rows are sent, whatever way it has come: by COPY, by the
// stream, or looked up because an update left it alone. So they can never disagree with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "mirror/schema/table.h"
#include "types/clickhouse/column.h"

namespace tandem::mirror {

// Of documents that the block has. Those of a block without (of rows that went) keep their
// defaults.
Status append_json_columns(const Table& table, types::Block& block);

// Their names; only those of one document.
void append_json_names(const Table& table, std::vector<std::string>& names,
                       std::optional<int16_t> attnum = std::nullopt);

}  // namespace tandem::mirror
