// Everything here reads untrusted bytes. A count is checked against the bytes that are there before
// anything is allocated for it; what may grow beyond them is charged to the budget first.
#include "clickhouse/codec/column_decode.h"

#include <algorithm>

#include "clickhouse/codec/wire.h"

namespace tandem::clickhouse {

using types::ChKind;
using types::ChType;
using types::ChTypePtr;
using types::Column;

namespace {

Error unsupported(const ChType& type) {
    return Error(ErrorCode::kUnsupportedType,
                 "cannot read a column of type " + type.name + "; convert it in the query");
}

// The values of a LowCardinality as its dictionary holds them: without NULLs.
const ChTypePtr& key_type_of(const ChType& low_cardinality) {
    const ChTypePtr& inner = low_cardinality.children[0];
    return inner->kind == ChKind::kNullable ? inner->children[0] : inner;
}

Status gather_strings(const Column& keys, const std::vector<uint64_t>& indexes, Column& column,
                      Source& source) {
    uint64_t total = 0;
    for (uint64_t index : indexes) total += keys.string(index).size();
    TRY(source.charge(total));
    size_t end = column.data.size();
    char* to = column.data.extend(static_cast<size_t>(total));
    column.offsets.resize(indexes.size());
    for (size_t row = 0; row < indexes.size(); ++row) {
        std::string_view value = keys.string(indexes[row]);
        if (!value.empty()) std::memcpy(to, value.data(), value.size());
        to += value.size();
        end += value.size();
        column.offsets[row] = end;
    }
    return {};
}

template <size_t kWidth>
void gather_fixed(const char* keys, const std::vector<uint64_t>& indexes, size_t width, char* to) {
    const size_t step = kWidth != 0 ? kWidth : width;
    for (uint64_t index : indexes) {
        std::memcpy(to, keys + index * step, step);
        to += step;
    }
}

Status gather_values(const Column& keys, const std::vector<uint64_t>& indexes, Column& column,
                     Source& source) {
    size_t width = keys.value_width();
    TRY(source.charge(indexes.size(), width));
    char* to = column.data.extend(indexes.size() * width);
    switch (width) {
        case 1:
            gather_fixed<1>(keys.data.data(), indexes, width, to);
            break;
        case 2:
            gather_fixed<2>(keys.data.data(), indexes, width, to);
            break;
        case 4:
            gather_fixed<4>(keys.data.data(), indexes, width, to);
            break;
        case 8:
            gather_fixed<8>(keys.data.data(), indexes, width, to);
            break;
        case 16:
            gather_fixed<16>(keys.data.data(), indexes, width, to);
            break;
        default:
            gather_fixed<0>(keys.data.data(), indexes, width, to);
            break;
    }
    return {};
}

// Index 0 is the default value, and NULL when there is one.
Status decode_low_cardinality(const ChType& type, Column& column, uint64_t rows, Source& source) {
    auto flags = TRY(source.fixed<uint64_t>());
    if ((flags & kNeedGlobalDictionary) != 0 || (flags & kHasAdditionalKeys) == 0)
        return Error(ErrorCode::kUnsupportedType, "LowCardinality with a shared dictionary");
    if ((flags & 0xff) > 3)
        return Error(ErrorCode::kMalformedData, "unknown index type of LowCardinality");
    auto key_count = TRY(source.fixed<uint64_t>());
    Column keys(key_type_of(type));
    TRY(decode_data(*keys.type, {}, keys, key_count, source));
    if (TRY(source.fixed<uint64_t>()) != rows)
        return Error(ErrorCode::kMalformedData, "LowCardinality with another number of rows");
    std::vector<uint64_t> indexes =
        TRY(decode_indexes(rows, size_t{1} << (flags & 0xff), key_count, source));
    if (column.has_nulls()) {
        TRY(source.charge(rows));
        char* nulls = column.nulls.extend(static_cast<size_t>(rows));
        for (size_t row = 0; row < indexes.size(); ++row) nulls[row] = indexes[row] == 0 ? 1 : 0;
    }
    if (keys.value_width() == 0) return gather_strings(keys, indexes, column, source);
    return gather_values(keys, indexes, column, source);
}

Result<std::string_view> decode_discriminators(const ColumnState& state, uint64_t rows,
                                               types::Bytes& expanded, Source& source) {
    if (state.version == kVariantBasic) return source.array(rows, 1);
    if (TRY(source.varint()) != rows)
        return Error(ErrorCode::kMalformedData, "Variant with another number of rows");
    switch (TRY(source.fixed<uint8_t>())) {
        case kGranulePlain:
            return source.array(rows, 1);
        case kGranuleCompact:
            break;
        default:
            return Error(ErrorCode::kMalformedData, "unknown form of a Variant");
    }
    auto alternative = TRY(source.fixed<char>());
    TRY(source.charge(rows));
    std::memset(expanded.extend(static_cast<size_t>(rows)), alternative, static_cast<size_t>(rows));
    return expanded.view();
}

Status decode_variant(const ChType& type, const ColumnState& state, Column& column, uint64_t rows,
                      Source& source) {
    types::Bytes expanded;
    std::string_view raw = TRY(decode_discriminators(state, rows, expanded, source));
    TRY(source.charge(rows, 9));
    column.data.append(raw.data(), raw.size());
    column.offsets.resize(raw.size());
    std::vector<uint64_t> counts(type.children.size(), 0);
    for (size_t row = 0; row < raw.size(); ++row) {
        auto alternative = static_cast<uint8_t>(raw[row]);
        if (alternative == types::kVariantNull) continue;
        if (alternative >= counts.size())
            return Error(ErrorCode::kMalformedData, "Variant discriminator beyond its types");
        column.offsets[row] = counts[alternative]++;
    }
    for (size_t i = 0; i < counts.size(); ++i) {
        TRY(decode_data(*type.children[i], state.children[i], column.children[i], counts[i],
                        source));
    }
    return {};
}

Status decode_offsets(Column& column, uint64_t rows, Source& source) {
    std::string_view raw = TRY(source.array(rows, sizeof(uint64_t)));
    TRY(source.charge(raw.size()));
    column.offsets.resize(static_cast<size_t>(rows));
    if (rows != 0) std::memcpy(column.offsets.data(), raw.data(), raw.size());
    if (!std::is_sorted(column.offsets.begin(), column.offsets.end()))
        return Error(ErrorCode::kMalformedData, "array offsets go backwards");
    return {};
}

Status decode_children(const ChType& type, const ColumnState& state, Column& column, uint64_t rows,
                       Source& source) {
    for (size_t i = 0; i < type.children.size(); ++i)
        TRY(decode_data(*type.children[i], state.children[i], column.children[i], rows, source));
    return {};
}

Status decode_fixed(const ChType& type, Column& column, uint64_t rows, Source& source) {
    if (type.width() == 0) return unsupported(type);
    std::string_view raw = TRY(source.array(rows, type.width()));
    TRY(source.charge(raw.size()));
    column.data.append(raw.data(), raw.size());
    return {};
}

Status decode_shape(const ChType& type, const ColumnState& state, Column& column, uint64_t rows,
                    Source& source) {
    switch (type.kind) {
        case ChKind::kNullable: {
            std::string_view raw = TRY(source.array(rows, 1));
            TRY(source.charge(rows));
            column.nulls.append(raw.data(), raw.size());
            return decode_data(*type.children[0], state.children[0], column, rows, source);
        }
        case ChKind::kSimpleAggregateFunction:
            return decode_data(*type.children[0], state.children[0], column, rows, source);
        case ChKind::kLowCardinality:
            return decode_low_cardinality(type, column, rows, source);
        case ChKind::kString:
            return decode_strings(column, rows, source);
        case ChKind::kArray:
        case ChKind::kMap:
            TRY(decode_offsets(column, rows, source));
            return decode_children(type, state, column, column.offsets.back(), source);
        case ChKind::kTuple:
            // A tuple without elements has a byte per row, so that it has a length at all.
            if (type.children.empty()) TRY(source.array(rows, 1));
            return decode_children(type, state, column, rows, source);
        case ChKind::kVariant:
            return decode_variant(type, state, column, rows, source);
        case ChKind::kDynamic:
            return decode_dynamic(state, column, rows, source);
        case ChKind::kJson:
            return decode_json(type, state, column, rows, source);
        default:
            return decode_fixed(type, column, rows, source);
    }
}

// Fills in where each string ends once they lie side by side; returns the first byte behind them.
Result<const char*> measure_strings(std::string_view from, std::vector<uint64_t>& offsets,
                                    Source& source) {
    const char* at = from.data();
    const char* const end = at + from.size();
    const size_t rows = offsets.size();
    uint64_t total = 0;
    for (size_t row = 0; row < rows; ++row) {
        if (at == end) return source.missing(rows - row);
        uint64_t size = static_cast<uint8_t>(*at++);
        if (size >= 0x80) [[unlikely]] {
            size &= 0x7f;
            for (int shift = 7;; shift += 7) {
                if (at == end) return source.missing(rows - row);
                auto byte = static_cast<uint8_t>(*at++);
                size |= static_cast<uint64_t>(byte & 0x7f) << shift;
                if (byte < 0x80) break;
                if (shift > 28)
                    return Error(ErrorCode::kMalformedData, "string of impossible length");
            }
        }
        if (size > Source::kStringMax)
            return Error(ErrorCode::kLimitExceeded, "string of " + std::to_string(size) + " bytes");
        auto left = static_cast<uint64_t>(end - at);
        if (size > left) return source.missing(static_cast<size_t>(size - left + rows - row - 1));
        at += size;
        total += size;
        offsets[row] = total;
    }
    return at;
}

// `from` and the offsets have been measured. Short strings are copied in one step of fixed size.
void copy_strings(std::string_view from, Column& column) {
    constexpr size_t kStep = 32;
    if (column.offsets.empty()) return;
    auto total = static_cast<size_t>(column.offsets.back());
    column.data.reserve(total + kStep);
    char* to = column.data.extend(total);
    const char* at = from.data();
    const char* const end = at + from.size();
    uint64_t start = 0;
    for (uint64_t offset : column.offsets) {
        auto size = static_cast<size_t>(offset - start);
        start = offset;
        while (static_cast<uint8_t>(*at++) >= 0x80) {
        }
        if (size <= kStep && at + kStep <= end) {
            std::memcpy(to, at, kStep);
        } else {
            std::memcpy(to, at, size);
        }
        at += size;
        to += size;
    }
}

}  // namespace

// Two passes: the first measures, so that nothing is allocated for a column that is not complete
// and the second copies without growing anything.
Status decode_strings(Column& column, uint64_t rows, Source& source) {
    std::string_view rest = source.rest();
    if (rows > rest.size()) return source.missing(static_cast<size_t>(rows - rest.size()));
    TRY(source.charge(rows, sizeof(uint64_t)));
    column.offsets.resize(static_cast<size_t>(rows));
    const char* end = TRY(measure_strings(rest, column.offsets, source));
    const uint64_t total = rows == 0 ? 0 : column.offsets.back();
    TRY(source.charge(total));
    copy_strings(rest, column);
    source.skip(static_cast<size_t>(end - rest.data()));
    return {};
}

Result<std::vector<uint64_t>> decode_indexes(uint64_t count, size_t width, uint64_t end,
                                             Source& source) {
    std::string_view raw = TRY(source.array(count, width));
    TRY(source.charge(count, sizeof(uint64_t)));
    std::vector<uint64_t> indexes(static_cast<size_t>(count));
    auto widen = [&]<typename T>(T) {
        uint64_t largest = 0;
        for (size_t i = 0; i < indexes.size(); ++i) {
            indexes[i] = load_little<T>(raw.data() + i * sizeof(T));
            largest = std::max(largest, indexes[i]);
        }
        return largest;
    };
    uint64_t largest = 0;
    switch (width) {
        case 1:
            largest = widen(uint8_t{});
            break;
        case 2:
            largest = widen(uint16_t{});
            break;
        case 4:
            largest = widen(uint32_t{});
            break;
        case 8:
            largest = widen(uint64_t{});
            break;
        default:
            return Error(ErrorCode::kMalformedData, "index of impossible width");
    }
    if (count != 0 && largest >= end)
        return Error(ErrorCode::kMalformedData, "index beyond the end of its dictionary");
    return indexes;
}

Result<ColumnState> decode_state(const ChType& type, Source& source) {
    ColumnState state;
    switch (type.kind) {
        case ChKind::kLowCardinality:
            state.version = TRY(source.fixed<uint64_t>());
            if (state.version != kLowCardinalityVersion)
                return Error(ErrorCode::kMalformedData, "unknown version of LowCardinality");
            return state;
        case ChKind::kVariant:
            state.version = TRY(source.fixed<uint64_t>());
            if (state.version > kVariantCompact)
                return Error(ErrorCode::kMalformedData, "unknown mode of " + type.name);
            break;
        case ChKind::kDynamic:
            return decode_dynamic_state(source);
        case ChKind::kJson:
            return decode_json_state(type, source);
        case ChKind::kAggregateFunction:
            return unsupported(type);
        default:
            break;
    }
    state.children.reserve(type.children.size());
    for (const ChTypePtr& child : type.children)
        state.children.push_back(TRY(decode_state(*child, source)));
    return state;
}

Status decode_data(const ChType& type, const ColumnState& state, Column& column, uint64_t rows,
                   Source& source) {
    // No rows are no bytes, whatever the type, except for the elements of composites, which have
    // none either.
    if (rows != 0) TRY(decode_shape(type, state, column, rows, source));
    column.rows = static_cast<size_t>(rows);
    return {};
}

}  // namespace tandem::clickhouse
