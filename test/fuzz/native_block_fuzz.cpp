// Native blocks: any bytes give a block that is consistent and can be sent again, or an error, with
// no more memory than the limit allows.
// The seeds are the blocks recorded from a real server in test/conformance/vectors. Every input is
// read as of both ends of the range of revisions, in two pieces.
#include <cstdlib>
#include <string_view>

#include "clickhouse/codec/block.h"
#include "clickhouse/codec/value_text.h"

namespace tandem::clickhouse {
namespace {

constexpr DecodeLimits kLimits{.columns_max = 1000, .rows_max = 100'000, .bytes_max = 16 << 20};

void check(const types::Block& block, uint64_t revision) {
    for (const types::NamedColumn& named : block.columns) {
        if (!named.column.consistent()) std::abort();
        types::Bytes text;
        for (size_t row = 0; row < named.column.rows && text.size() < 10'000; ++row)
            append_value_text(named.column, row, TextForm::kQuoted, text);
    }
    types::Bytes bytes;
    if (!encode_block(block, revision, bytes).ok()) return;
    ByteCursor cursor(bytes.view());
    auto back =
        decode_block(cursor, revision, {.columns_max = SIZE_MAX, .bytes_max = size_t{1} << 30});
    if (!back.ok() || !cursor.empty() || back->rows() != block.rows()) std::abort();
}

// As from a network: what the first call took need not be shown again.
void decode(std::string_view input, uint64_t revision) {
    BlockDecoder decoder(revision, kLimits);
    ByteCursor first(input.substr(0, input.size() / 2));
    auto block = decoder.decode(first);
    if (!block.ok() && block.error().code() == ErrorCode::kWouldBlock) {
        if (decoder.wanted() == 0) std::abort();
        input.remove_prefix(first.offset());
        ByteCursor second(input);
        block = decoder.decode(second);
    }
    if (block.ok()) check(*block, revision);
}

}  // namespace
}  // namespace tandem::clickhouse

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view input(reinterpret_cast<const char*>(data), size);
    for (uint64_t revision : {uint64_t{0}, tandem::clickhouse::kRevisionNewest})
        tandem::clickhouse::decode(input, revision);
    return 0;
}
