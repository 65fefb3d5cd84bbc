#include "mirror/store/delta_book.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace tandem::mirror {
namespace {

using std::chrono::milliseconds;
using Holds = DeltaKeys::Holds;

constexpr Oid kTable{7};

class DeltaBookTest : public testing::Test {
  protected:
    DeltaBookTest() {
        auto table = std::make_shared<Table>();
        table->relid = kTable;
        table->key = {0};
        table_ = table;
    }

    // Rows with these keys are written, by a transaction that committed at `last`.
    void write(const std::vector<uint64_t>& keys, uint64_t last) {
        auto record = [&]() -> Status {
            ++recorded_;
            return {};
        };
        auto generation = book_.begin_rows(kTable, now_, record);
        ASSERT_TRUE(generation.ok());
        book_.end_rows(kTable, *generation, keys, Lsn{last});
    }
    // Begins what may begin; those that may be folded.
    std::vector<FoldTask> due(uint64_t published) {
        for (const FoldTask& task : book_.due_to_begin(Lsn{published}, now_))
            book_.begin(task, now_);
        return book_.due(now_);
    }
    bool finish(const FoldTask& task) {
        bool empty = false;
        auto record = [&](uint32_t, bool none_left) -> Status {
            empty = none_left;
            return {};
        };
        EXPECT_TRUE(book_.finish(task, now_, now_, record).ok());
        return empty;
    }

    DeltaBook book_{{.grace = milliseconds(100),
                     .generation_age = milliseconds(10),
                     .generation_age_per_table = milliseconds(1),
                     .keys_max = 3}};
    TablePtr table_;
    Moment now_{std::chrono::hours(1)};
    int recorded_ = 0;
};

TEST_F(DeltaBookTest, sends_everything_to_the_delta_of_a_table_that_loads) {
    book_.start({.table = table_, .loading = true});
    EXPECT_EQ(book_.keys(kTable).holds, Holds::anything);
    book_.set_live(kTable);
    EXPECT_EQ(book_.keys(kTable).holds, Holds::nothing);
}

TEST_F(DeltaBookTest, knows_its_keys_until_they_are_folded) {
    book_.start({.table = table_});
    write({11, 12}, 50);
    EXPECT_EQ(recorded_, 1);
    write({13}, 51);
    EXPECT_EQ(recorded_, 1) << "the catalog is told once";
    DeltaKeys keys = book_.keys(kTable);
    ASSERT_EQ(keys.holds, Holds::some);
    EXPECT_TRUE(keys.contains(12));
    EXPECT_FALSE(keys.contains(14));
}

TEST_F(DeltaBookTest, folds_together_what_came_while_another_fold_waited) {
    book_.start({.table = table_});
    for (uint64_t key = 11; key < 14; ++key) {
        write({key}, 39 + key);
        now_ += milliseconds(10);
        EXPECT_TRUE(due(60).empty());
    }
    now_ += milliseconds(80);
    auto tasks = due(60);
    ASSERT_EQ(tasks.size(), 1U);
    EXPECT_EQ(tasks[0].newest, 1U);
    EXPECT_EQ(tasks[0].folded_to, Lsn{51});
    EXPECT_FALSE(finish(tasks[0]));
    EXPECT_TRUE(due(60).empty()) << "the grace of the others begins";
    now_ += milliseconds(100);
    tasks = due(60);
    ASSERT_EQ(tasks.size(), 1U);
    EXPECT_EQ(tasks[0].oldest, 3U);
    EXPECT_EQ(tasks[0].newest, 3U);
    EXPECT_EQ(tasks[0].folded_to, Lsn{53});
}

TEST_F(DeltaBookTest, keeps_what_was_folded_for_as_long_as_history_goes_back) {
    DeltaBook book({.grace = milliseconds(100),
                    .generation_age = milliseconds(10),
                    .generation_age_per_table = milliseconds(1),
                    .history = milliseconds(8000)});
    book.start({.table = table_, .oldest = 4, .open = 4, .history = {1, 2}, .position = Lsn{40}});
    auto none = []() -> Status { return {}; };
    auto generation = book.begin_rows(kTable, now_, none);
    ASSERT_TRUE(generation.ok());
    book.end_rows(kTable, *generation, {11}, Lsn{50});
    now_ += milliseconds(20);
    for (const FoldTask& task : book.due_to_begin(Lsn{60}, now_)) book.begin(task, now_);
    now_ += milliseconds(100);
    for (const FoldTask& task : book.due(now_))
        ASSERT_TRUE(
            book.finish(task, now_, now_, [](uint32_t, bool) -> Status { return {}; }).ok());
    EXPECT_TRUE(book.take_garbage(now_).empty());
    now_ += milliseconds(7900);
    auto forgotten = book.due_history(now_);
    ASSERT_EQ(forgotten.size(), 1U);
    EXPECT_EQ(forgotten[0].oldest_kept, 5U);
    EXPECT_EQ(forgotten[0].readable_from, Lsn{51});
    book.forget_history(forgotten[0], now_);
    EXPECT_TRUE(book.take_garbage(now_).empty()) << "who began to read has the grace";
    now_ += milliseconds(100);
    EXPECT_EQ(book.take_garbage(now_).size(), 4U) << "1, 2, what the fold replaced, and 4";
    EXPECT_TRUE(book.due_history(now_).empty());
}

TEST_F(DeltaBookTest, folds_only_what_readers_have_had_for_the_grace) {
    book_.start({.table = table_});
    write({11}, 50);
    now_ += milliseconds(20);
    EXPECT_TRUE(book_.due_to_begin(Lsn{50}, now_).empty()) << "a commit at 50 is seen behind 50";
    EXPECT_TRUE(due(60).empty()) << "since now only";
    now_ += milliseconds(99);
    EXPECT_TRUE(due(60).empty());
    now_ += milliseconds(1);
    auto tasks = due(60);
    ASSERT_EQ(tasks.size(), 1U);
    write({12}, 70);
    EXPECT_FALSE(finish(tasks[0])) << "a newer generation has rows";
    EXPECT_TRUE(book_.keys(kTable).contains(12));
    EXPECT_FALSE(book_.keys(kTable).contains(11));
    EXPECT_TRUE(book_.take_garbage(now_).empty());
    now_ += milliseconds(100);
    auto garbage = book_.take_garbage(now_);
    ASSERT_EQ(garbage.size(), 1U);
    EXPECT_EQ(garbage[0].generation, tasks[0].newest);
}

TEST_F(DeltaBookTest, folds_more_seldom_when_many_tables_change_and_first_what_waits_longest) {
    for (uint32_t relid = 1; relid <= 20; ++relid) {
        auto table = std::make_shared<Table>(*table_);
        table->relid = Oid{relid};
        book_.start({.table = table});
        auto generation = book_.begin_rows(Oid{relid}, now_, []() -> Status { return {}; });
        ASSERT_TRUE(generation.ok());
        // Every second one is published from the start.
        book_.end_rows(Oid{relid}, *generation, {11}, Lsn{relid % 2 == 0 ? 50U : 70U});
    }
    now_ += milliseconds(19);
    due(60);
    now_ += milliseconds(100);
    EXPECT_TRUE(due(60).empty()) << "of one table they would be";
    now_ += milliseconds(10);
    due(80);
    now_ += milliseconds(90);
    auto tasks = due(80);
    ASSERT_EQ(tasks.size(), 10U);
    EXPECT_EQ(tasks[0].table->relid.value % 2, 0U);
    now_ += milliseconds(10);
    tasks = due(80);
    ASSERT_EQ(tasks.size(), 20U);
    EXPECT_EQ(tasks[9].table->relid.value % 2, 0U);
    EXPECT_EQ(tasks[10].table->relid.value % 2, 1U);
}

TEST_F(DeltaBookTest, says_that_a_fold_is_tried_again) {
    book_.start({.table = table_, .oldest = 3, .open = 5, .empty = false, .folding = 3});
    due(1000);
    now_ += milliseconds(100);
    auto tasks = due(1000);
    ASSERT_EQ(tasks.size(), 1U);
    EXPECT_TRUE(tasks[0].again);
    EXPECT_EQ(tasks[0].newest, 3U) << "as it was begun";
}

TEST_F(DeltaBookTest, forgets_keys_rather_than_grow_without_bound) {
    book_.start({.table = table_});
    write({1, 2, 3, 4}, 50);
    EXPECT_EQ(book_.keys(kTable).holds, Holds::anything);
    now_ += milliseconds(20);
    due(60);
    now_ += milliseconds(100);
    auto tasks = due(60);
    ASSERT_EQ(tasks.size(), 1U);
    EXPECT_TRUE(finish(tasks[0]));
    EXPECT_EQ(book_.keys(kTable).holds, Holds::nothing);
}

TEST_F(DeltaBookTest, sends_everything_to_the_delta_while_a_leaf_loads) {
    book_.start({.table = table_});
    book_.cut(kTable, {Oid{8}, Lsn{10}, true});
    EXPECT_EQ(book_.keys(kTable).holds, Holds::anything);
    EXPECT_TRUE(book_.loading(kTable, Oid{8}));
    EXPECT_FALSE(book_.loading(kTable, Oid{9}));
    EXPECT_FALSE(book_.loading(kTable));
    book_.set_leaf_live(kTable, Oid{8});
    EXPECT_EQ(book_.keys(kTable).holds, Holds::nothing);
}

TEST_F(DeltaBookTest, folds_only_when_what_was_cut_off_is_removed) {
    book_.start({.table = table_});
    write({1}, 5);
    book_.cut(kTable, {Oid{8}, Lsn{10}, false});
    now_ += milliseconds(50);
    EXPECT_TRUE(due(20).empty());
    EXPECT_TRUE(book_.due_cuts(Lsn{10}, now_).empty()) << "a reader may be at 10, before the cut";
    EXPECT_TRUE(book_.due_cuts(Lsn{20}, now_).empty()) << "the grace begins";
    now_ += milliseconds(200);
    EXPECT_TRUE(due(20).empty());
    auto cuts = book_.due_cuts(Lsn{20}, now_);
    ASSERT_EQ(cuts.size(), 1U);
    book_.forget_cut(cuts[0]);
    EXPECT_TRUE(book_.cuts(kTable).empty());
    due(20);
    now_ += milliseconds(200);
    EXPECT_EQ(due(20).size(), 1U);
}

TEST_F(DeltaBookTest, forgets_a_load_of_a_leaf_that_is_cut_again) {
    book_.start({.table = table_});
    book_.cut(kTable, {Oid{8}, Lsn{10}, true});
    book_.cut(kTable, {Oid{8}, Lsn{20}, false});
    ASSERT_EQ(book_.cuts(kTable).size(), 1U);
    EXPECT_EQ(book_.cuts(kTable)[0].cut, Lsn{20});
    EXPECT_FALSE(book_.loading(kTable, Oid{8}));
}

// The stream's thread makes views: it must not wait for as long as a fold takes.
TEST_F(DeltaBookTest, lets_views_be_made_while_rows_move_but_one_at_a_time) {
    DeltaBook::Hold rows(book_, kTable, DeltaBook::Held::rows);
    std::atomic<bool> made = false;
    std::atomic<bool> made_before = false;
    std::jthread other;
    {
        DeltaBook::Hold view(book_, kTable, DeltaBook::Held::view);
        other = std::jthread([&] {
            DeltaBook::Hold later(book_, kTable, DeltaBook::Held::view);
            made_before = made.load();
        });
        made = true;
    }
    other.join();
    EXPECT_TRUE(made_before);
}

}  // namespace
}  // namespace tandem::mirror
