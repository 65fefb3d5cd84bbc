#include "mirror/batch/table_batch.h"

#include <gtest/gtest.h>

#include "mirror/batch/test_rows.h"

namespace tandem::mirror {
namespace {

using postgres::OldTuple;
using test_rows::Row;

class TableBatchTest : public testing::Test {
  protected:
    void SetUp() override {
        for (const TableColumn& column : layout_.table->columns)
            converters_.emplace_back(column.mapping);
    }

    Version at(uint64_t commit) { return Version::of_change(Lsn{commit}, ++change_); }
    void insert(Row row, uint64_t commit = 10) {
        ASSERT_TRUE(rows_.insert(row.get(), at(commit)).ok());
    }
    void update(Row row, uint64_t commit = 10) {
        ASSERT_TRUE(
            rows_.update({{}, test_rows::kTable, OldTuple::none, {}, row.get()}, at(commit)).ok());
    }
    void move(Row old, Row row, uint64_t commit = 10) {
        ASSERT_TRUE(
            rows_.update({{}, test_rows::kTable, OldTuple::key, old.key(), row.get()}, at(commit))
                .ok());
    }
    void remove(int key, uint64_t commit = 10) {
        ASSERT_TRUE(rows_.remove(Row(key, 0, "").key(), at(commit)).ok());
    }
    PlacedRows placed(DeltaKeys::Holds holds = DeltaKeys::Holds::nothing) {
        rows_.close();
        return rows_.place({.holds = holds});
    }
    // key:number:large of each row, a tombstone as -key.
    static std::string text(const types::Block& block, bool delta) {
        std::string text;
        for (size_t i = 0; i < block.rows(); ++i) {
            int key = block.columns[0].column.fixed<int>(i);
            bool gone = false;
            for (const auto& column : block.columns)
                if (delta && column.name == kDeletedColumn) gone = column.column.fixed<uint8_t>(i);
            text += text.empty() ? "" : " ";
            text += gone ? "-" + std::to_string(key)
                         : std::to_string(key) + ":" +
                               std::to_string(block.columns[1].column.fixed<int>(i)) + ":" +
                               std::string(block.columns[2].column.string(i));
        }
        return text;
    }

    WireLayout layout_{test_rows::make_table(), {0, 1, 2}};
    std::vector<types::Converter> converters_;
    TableBatch rows_{layout_, converters_};
    uint64_t change_ = 0;
};

TEST_F(TableBatchTest, sends_new_rows_to_main_and_changed_ones_to_the_delta) {
    insert(Row(1, 10, "a"));
    update(Row(2, 20, "b"));
    remove(3);
    PlacedRows placed = this->placed();
    EXPECT_EQ(text(placed.main, false), "1:10:a");
    EXPECT_EQ(text(placed.delta, true), "2:20:b -3");
    EXPECT_EQ(placed.delta_keys.size(), 2U);
}

TEST_F(TableBatchTest, sends_few_new_rows_along_to_the_delta_but_not_alone) {
    insert(Row(1, 10, "a"));
    insert(Row(4, 40, "d"));
    remove(3);
    rows_.close();
    PlacedRows placed = rows_.place({.holds = DeltaKeys::Holds::nothing}, 3);
    EXPECT_EQ(placed.main.rows(), 0U);
    EXPECT_EQ(text(placed.delta, true), "-3 1:10:a 4:40:d");
    EXPECT_EQ(placed.delta_keys.size(), 3U);
}

TEST_F(TableBatchTest, keeps_new_rows_in_main_when_they_are_many_or_alone) {
    for (bool alone : {false, true}) {
        TableBatch rows{layout_, converters_};
        for (int key : {1, 4}) {
            Row row(key, 10, "a");
            ASSERT_TRUE(rows.insert(row.get(), at(10)).ok());
        }
        if (!alone) {
            ASSERT_TRUE(rows.remove(Row(3, 0, "").key(), at(10)).ok());
        }
        rows.close();
        PlacedRows placed = rows.place(
            {.holds = DeltaKeys::Holds::some, .contains = [](uint64_t) { return false; }},
            alone ? 9 : 1);
        EXPECT_EQ(placed.main.rows(), 2U);
        EXPECT_EQ(placed.delta.rows(), alone ? 0U : 1U);
    }
}

TEST_F(TableBatchTest, sends_all_to_the_delta_where_it_may_hold_anything) {
    insert(Row(1, 10, "a"));
    PlacedRows placed = this->placed(DeltaKeys::Holds::anything);
    EXPECT_EQ(placed.main.rows(), 0U);
    EXPECT_EQ(text(placed.delta, true), "1:10:a");
}

// Readers may be between the two transactions.
TEST_F(TableBatchTest, keeps_what_each_transaction_left_of_a_key) {
    insert(Row(1, 1, "a"));
    update(Row(1, 2, "b"));
    update(Row(1, 3, "c"), 20);
    insert(Row(2, 1, "x"));
    remove(2, 20);
    PlacedRows placed = this->placed();
    EXPECT_EQ(text(placed.main, false) + "; " + text(placed.delta, true), "1:2:b 2:1:x; 1:3:c -2");
    EXPECT_EQ(rows_.changes(), 5U);
}

TEST_F(TableBatchTest, takes_large_values_from_earlier_rows_of_the_batch) {
    insert(Row(1, 1, "large"));
    update(Row(1, 2, "").without_large());
    move(Row(1, 0, ""), Row(7, 3, "").without_large());
    EXPECT_EQ(rows_.pending(), 0U);
    PlacedRows placed = this->placed();
    std::string all = text(placed.main, false) + " " + text(placed.delta, true);
    EXPECT_NE(all.find("7:3:large"), std::string::npos) << all;
    EXPECT_EQ(all.find("1:"), std::string::npos) << all;
}

TEST_F(TableBatchTest, asks_for_large_values_that_are_not_in_the_batch) {
    update(Row(1, 2, "").without_large());
    update(Row(2, 5, "").without_large());
    update(Row(2, 6, "new"));  // needs nothing any more
    PlacedRows placed = this->placed();
    EXPECT_EQ(text(placed.delta, true), "2:6:new");
    ASSERT_EQ(rows_.pending(), 1U);
    EXPECT_EQ(rows_.missing_columns(), std::vector<size_t>{2});
    EXPECT_EQ(rows_.lookup_keys(0, 1).columns[0].column.fixed<int>(0), 1);
}

TEST_F(TableBatchTest, makes_a_tombstone_of_what_the_source_does_not_have) {
    update(Row(1, 2, "").without_large());
    static_cast<void>(this->placed());
    types::Block found = rows_.own_keys({});
    found.columns.push_back({"large", types::Column(layout_.table->columns[2].mapping.type)});
    types::Block out = rows_.empty_delta();
    const size_t rows[] = {0};
    ASSERT_TRUE(rows_.complete_from_source(rows, found, out).ok());
    EXPECT_EQ(text(out, true), "-1");
}

}  // namespace
}  // namespace tandem::mirror
