#include "types/clickhouse/column.h"

#include <algorithm>
#include <new>

namespace tandem::types {

namespace {

// How a kind uses the members of Column.
enum class Storage : uint8_t { kFixed, kString, kArray, kTuple, kVariant, kNone };

Storage storage_of(ChKind kind) {
    switch (kind) {
        case ChKind::kString:
        case ChKind::kDynamic:
        case ChKind::kJson:
            return Storage::kString;
        case ChKind::kArray:
        case ChKind::kMap:
            return Storage::kArray;
        case ChKind::kTuple:
            return Storage::kTuple;
        case ChKind::kVariant:
            return Storage::kVariant;
        case ChKind::kAggregateFunction:
            return Storage::kNone;
        default:
            return Storage::kFixed;
    }
}

bool holds_nulls(const ChType& type) {
    return type.nullable() && type.kind != ChKind::kVariant &&
           type.value_type().kind != ChKind::kVariant;
}

size_t end_of(const std::vector<uint64_t>& offsets, size_t count) {
    return count == 0 ? 0 : static_cast<size_t>(offsets[count - 1]);
}

bool ascending_to(const std::vector<uint64_t>& offsets, size_t last) {
    uint64_t previous = 0;
    for (uint64_t offset : offsets) {
        if (offset < previous) return false;
        previous = offset;
    }
    return previous == last;
}

}  // namespace

void Bytes::grow(size_t at_least) {
    size_t capacity = std::max({at_least, capacity_ * 2, size_t{64}});
    char* grown = static_cast<char*>(::operator new(capacity));
    if (size_ != 0) std::memcpy(grown, data_, std::min(size_, capacity));
    ::operator delete(data_);
    data_ = grown;
    capacity_ = capacity;
}

Column::Column(ChTypePtr column_type) : type(std::move(column_type)) {
    const ChType& value = type->value_type();
    value_kind_ = value.kind;
    value_width_ = static_cast<uint32_t>(value.width());
    has_nulls_ = holds_nulls(*type);
    if (value.kind == ChKind::kJson) return;  // its children are paths, not columns
    children.reserve(value.children.size());
    for (const ChTypePtr& child : value.children) children.emplace_back(child);
}

void Column::append_zero() {
    switch (storage_of(value_kind_)) {
        case Storage::kFixed:
            std::memset(data.extend(value_width_), 0, value_width_);
            break;
        case Storage::kString:
            if (value_kind_ == ChKind::kJson) data.append("{}", 2);
            offsets.push_back(data.size());
            break;
        case Storage::kArray:
            offsets.push_back(children[0].rows);
            break;
        case Storage::kTuple:
            for (Column& child : children) child.append_default();
            break;
        case Storage::kVariant:
            data.push_back(static_cast<char>(kVariantNull));
            offsets.push_back(0);
            break;
        case Storage::kNone:
            break;
    }
}

void Column::append_null() {
    append_zero();
    if (has_nulls_) nulls.push_back(1);
    ++rows;
}

void Column::append_default() {
    // The default of a Nullable, a Variant and a Dynamic is NULL.
    append_null();
}

void Column::append_from(const Column& other, size_t row) {
    switch (storage_of(value_kind_)) {
        case Storage::kFixed:
            data.append(other.data.data() + row * value_width_, value_width_);
            break;
        case Storage::kString: {
            std::string_view value = other.string(row);
            data.append(value.data(), value.size());
            offsets.push_back(data.size());
            break;
        }
        case Storage::kArray: {
            auto [first, end] = other.elements(row);
            for (size_t i = first; i < end; ++i) {
                for (size_t c = 0; c < children.size(); ++c)
                    children[c].append_from(other.children[c], i);
            }
            offsets.push_back(children[0].rows);
            break;
        }
        case Storage::kTuple:
            for (size_t c = 0; c < children.size(); ++c)
                children[c].append_from(other.children[c], row);
            break;
        case Storage::kVariant: {
            auto alternative = static_cast<uint8_t>(other.data[row]);
            if (alternative == kVariantNull) {
                append_zero();
                break;
            }
            offsets.push_back(children[alternative].rows);
            data.push_back(static_cast<char>(alternative));
            children[alternative].append_from(other.children[alternative],
                                              static_cast<size_t>(other.offsets[row]));
            break;
        }
        case Storage::kNone:
            break;
    }
    if (has_nulls_) nulls.push_back(other.has_nulls_ ? other.nulls[row] : char{0});
    ++rows;
}

void Column::truncate(size_t count) {
    if (count >= rows) return;
    switch (storage_of(value_kind_)) {
        case Storage::kFixed:
            data.truncate(count * value_width_);
            break;
        case Storage::kString:
            data.truncate(end_of(offsets, count));
            offsets.resize(count);
            break;
        case Storage::kArray:
            for (Column& child : children) child.truncate(end_of(offsets, count));
            offsets.resize(count);
            break;
        case Storage::kTuple:
            for (Column& child : children) child.truncate(count);
            break;
        case Storage::kVariant:
            // Values of one alternative are in row order, so dropping from the end is enough.
            for (size_t row = rows; row-- > count;) {
                auto alternative = static_cast<uint8_t>(data[row]);
                if (alternative != kVariantNull) children[alternative].pop_back();
            }
            data.truncate(count);
            offsets.resize(count);
            break;
        case Storage::kNone:
            break;
    }
    if (has_nulls_) nulls.truncate(count);
    rows = count;
}

bool Column::is_null(size_t row) const {
    if (value_kind_ == ChKind::kVariant) return static_cast<uint8_t>(data[row]) == kVariantNull;
    return has_nulls_ && nulls[row] != 0;
}

std::string_view Column::string(size_t row) const {
    if (value_kind_ == ChKind::kFixedString)
        return {data.data() + row * value_width_, value_width_};
    size_t first = end_of(offsets, row);
    return {data.data() + first, static_cast<size_t>(offsets[row]) - first};
}

std::pair<size_t, size_t> Column::elements(size_t row) const {
    return {end_of(offsets, row), static_cast<size_t>(offsets[row])};
}

size_t Column::byte_size() const {
    size_t total = data.size() + offsets.size() * sizeof(uint64_t) + nulls.size();
    for (const Column& child : children) total += child.byte_size();
    return total;
}

void Column::clear() {
    rows = 0;
    data.clear();
    offsets.clear();
    nulls.clear();
    for (Column& child : children) child.clear();
}

void Column::reserve(size_t count) {
    if (has_nulls_) nulls.reserve(count);
    switch (storage_of(value_kind_)) {
        case Storage::kFixed:
            data.reserve(count * value_width_);
            break;
        case Storage::kString:
        case Storage::kArray:
            offsets.reserve(count);
            break;
        case Storage::kTuple:
            for (Column& child : children) child.reserve(count);
            break;
        case Storage::kVariant:
            data.reserve(count);
            offsets.reserve(count);
            break;
        case Storage::kNone:
            break;
    }
}

bool Column::consistent() const {
    if (type == nullptr || (has_nulls_ && nulls.size() != rows)) return false;
    for (const Column& child : children) {
        if (!child.consistent()) return false;
    }
    switch (storage_of(value_kind_)) {
        case Storage::kFixed:
            return data.size() == rows * value_width_;
        case Storage::kString:
            return offsets.size() == rows && ascending_to(offsets, data.size());
        case Storage::kArray:
            return offsets.size() == rows && ascending_to(offsets, children[0].rows) &&
                   children.back().rows == children[0].rows;
        case Storage::kTuple:
            return std::all_of(children.begin(), children.end(),
                               [this](const Column& child) { return child.rows == rows; });
        case Storage::kVariant: {
            if (data.size() != rows || offsets.size() != rows) return false;
            std::vector<uint64_t> next(children.size(), 0);
            for (size_t row = 0; row < rows; ++row) {
                auto alternative = static_cast<uint8_t>(data[row]);
                if (alternative == kVariantNull) continue;
                if (alternative >= children.size()) return false;
                if (offsets[row] != next[alternative]++) return false;
            }
            for (size_t c = 0; c < children.size(); ++c) {
                if (children[c].rows != next[c]) return false;
            }
            return true;
        }
        case Storage::kNone:
            return true;
    }
    return false;
}

}  // namespace tandem::types
