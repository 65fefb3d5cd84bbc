// The stream machine and the applier against a model of both servers, under random crashes.
//
// A random history of transactions is replayed into the machine; every port call may fail before or
// after its effect, then the applier tries again or the whole mirror dies and starts again from a
// confirmed position that may be an old one. Chunks of the snapshot are read in between. At the
// end the model of ClickHouse must equal the model of the source. No threads, no clock, no server.
// Tries the same seeds in every run. TANDEM_SIM_SEED replays one (printed on failure);
// with TANDEM_BUDGET_SECONDS seeds are tried from there on for that long.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <random>

#include "mirror/apply/applier.h"
#include "mirror/schema/source_types.h"
#include "mirror/stream/stream_machine.h"

namespace tandem::mirror {
namespace {

using postgres::TupleValue;
using postgres::ValueKind;

constexpr Oid kTable{100};
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

TablePtr make_table() {
    auto table = std::make_shared<Table>();
    table->relid = kTable;
    table->schema = "public";
    table->name = table->target = "t";
    table->database = "tandem";
    auto add = [&](std::string name, uint32_t oid, int key) {
        TableColumn column;
        column.attnum = static_cast<int16_t>(table->columns.size() + 1);
        column.name = column.target_name = std::move(name);
        column.type = Oid{oid};
        column.key_position = key;
        column.source_type = MUST(types::builtin_type(Oid{oid}));
        column.source_type.not_null = column.source_type.key = key > 0;
        column.mapping = MUST(types::map_type(column.source_type));
        table->columns.push_back(std::move(column));
    };
    add("key", 23, 1);
    add("number", 23, 0);
    add("large", 25, 0);
    table->key = {0};
    return table;
}

std::string big_endian(int value) {
    auto swapped = __builtin_bswap32(static_cast<uint32_t>(value));
    return {reinterpret_cast<const char*>(&swapped), sizeof swapped};
}

// ClickHouse: every row ever inserted, and what FINAL makes of them.
class ModelTarget {
  public:
    struct Stored {
        Row row;
        types::UInt128 version = 0;
        bool deleted = false;
    };

    void insert(const types::Block& block) {
        for (size_t i = 0; i < block.rows(); ++i) {
            Stored stored;
            stored.row.key = block.columns[0].column.fixed<int>(i);
            stored.row.number = block.columns[1].column.fixed<int>(i);
            stored.row.large = block.columns[2].column.string(i);
            stored.version = block.columns[3].column.fixed<types::UInt128>(i);
            stored.deleted = block.columns[4].column.fixed<uint8_t>(i) != 0;
            put(stored);
        }
    }
    void put(const Stored& stored) {
        auto [at, fresh] = rows_.emplace(stored.row.key, stored);
        if (!fresh && stored.version >= at->second.version) at->second = stored;
    }
    const Stored* find(int key) const {
        auto found = rows_.find(key);
        return found == rows_.end() || found->second.deleted ? nullptr : &found->second;
    }
    void truncate() { rows_.clear(); }
    std::map<int, std::pair<int, std::string>> visible() const {
        std::map<int, std::pair<int, std::string>> result;
        for (const auto& [key, stored] : rows_)
            if (!stored.deleted) result[key] = {stored.row.number, stored.row.large};
        return result;
    }

  private:
    std::map<int, Stored> rows_;
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
        limits_.changes_max = static_cast<size_t>(pick(1, 40));
        lookup_limits_.lookup_keys = static_cast<size_t>(pick(1, 8));
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
        }
    }

    bool finished() const {
        return next_transaction_ == history_.size() && machine_->empty() && applier_->done() &&
               chunks_done_ == kBlocks && !reading_;
    }
    std::map<int, std::pair<int, std::string>> expected() const {
        std::map<int, std::pair<int, std::string>> result;
        for (const auto& [key, row] : source_) result[key] = {row.number, row.large};
        return result;
    }
    std::map<int, std::pair<int, std::string>> actual() const { return target_.visible(); }

  private:
    int pick(int from, int to) { return std::uniform_int_distribution<int>(from, to)(random_); }
    bool chance(int per_mille) { return pick(1, 1000) <= per_mille; }

    void random_step() {
        switch (pick(0, 9)) {
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
        machine_.emplace(uint16_t{1}, limits_, static_cast<TableDirectory&>(*this));
        applier_.emplace(static_cast<Destination&>(*this), static_cast<SourceRows&>(*this),
                         static_cast<Catalog&>(*this), lookup_limits_);
        session_truncated_at_ = truncated_at_;
        next_transaction_ = 0;
        next_change_ = 0;
        while (next_transaction_ < history_.size() && history_[next_transaction_].end <= confirmed_)
            ++next_transaction_;
        postgres::Relation relation;
        relation.oid = kTable;
        ASSERT_TRUE(machine_->on_message(relation, 10, now_).ok());
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
        else if (chance(500))
            crash();
    }

    void confirm(Lsn position) {
        if (position <= confirmed_) return;
        confirmed_ = position;
        confirmed_before_.push_back(position);
        if (chunks_done_ == kBlocks && confirmed_ >= consistent_) live_ = true;
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
        for (const Row& row : reading_->rows) target_.put({row, Version::snapshot(1).value, false});
        consistent_ = std::max(consistent_, reading_->end);
        if (!chance(failures_per_mille_)) ++chunks_done_;  // else it is read and inserted again
        reading_.reset();
    }

    // --- ports: each may fail before or after its effect
    // ------------------------------------------
    template <typename Effect>
    Status effect(const Effect& do_it) {
        Error lost(ErrorCode::kConnectionLost, "simulated");
        if (chance(failures_per_mille_)) return lost;
        do_it();
        if (chance(failures_per_mille_)) return lost;
        return {};
    }

    Status insert(const Table&, const types::Block& block) override {
        return effect([&] { target_.insert(block); });
    }
    Status truncate(const Table&) override {
        return effect([&] { target_.truncate(); });
    }
    Status alter(const TableChange&) override { return {}; }

    Result<types::Block> rows_by_key(const Table&, types::Block keys, std::span<const size_t>,
                                     size_t) override {
        TRY(effect([] {}));
        types::Block block = lookup_block();
        block.columns.push_back({
            std::string(kVersionColumn),
                types::Column(MUST(types::parse_clickhouse_type("UInt128")))
        });
        std::map<int, bool> seen;
        for (size_t i = 0; i < keys.rows(); ++i) {
            int key = keys.columns[0].column.fixed<int>(i);
            const ModelTarget::Stored* stored = target_.find(key);
            if (stored == nullptr || std::exchange(seen[key], true)) continue;
            block.columns[0].column.append_fixed(key);
            append_large(stored->row.large, block.columns[1].column);
            block.columns[2].column.append_fixed(stored->version);
        }
        return block;
    }

    Result<types::Block> current_rows(const Table&, const types::Block& keys,
                                      std::span<const size_t>, size_t) override {
        TRY(effect([] {}));
        types::Block block = lookup_block();
        for (size_t i = 0; i < keys.rows(); ++i) {
            int key = keys.columns[0].column.fixed<int>(i);
            auto found = source_.find(key);
            if (found == source_.end()) continue;
            block.columns[0].column.append_fixed(key);
            append_large(found->second.large, block.columns[1].column);
        }
        return block;
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

    Status record_loss(const Table&, const Loss&, Lsn) override { return {}; }
    Status before_truncate(const Table&) override {
        if (reading_) finish_chunk();
        return {};
    }
    Status record_truncate(const Table&, Version version) override {
        return effect([&] {
            truncated_at_ = std::max(truncated_at_, version);
            if (live_) return;
            chunks_done_ = 0;
            consistent_ = Lsn{};
        });
    }
    Status record_change(const TableChange&) override { return {}; }
    Status record_failure(const Table&, const Error& error) override {
        ADD_FAILURE() << error.to_string();
        return {};
    }

    Result<std::optional<Entry>> resolve(const postgres::Relation&) override {
        Entry entry;
        entry.resolution.change.before = entry.resolution.change.after = table_;
        entry.resolution.layout = {table_, {0, 1, 2}};
        entry.truncated_at = session_truncated_at_;
        return std::optional(std::move(entry));
    }
    TablePtr known(Oid) override { return table_; }

    std::mt19937_64 random_;
    TablePtr table_;
    int failures_per_mille_ = 0;
    StreamLimits limits_;
    ApplyLimits lookup_limits_;
    Micros now_{0};

    // The source and its WAL.
    Rows source_;
    uint64_t next_lsn_ = 1000;
    int large_counter_ = 0;
    std::vector<Transaction> history_;

    // Durable: ClickHouse, catalog, slot.
    ModelTarget target_;
    Version truncated_at_;
    int chunks_done_ = 0;
    Lsn consistent_;
    bool live_ = false;
    Lsn confirmed_;
    std::vector<Lsn> confirmed_before_;

    // In memory.
    std::optional<StreamMachine> machine_;
    std::optional<Applier> applier_;
    Version session_truncated_at_;
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
    for (uint64_t seed = first; budget != 0 ? Clock::now() < end : seed < first + runs; ++seed) {
        Simulation simulation(seed);
        simulation.run();
        ASSERT_TRUE(simulation.finished()) << "TANDEM_SIM_SEED=" << seed;
        ASSERT_EQ(simulation.expected(), simulation.actual()) << "TANDEM_SIM_SEED=" << seed;
    }
}

}  // namespace
}  // namespace tandem::mirror
