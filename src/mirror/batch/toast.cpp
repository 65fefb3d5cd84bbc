// An unchanged TOAST value is looked for in this order: the old row of the message, the row of the
// same key earlier in the batch, and, when that lacks it as well, ClickHouse or the source. For the
// last the row is pending: its key goes into lookup_keys_, once per key, however many rows wait for
// it, and the applier brings the values back in slices.
#include <algorithm>

#include "mirror/batch/table_batch.h"
#include "mirror/batch/value_bytes.h"

namespace tandem::mirror {
namespace {

Error malformed(const Table& table, std::string_view what) {
    return Error(ErrorCode::kMalformedData, table.label() + ": " + std::string(what));
}

const types::Column* column_named(const types::Block& block, std::string_view name) {
    for (const types::NamedColumn& named : block.columns)
        if (named.name == name) return &named.column;
    return nullptr;
}

// Index over the key columns of a block that a server returned.
Result<KeyIndex> index_rows(const Table& table, const types::Block& block) {
    if (block.rows() == 0) return KeyIndex();
    std::vector<const types::Column*> keys;
    for (size_t key : table.key) {
        keys.push_back(column_named(block, table.columns[key].target_name));
        if (keys.back() == nullptr) return malformed(table, "key column is missing in a look-up");
    }
    KeyIndex index;
    std::string bytes;
    for (size_t row = 0; row < block.rows(); ++row) {
        bytes.clear();
        for (const types::Column* key : keys) append_value_bytes(*key, row, bytes);
        index.put(bytes, static_cast<uint32_t>(row));
    }
    return index;
}

}  // namespace

std::vector<size_t> TableBatch::missing_columns() const {
    std::vector<size_t> result;
    for (const Pending& row : pending_)
        for (uint16_t column : row.missing) result.push_back(table_column_[column]);
    std::sort(result.begin(), result.end());
    result.erase(std::unique(result.begin(), result.end()), result.end());
    return result;
}

types::Block TableBatch::lookup_keys(size_t first, size_t count) const {
    types::Block block;
    for (size_t k = 0; k < table_->key.size(); ++k) {
        const TableColumn& key = table_->columns[table_->key[k]];
        types::Column column(key.mapping.type);
        for (size_t i = first; i < first + count; ++i) {
            column.append_from(lookup_keys_[k], pending_[i].lookup);
            column.append_from(columns_[key_column_[k]].column, pending_[i].row);
        }
        block.columns.push_back({key.target_name, std::move(column)});
    }
    return block;
}

types::Block TableBatch::own_keys(std::span<const size_t> rows) const {
    types::Block block;
    for (size_t k = 0; k < table_->key.size(); ++k) {
        const TableColumn& key = table_->columns[table_->key[k]];
        types::Column column(key.mapping.type);
        for (size_t i : rows) column.append_from(columns_[key_column_[k]].column, pending_[i].row);
        block.columns.push_back({key.target_name, std::move(column)});
    }
    return block;
}

void TableBatch::own_key_bytes(const Pending& row, std::string& out) const {
    out.clear();
    for (size_t key : key_column_) append_value_bytes(columns_[key].column, row.row, out);
}

void TableBatch::copy_complete(const Pending& row, const types::Block& found, size_t found_row,
                               Version version, types::Block& out) const {
    size_t count = columns_.size();
    for (size_t c = 0; c < count; ++c) {
        bool missing = std::find(row.missing.begin(), row.missing.end(),
                                 static_cast<uint16_t>(c)) != row.missing.end();
        types::Column& to = out.columns[c].column;
        if (missing)
            to.append_from(*column_named(found, columns_[c].name), found_row);
        else
            to.append_from(columns_[c].column, row.row);
    }
    out.columns[count].column.append_fixed(version.commit.value);
    out.columns[count + 1].column.append_fixed(version.ordinal);
    out.columns[count + 2].column.append_fixed(uint8_t{0});
    append_leaf(row.row, out);
}

void TableBatch::copy_tombstone(const Pending& row, types::Block& out) const {
    size_t count = columns_.size();
    for (size_t c = 0; c < count; ++c) {
        bool key = std::find(key_column_.begin(), key_column_.end(), c) != key_column_.end();
        if (key)
            out.columns[c].column.append_from(columns_[c].column, row.row);
        else
            out.columns[c].column.append_default();
    }
    out.columns[count].column.append_fixed(row.version.commit.value);
    out.columns[count + 1].column.append_fixed(row.version.later().ordinal);
    out.columns[count + 2].column.append_fixed(uint8_t{1});
    append_leaf(row.row, out);
}

Oid TableBatch::leaf_of(size_t pending) const {
    return table_->partitioned ? leaves_[pending_[pending].row] : Oid{};
}

Result<std::vector<size_t>> TableBatch::complete_from_target(size_t first, size_t count,
                                                             const types::Block& found,
                                                             const IsLoading& loading,
                                                             types::Block& out) {
    std::vector<size_t> left;
    KeyIndex index = TRY(index_rows(*table_, found));
    const types::Column* from = column_named(found, kFromColumn);
    const types::Column* ordinals = column_named(found, kOrdinalColumn);
    if (found.rows() > 0 && (from == nullptr || ordinals == nullptr))
        return malformed(*table_, "version columns are missing in a look-up");
    std::string bytes;
    std::string lookup;
    for (size_t i = first; i < first + count; ++i) {
        const Pending& row = pending_[i];
        lookup.clear();
        for (const types::Column& key : lookup_keys_) append_value_bytes(key, row.lookup, lookup);
        auto before = index.find(lookup);
        if (!before) {
            left.push_back(i);
            continue;
        }
        // Once the table is live, what was later has been caught up with.
        // A partition that joined is loaded with its commit, not with 0: which rows are those of
        // the load is not told apart.
        bool later =
            loading(leaf_of(i)) && (table_->partitioned || from->fixed<uint64_t>(*before) == 0 ||
                                    is_later(ordinals->fixed<uint64_t>(*before)));
        own_key_bytes(row, bytes);
        // Under a key that the change has left, later values may be of another life of the key.
        if (later && lookup != bytes)
            left.push_back(i);
        else
            copy_complete(row, found, *before, later ? row.version.later() : row.version, out);
    }
    return left;
}

Status TableBatch::complete_from_source(std::span<const size_t> rows, const types::Block& found,
                                        types::Block& out) {
    KeyIndex index = TRY(index_rows(*table_, found));
    std::string bytes;
    for (size_t i : rows) {
        own_key_bytes(pending_[i], bytes);
        if (auto at = index.find(bytes))
            copy_complete(pending_[i], found, *at, pending_[i].version.later(), out);
        else
            copy_tombstone(pending_[i], out);
    }
    return {};
}

}  // namespace tandem::mirror
