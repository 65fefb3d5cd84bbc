// The fold thread of a session: empties deltas into main when they are due, drops what no reader
// needs any more, keeps the views and what they show up to date. What may be done when:
// store/delta_book.h.
#include <deque>

#include "base/back_off.h"
#include "base/log.h"
#include "metrics/metrics.h"
#include "mirror/session/parts.h"

namespace tandem::mirror {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLook{250};
// Folds take at most this part of the time, those of all tables together: of many tables that
// change each has to wait. What one takes beyond what there is, the next ones wait for, within
// limits: a table that takes long holds up its own folds, see FoldLimits.
constexpr int kShare = 3;
constexpr std::chrono::nanoseconds kCreditMax = milliseconds(1000);
constexpr std::chrono::nanoseconds kDebtMax = milliseconds(1000);
constexpr milliseconds kDurable{1000};
constexpr milliseconds kRecordAge{30'000};
constexpr uint64_t kRecordBytes = uint64_t{1} << 20;
constexpr uint64_t kRecordBytesMin = uint64_t{16} << 10;
constexpr std::chrono::seconds kDamageLook{5};
constexpr std::chrono::seconds kDamageLookMax{3600};

class Folding {
  public:
    Folding(const RunnerOptions& options, const SessionTables& tables, DeltaBook& book,
            HandOver& hand_over, IdentityLog& identity)
        : options_(options),
          tables_(tables),
          book_(book),
          hand_over_(hand_over),
          identity_(identity),
          target_(target_options(options, false)),
          catalog_(store_options(options, "fold"), nullptr),
          begun_(std::chrono::steady_clock::now()) {
        catalog_.set_generations(tables.generations);
        recorded_ = tables.identity.recorded;
    }

    // What is due now.
    Status run() {
        Moment now = std::chrono::steady_clock::now();
        Lsn published = hand_over_.published();
        TRY(look_for_damage(now));
        TRY(fold_some(published, now));
        TRY(forget_history(now));
        for (const auto& task : book_.due_cuts(published, now)) TRY(remove_cut(task));
        for (const auto& [table, generation] : book_.take_garbage(now))
            TRY(target_.drop_generation(*table, generation));
        note_new_copies();
        TRY(drop_old_copies(now));
        if (published <= durable_ || now - durable_at_ < kDurable) return {};
        const std::string& database = tables_.mirror.database;
        TRY(target_.publish(database, tables_.mirror.mark(), published, book_.oldest_generations(),
                            ClickHouseTarget::Published::durable));
        TRY(identity_.write(target_, database, published, {}, recorded_));
        durable_ = published;
        durable_at_ = now;
        return tell_catalog(now);
    }

  private:
    // Finds the tables of the rows that ClickHouse could not read lately. What it met may be of
    // others: the look reads everything, so after one that found nothing the next waits longer.
    Status look_for_damage(Moment now) {
        if (now - damage_at_ < damage_wait_) return {};
        damage_at_ = now;
        if (TRY(target_.damage_met()) == damage_met_) return {};
        bool found = false;
        for (const TablePtr& table : book_.live_tables()) {
            if (TRY(target_.is_whole(*table))) continue;
            found = true;
            log(LogLevel::warning, "mirror",
                table->label() + " is loaded again: ClickHouse cannot read rows it had written");
            TRY(catalog_.reload(table->relid));
        }
        damage_met_ = TRY(target_.damage_met());
        damage_wait_ = found ? kDamageLook : std::min(damage_wait_ * 2, kDamageLookMax);
        return {};
    }

    // The table is still as it was when the task was found.
    bool still(const TablePtr& table) const { return book_.table(table->relid) == table; }
    // Each side learns now and then how far the other is: what knows less at the next start is a
    // copy of before. Seldom, because every write here is WAL of the source.
    Status tell_catalog(Moment now) {
        uint64_t moved = durable_.value - recorded_.value;
        if (moved < kRecordBytes && (moved < kRecordBytesMin || now - recorded_at_ < kRecordAge))
            return {};
        TRY(catalog_.record_known(durable_));
        recorded_ = durable_;
        recorded_at_ = now;
        return {};
    }

    // Readers learn that positions before folded_to are history now; what the fold will remove from
    // main is kept for them.
    Status begin(const FoldTask& task, Lsn published) {
        DeltaBook::Hold rows(book_, task.table->relid, DeltaBook::Held::rows);
        if (!still(task.table)) return {};
        if (task.table->keyless()) return begin_counted(task, published);
        TRY(catalog_.begin_fold(*task.table, task.newest, published, {task.folded_to, task.kept}));
        if (task.kept) TRY(target_.keep_replaced(task));
        book_.begin(task, std::chrono::steady_clock::now());
        return {};
    }

    // Counts are settled a grace before they are folded: store/README.md. After main was touched
    // they are not settled again.
    Status begin_counted(const FoldTask& task, Lsn published) {
        TRY(catalog_.settle(*task.table, published));
        if (!task.again && !TRY(target_.settle_counts(task, published))) {
            log(LogLevel::warning, "mirror",
                task.table->label() + " is loaded again: more rows went than there were");
            return catalog_.reload(task.table->relid);
        }
        book_.begin(task, std::chrono::steady_clock::now());
        return {};
    }

    // What waits to be done before what waits to begin: it is what deltas are largest for.
    Status fold_some(Lsn published, Moment now) {
        credit_ = std::min(credit_ + (now - looked_) / kShare, kCreditMax);
        looked_ = now;
        for (const FoldTask& task : book_.due(now)) TRY(on_credit([&] { return fold(task); }));
        for (const FoldTask& task : book_.due_to_begin(published, now))
            TRY(on_credit([&] { return begin(task, published); }));
        credit_ = std::max(credit_, -kDebtMax);
        return {};
    }

    // What a fold reads and writes to begin counts as well. Without credit it has to wait.
    template <typename Work>
    Status on_credit(const Work& work) {
        if (credit_.count() <= 0) return {};
        Moment begun = std::chrono::steady_clock::now();
        Status done = work();
        credit_ -= std::chrono::steady_clock::now() - begun;
        return done;
    }

    Status forget_history(Moment now) {
        for (const auto& forgotten : book_.due_history(now)) {
            TRY(catalog_.forget_history(*forgotten.table, forgotten.oldest_kept,
                                        forgotten.readable_from));
            book_.forget_history(forgotten, now);
        }
        return {};
    }

    Status fold(const FoldTask& task) {
        DeltaBook::Hold rows(book_, task.table->relid, DeltaBook::Held::rows);
        if (!still(task.table)) return {};
        Moment begun = std::chrono::steady_clock::now();
        if (task.table->keyless())
            TRY(catalog_.begin_fold(*task.table, task.newest, hand_over_.published(), {}));
        book_.note_try(task);
        TRY(target_.fold(task));
        std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begun;
        metrics_.folds.add();
        metrics_.fold_seconds.observe(spent.count());
        return book_.finish(task, begun, std::chrono::steady_clock::now(),
                            [&](uint32_t oldest, bool empty) {
                                return catalog_.finish_fold(*task.table, oldest, empty);
                            });
    }

    Status remove_cut(const DeltaBook::CutTask& task) {
        DeltaBook::Hold rows(book_, task.table->relid, DeltaBook::Held::rows);
        if (!still(task.table)) return {};
        TRY(target_.remove_cut(*task.table, task.cut));
        TRY(catalog_.forget_cut(*task.table, task.cut));
        book_.forget_cut(task);
        return {};
    }

    // A table that goes on in another copy leaves the one before.
    void note_new_copies() {
        for (const TablePtr& table : book_.live_tables()) {
            TablePtr& shown = shown_[table->relid.value];
            if (shown != nullptr && shown->copy != table->copy)
                left_.push_back({shown, std::chrono::steady_clock::now()});
            shown = table;
        }
    }

    // Copies that newer ones have replaced for longer than a reader may take, and than history goes
    // back.
    Status drop_old_copies(Moment now) {
        const auto kept = std::max(options_.folding.grace, options_.folding.history);
        while (!left_.empty() && now - left_.front().since > kept) {
            TRY(drop(*left_.front().table));
            left_.pop_front();
        }
        for (auto old = old_copies_.begin(); old != old_copies_.end();) {
            bool needed = now - begun_ <= (old->readable ? kept : options_.folding.grace) ||
                          book_.loading(old->table->relid);  // it is all that readers have
            if (needed) {
                ++old;
                continue;
            }
            TRY(drop(*old->table));
            old = old_copies_.erase(old);
        }
        return {};
    }

    Status drop(const Table& table) {
        TRY(target_.drop_copy(table));
        return catalog_.forget_copy(table.relid, table.copy);
    }

    struct Left {
        TablePtr table;
        Moment since;
    };

    const RunnerOptions& options_;
    const SessionTables& tables_;
    DeltaBook& book_;
    HandOver& hand_over_;
    IdentityLog& identity_;
    ClickHouseTarget target_;
    CatalogStore catalog_;
    metrics::MirrorMetrics metrics_{options_.name};
    const Moment begun_;
    Moment looked_ = begun_;
    std::chrono::nanoseconds credit_ = kCreditMax;
    std::map<uint32_t, TablePtr> shown_;
    std::deque<Left> left_;
    std::vector<OldCopy> old_copies_ = tables_.old_copies;
    uint64_t damage_met_ = 0;
    Moment damage_at_{};
    std::chrono::seconds damage_wait_ = kDamageLook;
    Lsn durable_;
    Moment durable_at_{};
    Lsn recorded_;
    Moment recorded_at_{};
};

}  // namespace

void run_fold_thread(const RunnerOptions& options, const SessionTables& tables, DeltaBook& book,
                     HandOver& hand_over, IdentityLog& identity, std::stop_token stop) {
    Folding folding(options, tables, book, hand_over, identity);
    Backoff backoff;
    LogScope scope("mirror", options.name);
    while (!stop.stop_requested()) {
        Status done = folding.run();
        if (!done.ok()) {
            log(LogLevel::warning, "mirror", "folding: " + done.error().to_string());
            // Nothing waits for it; and what is in its way, a table being altered say, passes.
            backoff.wait(stop);
            continue;
        }
        backoff.reset();
        back_off(kLook, stop);
    }
}

}  // namespace tandem::mirror
