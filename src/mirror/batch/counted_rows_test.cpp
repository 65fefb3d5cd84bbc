// Rows of a table without a key, counted.
#include <gtest/gtest.h>

#include "mirror/batch/table_batch.h"
#include "mirror/batch/test_rows.h"

namespace tandem::mirror {
namespace {

using postgres::OldTuple;
using test_rows::Row;

TablePtr without_key() {
    auto table = std::make_shared<Table>(*test_rows::make_table());
    table->key.clear();
    for (TableColumn& column : table->columns) column.key_position = 0;
    return table;
}

class CountedRows : public testing::Test {
  protected:
    CountedRows() {
        for (const TableColumn& column : layout_.table->columns)
            converters_.emplace_back(column.mapping);
    }

    Version at(uint64_t commit) { return Version::of_change(Lsn{commit}, ++change_); }
    void insert(Row row, uint64_t commit = 10) {
        ASSERT_TRUE(rows_.insert(row.get(), at(commit)).ok());
    }
    void remove(Row row, uint64_t commit = 10) {
        ASSERT_TRUE(rows_.remove(row.get(), at(commit)).ok());
    }
    Status update(Row old, Row row, uint64_t commit = 10) {
        return rows_.update({{}, test_rows::kTable, OldTuple::full, old.get(), row.get()},
                            at(commit));
    }
    static const types::Column& column(const types::Block& block, std::string_view name) {
        for (const types::NamedColumn& one : block.columns)
            if (one.name == name) return one.column;
        ADD_FAILURE() << "no column " << name;
        return block.columns[0].column;
    }
    // key:number:large, in the delta with the count; each with its commit.
    static std::string text(const types::Block& block, bool delta) {
        std::string text;
        for (size_t i = 0; i < block.rows(); ++i) {
            text += text.empty() ? "" : " ";
            text += std::to_string(block.columns[0].column.fixed<int>(i)) + ":" +
                    std::to_string(block.columns[1].column.fixed<int>(i)) + ":" +
                    std::string(block.columns[2].column.string(i));
            if (delta) text += "*" + std::to_string(column(block, kCountColumn).fixed<int64_t>(i));
            text += "@" + std::to_string(column(block, kFromColumn).fixed<uint64_t>(i));
        }
        return text;
    }
    PlacedRows placed() {
        rows_.close();
        return rows_.place({.holds = DeltaKeys::Holds::anything});
    }

    WireLayout layout_{without_key(), {0, 1, 2}};
    std::vector<types::Converter> converters_;
    TableBatch rows_{layout_, converters_};
    uint64_t change_ = 0;
};

TEST_F(CountedRows, come_to_main_one_by_one) {
    insert(Row(1, 1, "a"));
    insert(Row(1, 1, "a"));
    PlacedRows placed = this->placed();
    EXPECT_EQ(text(placed.main, false), "1:1:a@10 1:1:a@10");
    EXPECT_EQ(placed.delta.rows(), 0U);
    const types::Column& kinds = column(placed.main, kRowColumn);
    EXPECT_EQ(kinds.fixed<types::UInt128>(0), kinds.fixed<types::UInt128>(1));
}

TEST_F(CountedRows, go_as_one_row_with_how_many) {
    remove(Row(1, 1, "a"));
    remove(Row(2, 1, "a"));
    remove(Row(1, 1, "a"));
    insert(Row(3, 1, "a"));
    PlacedRows placed = this->placed();
    EXPECT_EQ(text(placed.main, false), "3:1:a@10");
    EXPECT_EQ(text(placed.delta, true), "1:1:a*-2@10 2:1:a*-1@10");
    EXPECT_EQ(placed.delta_keys.size(), 2U);
    EXPECT_EQ(column(placed.delta, kDeletedColumn).fixed<uint8_t>(0), 1);
}

TEST_F(CountedRows, that_came_and_went_in_one_transaction_are_not_written) {
    insert(Row(1, 1, "a"));
    ASSERT_TRUE(update(Row(1, 1, "a"), Row(1, 2, "a")).ok());
    ASSERT_TRUE(update(Row(1, 2, "a"), Row(1, 2, "a")).ok());
    remove(Row(1, 2, "a"));
    remove(Row(5, 5, ""));
    insert(Row(5, 5, ""));
    insert(Row(5, 5, ""));
    PlacedRows placed = this->placed();
    EXPECT_EQ(text(placed.main, false), "5:5:@10");
    EXPECT_EQ(placed.delta.rows(), 0U);
}

// A reader between the two transactions sees it.
TEST_F(CountedRows, that_came_in_one_transaction_and_went_in_another_are_both_written) {
    insert(Row(1, 1, "a"), 10);
    remove(Row(1, 1, "a"), 20);
    insert(Row(1, 1, "a"), 30);
    PlacedRows placed = this->placed();
    EXPECT_EQ(text(placed.main, false), "1:1:a@10 1:1:a@30");
    EXPECT_EQ(text(placed.delta, true), "1:1:a*-1@20");
}

TEST_F(CountedRows, take_large_values_from_the_old_row) {
    ASSERT_TRUE(update(Row(1, 1, "large"), Row(1, 2, "").without_large()).ok());
    PlacedRows placed = this->placed();
    EXPECT_EQ(text(placed.main, false), "1:2:large@10");
    EXPECT_EQ(text(placed.delta, true), "1:1:large*-1@10");
}

TEST_F(CountedRows, are_refused_when_the_old_row_is_not_there) {
    Row row(1, 2, "");
    EXPECT_FALSE(rows_.update({{}, test_rows::kTable, OldTuple::none, {}, row.get()}, at(10)).ok());
}

}  // namespace
}  // namespace tandem::mirror
