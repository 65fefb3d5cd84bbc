// The writing half of the Native format; docs/internals/formats/native-block.md has the layout.
#include <string>
#include <unordered_map>

#include "clickhouse/codec/block.h"
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

// What precedes the data of a column: versions of the serialisations below it.
Status encode_prefix(const ChType& type, Bytes& out) {
    switch (type.kind) {
        case ChKind::kLowCardinality:
            put_fixed(out, kLowCardinalityVersion);
            return {};
        case ChKind::kVariant:
            put_fixed(out, uint64_t{0});
            break;
        case ChKind::kJson:
        case ChKind::kDynamic:
        case ChKind::kAggregateFunction:
            return unsupported(type);
        default:
            break;
    }
    for (const types::ChTypePtr& child : type.children) TRY(encode_prefix(*child, out));
    return {};
}

Status encode_data(const ChType& type, const Column& column, Bytes& out);

void encode_strings(const Column& column, Bytes& out) {
    out.reserve(out.size() + column.data.size() + column.rows * 2);
    uint64_t start = 0;
    for (size_t row = 0; row < column.rows; ++row) {
        uint64_t end = column.offsets[row];
        put_varint(out, end - start);
        out.append(column.data.data() + start, end - start);
        start = end;
    }
}

// LowCardinality is held resolved; the dictionary is built here, keyed by the value's bytes.
Status encode_low_cardinality(const ChType& type, const Column& column, Bytes& out) {
    const ChType& key_type = type.value_type();
    size_t width = key_type.width();
    bool nullable = column.has_nulls();
    Bytes keys;
    uint64_t key_count = 0;
    std::unordered_map<std::string_view, uint32_t> known;
    auto put_key = [&](std::string_view value) {
        if (width == 0) put_varint(keys, value.size());
        keys.append(value.data(), value.size());
        return static_cast<uint32_t>(key_count++);
    };
    const std::string zero(width, '\0');
    if (nullable) {
        put_key(zero);  // key 0 stands for NULL, key 1 is the default value
        known[zero] = put_key(zero);
    }
    std::vector<uint32_t> indexes(column.rows);
    for (size_t row = 0; row < column.rows; ++row) {
        if (nullable && column.is_null(row)) continue;
        std::string_view value = width == 0
                                     ? column.string(row)
                                     : std::string_view(column.data.data() + row * width, width);
        auto found = known.find(value);
        if (found == known.end()) found = known.emplace(value, put_key(value)).first;
        indexes[row] = found->second;
    }
    put_fixed(out, kHasAdditionalKeys | kNeedUpdateDictionary | kIndexUInt32);
    put_fixed(out, key_count);
    out.append(keys.data(), keys.size());
    put_fixed(out, static_cast<uint64_t>(column.rows));
    out.append(indexes.data(), indexes.size() * sizeof(uint32_t));
    return {};
}

Status encode_array(const ChType& type, const Column& column, Bytes& out) {
    out.append(column.offsets.data(), column.rows * sizeof(uint64_t));
    for (size_t i = 0; i < type.children.size(); ++i)
        TRY(encode_data(*type.children[i], column.children[i], out));
    return {};
}

Status encode_data(const ChType& type, const Column& column, Bytes& out) {
    switch (type.kind) {
        case ChKind::kNullable:
            out.append(column.nulls.data(), column.nulls.size());
            return encode_data(*type.children[0], column, out);
        case ChKind::kSimpleAggregateFunction:
            return encode_data(*type.children[0], column, out);
        case ChKind::kLowCardinality:
            return column.rows == 0 ? Status() : encode_low_cardinality(type, column, out);
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
        case ChKind::kNothing:
            out.resize(out.size() + column.rows);
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
        TRY(encode_prefix(*column.type, out).context("column \"" + named.name + "\""));
        TRY(encode_data(*column.type, column, out).context("column \"" + named.name + "\""));
    }
    return {};
}

}  // namespace tandem::clickhouse
