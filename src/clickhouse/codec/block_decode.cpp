// The reading half of the Native format; docs/internals/formats/native-block.md has the layout.
//
// Everything here reads untrusted bytes. A count is checked against the bytes that are there before
// anything is allocated for it; what may grow beyond them is charged to the budget.
#include <algorithm>

#include "clickhouse/codec/block.h"
#include "clickhouse/codec/layout_decode.h"
#include "clickhouse/codec/wire.h"

namespace tandem::clickhouse {

using types::ChTypePtr;
using types::Column;

namespace {

// What the tree of a parsed type takes for each byte of its name, at most.
constexpr size_t kTypeCostPerByte = 64;

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
    auto what = [&name] { return "column \"" + name + "\""; };
    TRY(source.charge(type_name.size(), kTypeCostPerByte));
    ChTypePtr type = TRY(types::parse_clickhouse_type(type_name).context(what()));
    Column column(type);
    Layout layout;
    bool laid_out = revision_ >= kRevisionCustomSerialization && TRY(source.fixed<uint8_t>())
    != 0;
    if (laid_out) layout = TRY(decode_layout(*type, source).context(what()));
    if (rows_ > 0) {
        ColumnState state = TRY(decode_state(*type, source).context(what()));
        Status decoded = laid_out ? decode_laid_out(*type, layout, state, column, rows_, source)
                                  : decode_data(*type, state, column, rows_, source);
        TRY(std::move(decoded).context(what()));
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
