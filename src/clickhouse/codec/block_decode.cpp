// The reading half of the Native format; docs/internals/formats/native-block.md has the layout.
//
// Everything here reads untrusted bytes. A count is checked against the bytes that are there before
// anything is allocated for it; what may grow beyond them is charged to the budget.
#include <algorithm>

#include "clickhouse/codec/block.h"
#include "clickhouse/codec/wire.h"

namespace tandem::clickhouse {

using types::ChKind;
using types::ChType;
using types::Column;

// ByteCursor whose short reads are kWouldBlock, with a budget for what grows.
class Source {
  public:
    Source(ByteCursor& cursor, size_t budget) : cursor_(cursor), budget_(budget) {}

    Result<std::string_view> bytes(size_t size) {
        if (size > cursor_.remaining()) return short_read(size);
        return cursor_.bytes(size);
    }

    // `count` values of `width` bytes, without overflow.
    Result<std::string_view> array(uint64_t count, size_t width) {
        if (count > kArrayMax / std::max<size_t>(width, 1))
            return Error(ErrorCode::kLimitExceeded,
                         "block claims " + std::to_string(count) + " values");
        return bytes(static_cast<size_t>(count) * width);
    }

    template <typename T>
    Result<T> fixed() {
        std::string_view raw = TRY(bytes(sizeof(T)));
        return load_little<T>(raw.data());
    }

    Result<uint64_t> varint() {
        uint64_t value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            auto byte = static_cast<uint8_t>(TRY(bytes(1))[0]);
            value |= static_cast<uint64_t>(byte & 0x7f) << shift;
            if (byte < 0x80) return value;
        }
        return Error(ErrorCode::kMalformedData, "number of more than 64 bits");
    }

    Result<std::string_view> string() {
        uint64_t size = TRY(varint());
        if (size > kStringMax)
            return Error(ErrorCode::kLimitExceeded, "string of " + std::to_string(size) + " bytes");
        return bytes(static_cast<size_t>(size));
    }

    Status charge(size_t size) {
        if (size > budget_)
            return Error(ErrorCode::kLimitExceeded, "block is larger than the limit for one block");
        budget_ -= size;
        return {};
    }

    ByteCursor& cursor() { return cursor_; }
    size_t wanted() const { return wanted_; }

  private:
    static constexpr uint64_t kArrayMax = uint64_t{1} << 40;
    static constexpr uint64_t kStringMax = uint64_t{1} << 31;

    Error short_read(size_t size) {
        wanted_ = size - cursor_.remaining();
        return Error(ErrorCode::kWouldBlock, "block is not complete");
    }

    ByteCursor& cursor_;
    size_t budget_;
    size_t wanted_ = 1;
};

namespace {

Error unsupported(const ChType& type) {
    return Error(ErrorCode::kUnsupportedType, "cannot read a column of type " + type.name);
}

// How a column of a server's answer is laid out: one kind per column, for tuples also one for each
// element.
struct Layout {
    bool sparse = false;
    std::vector<Layout> elements;
};

Result<Layout> decode_layout(const ChType& type, Source& source) {
    Layout layout;
    auto kind = TRY(source.fixed<uint8_t>());
    if (kind > 1)
        return Error(ErrorCode::kUnsupportedType, "serialisation kind " + std::to_string(kind));
    layout.sparse = kind == 1;
    if (type.kind == ChKind::kTuple)
        for (const types::ChTypePtr& child : type.children)
            layout.elements.push_back(TRY(decode_layout(*child, source)));
    return layout;
}

Status decode_prefix(const ChType& type, Source& source) {
    switch (type.kind) {
        case ChKind::kLowCardinality:
            if (TRY(source.fixed<uint64_t>()) != kLowCardinalityVersion)
                return Error(ErrorCode::kMalformedData, "unknown version of LowCardinality");
            return {};
        case ChKind::kVariant:
            if (TRY(source.fixed<uint64_t>()) != 0)
                return Error(ErrorCode::kUnsupportedType, "compact discriminators of " + type.name);
            break;
        case ChKind::kJson:
            // Version 1: every object travels as its text.
            if (TRY(source.fixed<uint64_t>()) != 1) return unsupported(type);
            return {};
        case ChKind::kDynamic:
        case ChKind::kAggregateFunction:
            return unsupported(type);
        default:
            break;
    }
    for (const types::ChTypePtr& child : type.children) TRY(decode_prefix(*child, source));
    return {};
}

Status decode_data(const ChType& type, Column& column, uint64_t rows, Source& source);

Status decode_strings(Column& column, uint64_t rows, Source& source) {
    if (rows > source.cursor().remaining()) return TRY(source.bytes(rows))
    , Status();
    TRY(source.charge(rows * sizeof(uint64_t)));
    column.offsets.resize(rows);
    for (uint64_t row = 0; row < rows; ++row) {
        std::string_view value = TRY(source.string());
        column.data.append(value.data(), value.size());
        column.offsets[row] = column.data.size();
    }
    return source.charge(column.data.size());
}

Status decode_fixed(const ChType& type, Column& column, uint64_t rows, Source& source) {
    std::string_view raw = TRY(source.array(rows, type.width()));
    TRY(source.charge(raw.size()));
    column.data.append(raw.data(), raw.size());
    return {};
}

Status decode_offsets(Column& column, uint64_t rows, Source& source) {
    std::string_view raw = TRY(source.array(rows, sizeof(uint64_t)));
    TRY(source.charge(raw.size()));
    column.offsets.resize(rows);
    if (rows != 0) std::memcpy(column.offsets.data(), raw.data(), raw.size());
    if (!std::is_sorted(column.offsets.begin(), column.offsets.end()))
        return Error(ErrorCode::kMalformedData, "array offsets go backwards");
    return {};
}

Result<uint64_t> index_at(std::string_view raw, size_t width, uint64_t row) {
    const char* at = raw.data() + row * width;
    switch (width) {
        case 1:
            return load_little<uint8_t>(at);
        case 2:
            return load_little<uint16_t>(at);
        case 4:
            return load_little<uint32_t>(at);
        default:
            return load_little<uint64_t>(at);
    }
}

Status decode_low_cardinality(const ChType& type, Column& column, uint64_t rows, Source& source) {
    auto flags = TRY(source.fixed<uint64_t>());
    if ((flags & kNeedGlobalDictionary) != 0 || (flags & kHasAdditionalKeys) == 0 ||
        (flags & 0xff) > 3)
        return Error(ErrorCode::kUnsupportedType, "LowCardinality with a shared dictionary");
    auto key_count = TRY(source.fixed<uint64_t>());
    bool nullable = column.has_nulls();
    const types::ChTypePtr& inner = type.children[0];
    const types::ChTypePtr& key_type =
        inner->kind == ChKind::kNullable ? inner->children[0] : inner;
    Column keys(key_type);
    TRY(decode_data(*key_type, keys, key_count, source));
    keys.rows = key_count;
    if (TRY(source.fixed<uint64_t>()) != rows)
        return Error(ErrorCode::kMalformedData, "LowCardinality with another number of rows");
    size_t width = size_t{1} << (flags & 0xff);
    std::string_view raw = TRY(source.array(rows, width));
    for (uint64_t row = 0; row < rows; ++row) {
        uint64_t index = TRY(index_at(raw, width, row));
        if (index >= key_count)
            return Error(ErrorCode::kMalformedData, "LowCardinality index beyond its dictionary");
        if (nullable && index == 0) {
            column.append_null();
        } else if (key_type->width() == 0) {
            TRY(source.charge(keys.string(index).size() + sizeof(uint64_t)));
            column.append_string(keys.string(index));
        } else {
            TRY(source.charge(key_type->width()));
            column.data.append(keys.data.data() + index * key_type->width(), key_type->width());
            if (nullable) column.nulls.push_back(0);
            ++column.rows;
        }
    }
    return {};
}

Status decode_variant(const ChType& type, Column& column, uint64_t rows, Source& source) {
    std::string_view raw = TRY(source.array(rows, 1));
    TRY(source.charge(rows * 9));
    column.data.append(raw.data(), raw.size());
    std::vector<uint64_t> counts(type.children.size());
    for (char byte : raw) {
        auto alternative = static_cast<uint8_t>(byte);
        if (alternative == types::kVariantNull) {
            column.offsets.push_back(0);
            continue;
        }
        if (alternative >= counts.size())
            return Error(ErrorCode::kMalformedData, "Variant discriminator beyond its types");
        column.offsets.push_back(counts[alternative]++);
    }
    for (size_t i = 0; i < counts.size(); ++i)
        TRY(decode_data(*type.children[i], column.children[i], counts[i], source));
    return {};
}

Status decode_shape(const ChType& type, Column& column, uint64_t rows, Source& source) {
    switch (type.kind) {
        case ChKind::kNullable: {
            std::string_view raw = TRY(source.array(rows, 1));
            TRY(source.charge(rows));
            column.nulls.append(raw.data(), raw.size());
            return decode_data(*type.children[0], column, rows, source);
        }
        case ChKind::kSimpleAggregateFunction:
            return decode_data(*type.children[0], column, rows, source);
        case ChKind::kLowCardinality:
            return rows == 0 ? Status() : decode_low_cardinality(type, column, rows, source);
        case ChKind::kJson:
        case ChKind::kString:
            return decode_strings(column, rows, source);
        case ChKind::kArray:
        case ChKind::kMap: {
            TRY(decode_offsets(column, rows, source));
            uint64_t elements = rows == 0 ? 0 : column.offsets.back();
            for (size_t i = 0; i < type.children.size(); ++i)
                TRY(decode_data(*type.children[i], column.children[i], elements, source));
            return {};
        }
        case ChKind::kTuple:
            if (type.children.empty()) TRY(source.array(rows, 1));
            for (size_t i = 0; i < type.children.size(); ++i)
                TRY(decode_data(*type.children[i], column.children[i], rows, source));
            return {};
        case ChKind::kVariant:
            return decode_variant(type, column, rows, source);
        case ChKind::kNothing:
            TRY(source.array(rows, 1));
            return {};
        default:
            break;
    }
    if (type.width() == 0) return unsupported(type);
    return decode_fixed(type, column, rows, source);
}

Status decode_data(const ChType& type, Column& column, uint64_t rows, Source& source) {
    TRY(decode_shape(type, column, rows, source));
    column.rows = rows;
    return {};
}

// A sparse column: for each value that is not the default, how many defaults precede it; the last
// number, marked by a bit, counts those at the end. Then the values, as a column of their own.
Status decode_sparse(const ChType& type, Column& column, uint64_t rows, Source& source) {
    constexpr uint64_t kEndOfGranule = uint64_t{1} << 62;
    std::vector<uint64_t> positions;
    uint64_t row = 0;
    for (;;) {
        uint64_t group = TRY(source.varint());
        bool last = (group & kEndOfGranule) != 0;
        group &= ~kEndOfGranule;
        if (group > rows - row)
            return Error(ErrorCode::kMalformedData, "sparse column is longer than its block");
        row += group;
        if (last) break;
        if (row == rows)
            return Error(ErrorCode::kMalformedData, "sparse column is longer than its block");
        TRY(source.charge(sizeof(uint64_t)));
        positions.push_back(row++);
    }
    if (row != rows) return Error(ErrorCode::kMalformedData, "sparse column ends early");
    Column values(column.type);
    TRY(decode_data(type, values, positions.size(), source));
    TRY(source.charge(rows * std::max<size_t>(type.width(), sizeof(uint64_t))));
    size_t next = 0;
    for (row = 0; row < rows; ++row) {
        if (next < positions.size() && positions[next] == row)
            column.append_from(values, next++);
        else
            column.append_default();
    }
    return {};
}

Status decode_laid_out(const ChType& type, const Layout& layout, Column& column, uint64_t rows,
                       Source& source) {
    if (layout.sparse) return decode_sparse(type, column, rows, source);
    if (layout.elements.empty()) return decode_data(type, column, rows, source);
    for (size_t i = 0; i < type.children.size(); ++i)
        TRY(decode_laid_out(*type.children[i], layout.elements[i], column.children[i], rows,
                            source));
    column.rows = rows;
    return {};
}

Status decode_block_info(Source& source) {
    for (;;) {
        switch (TRY(source.varint())) {
            case 0:
                return {};
            case 1:
                TRY(source.fixed<uint8_t>());
                break;
            case 2:
                TRY(source.fixed<int32_t>());
                break;
            case 3: {  // out of order buckets
                uint64_t count = TRY(source.varint());
                TRY(source.array(count, sizeof(int32_t)));
                break;
            }
            default:
                return Error(ErrorCode::kMalformedData, "unknown field of the block header");
        }
    }
}

}  // namespace

Status BlockDecoder::decode_header(Source& source) {
    if (revision_ > 0) TRY(decode_block_info(source));
    uint64_t columns = TRY(source.varint());
    rows_ = TRY(source.varint());
    if (columns > limits_.columns_max || rows_ > limits_.rows_max)
        return Error(ErrorCode::kLimitExceeded, "block of " + std::to_string(columns) +
                                                    " columns and " + std::to_string(rows_) +
                                                    " rows");
    columns_ = columns;
    have_header_ = true;
    return {};
}

Status BlockDecoder::decode_column(Source& source) {
    std::string name(TRY(source.string()));
    std::string_view type_name = TRY(source.string());
    types::ChTypePtr type = TRY(types::parse_clickhouse_type(type_name));
    Layout layout;
    if (revision_ >= kRevisionCustomSerialization && TRY(source.fixed<uint8_t>()) != 0)
        layout = TRY(decode_layout(*type, source).context("column \"" + name + "\""));
    Column column(type);
    if (rows_ > 0) {
        TRY(decode_prefix(*type, source).context("column \"" + name + "\""));
        TRY(decode_laid_out(*type, layout, column, rows_, source)
                .context("column \"" + name + "\""));
    }
    bytes_ += column.byte_size();
    block_.columns.push_back({std::move(name), std::move(column)});
    return {};
}

Result<types::Block> BlockDecoder::decode(ByteCursor& cursor) {
    ByteCursor done = cursor;
    while (!have_header_ || block_.columns.size() < columns_) {
        Source source(cursor, limits_.bytes_max - std::min(bytes_, limits_.bytes_max));
        Status status = have_header_ ? decode_column(source) : decode_header(source);
        if (!status.ok()) {
            wanted_ = source.wanted();
            cursor = done;
            return std::move(status).error();
        }
        done = cursor;
    }
    types::Block block = std::move(block_);
    reset();
    return block;
}

void BlockDecoder::reset() {
    block_ = {};
    columns_ = 0;
    rows_ = 0;
    bytes_ = 0;
    wanted_ = 1;
    have_header_ = false;
}

Result<types::Block> decode_block(ByteCursor& cursor, uint64_t revision,
                                  const DecodeLimits& limits) {
    return BlockDecoder(revision, limits).decode(cursor);
}

}  // namespace tandem::clickhouse
