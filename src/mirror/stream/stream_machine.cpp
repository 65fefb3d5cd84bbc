// A batch is a list of steps in the order of the WAL. Rows of one table gather in one InsertStep
// for as long as nothing has to happen in between; TRUNCATE and a change of the columns close the
// open rows of their table and follow as steps of their own, so that the applier never has to
// reorder.
//
// batch_.confirm is what may be confirmed to the slot once the batch is applied. It moves at
// commits, and between transactions with keepalives and messages, but not inside of a transaction:
// a batch that was cut there confirms only what was committed before.
#include "mirror/stream/stream_machine.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/retry_policy.h"

namespace tandem::mirror {
namespace {

// What a change costs beyond its payload and its columns: version, key index.
constexpr size_t kChangeOverhead = 96;

}  // namespace

RelationCopy::RelationCopy(const postgres::Relation& relation)
    : relation_(relation), schema_(relation.schema), name_(relation.name) {
    for (const postgres::RelationColumn& column : relation.columns)
        columns_.push_back({std::string(column.name), column});
}

postgres::Relation RelationCopy::get() const {
    views_.clear();
    for (const Column& column : columns_) {
        views_.push_back(column.column);
        views_.back().name = column.name;
    }
    postgres::Relation relation = relation_;
    relation.schema = schema_;
    relation.name = name_;
    relation.columns = views_;
    return relation;
}

Status StreamMachine::on_message(const postgres::Message& message, size_t size, Micros now) {
    if (auto* insert = std::get_if<postgres::Insert>(&message)) {
        return on_change(insert->relation, size, now, [&](TableBatch& rows, Version version) {
            return rows.insert(insert->row, version);
        });
    } else if (auto* update = std::get_if<postgres::Update>(&message)) {
        return on_change(update->relation, size, now, [&](TableBatch& rows, Version version) {
            return rows.update(*update, version);
        });
    } else if (auto* removal = std::get_if<postgres::Delete>(&message)) {
        return on_change(removal->relation, size, now, [&](TableBatch& rows, Version version) {
            return rows.remove(removal->old, version);
        });
    } else if (auto* begin = std::get_if<postgres::Begin>(&message)) {
        in_transaction_ = true;
        commit_lsn_ = begin->final_lsn;
        xid_ = begin->xid;
        ordinal_ = 0;
    } else if (auto* commit = std::get_if<postgres::Commit>(&message)) {
        on_commit(*commit);
    } else if (auto* relation = std::get_if<postgres::Relation>(&message)) {
        return on_relation(*relation);
    } else if (auto* truncate = std::get_if<postgres::Truncate>(&message)) {
        return on_truncate(*truncate, now);
    } else if (auto* logical = std::get_if<postgres::LogicalMessage>(&message)) {
        return on_message_of_ours(*logical, now);
    } else if (!std::holds_alternative<postgres::Type>(message) &&
               !std::holds_alternative<postgres::Origin>(message)) {
        return Error(ErrorCode::kProtocolViolation,
                     "the stream carries a message of a mode that was not asked for");
    }
    return {};
}

void StreamMachine::on_commit(const postgres::Commit& commit) {
    in_transaction_ = false;
    batch_.confirm = std::max(batch_.confirm, commit.end_lsn);
    batch_.last_commit_time = commit.commit_time;
    note_moment(commit);
}

void StreamMachine::note_moment(const postgres::Commit& commit) {
    constexpr int64_t kMicros = 1'000'000;
    int64_t micros = commit.commit_time.micros;
    int64_t second = micros / kMicros - (micros % kMicros < 0 ? 1 : 0);
    if (batch_.moments.empty() || batch_.moments.back().second < second)
        batch_.moments.push_back({second, commit.end_lsn});
    else
        batch_.moments.back().end = commit.end_lsn;
}

void StreamMachine::on_keepalive(Lsn server_end) {
    if (!in_transaction_) batch_.confirm = std::max(batch_.confirm, server_end);
}

Status StreamMachine::on_message_of_ours(const postgres::LogicalMessage& message, Micros now) {
    // Outside a transaction its LSN is the end of its record, and everything committed before was
    // sent before. Without this a reader that waits for a position behind the last commit (of its
    // own flush request, say) would wait for the next keepalive.
    if (!in_transaction_ && !message.transactional)
        batch_.confirm = std::max(batch_.confirm, message.lsn);
    if (message.prefix != "tandem") return {};
    // With nothing open, all that the reader waits for is on its way already.
    if (message.content == "flush" && (in_transaction_ || !empty())) flush_requested_ = true;
    Announcement announcement;
    if (parse_announcement(message.content, &announcement)) return on_announcement(announcement);
    LeafAnnouncement leaf;
    if (parse_announcement(message.content, &leaf)) on_leaf(leaf, now);
    return {};
}

Status StreamMachine::on_announcement(const Announcement& announcement) {
    auto found = tables_.find(announcement.relid);
    if (found != tables_.end() && found->second.dropped) return {};
    if (directory_->covered(announcement.relid, xid_)) return {};
    auto resolution = directory_->refresh(announcement);
    if (resolution.ok() && !resolution.value()) return {};
    if (!resolution.ok()) return adopt(announcement.relid, std::move(resolution).error(), true);
    return adopt(announcement.relid, *std::move(resolution).value(), true);
}

void StreamMachine::on_leaf(const LeafAnnouncement& announcement, Micros now) {
    // SAFETY: anybody may write such a message, and name a table that has no partitions.
    TablePtr table = directory_->known(announcement.relid);
    if (table == nullptr || !table->partitioned || directory_->covered(announcement.relid, xid_))
        return;
    add_leaf_step(announcement.relid, announcement.leaf,
                  announcement.part ? LeafStep::Kind::loads : LeafStep::Kind::gone, now);
}

void StreamMachine::add_leaf_step(Oid relid, Oid leaf, LeafStep::Kind kind, Micros now) {
    Mirrored& mirrored = tables_[relid];
    if (mirrored.dropped) return;
    close_rows(mirrored);
    Version version = Version::of_change(commit_lsn_, ordinal_);
    batch_.steps.emplace_back(LeafStep{directory_->known(relid), leaf, version, xid_, kind});
    batch_.last_commit = commit_lsn_;
    directory_->set_leaf(relid, leaf, kind != LeafStep::Kind::gone);
    note_step(now);
}

Status StreamMachine::on_relation(const postgres::Relation& relation) {
    Source& source = sources_[relation.oid];
    source = Source();
    source.table = TRY(directory_->table_of(relation.oid));
    if (source.table) source.relation = RelationCopy(relation);
    return {};
}

Status StreamMachine::resolve(Source& source) {
    auto resolution = directory_->resolve(*source.table, source.relation.get(), xid_);
    std::vector<int> columns;
    if (resolution.ok()) columns = resolution.value().layout.columns;
    TRY(adopt(*source.table, std::move(resolution), false));
    source.columns = std::move(columns);
    source.resolved = true;
    return {};
}

// Goes on with the table as it was resolved, or without it.
Status StreamMachine::adopt(Oid relid, Result<Resolution> resolution, bool announced) {
    Mirrored& mirrored = tables_[relid];
    if (!resolution.ok()) {
        if (directory_->known(relid) == nullptr ||
            action_for(resolution.error(), Place::relation) != Action::fail_table)
            return std::move(resolution).error();
        fail(relid, std::move(resolution).error());
        return {};
    }
    Resolution& found = resolution.value();
    bool changed = announced || !found.change.empty();
    // The same columns in the same copy: its open rows go on.
    if (!changed && mirrored.table == found.change.before && !mirrored.converters.empty())
        return {};
    close_rows(mirrored);
    mirrored.table = found.layout.table;
    mirrored.converters.clear();
    mirrored.row_bytes = 0;
    for (const TableColumn& column : mirrored.table->columns) {
        mirrored.converters.emplace_back(column.mapping, column.is_key()
                                                             ? types::Unholdable::kReject
                                                             : types::Unholdable::kAppendNull);
        types::Column one(column.mapping.type);
        one.append_default();
        mirrored.row_bytes += one.byte_size();
    }
    // Other relations of the table were looked at with the columns it had before.
    for (auto& [oid, source] : sources_)
        if (source.table == relid) source.resolved = false;
    if (changed)
        batch_.steps.emplace_back(
            SchemaStep{std::move(found.change), std::max(commit_lsn_, batch_.confirm)});
    return {};
}

template <typename Change>
Status StreamMachine::on_change(Oid relation, size_t size, Micros now, const Change& change) {
    ++ordinal_;
    auto found = sources_.find(relation);
    if (found == sources_.end() || !found->second.table) return {};
    Source& source = found->second;
    const Oid relid = *source.table;
    Mirrored& mirrored = tables_[relid];
    if (mirrored.dropped || directory_->covered(relid, xid_)) return {};
    if (!source.resolved) TRY(resolve(source));
    if (mirrored.dropped) return {};
    if (relation != relid && !directory_->leaves(relid).contains(relation.value))
        add_leaf_step(relid, relation, LeafStep::Kind::loads, now);
    source.written = xid_;
    Version version = Version::of_change(commit_lsn_, ordinal_);
    TableBatch& rows = rows_of(mirrored, source);
    if (relation != relid) rows.set_leaf(relation);
    size_t copied = rows.copied_bytes();
    size_t pending = rows.pending();
    Status done = change(rows, version);
    if (!done.ok()) {
        size_t step = std::exchange(mirrored.open_step, kNone);
        mirrored.dropped = true;
        batch_.steps[step] = FailStep{mirrored.table, std::move(done).error()};
        note_step(now);
        return {};
    }
    if (rows.pending() > pending && (batch_.incomplete.empty() || batch_.incomplete.back() != xid_))
        batch_.incomplete.push_back(xid_);
    ++batch_.changes;
    batch_.last_commit = commit_lsn_;
    open_bytes_ += size + kChangeOverhead + mirrored.row_bytes + rows.copied_bytes() - copied;
    note_step(now);
    return {};
}

Status StreamMachine::on_truncate(const postgres::Truncate& truncate, Micros now) {
    ++ordinal_;
    std::map<uint32_t, std::set<uint32_t>> leaves;  // by table
    for (Oid relation : truncate.relations) {
        auto found = sources_.find(relation);
        if (found == sources_.end() || !found->second.table) continue;
        const Oid relid = *found->second.table;
        if (tables_[relid].dropped || directory_->covered(relid, xid_)) continue;
        if (relation == relid)
            truncate_table(relid, now);
        else
            leaves[relid.value].insert(relation.value);
    }
    for (const auto& [relid, some] : leaves) {
        const std::set<uint32_t>& all = directory_->leaves(Oid{relid});
        if (std::includes(some.begin(), some.end(), all.begin(), all.end()))
            truncate_table(Oid{relid}, now);
        else
            truncate_leaves(Oid{relid}, some, now);
    }
    return {};
}

void StreamMachine::truncate_table(Oid relid, Micros now) {
    Mirrored& mirrored = tables_[relid];
    close_rows(mirrored);
    mirrored.table = directory_->next_copy(relid);
    Version version = Version::of_change(commit_lsn_, ordinal_);
    batch_.steps.emplace_back(TruncateStep{mirrored.table, version, xid_});
    batch_.last_commit = commit_lsn_;
    note_step(now);
}

void StreamMachine::truncate_leaves(Oid relid, const std::set<uint32_t>& leaves, Micros now) {
    for (uint32_t leaf : leaves) {
        // What a transaction wrote itself and then truncated cannot be told from what it wrote
        // after that: both carry its commit.
        if (sources_[Oid{leaf}].written == xid_)
            return fail(relid, Error(ErrorCode::kSchemaChanged,
                                     "a partition was written and truncated in one transaction"));
        add_leaf_step(relid, Oid{leaf}, LeafStep::Kind::truncated, now);
    }
}

TableBatch& StreamMachine::rows_of(Mirrored& mirrored, const Source& source) {
    if (mirrored.open_step != kNone && mirrored.columns != source.columns) close_rows(mirrored);
    if (mirrored.open_step == kNone) {
        mirrored.open_step = batch_.steps.size();
        mirrored.columns = source.columns;
        WireLayout layout{mirrored.table, source.columns};
        batch_.steps.emplace_back(
            InsertStep{std::make_unique<TableBatch>(layout, mirrored.converters), {}});
    }
    return *std::get<InsertStep>(batch_.steps[mirrored.open_step]).rows;
}

void StreamMachine::close_rows(Mirrored& mirrored) {
    if (mirrored.open_step == kNone) return;
    auto& step = std::get<InsertStep>(batch_.steps[mirrored.open_step]);
    mirrored.open_step = kNone;
    step.rows->close();
    for (size_t i = 0; i < mirrored.converters.size(); ++i) {
        types::ConvertReport report = mirrored.converters[i].take_report();
        if (report.empty()) continue;
        step.losses.push_back({i, report.count, std::move(report.code), std::move(report.why),
                               std::move(report.first_value)});
    }
}

void StreamMachine::fail(Oid relid, Error error) {
    Mirrored& mirrored = tables_[relid];
    close_rows(mirrored);
    mirrored.dropped = true;
    batch_.steps.emplace_back(FailStep{directory_->known(relid), std::move(error)});
}

void StreamMachine::note_step(Micros now) {
    if (!first_change_) first_change_ = now;
}

bool StreamMachine::ripe(Micros now, bool drained) const {
    if (empty()) return false;
    if (full()) return true;
    if (in_transaction_) return false;
    if (flush_requested_ || !first_change_) return true;
    Micros age = now - *first_change_;
    return age >= limits_.batch_age || (drained && age >= limits_.flush_age);
}

std::optional<Micros> StreamMachine::ripe_at(bool drained) const {
    if (empty() || in_transaction_ || !first_change_) return std::nullopt;
    return *first_change_ + (drained ? limits_.flush_age : limits_.batch_age);
}

Batch StreamMachine::take() {
    for (auto& [oid, mirrored] : tables_) close_rows(mirrored);
    Batch taken = std::move(batch_);
    taken.bytes = open_bytes_;
    batch_ = Batch();
    batch_.confirm = taken.confirm;
    open_bytes_ = 0;
    first_change_.reset();
    flush_requested_ = false;
    return taken;
}

void StreamMachine::forget(Oid relid) {
    Mirrored& mirrored = tables_[relid];
    close_rows(mirrored);
    mirrored.dropped = true;
}

}  // namespace tandem::mirror
