#include "clickhouse/client/client.h"

#include <algorithm>

#include "clickhouse/client/arrange.h"

namespace tandem::clickhouse {
namespace {

// Offsets count characters in a String, rows of the first child in an Array or Map.
size_t content_end(const types::Column& column) {
    return column.children.empty() ? column.data.size() : column.children[0].rows;
}

void append_column(types::Column& to, const types::Column& from) {
    const size_t base = content_end(to);
    to.offsets.reserve(to.offsets.size() + from.offsets.size());
    for (const uint64_t offset : from.offsets) to.offsets.push_back(base + offset);
    to.data.append(from.data.data(), from.data.size());
    to.nulls.append(from.nulls.data(), from.nulls.size());
    for (size_t i = 0; i < from.children.size(); ++i)
        append_column(to.children[i], from.children[i]);
    to.rows += from.rows;
}

bool same_order(const types::Block& header, const types::Block& block) {
    return std::equal(header.columns.begin(), header.columns.end(), block.columns.begin(),
                      block.columns.end(),
                      [](const auto& a, const auto& b) { return a.name == b.name; });
}

}  // namespace

void append_block(types::Block& to, const types::Block& from) {
    if (to.columns.empty()) {
        to = from;
        return;
    }
    TANDEM_ASSERT(to.columns.size() == from.columns.size(), "blocks of different columns");
    for (size_t i = 0; i < from.columns.size(); ++i)
        append_column(to.columns[i].column, from.columns[i].column);
}

Result<types::Block> select_all(Client& client, const Query& query, size_t bytes_max) {
    types::Block whole;
    size_t bytes = 0;
    TRY(client.select(query, [&](types::Block&& block) -> Status {
        bytes += block.byte_size();
        if (bytes > bytes_max)
            return Error(ErrorCode::kLimitExceeded,
                         "the result is larger than " + std::to_string(bytes_max) + " bytes");
        if (whole.columns.empty())
            whole = std::move(block);
        else
            append_block(whole, block);
        return {};
    }));
    return whole;
}

Result<const types::Block*> arrange_like(const types::Block& header, const types::Block& block,
                                         types::Block& arranged) {
    if (same_order(header, block)) return &block;
    if (header.columns.size() != block.columns.size())
        return Error(ErrorCode::kInvalidArgument,
                     "the insert takes " + std::to_string(header.columns.size()) +
                         " columns, the block has " + std::to_string(block.columns.size()));
    for (const types::NamedColumn& wanted : header.columns) {
        const auto found =
            std::find_if(block.columns.begin(), block.columns.end(),
                         [&](const auto& column) { return column.name == wanted.name; });
        if (found == block.columns.end())
            return Error(ErrorCode::kInvalidArgument,
                         "the insert takes a column \"" + wanted.name + "\", the block has none");
        arranged.columns.push_back(*found);
    }
    return &arranged;
}

void add(Progress& sum, const Progress& delta) {
    sum.rows_read += delta.rows_read;
    sum.bytes_read += delta.bytes_read;
    sum.rows_total += delta.rows_total;
    sum.rows_written += delta.rows_written;
    sum.bytes_written += delta.bytes_written;
    sum.elapsed_ns += delta.elapsed_ns;
}

}  // namespace tandem::clickhouse
