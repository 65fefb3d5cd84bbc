// What the simulation does not look at: when a batch is closed, and what is not mirrored. That what
// is read at any position is right is its business (test/sim).
#include "mirror/stream/stream_machine.h"

#include <gtest/gtest.h>

#include "mirror/batch/test_rows.h"

namespace tandem::mirror {
namespace {

using std::chrono::milliseconds;
using test_rows::kTable;
using test_rows::Row;

constexpr Oid kOther{200};

class StreamMachineTest : public testing::Test, protected TableDirectory {
  protected:
    static StreamLimits limits() {
        return {.bytes_max = 1000,
                .changes_max = 5,
                .flush_age = milliseconds(10),
                .batch_age = milliseconds(100)};
    }

    void SetUp() override {
        for (Oid oid : {kTable, kOther}) {
            postgres::Relation relation;
            relation.oid = oid;
            send(relation);
        }
    }

    void send(const postgres::Message& message, size_t size = 10) {
        Status done = machine_.on_message(message, size, now_);
        ASSERT_TRUE(done.ok()) << done.error().to_string();
    }
    void begin(uint64_t commit) {
        postgres::Begin begin;
        begin.final_lsn = Lsn{commit};
        send(begin);
    }
    void commit(uint64_t lsn) {
        postgres::Commit commit;
        commit.commit_lsn = Lsn{lsn};
        commit.end_lsn = Lsn{lsn + 1};
        send(commit);
    }
    void insert(int key, Oid relation = kTable, size_t size = 10) {
        Row row(key, 1, "a");
        send(postgres::Insert{{}, relation, row.get()}, size);
    }

    Result<std::optional<Oid>> table_of(Oid relation) override {
        return relation == kTable ? std::optional(kTable) : std::nullopt;
    }
    bool covered(Oid, Xid) override { return covered_; }
    Result<Resolution> resolve(Oid, const postgres::Relation&, Xid) override {
        if (failure_ != ErrorCode::kInternal) return Error(failure_, "as the test wants it");
        Resolution resolution;
        resolution.change.before = resolution.change.after = table_;
        resolution.layout = {table_, {0, 1, 2}};
        return resolution;
    }
    Result<std::optional<Resolution>> refresh(const Announcement&) override {
        return std::optional<Resolution>();
    }
    TablePtr known(Oid) override { return table_; }
    TablePtr next_copy(Oid) override {
        auto next = std::make_shared<Table>(*table_);
        ++next->copy;
        return table_ = next;
    }
    const std::set<uint32_t>& leaves(Oid) override { return leaves_; }
    void set_leaf(Oid, Oid, bool) override {}

    TablePtr table_ = test_rows::make_table();
    std::set<uint32_t> leaves_;
    bool covered_ = false;
    ErrorCode failure_ = ErrorCode::kInternal;  // none
    Micros now_{0};
    StreamMachine machine_{limits(), *this};
};

TEST_F(StreamMachineTest, closes_a_batch_when_nothing_comes_or_when_it_is_old) {
    begin(100);
    insert(1);
    now_ += milliseconds(50);
    EXPECT_FALSE(machine_.ripe(now_, true)) << "a transaction is open";
    commit(100);
    EXPECT_TRUE(machine_.ripe(now_, true));
    EXPECT_FALSE(machine_.ripe(now_, false)) << "more has arrived";
    EXPECT_EQ(machine_.ripe_at(true), Micros(milliseconds(10)));
    EXPECT_TRUE(machine_.ripe(now_ + milliseconds(50), false));
}

TEST_F(StreamMachineTest, closes_a_full_batch_inside_of_a_transaction_and_confirms_none_of_it) {
    machine_.on_keepalive(Lsn{50});
    begin(100);
    for (int key = 0; key < 5; ++key) insert(key);
    ASSERT_TRUE(machine_.full());
    EXPECT_TRUE(machine_.ripe(now_, false));
    Batch batch = machine_.take();
    EXPECT_EQ(batch.changes, 5U);
    EXPECT_EQ(batch.confirm, Lsn{50});
    EXPECT_FALSE(machine_.full());
    insert(9);
    commit(100);
    EXPECT_EQ(machine_.take().confirm, Lsn{101});
}

TEST_F(StreamMachineTest, counts_bytes_of_messages) {
    begin(100);
    insert(1, kTable, 1000);
    EXPECT_TRUE(machine_.full());
    EXPECT_GE(machine_.open_bytes(), 1000U);
    static_cast<void>(machine_.take());
    EXPECT_EQ(machine_.open_bytes(), 0U);
}

TEST_F(StreamMachineTest, confirms_what_holds_nothing_of_ours) {
    begin(100);
    insert(1, kOther);
    commit(100);
    EXPECT_TRUE(machine_.empty());
    EXPECT_EQ(machine_.position(), Lsn{101});
    machine_.on_keepalive(Lsn{500});
    EXPECT_EQ(machine_.position(), Lsn{500});
}

TEST_F(StreamMachineTest, believes_no_keepalive_inside_of_a_transaction) {
    begin(100);
    insert(1);
    machine_.on_keepalive(Lsn{500});
    EXPECT_LT(machine_.position(), Lsn{500});
}

TEST_F(StreamMachineTest, closes_the_batch_at_once_for_a_reader_that_waits) {
    begin(100);
    insert(1);
    commit(100);
    EXPECT_FALSE(machine_.ripe(now_, true));
    postgres::LogicalMessage message;
    message.prefix = "tandem";
    message.content = "flush";
    message.lsn = Lsn{110};
    send(message);
    EXPECT_TRUE(machine_.ripe(now_, false));
}

TEST_F(StreamMachineTest, leaves_out_what_the_load_of_the_table_sees) {
    covered_ = true;
    begin(100);
    insert(1);
    commit(100);
    EXPECT_TRUE(machine_.empty());
}

TEST_F(StreamMachineTest, drops_changes_of_a_table_from_when_it_is_forgotten) {
    begin(100);
    insert(1);
    machine_.forget(kTable);
    insert(2);
    commit(100);
    Batch batch = machine_.take();
    ASSERT_EQ(batch.steps.size(), 1U) << "what came before";
    EXPECT_EQ(std::get<InsertStep>(batch.steps[0]).rows->changes(), 1U);
}

TEST_F(StreamMachineTest, fails_the_one_table_whose_columns_cannot_be_mirrored) {
    failure_ = ErrorCode::kUnsupportedType;
    begin(100);
    insert(1);
    insert(2);
    commit(100);
    Batch batch = machine_.take();
    ASSERT_EQ(batch.steps.size(), 1U);
    EXPECT_EQ(std::get<FailStep>(batch.steps[0]).error.code(), ErrorCode::kUnsupportedType);
    EXPECT_EQ(batch.confirm, Lsn{101});
}

TEST_F(StreamMachineTest, refuses_messages_of_a_mode_that_was_not_asked_for) {
    EXPECT_FALSE(machine_.on_message(postgres::StreamStop{}, 1, now_).ok());
}

}  // namespace
}  // namespace tandem::mirror
