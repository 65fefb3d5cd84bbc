#include "mirror/store/json_columns.h"

#include <gtest/gtest.h>

#include "types/oid.h"

namespace tandem::mirror {
namespace {

TableColumn column(int16_t attnum, const std::string& name, uint32_t type) {
    TableColumn result;
    result.attnum = attnum;
    result.name = result.target_name = name;
    result.type = Oid{type};
    result.source_type = MUST(types::builtin_type(Oid{type}));  // a type of the table
    result.mapping = MUST(types::map_type(result.source_type));
    return result;
}

Table table() {
    Table table;
    table.schema = "public";
    table.name = "t";
    table.columns = {column(1, "id", types::oid::kInt4), column(3, "doc", types::oid::kJsonb)};
    table.json_keys = {{3, "a", "_tandem_key_3_a", "_tandem_kind_3_a", true},
                       {3, "b", "_tandem_key_3_b", "_tandem_kind_3_b", false}};
    return table;
}

types::Block rows(std::initializer_list<const char*> documents) {
    types::Block block;
    block.columns.push_back({"doc", types::Column(table().columns[1].mapping.type)});
    for (const char* document : documents) {
        if (document == nullptr)
            block.columns[0].column.append_null();
        else
            block.columns[0].column.append_string(document);
    }
    return block;
}

TEST(json_columns, are_made_of_the_documents_of_a_block) {
    types::Block block = rows({R"({"a": "x", "b": null})", nullptr, R"(["b"])"});
    ASSERT_TRUE(append_json_columns(table(), block).ok());
    std::vector<std::string> names;
    append_json_names(table(), names);
    ASSERT_EQ(block.columns.size(), 5U);
    for (size_t i = 0; i < 4; ++i)
        EXPECT_NE(std::find(names.begin(), names.end(), block.columns[i + 1].name), names.end());
    EXPECT_EQ(block.columns[1].name, "_tandem_key_3_a");
    EXPECT_EQ(block.columns[1].column.type->name, "LowCardinality(Nullable(String))");
    EXPECT_EQ(block.columns[1].column.string(0), "x");
    EXPECT_TRUE(block.columns[1].column.is_null(1));
    EXPECT_TRUE(block.columns[2].column.is_null(0));
    const types::Column& kinds = block.columns[4].column;  // of b
    EXPECT_EQ(kinds.fixed<uint8_t>(0), 1);
    EXPECT_EQ(kinds.fixed<uint8_t>(1), 8);
    EXPECT_EQ(kinds.fixed<uint8_t>(2), 7);
}

TEST(json_columns, are_left_out_where_the_document_is) {
    types::Block block;
    ASSERT_TRUE(append_json_columns(table(), block).ok());
    EXPECT_TRUE(block.columns.empty());
}

TEST(json_columns, fail_the_rows_whose_document_is_none) {
    types::Block block = rows({R"({"a": "x"})", "{\"a\": "});
    Status done = append_json_columns(table(), block);
    ASSERT_FALSE(done.ok());
    EXPECT_EQ(done.error().code(), ErrorCode::kMalformedData);
    EXPECT_EQ(block.columns.size(), 1U);
}

TEST(json_columns, are_named_by_document) {
    std::vector<std::string> names;
    append_json_names(table(), names, int16_t{1});
    EXPECT_TRUE(names.empty());
    append_json_names(table(), names, int16_t{3});
    EXPECT_EQ(names.size(), 4U);
}

}  // namespace
}  // namespace tandem::mirror
