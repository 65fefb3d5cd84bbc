// The stream machine and the applier against a model of both servers, under random crashes.
//
// A random history of transactions is replayed into the machine; every port call may fail before
// its effect, then the applier tries again, or after it, then the mirror dies, as it may at any
// other moment, and starts again from a confirmed position that may be an old one. Chunks of the
// snapshot are read and deltas folded in between. At every position that is published, a read at it
// must give what the source had committed there, and so must reads at older ones, in the midst of
// batches and before folds, as far back as history goes. No threads, no clock, no server. Tries
// the same seeds in every run. TANDEM_SIM_SEED replays one (printed on failure); with
// TANDEM_BUDGET_SECONDS seeds are tried from there on for that long.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <random>

#include "mirror/apply/applier.h"
#include "mirror/batch/test_rows.h"
#include "mirror/batch/value_bytes.h"
#include "mirror/schema/source_types.h"
#include "mirror/stream/stream_machine.h"

namespace tandem::mirror {
namespace {

using postgres::TupleValue;
using postgres::ValueKind;
using test_rows::big_endian;
using test_rows::kTable;
using test_rows::make_table;

constexpr int kBlocks = 6;  // of the source's heap; a chunk is one block

struct Row {
    int key = 0;
    int number = 0;
    std::string large;  // out of line: an update that leaves it alone does not carry it
    int block = 0;
};
using Rows = std::map<int, Row>;

// One change as the WAL has it.
struct Change {
    enum class Kind { insert, update, remove, truncate } kind = Kind::insert;
    int old_key = 0;
    Row row;
    bool large_unchanged = false;
};
struct Transaction {
    Lsn commit, end;
    std::vector<Change> changes;
};

using Visible = std::multimap<int, std::pair<int, std::string>>;

// One copy of the table in ClickHouse.
struct ModelCopy {
    struct Stored {
        Row row;
        uint64_t from = 0;
        uint64_t ordinal = 0;
        bool deleted = false;
        uint32_t generation = 0;
        uint32_t origin = 0;
    };
    std::vector<Stored> main, delta;
    bool known = false;  // to the catalog, as all that follows
    std::optional<Lsn> visible_from;
    uint32_t oldest = 1;
    bool empty = true;
    uint32_t folding = 0;
    uint64_t folded_to = 0;
    std::optional<uint32_t> history;  // generation
    uint64_t readable_from = 0;

    static Stored stored(const types::Block& block, size_t i) {
        Stored row;
        row.row.key = block.columns[0].column.fixed<int>(i);
        row.row.number = block.columns[1].column.fixed<int>(i);
        row.row.large = block.columns[2].column.string(i);
        row.from = block.columns[3].column.fixed<uint64_t>(i);
        return row;
    }
    static bool newer(const Stored& a, const Stored& b) {
        return std::pair(a.from, a.ordinal) > std::pair(b.from, b.ordinal);
    }
    // The newest row of each key among those that count.
    template <typename Counts>
    static std::map<int, Stored> newest(const std::vector<Stored>& rows, const Counts& counts) {
        std::map<int, Stored> result;
        for (const Stored& row : rows) {
            if (!counts(row)) continue;
            auto [at, fresh] = result.emplace(row.row.key, row);
            if (!fresh && newer(row, at->second)) at->second = row;
        }
        return result;
    }
    Visible visible(uint64_t position) const {
        Visible result;
        bool before = position < folded_to;
        uint32_t first = before ? history.value_or(oldest) : oldest;
        auto open = newest(delta, [&](const Stored& row) {
            return row.from < position && row.generation >= first;
        });
        if (!before && empty && !open.empty())
            ADD_FAILURE() << "the delta is called empty and is not";
        for (const Stored& row : main) {
            auto found = open.find(row.row.key);
            if (!before || row.from >= position || found == open.end()) continue;
            if (std::pair(row.from, uint64_t{0}) >
                std::pair(found->second.from, found->second.ordinal))
                found->second = row;
        }
        for (const Stored& row : main)
            if (row.from < position && !open.contains(row.row.key))
                result.emplace(row.row.key, std::pair(row.row.number, row.row.large));
        for (const auto& [key, row] : open)
            if (!row.deleted) result.emplace(key, std::pair(row.row.number, row.row.large));
        return result;
    }
    void undo(uint64_t position) {
        std::erase_if(main, [&](const Stored& row) { return row.from >= position; });
        std::erase_if(delta, [&](const Stored& row) { return row.from >= position; });
    }
};

struct ReadChunk {
    int block = 0;
    std::vector<Row> rows;
    Lsn end;
};

class Simulation final : Destination, SourceRows, Catalog, TableDirectory {
  public:
    explicit Simulation(uint64_t seed) : random_(seed), table_(make_table()) {
        failures_per_mille_ = pick(0, 1) == 0 ? 0 : pick(1, 150);
        const int histories[] = {0, 20, 60, 100'000};
        history_ms_ = histories[pick(0, 3)];
        copies_[1].known = true;
        limits_.changes_max = static_cast<size_t>(pick(1, 40));
        lookup_limits_.lookup_keys = static_cast<size_t>(pick(1, 8));
        lookup_limits_.main_rows_min = static_cast<size_t>(pick(0, 3));
        for (int i = pick(0, 30); i > 0; --i) run_transaction();  // before the slot
        confirmed_ = Lsn{next_lsn_};
        confirmed_before_.push_back(confirmed_);
        start();
    }

    void run() {
        for (int step = pick(50, 400); step > 0; --step) random_step();
        failures_per_mille_ = 0;
        for (int patience = 10000; patience > 0 && !finished(); --patience) {
            stream();
            apply();
            load();
            fold();
        }
    }

    bool finished() const {
        return next_transaction_ == history_.size() && machine_->empty() && applier_->done() &&
               chunks_done_ == kBlocks && !reading_ && live_ && confirmed_ >= machine_->position();
    }
    Visible expected() const {
        Visible result;
        for (const auto& [key, row] : source_)
            result.emplace(key, std::pair(row.number, row.large));
        return result;
    }
    Visible actual() const { return visible_at(confirmed_); }
    size_t reads() const { return reads_; }
    size_t old_reads() const { return old_reads_; }
    size_t folds() const { return folds_; }

  private:
    int pick(int from, int to) { return std::uniform_int_distribution<int>(from, to)(random_); }
    bool chance(int per_mille) { return pick(1, 1000) <= per_mille; }

    void random_step() {
        now_ += Micros(1000);
        switch (pick(0, 12)) {
            case 0:
            case 1:
            case 2:
                return run_transaction();
            case 3:
            case 4:
            case 5:
                return stream();
            case 6:
            case 7:
                return apply();
            case 8:
                return load();
            case 9:
            case 10:
            case 11:
                return live_ ? fold() : load();
            default:
                if (chance(failures_per_mille_)) crash();
        }
    }

    // --- the source ---------------------------------------------------------------------------
    void run_transaction() {
        Transaction transaction;
        for (int i = pick(1, 8); i > 0; --i) change(transaction);
        transaction.commit = Lsn{next_lsn_};
        transaction.end = Lsn{next_lsn_ + 8};
        next_lsn_ += 10;
        states_[transaction.end.value] = expected();
        if (machine_) history_.push_back(std::move(transaction));
    }

    void change(Transaction& transaction) {
        int key = pick(1, 12);
        auto found = source_.find(key);
        int kind = pick(0, 99);
        if (kind < 2) {
            source_.clear();
            transaction.changes.push_back({Change::Kind::truncate, 0, {}, false});
        } else if (found == source_.end()) {
            Row row{key, pick(0, 999), large(), pick(0, kBlocks - 1)};
            source_[key] = row;
            transaction.changes.push_back({Change::Kind::insert, 0, row, false});
        } else if (kind < 25) {
            source_.erase(found);
            transaction.changes.push_back({Change::Kind::remove, key, {}, false});
        } else {
            update(found->second, transaction);
        }
    }

    void update(Row row, Transaction& transaction) {
        int old_key = row.key;
        bool keep_large = pick(0, 3) > 0;
        row.number = pick(0, 999);
        if (!keep_large) row.large = large();
        if (pick(0, 2) == 0) row.block = pick(0, kBlocks - 1);
        if (int other = pick(1, 12); pick(0, 2) == 0 && !source_.contains(other)) row.key = other;
        source_.erase(old_key);
        source_[row.key] = row;
        transaction.changes.push_back({Change::Kind::update, old_key, row, keep_large});
    }

    std::string large() { return "large " + std::to_string(++large_counter_); }

    // --- the stream -----------------------------------------------------------------------------
    void start() {
        dead_ = false;
        confirmed_ = std::max(confirmed_, recorded_);
        std::erase_if(confirmed_before_, [&](Lsn later) { return later > confirmed_; });
        confirmed_before_.push_back(confirmed_);
        restore_copies();
        machine_.emplace(limits_, static_cast<TableDirectory&>(*this));
        applier_.emplace(static_cast<Destination&>(*this), static_cast<SourceRows&>(*this),
                         static_cast<Catalog&>(*this), *book_, lookup_limits_);
        next_transaction_ = 0;
        next_change_ = 0;
        while (next_transaction_ < history_.size() && history_[next_transaction_].end <= confirmed_)
            ++next_transaction_;
        postgres::Relation relation;
        relation.oid = kTable;
        ASSERT_TRUE(machine_->on_message(relation, 10, now_).ok());
    }

    // What the next session finds and undoes before it goes on.
    void restore_copies() {
        std::erase_if(copies_, [&](const auto& copy) {
            return !copy.second.known ||
                   (copy.second.visible_from && *copy.second.visible_from > confirmed_);
        });
        auto table = std::make_shared<Table>(*table_);
        table->copy = copies_.rbegin()->first;
        table_ = table;
        applied_copy_ = table->copy;
        ModelCopy& copy = copies_.rbegin()->second;
        copy.undo(confirmed_.value);
        FoldLimits limits;
        limits.grace = std::chrono::milliseconds(0);
        limits.generation_age = std::chrono::milliseconds(pick(0, 5));
        limits.generation_age_per_table = std::chrono::milliseconds(0);
        limits.keys_max = static_cast<size_t>(pick(1, 12));
        limits.history = std::chrono::milliseconds(history_ms_);
        book_.emplace(limits);
        uint32_t last = 0;
        for (const ModelCopy::Stored& row : copy.delta) last = std::max(last, row.generation);
        std::set<uint32_t> kept;
        std::set<uint32_t> garbage;
        for (const ModelCopy::Stored& row : copy.delta)
            if (row.generation + 1 < copy.oldest)
                (copy.history && row.generation >= *copy.history ? kept : garbage)
                    .insert(row.generation);
        book_->start({.table = table_,
                      .loading = !live_,
                      .oldest = copy.oldest,
                      .open = std::max(copy.oldest, last + 2),
                      .empty = copy.empty,
                      .folding = copy.folding,
                      .cuts = {},
                      .history = {kept.begin(), kept.end()},
                      .position = confirmed_,
                      .now = Moment(now_)});
        for (uint32_t generation : garbage) book_->add_garbage(table_, generation);
        for (const ModelCopy::Stored& row : copy.delta)
            if (row.generation >= copy.oldest)
                book_->remember(kTable, hash_of(row.row.key), row.generation);
    }

    static uint64_t hash_of(int key) {
        std::vector<types::NamedColumn> columns;
        columns.push_back({ "key", types::Column(MUST(types::parse_clickhouse_type("Int32"))) });
        columns[0].column.append_fixed(key);
        std::string scratch;
        return hash_of_key(columns, 0, scratch);
    }

    // Everything in memory is lost. The slot may have been written to disk long ago.
    void crash() {
        reading_.reset();
        if (chance(300))
            confirmed_ = confirmed_before_[static_cast<size_t>(
                pick(0, static_cast<int>(confirmed_before_.size()) - 1))];
        start();
    }

    void stream() {
        for (int i = pick(1, 30); i > 0 && !machine_->full(); --i) {
            if (next_transaction_ == history_.size()) {
                machine_->on_keepalive(Lsn{next_lsn_});
                return;
            }
            const Transaction& transaction = history_[next_transaction_];
            if (next_change_ == 0) {
                postgres::Begin begin;
                begin.final_lsn = transaction.commit;
                send(begin);
            }
            if (next_change_ < transaction.changes.size()) {
                send_change(transaction.changes[next_change_++]);
                continue;
            }
            postgres::Commit commit;
            commit.commit_lsn = transaction.commit;
            commit.end_lsn = transaction.end;
            send(commit);
            ++next_transaction_;
            next_change_ = 0;
        }
    }

    void send(const postgres::Message& message) {
        ASSERT_TRUE(machine_->on_message(message, 50, now_).ok());
    }

    void send_change(const Change& change) {
        std::string key = big_endian(change.row.key);
        std::string old_key = big_endian(change.old_key);
        std::string number = big_endian(change.row.number);
        TupleValue row[] = {{key, ValueKind::binary},
                            {number, ValueKind::binary},
                            {change.row.large, ValueKind::binary}};
        if (change.large_unchanged) row[2] = {"", ValueKind::unchanged_toast};
        TupleValue old[] = {{old_key, ValueKind::binary}, {}, {}};
        Oid relations[] = {kTable};
        switch (change.kind) {
            case Change::Kind::insert:
                return send(postgres::Insert{{}, kTable, row});
            case Change::Kind::remove:
                return send(postgres::Delete{{}, kTable, postgres::OldTuple::key, old});
            case Change::Kind::truncate:
                return send(postgres::Truncate{{}, false, false, relations});
            case Change::Kind::update:
                if (change.old_key == change.row.key)
                    return send(postgres::Update{{}, kTable, postgres::OldTuple::none, {}, row});
                return send(postgres::Update{{}, kTable, postgres::OldTuple::key, old, row});
        }
    }

    void apply() {
        if (applier_->done()) {
            if (machine_->empty()) {
                confirm(machine_->position());
                return;
            }
            applier_->start(machine_->take());
        }
        Status applied = applier_->run();
        if (applied.ok())
            confirm(applier_->batch().confirm);
        else if (dead_ || chance(500))
            crash();
    }

    void confirm(Lsn position) {
        if (position <= confirmed_) return;
        confirmed_ = position;
        confirmed_before_.push_back(position);
        if (!live_ && chunks_done_ == kBlocks && confirmed_ >= consistent_) {
            live_ = true;
            recorded_ = std::max(recorded_, confirmed_);
            copies_.at(applied_copy_).visible_from = history_from_ = confirmed_;
            book_->set_live(kTable);
        }
        if (live_) read();
    }

    // Readers at the published position, and at some that older transactions ended at.
    void read() {
        read_at(confirmed_);
        for (int i = 0; i < 3; ++i) {
            auto state = states_.upper_bound(static_cast<uint64_t>(
                pick(static_cast<int>(history_from_.value), static_cast<int>(confirmed_.value))));
            if (state == states_.begin()) continue;
            Lsn position{std::prev(state)->first};
            const ModelCopy* copy = copy_at(position);
            if (position < history_from_ || copy == nullptr || position.value < copy->readable_from)
                continue;
            if (position.value < copy->folded_to) ++old_reads_;
            read_at(position);
        }
    }
    void read_at(Lsn position) {
        auto state = states_.upper_bound(position.value);
        Visible then;
        if (state != states_.begin()) then = std::prev(state)->second;
        ++reads_;
        Visible seen = visible_at(position);
        if (seen != then)
            ADD_FAILURE() << "wrong read at " << to_string(position) << " of "
                          << to_string(confirmed_) << ": " << testing::PrintToString(seen)
                          << ", not " << testing::PrintToString(then);
    }
    const ModelCopy* copy_at(Lsn position) const {
        const ModelCopy* copy = nullptr;
        for (const auto& [number, candidate] : copies_)
            if (candidate.visible_from && *candidate.visible_from <= position) copy = &candidate;
        return copy;
    }
    Visible visible_at(Lsn position) const {
        const ModelCopy* copy = copy_at(position);
        return copy == nullptr ? Visible() : copy->visible(position.value);
    }

    // --- folding --------------------------------------------------------------------------------
    void fold() {
        Moment now{now_};
        for (const FoldTask& task : book_->due_to_begin(confirmed_, now)) {
            if (!begin(task, now).ok() && (dead_ || chance(300))) return crash();
            if (live_) read();
        }
        for (const FoldTask& task : book_->due(now)) {
            if (!fold(task, now).ok() && (dead_ || chance(300))) return crash();
            if (live_) read();
        }
        for (const auto& forgotten : book_->due_history(now))
            if (!forget(forgotten, now).ok() && (dead_ || chance(300))) return crash();
        for (const auto& [table, generation] : book_->take_garbage(now)) {
            auto copy = copies_.find(table->copy);
            if (copy == copies_.end()) continue;
            std::erase_if(copy->second.delta, [&](const ModelCopy::Stored& row) {
                return row.generation == generation;
            });
        }
        if (live_) read();
    }

    static uint32_t origin_of(const FoldTask& task) { return 1000 + task.newest; }
    static auto of(const FoldTask& task) {
        return [task](const ModelCopy::Stored& row) {
            return row.generation >= task.oldest && row.generation <= task.newest;
        };
    }

    Status begin(const FoldTask& task, Moment now) {
        ModelCopy& copy = copies_.at(task.table->copy);
        TRY(effect([&] {
            recorded_ = std::max(recorded_, confirmed_);
            copy.folding = task.newest;
            copy.folded_to = std::max(copy.folded_to, task.folded_to.value);
            if (!task.kept) {
                copy.history.reset();
                copy.readable_from = std::max(copy.readable_from, copy.folded_to);
            } else if (!copy.history) {
                copy.history = copy.oldest - 1;
            }
        }));
        if (live_) read();
        auto newest = ModelCopy::newest(copy.delta, of(task));
        if (task.kept)
            TRY(effect([&] {
                for (const ModelCopy::Stored& row : copy.main) {
                    if (!newest.contains(row.row.key) || row.origin == origin_of(task)) continue;
                    copy.delta.push_back(row);
                    copy.delta.back().ordinal = 0;
                    copy.delta.back().generation = task.replaced();
                }
            }));
        book_->begin(task, now);
        return {};
    }

    Status forget(const DeltaBook::Forgotten& what, Moment now) {
        ModelCopy& copy = copies_.at(what.table->copy);
        TRY(effect([&] {
            copy.history = what.oldest_kept;
            copy.readable_from = std::max(copy.readable_from, what.readable_from.value);
        }));
        book_->forget_history(what, now);
        return {};
    }

    Status fold(const FoldTask& task, Moment now) {
        ModelCopy& copy = copies_.at(task.table->copy);
        auto folded = of(task);
        uint32_t origin = origin_of(task);
        book_->note_try(task);
        auto newest = ModelCopy::newest(copy.delta, folded);
        if (task.again)
            std::erase_if(copy.main, [&](const auto& row) { return row.origin == origin; });
        TRY(effect([&] {
            for (const auto& [key, row] : newest) {
                if (row.deleted) continue;
                copy.main.push_back(row);
                copy.main.back().origin = origin;
            }
        }));
        if (live_) read();
        TRY(effect([&] {
            std::erase_if(copy.main, [&](const ModelCopy::Stored& row) {
                return row.origin != origin && newest.contains(row.row.key);
            });
        }));
        ++folds_;
        return book_->finish(task, now, now, [&](uint32_t oldest, bool empty) {
            return effect([&] {
                copy.oldest = oldest;
                copy.empty = empty;
                copy.folding = 0;
            });
        });
    }

    // --- the snapshot ---------------------------------------------------------------------------
    void load() {
        if (!reading_) {
            if (chunks_done_ == kBlocks) return;
            reading_ = ReadChunk{chunks_done_, {}, Lsn{next_lsn_}};
            for (const auto& [key, row] : source_)
                if (row.block == chunks_done_) reading_->rows.push_back(row);
        } else {
            finish_chunk();
        }
    }

    void finish_chunk() {
        auto chunk = static_cast<uint32_t>(reading_->block + 1);
        ModelCopy& copy = copies_.at(applied_copy_);
        std::erase_if(copy.main, [&](const auto& row) { return row.origin == chunk; });
        for (const Row& row : reading_->rows) copy.main.push_back({row, 0, 0, false, 0, chunk});
        consistent_ = std::max(consistent_, reading_->end);
        if (!chance(failures_per_mille_)) ++chunks_done_;  // else it is undone and read again
        next_lsn_ += 10;                                   // the message that moves the WAL on
        reading_.reset();
    }

    // --- ports: each may fail before its effect; or after it, which ends the session
    template <typename Effect>
    Status effect(const Effect& do_it) {
        if (chance(failures_per_mille_)) return Error(ErrorCode::kClickHouseRetry, "simulated");
        do_it();
        if (!chance(failures_per_mille_)) return {};
        dead_ = true;
        return Error(ErrorCode::kConnectionLost, "simulated");
    }

    Status insert_main(const Table& table, types::Block& block) override {
        return effect([&] {
            for (size_t i = 0; i < block.rows(); ++i)
                copies_.at(table.copy).main.push_back(ModelCopy::stored(block, i));
        });
    }
    Status insert_delta(const Table& table, types::Block& block, uint32_t generation) override {
        return effect([&] {
            for (size_t i = 0; i < block.rows(); ++i) {
                ModelCopy::Stored row = ModelCopy::stored(block, i);
                row.ordinal = block.columns[4].column.fixed<uint64_t>(i);
                row.deleted = block.columns[5].column.fixed<uint8_t>(i) != 0;
                row.generation = generation;
                copies_.at(table.copy).delta.push_back(row);
            }
        });
    }
    Status create_copy(const Table& table) override {
        return effect([&] { copies_[table.copy] = ModelCopy(); });
    }
    Status alter(const TableChange&) override { return {}; }

    Result<types::Block> rows_by_key(const Table& table, LookUp look_up) override {
        TRY(effect([] {}));
        types::Block block = lookup_block();
        for (std::string_view name : {kFromColumn, kOrdinalColumn})
            block.columns.push_back(
                { std::string(name), types::Column(MUST(types::parse_clickhouse_type("UInt64"))) });
        const ModelCopy& copy = copies_.at(table.copy);
        std::vector<ModelCopy::Stored> all = copy.main;
        all.insert(all.end(), copy.delta.begin(), copy.delta.end());
        auto rows = ModelCopy::newest(all, [&](const ModelCopy::Stored& row) {
            return std::pair(row.from, row.ordinal) <
                   std::pair(look_up.before.commit.value, look_up.before.ordinal);
        });
        std::map<int, bool> seen;
        for (size_t i = 0; i < look_up.keys.rows(); ++i) {
            int key = look_up.keys.columns[0].column.fixed<int>(i);
            auto found = rows.find(key);
            if (found == rows.end() || found->second.deleted || std::exchange(seen[key], true))
                continue;
            block.columns[0].column.append_fixed(key);
            append_large(found->second.row.large, block.columns[1].column);
            block.columns[2].column.append_fixed(found->second.from);
            block.columns[3].column.append_fixed(found->second.ordinal);
        }
        return block;
    }

    Result<Found> current_rows(const Table&, const types::Block& keys, std::span<const size_t>,
                               size_t) override {
        TRY(effect([] {}));
        types::Block block = lookup_block();
        for (size_t i = 0; i < keys.rows(); ++i) {
            int key = keys.columns[0].column.fixed<int>(i);
            auto found = source_.find(key);
            if (found == source_.end()) continue;
            block.columns[0].column.append_fixed(key);
            append_large(found->second.large, block.columns[1].column);
        }
        return Found{std::move(block), Lsn{next_lsn_}};
    }

    Status wait_visible(std::span<const Xid>) override { return {}; }

    void append_large(const std::string& large, types::Column& column) const {
        types::Converter converter(table_->columns[2].mapping);
        ASSERT_TRUE(converter.append_text(large, column).ok());
    }

    types::Block lookup_block() const {
        types::Block block;
        block.columns.push_back({"key", types::Column(table_->columns[0].mapping.type)});
        block.columns.push_back({"large", types::Column(table_->columns[2].mapping.type)});
        return block;
    }

    Status record_look_up(const Table&, Lsn before) override {
        return effect([&] {
            if (!live_) consistent_ = std::max(consistent_, before);
        });
    }
    Status record_loss(const Table&, const Loss&, Lsn) override { return {}; }
    Status before_truncate(const Table&) override {
        if (reading_) finish_chunk();
        return {};
    }
    Status record_truncate(const Table& after, Version version, Xid) override {
        return effect([&] {
            applied_copy_ = after.copy;
            copies_.at(after.copy).known = true;
            if (live_) {
                copies_.at(after.copy).visible_from = Lsn{version.commit.value + 1};
                return;
            }
            chunks_done_ = 0;
            consistent_ = Lsn{};
        });
    }
    Status record_delta_rows(const Table& table) override {
        return effect([&] { copies_.at(table.copy).empty = false; });
    }
    Status record_change(const TableChange&, Lsn) override { return {}; }
    Status record_failure(const Table&, const Error& error) override {
        ADD_FAILURE() << error.to_string();
        return {};
    }

    Status before_leaf(const Table&, Oid) override { return {}; }
    Status record_leaf(const LeafStep&) override { return {}; }

    Result<std::optional<Oid>> table_of(Oid relation) override { return std::optional(relation); }
    bool covered(Oid, Xid) override { return false; }
    Result<Resolution> resolve(Oid, const postgres::Relation&, Xid) override {
        Resolution resolution;
        resolution.change.before = resolution.change.after = table_;
        resolution.layout = {table_, {0, 1, 2}};
        return resolution;
    }
    Result<std::optional<Resolution>> refresh(const Announcement&) override {
        return std::optional<Resolution>();
    }
    const std::set<uint32_t>& leaves(Oid) override { return leaves_; }
    void set_leaf(Oid, Oid, bool) override {}
    TablePtr known(Oid) override { return table_; }
    TablePtr next_copy(Oid) override {
        auto next = std::make_shared<Table>(*table_);
        ++next->copy;
        return table_ = next;
    }

    std::mt19937_64 random_;
    TablePtr table_;
    std::set<uint32_t> leaves_;
    int failures_per_mille_ = 0;
    int history_ms_ = 0;
    StreamLimits limits_;
    ApplyLimits lookup_limits_;
    Micros now_{0};

    // The source and its WAL.
    Rows source_;
    uint64_t next_lsn_ = 1000;
    int large_counter_ = 0;
    std::vector<Transaction> history_;
    std::map<uint64_t, Visible> states_;  // by the end of the transaction
    size_t reads_ = 0;
    size_t old_reads_ = 0;
    size_t folds_ = 0;

    // Durable: ClickHouse, catalog, slot.
    std::map<int, ModelCopy> copies_;
    Lsn recorded_;
    Lsn history_from_;
    int chunks_done_ = 0;
    Lsn consistent_;
    bool live_ = false;
    Lsn confirmed_;
    std::vector<Lsn> confirmed_before_;

    // In memory.
    std::optional<StreamMachine> machine_;
    std::optional<Applier> applier_;
    std::optional<DeltaBook> book_;
    bool dead_ = false;
    int applied_copy_ = 1;  // the stream may know of a newer one
    size_t next_transaction_ = 0;
    size_t next_change_ = 0;
    std::optional<ReadChunk> reading_;
};

uint64_t environment(const char* name, uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(mirror_simulation, always_ends_with_both_sides_equal) {
    using Clock = std::chrono::steady_clock;
    const uint64_t first = environment("TANDEM_SIM_SEED", 1);
    const uint64_t budget = environment("TANDEM_BUDGET_SECONDS", 0);
    const uint64_t runs = std::getenv("TANDEM_SIM_SEED") != nullptr ? 1 : 400;
    const auto end = Clock::now() + std::chrono::seconds(budget);
    size_t reads = 0;
    size_t old_reads = 0;
    size_t folds = 0;
    uint64_t tried = 0;
    for (uint64_t seed = first; budget != 0 ? Clock::now() < end : seed < first + runs; ++seed) {
        if (HasFailure()) break;
        ++tried;
        SCOPED_TRACE("TANDEM_SIM_SEED=" + std::to_string(seed));
        Simulation simulation(seed);
        simulation.run();
        reads += simulation.reads();
        old_reads += simulation.old_reads();
        folds += simulation.folds();
        ASSERT_TRUE(simulation.finished()) << "TANDEM_SIM_SEED=" << seed;
        ASSERT_EQ(simulation.expected(), simulation.actual()) << "TANDEM_SIM_SEED=" << seed;
    }
    if (tried < 100) return;
    EXPECT_GT(reads, 4 * tried);
    EXPECT_GT(old_reads, tried) << "before the last fold";
    EXPECT_GT(folds, tried / 4);
}

}  // namespace
}  // namespace tandem::mirror
