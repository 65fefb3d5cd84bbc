// The rows of a table without a key: TableBatch counts how many of each came and went.
//
// Rows that came are for main, one by one; of those that went the delta gets one row for each kind
// of row, with how many. Numbers add up, so nothing has to be known of what is stored already, and
// what came and went in one transaction need not be written at all. What came in one and went in
// another is: readers between the two see it.
#include <unordered_map>
#include <utility>

#include "mirror/batch/table_batch.h"
#include "mirror/batch/value_bytes.h"

namespace tandem::mirror {
namespace {

using types::UInt128;

struct Kind {
    UInt128 row = 0;
    uint64_t commit = 0;
    bool operator==(const Kind&) const = default;
};
struct KindHash {
    size_t operator()(const Kind& kind) const {
        return static_cast<size_t>(kind.row) ^ (kind.commit * 0x9E3779B97F4A7C15U);
    }
};

template <typename Value>
void append_all(types::Block& block, std::string_view name, const char* type,
                const std::vector<Value>& values) {
    types::Column column(MUST(types::parse_clickhouse_type(type)));
    column.reserve(values.size());
    for (Value value : values) column.append_fixed(value);
    block.columns.push_back({std::string(name), std::move(column)});
}

}  // namespace

Status TableBatch::append_counted(postgres::Tuple row, postgres::Tuple old, Version version,
                                  bool went) {
    if (row.size() != wire_.size())
        return Error(ErrorCode::kMalformedData,
                     table_->label() + ": an old row does not come with all its values");
    TRY(append_row(row, old, std::nullopt, version));
    if (!pending_.empty())
        return Error(ErrorCode::kMalformedData, table_->label() + ": a value is missing in a row");
    deleted_.back() = went;
    if (went) ++went_rows_;
    ++changes_;
    return {};
}

std::vector<UInt128> TableBatch::row_hashes() const {
    std::vector<size_t> order(columns_.size());
    for (size_t i = 0; i < columns_.size(); ++i) order[table_column_[i]] = i;
    std::vector<UInt128> hashes(rows_);
    std::string scratch;
    for (uint32_t row = 0; row < rows_; ++row)
        hashes[row] = hash_of_row(columns_, order, row, scratch);
    return hashes;
}

PlacedRows TableBatch::place_counted() {
    std::vector<UInt128> hashes = row_hashes();
    if (went_rows_ == 0) {
        PlacedRows placed = place_all();
        append_all(placed.main, kRowColumn, "UInt128", hashes);
        return placed;
    }
    // How many more came than went.
    std::unordered_map<Kind, int64_t, KindHash> left;
    for (uint32_t row = 0; row < rows_; ++row)
        left[{hashes[row], versions_[row].commit.value}] += deleted_[row] ? -1 : 1;
    PlacedRows placed{empty_main(), empty_delta(), {}};
    std::vector<UInt128> main_rows;
    std::vector<UInt128> delta_rows;
    std::vector<int64_t> counts;
    for (uint32_t row = 0; row < rows_; ++row) {
        int64_t& more = left[{hashes[row], versions_[row].commit.value}];
        if (deleted_[row] == (more > 0) || more == 0) continue;
        if (more > 0) {
            append_main(row, placed.main);
            main_rows.push_back(hashes[row]);
            --more;
        } else {
            append_delta(row, placed.delta);
            placed.delta_keys.push_back(static_cast<uint64_t>(hashes[row]));
            delta_rows.push_back(hashes[row]);
            counts.push_back(std::exchange(more, 0));
        }
    }
    append_all(placed.main, kRowColumn, "UInt128", main_rows);
    append_all(placed.delta, kRowColumn, "UInt128", delta_rows);
    append_all(placed.delta, kCountColumn, "Int64", counts);
    return placed;
}

}  // namespace tandem::mirror
