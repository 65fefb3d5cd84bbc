#include "mirror/schema/table_change.h"

#include <gtest/gtest.h>

#include "mirror/schema/source_types.h"

namespace tandem::mirror {
namespace {

using postgres::ColumnInfo;
using postgres::Relation;
using postgres::RelationColumn;
using postgres::TableInfo;

constexpr Oid kInt4{23}, kInt8{20}, kText{25}, kVarchar{1043};

postgres::TypeMap type_map() {
    postgres::TypeMap types;
    for (auto [oid, name] : {std::pair(kInt4, "int4"), std::pair(kInt8, "int8"),
                             std::pair(kText, "text"), std::pair(kVarchar, "varchar")}) {
        postgres::TypeInfo info;
        info.oid = oid;
        info.schema = "pg_catalog";
        info.name = name;
        types[oid] = info;
    }
    return types;
}

ColumnInfo column(int16_t attnum, std::string name, Oid type, bool not_null = false) {
    ColumnInfo info;
    info.attnum = attnum;
    info.name = std::move(name);
    info.type = type;
    info.not_null = not_null;
    return info;
}

// Table t (id int4 primary key, a int4, b text not null), the catalog and the message about it.
class TableChange : public ::testing::Test {
  protected:
    TableChange() {
        info_.oid = Oid{1};
        info_.schema = "public";
        info_.name = "t";
        info_.columns = {column(1, "id", kInt4, true), column(2, "a", kInt4),
                         column(3, "b", kText, true)};
        info_.primary_key = info_.identity_key = {1};
        table_ = MUST(map_table(info_, types_, {"tandem", "t"}));
        wire_ = {{"id", kInt4, -1, true}, {"a", kInt4, -1, false}, {"b", kText, -1, false}};
    }

    Result<Resolution> resolve() {
        Relation relation;
        relation.oid = Oid{1};
        relation.columns = wire_;
        return resolve_relation(table_, relation, info_, types_);
    }
    void expect_refused(ErrorCode code) {
        auto resolved = resolve();
        ASSERT_FALSE(resolved.ok());
        EXPECT_EQ(resolved.error().code(), code) << resolved.error().to_string();
    }

    postgres::TypeMap types_ = type_map();
    TableInfo info_;
    TablePtr table_;
    std::vector<RelationColumn> wire_;
};

TEST_F(TableChange, is_empty_when_nothing_changed) {
    auto resolved = resolve();
    ASSERT_TRUE(resolved.ok()) << resolved.error().to_string();
    EXPECT_TRUE(resolved->change.empty());
    EXPECT_EQ(resolved->layout.columns, (std::vector<int>{0, 1, 2}));
}

TEST_F(TableChange, adds_a_column_with_the_value_of_old_rows) {
    info_.columns.push_back(column(4, "c", kInt4));
    info_.columns.back().has_default = true;
    info_.columns.back().missing_value = "42";
    wire_.push_back({"c", kInt4, -1, false});
    auto resolved = resolve();
    ASSERT_TRUE(resolved.ok());
    ASSERT_EQ(resolved->change.added.size(), 1U);
    EXPECT_EQ(resolved->change.added[0].old_value, "42");
    EXPECT_EQ(resolved->layout.columns, (std::vector<int>{0, 1, 2, 3}));
}

TEST_F(TableChange, refuses_a_default_that_differs_from_row_to_row) {
    info_.columns.push_back(column(4, "c", kInt4));
    info_.columns.back().has_default = true;
    wire_.push_back({"c", kInt4, -1, false});
    expect_refused(ErrorCode::kSchemaChanged);
}

TEST_F(TableChange, ignores_a_column_of_an_old_message_that_was_dropped_since) {
    wire_.push_back({"gone", kInt4, -1, false});
    auto resolved = resolve();
    ASSERT_TRUE(resolved.ok());
    EXPECT_TRUE(resolved->change.empty());
    EXPECT_EQ(resolved->layout.columns, (std::vector<int>{0, 1, 2, -1}));
}

// A transaction that added a column and wrote to it, and waits for a synchronous standby.
TEST_F(TableChange, refuses_a_column_that_the_catalog_may_not_show_yet) {
    wire_.push_back({"c", kInt4, -1, false});
    Relation message;
    message.oid = Oid{1};
    message.columns = wire_;
    auto resolved = resolve_relation(table_, message, info_, types_, CatalogIs::behind);
    ASSERT_FALSE(resolved.ok());
    EXPECT_EQ(resolved.error().code(), ErrorCode::kSchemaChanged);
}

TEST_F(TableChange, tells_a_rename_by_the_column_number) {
    info_.columns[1].name = wire_[1].name = "renamed";
    auto resolved = resolve();
    ASSERT_TRUE(resolved.ok());
    ASSERT_EQ(resolved->change.renamed.size(), 1U);
    EXPECT_TRUE(resolved->change.added.empty());
    EXPECT_TRUE(resolved->change.dropped.empty());
}

TEST_F(TableChange, drops_a_column) {
    info_.columns.erase(info_.columns.begin() + 1);
    wire_.erase(wire_.begin() + 1);
    auto resolved = resolve();
    ASSERT_TRUE(resolved.ok());
    ASSERT_EQ(resolved->change.dropped.size(), 1U);
    EXPECT_EQ(resolved->change.after->columns.size(), 2U);
}

TEST_F(TableChange, makes_a_column_nullable) {
    info_.columns[2].not_null = false;
    auto resolved = resolve();
    ASSERT_TRUE(resolved.ok());
    ASSERT_EQ(resolved->change.retyped.size(), 1U);
    EXPECT_EQ(resolved->change.retyped[0].mapping.type->name, "Nullable(String)");
}

TEST_F(TableChange, takes_varchar_for_text_and_refuses_other_types) {
    info_.columns[2].type = wire_[2].type = kVarchar;
    EXPECT_TRUE(resolve().ok());
    info_.columns[1].type = wire_[1].type = kInt8;
    expect_refused(ErrorCode::kSchemaChanged);
}

// Dropped and added again before the message of the first one was read: by name it is the second
// one.
TEST_F(TableChange, refuses_a_new_column_behind_one_that_is_gone) {
    info_.columns.push_back(column(5, "c", kInt4));
    wire_.push_back({"c", kInt4, -1, false});
    expect_refused(ErrorCode::kSchemaChanged);
    Relation now;
    now.oid = Oid{1};
    now.columns = wire_;
    EXPECT_TRUE(resolve_relation(table_, now, info_, types_, CatalogIs::of_that_place).ok());
}

TEST_F(TableChange, refuses_a_new_column_behind_one_that_the_message_does_not_name) {
    info_.columns.push_back(column(4, "was_c", kInt4));
    info_.columns.push_back(column(5, "c", kInt4));
    wire_.push_back({"c", kInt4, -1, false});
    expect_refused(ErrorCode::kSchemaChanged);
}

TEST_F(TableChange, refuses_new_columns_that_exchanged_their_names) {
    info_.columns.push_back(column(4, "d", kInt4));
    info_.columns.push_back(column(5, "c", kInt4));
    wire_.push_back({"c", kInt4, -1, false});
    wire_.push_back({"d", kInt4, -1, false});
    expect_refused(ErrorCode::kSchemaChanged);
}

TEST_F(TableChange, adds_several_columns_by_and_by) {
    info_.columns.push_back(column(4, "c", kInt4));
    info_.columns.push_back(column(5, "d", kInt4));
    wire_.push_back({"c", kInt4, -1, false});
    auto resolved = resolve();
    ASSERT_TRUE(resolved.ok()) << resolved.error().to_string();
    EXPECT_EQ(resolved->change.added.size(), 1U);
}

TEST_F(TableChange, refuses_a_changed_key) {
    wire_[0].key = false;
    wire_[1].key = true;
    expect_refused(ErrorCode::kSchemaChanged);
}

}  // namespace
}  // namespace tandem::mirror
