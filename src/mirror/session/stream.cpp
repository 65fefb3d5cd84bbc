// The stream thread of a session: walsender → decoder → StreamMachine → batches, and feedback.
#include <poll.h>

#include <algorithm>
#include <utility>

#include "base/failpoint.h"
#include "base/log.h"
#include "metrics/metrics.h"
#include "mirror/session/parts.h"
#include "postgres/decoder/pgoutput.h"

namespace tandem::mirror {
namespace {

// Feedback without news: often enough for any sensible wal_sender_timeout.
constexpr Micros kFeedbackInterval{1'000'000};
// How often time is looked at while messages keep coming.
constexpr int kMessagesBetweenChecks = 256;
// How long an orderly stop waits for the batch that is being applied.
constexpr Micros kStopPatience{1'500'000};
constexpr Micros kBetweenWakes{50'000};

constexpr std::chrono::milliseconds kVisibleSoon{100};

Micros now() {
    return std::chrono::duration_cast<Micros>(std::chrono::steady_clock::now().time_since_epoch());
}

postgres::Millis to_millis(Micros time) {
    return std::chrono::duration_cast<postgres::Millis>(time);
}

// Nothing that matters to how values are stored differs.
bool same_columns(const Table& a, const Table& b) {
    return std::equal(a.columns.begin(), a.columns.end(), b.columns.begin(), b.columns.end(),
                      [](const TableColumn& x, const TableColumn& y) {
                          return x.attnum == y.attnum && x.name == y.name && x.type == y.type &&
                                 x.typmod == y.typmod &&
                                 x.mapping.type->name == y.mapping.type->name;
                      });
}

class Directory final : public TableDirectory {
  public:
    Directory(CatalogStore& catalog, const SessionTables& tables)
        : catalog_(catalog),
          known_(tables.known),
          binary_(tables.binary),
          leaves_(tables.leaves),
          loaded_as_of_(tables.loaded_as_of) {}

    Result<std::optional<Oid>> table_of(Oid relation) override {
        // A mirrored table that was attached to another one is a partition of that from then on.
        for (const auto& [relid, leaves] : leaves_)
            if (relid != relation.value && leaves.contains(relation.value))
                return std::optional(Oid{relid});
        if (known_.contains(relation.value)) return std::optional(relation);
        auto table = TRY(catalog_.table_of_leaf(relation));
        if (!table || !known_.contains(table->value)) return std::optional<Oid>();
        return table;
    }

    bool covered(Oid table, Xid transaction) override {
        auto found = loaded_as_of_.find(table.value);
        return found != loaded_as_of_.end() && found->second.sees(transaction);
    }

    Result<Resolution> resolve(Oid relid, const postgres::Relation& relation,
                               Xid transaction) override {
        // Its DDL is not seen before it is visible. Not for long: it may be this mirror that it
        // waits for.
        postgres::Connection* source = TRY(catalog_.connection());
        bool visible = TRY(wait_until_visible(*source, std::span(&transaction, 1), kVisibleSoon));
        return resolve_now(relid, relation, visible ? CatalogIs::ahead : CatalogIs::behind);
    }

    Result<Resolution> resolve_now(Oid relid, const postgres::Relation& relation,
                                   CatalogIs catalog) {
        TablePtr& known = known_.at(relid.value);
        auto info = TRY(catalog_.read_source_table(relid));
        postgres::TypeMap types;
        if (info) {
            postgres::Connection* connection = TRY(catalog_.connection());
            types = TRY(postgres::read_types(*connection, std::span(&*info, 1)));
        }
        Resolution resolution = TRY(resolve_relation(known, relation, info, types, catalog));
        // Its bytes would be taken for text. The session that loads the table streams text.
        for (const TableColumn& column : resolution.change.after->columns)
            if (binary_ && column.mapping.needs_text_stream)
                return Error(ErrorCode::kSchemaChanged,
                             known->label() + ": column " + column.name +
                                 " is of a type that has to be streamed as text");
        if (resolution.change.empty() && same_columns(*known, *resolution.change.after))
            resolution.layout.table = resolution.change.after = known;
        known = resolution.change.after;
        return resolution;
    }

    Result<std::optional<Resolution>> refresh(const Announcement& announcement) override {
        if (!known_.contains(announcement.relid.value) ||
            !TRY(catalog_.has_columns(announcement.relid, announcement.digest)))
            return std::optional<Resolution>();
        auto info = TRY(catalog_.read_source_table(announcement.relid));
        if (!info) return std::optional<Resolution>();
        // The message that pgoutput would send before a row.
        std::vector<postgres::RelationColumn> columns;
        for (const postgres::ColumnInfo& column : info->columns) {
            if (column.generated != 0) continue;
            bool key = std::find(info->identity_key.begin(), info->identity_key.end(),
                                 column.attnum) != info->identity_key.end();
            columns.push_back({column.name, column.type, column.typmod, key});
        }
        postgres::Relation relation;
        relation.oid = announcement.relid;
        relation.schema = info->schema;
        relation.name = info->name;
        relation.replica_identity = static_cast<char>(info->replica_identity);
        relation.columns = columns;
        return std::optional(
            TRY(resolve_now(announcement.relid, relation, CatalogIs::of_that_place)));
    }

    TablePtr known(Oid relid) override {
        auto found = known_.find(relid.value);
        return found == known_.end() ? nullptr : found->second;
    }

    TablePtr next_copy(Oid relid) override {
        TablePtr& known = known_.at(relid.value);
        auto next = std::make_shared<Table>(*known);
        ++next->copy;
        known = next;
        return known;
    }

    const std::set<uint32_t>& leaves(Oid table) override { return leaves_[table.value]; }
    void set_leaf(Oid table, Oid leaf, bool part) override {
        if (part)
            leaves_[table.value].insert(leaf.value);
        else
            leaves_[table.value].erase(leaf.value);
    }

  private:
    CatalogStore& catalog_;
    std::map<uint32_t, TablePtr> known_;
    const bool binary_;
    std::map<uint32_t, std::set<uint32_t>> leaves_;
    std::map<uint32_t, XidSnapshot> loaded_as_of_;
};

class StreamLoop {
  public:
    StreamLoop(const RunnerOptions& options, const SessionTables& tables, DeltaBook& book,
               HandOver& hand_over, IdentityLog& identity)
        : options_(options),
          tables_(tables),
          book_(book),
          hand_over_(hand_over),
          identity_(identity),
          catalog_(store_options(options, "stream"), nullptr),
          directory_(catalog_, tables),
          machine_(options.limits, directory_),
          decoder_(1),
          metrics_(options.name) {
        catalog_.set_generations(tables.generations);
    }

    Status run(std::stop_token stop) {
        TRY(start());
        std::stop_callback on_stop(stop, [this] { hand_over_.wake(); });
        while (!stop.stop_requested()) {
            if (auto error = hand_over_.error()) return std::move(*error);
            TRY(receive());
            for (Oid failed : hand_over_.take_failed()) machine_.forget(failed);
            hand_over_batch();
            TRY(report());
        }
        return finish();
    }

  private:
    Status start() {
        replication_ = TRY(postgres::Replication::open(connect_options(options_, "stream")));
        postgres::StreamOptions stream;
        stream.slot = tables_.mirror.slot;
        stream.start = tables_.position;
        stream.publications = {tables_.mirror.publication};
        stream.protocol_version = 1;
        stream.binary = tables_.binary;
        return replication_->start(stream);
    }

    // Reads what has arrived, or waits for the next thing that can happen.
    Status receive() {
        if (machine_.full() && !hand_over_.free()) {
            // Both batches are full: no reading. The walsender waits, and hears from us.
            pollfd wait{hand_over_.wake_fd(), POLLIN, 0};
            ::poll(&wait, 1, static_cast<int>(to_millis(kFeedbackInterval).count()));
            hand_over_.drain_wake();
            return {};
        }
        drained_ = false;
        for (int i = 0; i < kMessagesBetweenChecks && !machine_.full(); ++i) {
            auto message = TRY(replication_->poll(postgres::Millis(0)));
            if (!message) {
                drained_ = true;
                break;
            }
            TRY(take(*message));
        }
        if (!drained_ || machine_.ripe(now(), true)) {
            if (!drained_ || hand_over_.free()) return {};
        }
        Micros wait = kFeedbackInterval;
        if (hand_over_.free())
            if (auto ripe = machine_.ripe_at(true)) wait = std::min(wait, *ripe - now());
        wait = std::max(wait, Micros(0)) + Micros(999);
        auto message = TRY(replication_->poll(to_millis(wait), hand_over_.wake_fd()));
        hand_over_.drain_wake();
        return message ? take(*message) : Status();
    }

    Status take(const postgres::ReplicationMessage& message) {
        if (auto* keepalive = std::get_if<postgres::Keepalive>(&message)) {
            machine_.on_keepalive(keepalive->server_end);
            received_ = std::max(received_, keepalive->server_end);
            reply_requested_ |= keepalive->reply_requested;
            return {};
        }
        const auto& data = std::get<postgres::XLogData>(message);
        received_ = std::max(received_, data.start);
        auto decoded = TRY(decoder_.decode(data.payload));
        read_bytes_ += data.payload.size();
        if (auto* logical = std::get_if<postgres::LogicalMessage>(&decoded))
            if (logical->prefix == "tandem") {
                if (logical->content == "flush") metrics_.flush_requests.add();
                told_of_ddl_ |= logical->content == "ddl";
            }
        return machine_.on_message(decoded, data.payload.size(), now());
    }

    void hand_over_batch() {
        if (!hand_over_.free()) return;
        if (machine_.empty()) {
            // Nothing is open and nothing is being applied: all that was read is durable. But the
            // slot is moved only as far as ClickHouse knows of; an empty batch tells it.
            Lsn position = std::max(hand_over_.applied(), machine_.position());
            if (position <= hand_over_.promised())
                applied_ = std::max(applied_, position);
            else
                hand_over_.give(machine_.take());
            return;
        }
        applied_ = std::max(applied_, hand_over_.applied());
        if (!machine_.ripe(now(), drained_)) return;
        metrics_.stream_changes.add(machine_.open_changes());
        hand_over_.give(machine_.take());
    }

    void count() {
        metrics_.stream_bytes.add(std::exchange(read_bytes_, 0));
        metrics_.open_bytes.set(machine_.open_bytes());
        metrics_.open_changes.set(machine_.open_changes());
        metrics_.received_lsn.set(received_.value);
        metrics_.applied_lsn.set(applied_.value);
    }

    Status report() {
        applied_ = std::max(applied_, hand_over_.applied());
        for (const Part& part : hand_over_.take_consistent(applied_)) TRY(become_live(part));
        TRY(wake_guard());
        bool news = applied_ > reported_;
        if (!news && !reply_requested_ && now() - last_report_ < kFeedbackInterval) return {};
        count();
        TRY(failpoint("feedback_before_send"));
        TRY(replication_->send_feedback(
            {.write = std::max(received_, applied_), .flush = applied_, .apply = applied_}));
        hand_over_.set_published(applied_);
        reported_ = applied_;
        reply_requested_ = false;
        last_report_ = now();
        return {};
    }

    // DDL was committed: the guard looks at it now. Anybody may write such messages, so not more
    // often than it would be of use.
    Status wake_guard() {
        if (!told_of_ddl_ || now() - woken_guard_ < kBetweenWakes) return {};
        told_of_ddl_ = false;
        woken_guard_ = now();
        return catalog_.wake_guard();
    }

    Status become_live(const Part& part) {
        DeltaBook::Hold view(book_, part.relid, DeltaBook::Held::view);
        TablePtr table = book_.table(part.relid);
        if (table == nullptr) return {};
        ClickHouseTarget target(target_options(options_, false));
        if (part.leaf.value != 0) return leaf_becomes_live(part, *table, target);
        // The view first: who has waited for the table to be live finds it complete.
        TRY(target.create_view(*table, book_.cuts(part.relid), tables_.mirror.mark()));
        CatalogStore::Liveness now = TRY(catalog_.set_live(part.relid, applied_));
        if (now.live) book_.set_live(part.relid);
        if (now.wait_for) hand_over_.add_catching_up(part, *now.wait_for);
        return {};
    }

    Status leaf_becomes_live(const Part& part, const Table& table, ClickHouseTarget& target) {
        CatalogStore::Liveness now = TRY(catalog_.set_leaf_live(part.relid, part.leaf, applied_));
        if (now.wait_for) hand_over_.add_catching_up(part, *now.wait_for);
        if (!now.live) return {};
        book_.set_leaf_live(part.relid, part.leaf);
        if (book_.loading(part.relid)) return {};
        return target.create_view(table, book_.cuts(part.relid), tables_.mirror.mark());
    }

    Status finish() {
        Micros deadline = now() + kStopPatience;
        while (!hand_over_.free() && !hand_over_.error() && now() < deadline) {
            pollfd wait{hand_over_.wake_fd(), POLLIN, 0};
            ::poll(&wait, 1, 100);
            hand_over_.drain_wake();
        }
        TRY(report());
        TRY(catalog_.record_position(applied_));
        if (hand_over_.free() && !hand_over_.error()) {
            ClickHouseTarget target(target_options(options_, false));
            TRY(identity_.close(target, tables_.mirror.database, applied_));
        }
        // A walsender in the midst of a large transaction may take long to answer; it ends anyway
        // when the connection does.
        static_cast<void>(replication_->stop(postgres::Millis(1000)).ok());
        return {};
    }

    const RunnerOptions& options_;
    const SessionTables& tables_;
    DeltaBook& book_;
    HandOver& hand_over_;
    IdentityLog& identity_;
    CatalogStore catalog_;
    Directory directory_;
    StreamMachine machine_;
    postgres::PgoutputDecoder decoder_;
    metrics::MirrorMetrics metrics_;
    uint64_t read_bytes_ = 0;
    std::optional<postgres::Replication> replication_;
    bool drained_ = false;
    bool reply_requested_ = false;
    bool told_of_ddl_ = false;
    Micros woken_guard_{0};
    Lsn received_;
    Lsn applied_;
    Lsn reported_;
    Micros last_report_{0};
};

}  // namespace

Status run_stream(const RunnerOptions& options, const SessionTables& tables, DeltaBook& book,
                  HandOver& hand_over, IdentityLog& identity, std::stop_token stop) {
    return StreamLoop(options, tables, book, hand_over, identity).run(stop);
}

}  // namespace tandem::mirror
