// Properties of the block codec, over generated types and values.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "clickhouse/codec/block.h"

namespace tandem::clickhouse {
namespace {

using types::ChKind;
using types::Column;

constexpr const char* kValueTypes[] = {
    "Int8",      "Int16",         "Int64",   "Int128",          "Int256",
    "UInt8",     "UInt32",        "UInt256", "Float32",         "Float64",
    "BFloat16",  "Bool",          "String",  "FixedString(3)",  "Date",
    "Date32",    "DateTime",      "UUID",    "DateTime64(6)",   "Time",
    "Time64(3)", "Decimal(9, 2)", "IPv4",    "Decimal(38, 10)", "Decimal(76, 20)",
    "IPv6",      "IntervalDay",   "Nothing", "Enum8('a' = 1)",  "Enum16('a' = 300)",
};
constexpr const char* kLowCardinalityTypes[] = {"String", "FixedString(3)", "Int64", "Date",
                                                "UUID"};

std::string pick(const char* const* from, size_t count) {
    return from[*rc::gen::inRange<size_t>(0, count)];
}

std::string any_type(int depth) {
    switch (*rc::gen::inRange(0, depth == 0 ? 5 : 10)) {
        case 0:
        case 1:
            return pick(kValueTypes, std::size(kValueTypes));
        case 2:
            return "Nullable(" + pick(kValueTypes, std::size(kValueTypes)) + ")";
        case 3:
            return "LowCardinality(" + pick(kLowCardinalityTypes, std::size(kLowCardinalityTypes)) +
                   ")";
        case 4:
            return "LowCardinality(Nullable(" +
                   pick(kLowCardinalityTypes, std::size(kLowCardinalityTypes)) + "))";
        case 5:
            return *rc::gen::element<std::string>("JSON", "Dynamic", "Tuple()", "Point");
        case 6:
            return "Array(" + any_type(depth - 1) + ")";
        case 7:
            return "Map(String, " + any_type(depth - 1) + ")";
        case 8:
            return "Tuple(" + any_type(depth - 1) + ", " + any_type(depth - 1) + ")";
        default:
            return "Variant(String, Array(" + any_type(depth - 1) + "))";
    }
}

void append_any(Column& column);

void append_any_variant(Column& column) {
    size_t alternative = *rc::gen::inRange<size_t>(0, column.children.size() + 1);
    if (alternative == column.children.size()) return column.append_null();
    append_any(column.children[alternative]);
    column.finish_variant(static_cast<uint8_t>(alternative));
}

void append_any_elements(Column& column) {
    for (int left = *rc::gen::inRange(0, 4); left != 0; --left)
        for (Column& child : column.children) append_any(child);
    column.finish_array();
}

// Few different values, so that dictionaries have something to find.
void append_any(Column& column) {
    bool nullable = column.has_nulls();
    if (nullable && *rc::gen::inRange(0, 3) == 0) return column.append_null();
    switch (column.value_kind()) {
        case ChKind::kString:
        case ChKind::kJson:
        case ChKind::kDynamic: {
            std::string value = *rc::gen::container<std::string>(rc::gen::element('a', 'b', '\0'));
            return column.append_string(value);
        }
        case ChKind::kArray:
        case ChKind::kMap:
            return append_any_elements(column);
        case ChKind::kTuple:
            for (Column& child : column.children) append_any(child);
            return column.finish_tuple();
        case ChKind::kVariant:
            return append_any_variant(column);
        default:
            break;
    }
    char* to = column.data.extend(column.value_width());
    for (size_t i = 0; i < column.value_width(); ++i) to[i] = *rc::gen::element('\0', '\1', '\xff');
    if (nullable) column.nulls.push_back(0);
    ++column.rows;
}

types::Block any_block() {
    types::Block block;
    const auto rows = *rc::gen::inRange<size_t>(0, 20);
    const auto columns = *rc::gen::inRange(1, 4);
    for (int i = 0; i < columns; ++i) {
        Column column(MUST(types::parse_clickhouse_type(any_type(2))));  // generated as valid
        while (column.rows < rows) append_any(column);
        RC_ASSERT(column.consistent());
        block.columns.push_back({"c" + std::to_string(i), std::move(column)});
    }
    return block;
}

uint64_t any_revision() {
    return *rc::gen::element<uint64_t>(0, kRevisionOldest, 54453, 54454, kRevisionNewest);
}

bool equal(const Column& a, const Column& b) {
    if (a.rows != b.rows || a.type->name != b.type->name) return false;
    if (a.data.view() != b.data.view() || a.nulls.view() != b.nulls.view()) return false;
    if (a.offsets != b.offsets || a.children.size() != b.children.size()) return false;
    for (size_t i = 0; i < a.children.size(); ++i)
        if (!equal(a.children[i], b.children[i])) return false;
    return true;
}

}  // namespace

RC_GTEST_PROP(native_block, comes_back_as_it_was_encoded, ()) {
    types::Block block = any_block();
    uint64_t revision = any_revision();
    types::Bytes bytes;
    Status encoded = encode_block(block, revision, bytes);
    RC_ASSERT(encoded.ok());
    ByteCursor cursor(bytes.view());
    auto back = decode_block(cursor, revision);
    RC_ASSERT(back.ok());
    RC_ASSERT(cursor.empty());
    RC_ASSERT(back->columns.size() == block.columns.size());
    for (size_t i = 0; i < block.columns.size(); ++i) {
        RC_ASSERT(back->columns[i].name == block.columns[i].name);
        RC_ASSERT(back->columns[i].column.consistent());
        RC_ASSERT(equal(back->columns[i].column, block.columns[i].column));
    }
}

RC_GTEST_PROP(native_block, wants_more_at_every_prefix_and_never_too_much, ()) {
    types::Block block = any_block();
    uint64_t revision = any_revision();
    types::Bytes bytes;
    RC_ASSERT(encode_block(block, revision, bytes).ok());
    size_t cut = *rc::gen::inRange<size_t>(0, bytes.size());
    BlockDecoder decoder(revision);
    ByteCursor part(bytes.view().substr(0, cut));
    auto early = decoder.decode(part);
    RC_ASSERT(!early.ok());
    RC_ASSERT(early.error().code() == ErrorCode::kWouldBlock);
    RC_ASSERT(decoder.wanted() >= 1);
    RC_ASSERT(decoder.wanted() <= bytes.size() - cut);
    ByteCursor rest(bytes.view().substr(part.offset()));
    auto whole = decoder.decode(rest);
    RC_ASSERT(whole.ok());
    RC_ASSERT(rest.empty());
}

RC_GTEST_PROP(native_block, with_a_changed_byte_is_consistent_or_an_error, ()) {
    types::Block block = any_block();
    types::Bytes bytes;
    RC_ASSERT(encode_block(block, kRevisionNewest, bytes).ok());
    bytes[*rc::gen::inRange<size_t>(0, bytes.size())] = *rc::gen::arbitrary<char>();
    ByteCursor cursor(bytes.view());
    auto back = decode_block(cursor, kRevisionNewest, {.bytes_max = 1 << 20});
    if (!back.ok()) return;
    for (const types::NamedColumn& named : back->columns) RC_ASSERT(named.column.consistent());
}

}  // namespace tandem::clickhouse
