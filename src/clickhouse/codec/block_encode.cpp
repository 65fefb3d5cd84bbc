// The writing half of the Native format; docs/internals/formats/native-block.md has the layout.
//
// Columns are checked once (Column::consistent) and trusted from then on.
#include <algorithm>
#include <string>

#include "clickhouse/codec/block.h"
#include "clickhouse/codec/dictionary.h"
#include "clickhouse/codec/wire.h"

namespace tandem::clickhouse {
namespace {

using types::Bytes;
using types::ChKind;
using types::ChType;
using types::Column;

Error unsupported(const ChType& type) {
    return Error(ErrorCode::kUnsupportedType, "cannot send a column of type " + type.name);
}

// What precedes the data of a column: versions and structures of the stateful types in it.
Status encode_state(const ChType& type, Bytes& out) {
    switch (type.kind) {
        case ChKind::kLowCardinality:
            put_fixed(out, kLowCardinalityVersion);
            return {};
        case ChKind::kVariant:
            put_fixed(out, kVariantBasic);
            break;
        case ChKind::kJson:
            put_fixed(out, kJsonString);
            return {};
        case ChKind::kDynamic:  // flat, with String as the only type
            put_fixed(out, kDynamicFlattened);
            put_varint(out, 1);
            put_string(out, "String");
            return {};
        case ChKind::kAggregateFunction:
            return unsupported(type);
        default:
            break;
    }
    for (const types::ChTypePtr& child : type.children) TRY(encode_state(*child, out));
    return {};
}

Status encode_data(const ChType& type, const Column& column, Bytes& out);

// Room is made for many rows at a time, so that the inner loop only writes.
void encode_strings(const Column& column, Bytes& out) {
    constexpr size_t kRowsAtOnce = 512;
    constexpr size_t kStep = 32;
    constexpr size_t kVarintMax = 10;
    const char* from = column.data.data();
    const char* const end = from + column.data.size();
    uint64_t start = 0;
    for (size_t first = 0; first < column.rows; first += kRowsAtOnce) {
        size_t last = std::min(first + kRowsAtOnce, column.rows);
        size_t size_before = out.size();
        auto content = static_cast<size_t>(column.offsets[last - 1] - start);
        char* to = out.extend(content + (last - first) * kVarintMax + kStep);
        char* const begin = to;
        for (size_t row = first; row < last; ++row) {
            auto size = static_cast<size_t>(column.offsets[row] - start);
            start = column.offsets[row];
            uint64_t rest = size;
            for (; rest >= 0x80; rest >>= 7) *to++ = static_cast<char>(rest | 0x80);
            *to++ = static_cast<char>(rest);
            if (size <= kStep && from + kStep <= end) {
                std::memcpy(to, from, kStep);
            } else if (size != 0) {
                std::memcpy(to, from, size);
            }
            to += size;
            from += size;
        }
        out.truncate(size_before + static_cast<size_t>(to - begin));
    }
}

template <typename Index>
void put_indexes(const std::vector<uint32_t>& indexes, Bytes& out) {
    char* to = out.extend(indexes.size() * sizeof(Index));
    for (uint32_t index : indexes) {
        auto narrow = static_cast<Index>(index);
        std::memcpy(to, &narrow, sizeof narrow);
        to += sizeof narrow;
    }
}

// The column holds its values resolved; the dictionary is built here. When there are NULLs, index 0
// stands for them, and the dictionary holds a default value in that place.
Status encode_low_cardinality(const ChType& type, const Column& column, Bytes& out) {
    const size_t width = type.value_type().width();
    const bool nullable = column.has_nulls();
    const uint32_t first = nullable ? 1 : 0;
    Dictionary dictionary;
    std::vector<uint32_t> indexes(column.rows);
    for (size_t row = 0; row < column.rows; ++row) {
        if (nullable && column.nulls[row] != 0) continue;
        std::string_view value = width == 0
                                     ? column.string(row)
                                     : std::string_view(column.data.data() + row * width, width);
        indexes[row] = dictionary.number_of(value) + first;
    }
    const size_t keys = dictionary.values().size() + first;
    uint64_t index_type = keys <= 0x100 ? 0 : keys <= 0x10000 ? 1 : 2;
    put_fixed(out, kHasAdditionalKeys | kNeedUpdateDictionary | index_type);
    put_fixed(out, uint64_t{keys});
    if (nullable) out.resize(out.size() + (width == 0 ? 1 : width));
    for (std::string_view value : dictionary.values()) {
        if (width == 0) put_varint(out, value.size());
        out.append(value.data(), value.size());
    }
    put_fixed(out, uint64_t{column.rows});
    switch (index_type) {
        case 0:
            put_indexes<uint8_t>(indexes, out);
            break;
        case 1:
            put_indexes<uint16_t>(indexes, out);
            break;
        default:
            put_indexes<uint32_t>(indexes, out);
            break;
    }
    return {};
}

// Discriminator 0 is String, 1 (one beyond the types) is NULL; then the strings that are there.
void encode_dynamic(const Column& column, Bytes& out) {
    out.append(column.nulls.data(), column.rows);
    for (size_t row = 0; row < column.rows; ++row)
        if (column.nulls[row] == 0) put_string(out, column.string(row));
}

Status encode_array(const ChType& type, const Column& column, Bytes& out) {
    out.append(column.offsets.data(), column.rows * sizeof(uint64_t));
    for (size_t i = 0; i < type.children.size(); ++i)
        TRY(encode_data(*type.children[i], column.children[i], out));
    return {};
}

Status encode_data(const ChType& type, const Column& column, Bytes& out) {
    if (column.rows == 0) return {};
    switch (type.kind) {
        case ChKind::kNullable:
            out.append(column.nulls.data(), column.nulls.size());
            return encode_data(*type.children[0], column, out);
        case ChKind::kSimpleAggregateFunction:
            return encode_data(*type.children[0], column, out);
        case ChKind::kLowCardinality:
            return encode_low_cardinality(type, column, out);
        case ChKind::kDynamic:
            encode_dynamic(column, out);
            return {};
        case ChKind::kJson:
        case ChKind::kString:
            encode_strings(column, out);
            return {};
        case ChKind::kArray:
        case ChKind::kMap:
            return encode_array(type, column, out);
        case ChKind::kTuple:
            if (type.children.empty()) out.resize(out.size() + column.rows);
            for (size_t i = 0; i < type.children.size(); ++i)
                TRY(encode_data(*type.children[i], column.children[i], out));
            return {};
        case ChKind::kVariant:
            out.append(column.data.data(), column.rows);
            for (size_t i = 0; i < type.children.size(); ++i)
                TRY(encode_data(*type.children[i], column.children[i], out));
            return {};
        default:
            break;
    }
    if (type.width() == 0) return unsupported(type);
    out.append(column.data.data(), column.data.size());
    return {};
}

}  // namespace

Status encode_block(const types::Block& block, uint64_t revision, Bytes& out) {
    if (revision > 0) {
        put_varint(out, 1);
        out.push_back(0);  // is_overflows
        put_varint(out, 2);
        put_fixed(out, int32_t{-1});  // bucket_num
        put_varint(out, 0);
    }
    put_varint(out, block.columns.size());
    put_varint(out, block.rows());
    for (const types::NamedColumn& named : block.columns) {
        const Column& column = named.column;
        if (column.rows != block.rows() || !column.consistent())
            return Error(ErrorCode::kInvalidArgument,
                         "column \"" + named.name + "\" does not have the block's rows");
        put_string(out, named.name);
        put_string(out, column.type->name);
        if (revision >= kRevisionCustomSerialization) out.push_back(0);
        if (column.rows == 0) continue;
        TRY(encode_state(*column.type, out).context("column \"" + named.name + "\""));
        TRY(encode_data(*column.type, column, out).context("column \"" + named.name + "\""));
    }
    return {};
}

}  // namespace tandem::clickhouse
