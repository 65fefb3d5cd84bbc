// How the applier goes on after errors. That what it writes is right is the simulation's business
// (test/sim).
#include "mirror/apply/applier.h"

#include <gtest/gtest.h>

#include <deque>
#include <latch>

#include "mirror/batch/test_rows.h"

namespace tandem::mirror {
namespace {

using test_rows::Row;

constexpr Oid kFirst{100};
constexpr Oid kSecond{200};
constexpr ApplyLimits kEachItsOwn{.main_rows_min = 0};

class ApplierTest : public testing::Test,
                    protected Destination,
                    protected SourceRows,
                    protected Catalog {
  protected:
    void SetUp() override {
        for (const TablePtr& table : {first_, second_}) book_.start({.table = table});
        book_.set_live(kFirst);
        book_.set_live(kSecond);
    }

    // A new row, which goes to main, and a deleted one, which goes to the delta.
    InsertStep rows_of(const TablePtr& table) {
        converters_.push_back({});
        for (const TableColumn& column : table->columns)
            converters_.back().emplace_back(column.mapping);
        InsertStep step;
        step.rows = std::make_unique<TableBatch>(WireLayout{table, {0, 1, 2}}, converters_.back());
        EXPECT_TRUE(step.rows->insert(Row(1, 1, "a").get(), Version::of_change(Lsn{10}, 1)).ok());
        EXPECT_TRUE(step.rows->remove(Row(2, 1, "").key(), Version::of_change(Lsn{10}, 2)).ok());
        step.rows->close();
        return step;
    }
    void start() {
        Batch batch;
        batch.confirm = Lsn{20};
        batch.steps.emplace_back(rows_of(first_));
        batch.steps.emplace_back(rows_of(second_));
        applier_.start(std::move(batch));
    }
    // The call that `fails_` names fails, once.
    Status call(const std::string& name) {
        MutexLock lock(mutex_);
        calls_ += calls_.empty() ? name : " " + name;
        if (name != fails_) return {};
        fails_.clear();
        return Error(code_, "as the test wants it");
    }
    static std::string number(const Table& table) { return std::to_string(table.relid.value); }

    Status insert_main(const Table& table, types::Block&) override {
        if (begun_ != nullptr) begun_->arrive_and_wait();
        return call("main" + number(table));
    }
    Status insert_delta(const Table& table, types::Block&, uint32_t) override {
        return call("delta" + number(table));
    }
    Status create_copy(const Table&) override { return call("copy"); }
    Status alter(const TableChange&) override { return call("alter"); }
    Result<types::Block> rows_by_key(const Table&, LookUp) override { return types::Block(); }
    Status wait_visible(std::span<const Xid>) override { return {}; }
    Result<Found> current_rows(const Table&, const types::Block&, std::span<const size_t>,
                               size_t) override {
        return Found();
    }
    Status record_look_up(const Table&, Lsn) override { return {}; }
    Status record_loss(const Table&, const Loss&, Lsn) override { return {}; }
    Status before_truncate(const Table&) override { return call("before_truncate"); }
    Status record_truncate(const Table&, Version, Xid) override { return call("truncate"); }
    Status record_delta_rows(const Table&) override { return {}; }
    Status before_leaf(const Table&, Oid) override { return {}; }
    Status record_leaf(const LeafStep&) override { return {}; }
    Status record_change(const TableChange&, Lsn) override { return call("change"); }
    Status record_failure(const Table& table, const Error&) override {
        return call("failure" + number(table));
    }

    TablePtr first_ = test_rows::make_table(kFirst);
    TablePtr second_ = test_rows::make_table(kSecond);
    std::deque<std::vector<types::Converter>> converters_;
    DeltaBook book_;
    Applier applier_{*this, *this, *this, book_, kEachItsOwn};
    Mutex mutex_;
    std::string calls_;
    std::string fails_;
    std::latch* begun_ = nullptr;
    ErrorCode code_ = ErrorCode::kClickHouseRetry;
};

TEST_F(ApplierTest, writes_every_table_once) {
    start();
    ASSERT_TRUE(applier_.run().ok());
    EXPECT_TRUE(applier_.done());
    EXPECT_EQ(calls_, "main100 delta100 main200 delta200");
}

TEST_F(ApplierTest, writes_few_new_rows_along_with_others_into_the_delta) {
    Applier applier(*this, *this, *this, book_);
    Batch batch;
    batch.steps.emplace_back(rows_of(first_));
    applier.start(std::move(batch));
    ASSERT_TRUE(applier.run().ok());
    EXPECT_EQ(calls_, "delta100");
    EXPECT_EQ(book_.rows(kFirst), 2U);
}

TEST_F(ApplierTest, goes_on_where_an_error_was_and_repeats_nothing_acknowledged) {
    fails_ = "delta100";
    start();
    ASSERT_FALSE(applier_.run().ok());
    EXPECT_FALSE(applier_.done());
    ASSERT_TRUE(applier_.run().ok());
    EXPECT_EQ(calls_, "main100 delta100 delta100 main200 delta200");
}

TEST_F(ApplierTest, fails_one_table_and_leaves_it_out_from_then_on) {
    fails_ = "main100";
    code_ = ErrorCode::kUnsupportedType;
    start();
    ASSERT_TRUE(applier_.run().ok());
    EXPECT_EQ(calls_, "main100 main200 delta200 failure100");
    EXPECT_EQ(applier_.take_failed(), std::vector<Oid>{kFirst});
    calls_.clear();
    start();
    ASSERT_TRUE(applier_.run().ok());
    EXPECT_EQ(calls_, "main200 delta200");
    EXPECT_TRUE(applier_.take_failed().empty());
}

TEST_F(ApplierTest, records_a_failure_before_it_goes_on) {
    Batch batch;
    batch.steps.emplace_back(FailStep{first_, Error(ErrorCode::kUnsupportedType, "x")});
    applier_.start(std::move(batch));
    fails_ = "failure100";
    ASSERT_FALSE(applier_.run().ok());
    EXPECT_FALSE(applier_.done()) << "the catalog does not know yet";
    ASSERT_TRUE(applier_.run().ok());
    EXPECT_EQ(calls_, "failure100 failure100");
}

// Each insert waits until the other table's has begun: it would wait for ever if one came after the
// other.
TEST_F(ApplierTest, writes_different_tables_at_once_and_waits_for_them_before_anything_else) {
    std::latch both{2};
    begun_ = &both;
    Destination* more[] = {this};
    Applier applier(*this, *this, *this, book_, kEachItsOwn, more);
    Batch batch;
    batch.steps.emplace_back(rows_of(first_));
    batch.steps.emplace_back(rows_of(second_));
    batch.steps.emplace_back(TruncateStep{first_, Version::of_change(Lsn{10}, 3), {}});
    fails_ = "delta200";
    applier.start(std::move(batch));
    ASSERT_FALSE(applier.run().ok());
    EXPECT_FALSE(applier.done());
    EXPECT_EQ(calls_.find("truncate"), std::string::npos);
    begun_ = nullptr;
    calls_.clear();
    ASSERT_TRUE(applier.run().ok());
    EXPECT_EQ(calls_.substr(calls_.find("delta200")), "delta200 before_truncate copy truncate");
    EXPECT_EQ(calls_.find("main"), std::string::npos) << "acknowledged";
}

TEST_F(ApplierTest, stops_the_chunks_makes_the_copy_and_then_records_a_truncate) {
    Batch batch;
    batch.steps.emplace_back(TruncateStep{first_, Version::of_change(Lsn{10}, 1), {}});
    applier_.start(std::move(batch));
    ASSERT_TRUE(applier_.run().ok());
    EXPECT_EQ(calls_, "before_truncate copy truncate");
    EXPECT_TRUE(applier_.changed().contains(kFirst));
}

}  // namespace
}  // namespace tandem::mirror
