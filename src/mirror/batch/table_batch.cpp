// Rows are appended and never moved: an UPDATE or DELETE of a key that its transaction has written
// only notes in superseded_by_ which row replaces the earlier one, and place() leaves the replaced
// ones out.
// Each row carries its version, whether it deletes, and whether its key is new (`fresh_`), by which
// main and delta are told apart.
//
// Unchanged TOAST values that a row lacks: toast.cpp.
#include "mirror/batch/table_batch.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

#include "mirror/batch/value_bytes.h"

namespace tandem::mirror {
namespace {

using postgres::Tuple;
using postgres::TupleValue;
using postgres::ValueKind;

Error malformed(const Table& table, std::string_view what) {
    return Error(ErrorCode::kMalformedData, table.label() + ": " + std::string(what));
}

types::ChTypePtr system_type(const char* name) {
    return MUST(types::parse_clickhouse_type(name));
}

Status append_tuple_value(types::Converter& converter, TupleValue value, types::Column& column) {
    switch (value.kind) {
        case ValueKind::binary:
            return converter.append_binary(value.bytes, column);
        case ValueKind::text:
            return converter.append_text(value.bytes, column);
        case ValueKind::null:
            return converter.append_null(column);
        case ValueKind::unchanged_toast:
            break;
    }
    return Error(ErrorCode::kInternal, "unchanged TOAST value reached a converter");
}

}  // namespace

TableBatch::TableBatch(const WireLayout& layout, std::vector<types::Converter>& converters)
    : table_(layout.table), converters_(&converters) {
    std::vector<int> column_of(table_->columns.size(), -1);
    wire_.reserve(layout.columns.size());
    for (int target : layout.columns) {
        if (target < 0) {
            wire_.push_back(-1);
            continue;
        }
        auto at = static_cast<size_t>(target);
        column_of[at] = static_cast<int>(columns_.size());
        wire_.push_back(column_of[at]);
        table_column_.push_back(at);
        const TableColumn& column = table_->columns[at];
        columns_.push_back({column.target_name, types::Column(column.mapping.type)});
    }
    for (size_t key : table_->key) {
        TANDEM_ASSERT(column_of[key] >= 0, "relation without key column was let through");
        key_column_.push_back(static_cast<size_t>(column_of[key]));
        auto wire = std::find(wire_.begin(), wire_.end(), column_of[key]);
        wire_key_.push_back(static_cast<size_t>(wire - wire_.begin()));
        lookup_keys_.emplace_back(table_->columns[key].mapping.type);
    }
}

// --- filling ----------------------------------------------------------------------------------

Status TableBatch::make_key(Tuple row, Tuple fallback, std::string& out) const {
    out.clear();
    if (row.size() != wire_.size()) return malformed(*table_, "row has a wrong number of columns");
    for (size_t wire : wire_key_) {
        TupleValue value = row[wire];
        if (value.kind == ValueKind::unchanged_toast && fallback.size() == row.size())
            value = fallback[wire];
        if (value.kind == ValueKind::null || value.kind == ValueKind::unchanged_toast)
            return malformed(*table_, "key value is missing in a change");
        auto length = static_cast<uint32_t>(value.bytes.size());
        out.append(reinterpret_cast<const char*>(&length), sizeof length);
        out.push_back(static_cast<char>(value.kind));
        out.append(value.bytes);
    }
    return {};
}

Status TableBatch::insert(Tuple row, Version version) {
    if (table_->keyless()) return append_counted(row, {}, version, false);
    TRY(make_key(row, {}, key_scratch_));
    TRY(append_row(row, {}, std::nullopt, version));
    if (!index_.find(key_scratch_)) {
        fresh_.back() = true;
        ++fresh_rows_;
    }
    replace(key_scratch_, rows_ - 1);
    return {};
}

Status TableBatch::update(const postgres::Update& update, Version version) {
    Tuple old = update.old_kind == postgres::OldTuple::none ? Tuple() : update.old;
    if (table_->keyless()) {
        TRY(append_counted(old, {}, version, true));
        return append_counted(update.row, old, version, false);
    }
    TRY(make_key(update.row, old, key_scratch_));
    bool moved = false;
    if (!old.empty()) {
        TRY(make_key(old, {}, old_key_scratch_));
        moved = old_key_scratch_ != key_scratch_;
    }
    std::optional<uint32_t> previous = index_.find(moved ? old_key_scratch_ : key_scratch_);
    TRY(append_row(update.row, old, previous, version));
    uint32_t row = rows_ - 1;
    if (previous && !moved && fresh_[*previous] && versions_[*previous].commit == version.commit) {
        fresh_[row] = true;
        ++fresh_rows_;
    }
    if (moved) {
        TRY(append_tombstone(old, version.tombstone()));
        replace(old_key_scratch_, rows_ - 1);
    }
    replace(key_scratch_, row);
    return {};
}

Status TableBatch::remove(Tuple old, Version version) {
    if (table_->keyless()) return append_counted(old, {}, version, true);
    TRY(make_key(old, {}, key_scratch_));
    TRY(append_tombstone(old, version));
    replace(key_scratch_, rows_ - 1);
    return {};
}

Status TableBatch::append_row(Tuple row, Tuple old, std::optional<uint32_t> previous,
                              Version version) {
    Pending pending{.row = rows_, .lookup = 0, .version = version, .missing = {}};
    const Pending* before = previous ? pending_at(*previous) : nullptr;
    bool previous_deleted = previous && deleted_[*previous];
    for (size_t wire = 0; wire < row.size(); ++wire) {
        if (wire_[wire] < 0) continue;
        auto column = static_cast<size_t>(wire_[wire]);
        TupleValue value = row[wire];
        if (value.kind == ValueKind::unchanged_toast && wire < old.size() &&
            (old[wire].kind == ValueKind::text || old[wire].kind == ValueKind::binary))
            value = old[wire];
        if (value.kind != ValueKind::unchanged_toast) {
            TRY(append_value(column, value));
            continue;
        }
        auto index = static_cast<uint16_t>(column);
        bool missing_before =
            before != nullptr && std::find(before->missing.begin(), before->missing.end(), index) !=
                                     before->missing.end();
        if (previous && !previous_deleted && !missing_before) {
            copy_value(column, *previous);
        } else {
            columns_[column].column.append_default();
            pending.missing.push_back(index);
        }
    }
    if (!pending.missing.empty()) {
        if (before != nullptr) {
            pending.lookup = before->lookup;
        } else {
            TRY(append_lookup_key(old.empty() ? row : old, row));
            pending.lookup = static_cast<uint32_t>(lookup_keys_[0].rows - 1);
        }
        pending_of_[rows_] = pending_.size();
        pending_.push_back(std::move(pending));
    }
    finish_row(version, false, false);
    return {};
}

Status TableBatch::append_value(size_t column, TupleValue value) {
    return append_tuple_value((*converters_)[table_column_[column]], value,
                              columns_[column].column);
}

// Columns that are not part of the key are NULL or zero in a tombstone; nobody reads them.
Status TableBatch::append_tombstone(Tuple old, Version version) {
    for (types::NamedColumn& named : columns_) named.column.append_default();
    for (size_t i = 0; i < key_column_.size(); ++i) {
        types::Column& column = columns_[key_column_[i]].column;
        column.pop_back();
        TRY(append_value(key_column_[i], old[wire_key_[i]]));
    }
    finish_row(version, true, false);
    return {};
}

Status TableBatch::append_lookup_key(Tuple row, Tuple fallback) {
    for (size_t i = 0; i < wire_key_.size(); ++i) {
        TupleValue value = row[wire_key_[i]];
        if (value.kind == ValueKind::unchanged_toast) value = fallback[wire_key_[i]];
        TRY(append_tuple_value((*converters_)[table_->key[i]], value, lookup_keys_[i]));
    }
    return {};
}

void TableBatch::copy_value(size_t column, uint32_t row) {
    types::Column& values = columns_[column].column;
    // By way of a column of one row: appending may move the bytes that are copied.
    types::Column one(values.type);
    one.append_from(values, row);
    copied_bytes_ += one.byte_size();
    values.append_from(one, 0);
}

void TableBatch::finish_row(Version version, bool deleted, bool fresh) {
    if (rows_ == 0) first_ = version;
    versions_.push_back(version);
    if (table_->partitioned) leaves_.push_back(leaf_);
    deleted_.push_back(deleted);
    fresh_.push_back(fresh);
    ++rows_;
}

void TableBatch::replace(std::string_view key, uint32_t row) {
    ++changes_;
    std::optional<uint32_t> before = index_.put(key, row);
    if (!before || versions_[*before].commit != versions_[row].commit) return;
    if (superseded_by_.size() <= *before) superseded_by_.resize(rows_, 0);
    superseded_by_[*before] = row;
    ++superseded_rows_;
}

const TableBatch::Pending* TableBatch::pending_at(uint32_t row) const {
    auto found = pending_of_.find(row);
    return found == pending_of_.end() ? nullptr : &pending_[found->second];
}

size_t TableBatch::byte_size() const {
    size_t total = index_.byte_size() + size_t{rows_} * sizeof(Version) + pending_.size() * 128;
    for (const types::NamedColumn& named : columns_) total += named.column.byte_size();
    return total;
}

// --- taking -----------------------------------------------------------------------------------

void TableBatch::close() {
    superseded_by_.resize(rows_, 0);
    std::erase_if(pending_, [this](const Pending& row) { return superseded_by_[row.row] != 0; });
    pending_of_.clear();
    for (const Pending& row : pending_) pending_of_[row.row] = 0;
    index_ = KeyIndex();
}

// place() may have moved the columns away: types are those of the table.
types::Block TableBatch::empty(std::initializer_list<SystemColumn> system) const {
    types::Block block;
    for (size_t column : table_column_)
        block.columns.push_back({table_->columns[column].target_name,
                                 types::Column(table_->columns[column].mapping.type)});
    for (const auto& [name, type] : system)
        block.columns.push_back({std::string(name), types::Column(system_type(type))});
    if (table_->partitioned)
        block.columns.push_back({std::string(kLeafColumn), types::Column(system_type("UInt32"))});
    return block;
}

types::Block TableBatch::empty_main() const {
    return empty({{kFromColumn, "UInt64"}});
}

types::Block TableBatch::empty_delta() const {
    return empty({{kFromColumn, "UInt64"}, {kOrdinalColumn, "UInt64"}, {kDeletedColumn, "UInt8"}});
}

void TableBatch::append_values(uint32_t row, types::Block& out) const {
    size_t count = columns_.size();
    for (size_t c = 0; c < count; ++c) out.columns[c].column.append_from(columns_[c].column, row);
    out.columns[count].column.append_fixed(versions_[row].commit.value);
}

void TableBatch::append_leaf(uint32_t row, types::Block& out) const {
    if (table_->partitioned) out.columns.back().column.append_fixed(leaves_[row].value);
}

void TableBatch::append_main(uint32_t row, types::Block& out) const {
    append_values(row, out);
    append_leaf(row, out);
}

void TableBatch::append_delta(uint32_t row, types::Block& out) const {
    append_values(row, out);
    size_t count = columns_.size();
    out.columns[count + 1].column.append_fixed(versions_[row].ordinal);
    out.columns[count + 2].column.append_fixed(static_cast<uint8_t>(deleted_[row] ? 1 : 0));
    append_leaf(row, out);
}

uint64_t TableBatch::key_hash(std::span<const types::NamedColumn> columns, size_t row,
                              std::string& scratch) const {
    scratch.clear();
    for (size_t key : key_column_) append_value_bytes(columns[key].column, row, scratch);
    return XXH3_64bits(scratch.data(), scratch.size());
}

std::vector<uint64_t> TableBatch::key_hashes(const types::Block& block) const {
    std::vector<uint64_t> hashes;
    std::string scratch;
    for (size_t row = 0; row < block.rows(); ++row)
        hashes.push_back(key_hash(block.columns, row, scratch));
    return hashes;
}

PlacedRows TableBatch::place_all() {
    PlacedRows placed{empty_main(), empty_delta(), {}};
    size_t count = columns_.size();
    for (size_t c = 0; c < count; ++c)
        placed.main.columns[c].column = std::move(columns_[c].column);
    for (const Version& version : versions_)
        placed.main.columns[count].column.append_fixed(version.commit.value);
    for (uint32_t row = 0; row < leaves_.size(); ++row) append_leaf(row, placed.main);
    return placed;
}

PlacedRows TableBatch::place(const DeltaKeys& keys, size_t main_rows_min) {
    if (table_->keyless()) return place_counted();
    bool all_fresh = fresh_rows_ == rows_ && superseded_rows_ == 0 && pending_.empty();
    if (keys.holds == DeltaKeys::Holds::nothing && all_fresh) return place_all();
    PlacedRows placed{empty_main(), empty_delta(), {}};
    std::vector<std::pair<uint32_t, uint64_t>> few;  // not placed yet: row and hash
    std::string scratch;
    auto to_delta = [&](uint32_t row, uint64_t hash) {
        append_delta(row, placed.delta);
        placed.delta_keys.push_back(hash);
    };
    for (uint32_t row = 0; row < rows_; ++row) {
        if (superseded_by_[row] != 0 || pending_of_.contains(row)) continue;
        uint64_t hash = key_hash(columns_, row, scratch);
        bool known = keys.holds == DeltaKeys::Holds::anything ||
                     (keys.holds == DeltaKeys::Holds::some && keys.contains(hash));
        if (!fresh_[row] || known)
            to_delta(row, hash);
        else if (few.size() < main_rows_min)
            few.emplace_back(row, hash);
        else
            append_main(row, placed.main);
    }
    bool along = placed.main.rows() == 0 && placed.delta.rows() > 0;
    for (const auto& [row, hash] : few)
        if (along)
            to_delta(row, hash);
        else
            append_main(row, placed.main);
    // They are in the blocks now; what is pending is completed from them.
    if (pending_.empty())
        for (types::NamedColumn& named : columns_) named.column = types::Column(named.column.type);
    return placed;
}

}  // namespace tandem::mirror
