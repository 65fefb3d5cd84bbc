#include "mirror/stream/stream_machine.h"

#include <algorithm>
#include <utility>

#include "base/retry_policy.h"

namespace tandem::mirror {
namespace {

// What a change costs beyond its payload: offsets, version, key index.
constexpr size_t kChangeOverhead = 96;

}  // namespace

Status StreamMachine::on_message(const postgres::Message& message, size_t size, Micros now) {
    if (auto* insert = std::get_if<postgres::Insert>(&message)) {
        on_change(insert->relation, size, now, [&](TableBatch& rows, Version version) {
            return rows.insert(insert->row, version);
        });
    } else if (auto* update = std::get_if<postgres::Update>(&message)) {
        on_change(update->relation, size, now,
                  [&](TableBatch& rows, Version version) { return rows.update(*update, version); });
    } else if (auto* removal = std::get_if<postgres::Delete>(&message)) {
        on_change(removal->relation, size, now, [&](TableBatch& rows, Version version) {
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
        on_truncate(*truncate, now);
    } else if (auto* logical = std::get_if<postgres::LogicalMessage>(&message)) {
        return on_message_of_ours(*logical);
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
}

void StreamMachine::on_keepalive(Lsn server_end) {
    if (!in_transaction_) batch_.confirm = std::max(batch_.confirm, server_end);
}

Status StreamMachine::on_message_of_ours(const postgres::LogicalMessage& message) {
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
    return {};
}

Status StreamMachine::on_announcement(const Announcement& announcement) {
    auto found = tables_.find(announcement.relid);
    if (found != tables_.end() && found->second.dropped) return {};
    auto entry = directory_->refresh(announcement);
    if (entry.ok() && !entry.value()) return {};
    close_rows(tables_[announcement.relid]);
    return adopt(announcement.relid, std::move(entry), true);
}

Status StreamMachine::on_relation(const postgres::Relation& relation) {
    close_rows(tables_[relation.oid]);
    return adopt(relation.oid, directory_->resolve(relation), false);
}

// Goes on with the table as it was resolved, or without it.
Status StreamMachine::adopt(Oid relid, Result<std::optional<TableDirectory::Entry>> entry,
                            bool announced) {
    Known& known = tables_[relid];
    if (!entry.ok()) {
        TablePtr table = directory_->known(relid);
        if (table == nullptr || action_for(entry.error(), Place::relation) != Action::fail_table)
            return std::move(entry).error();
        fail(known, std::move(table), std::move(entry).error());
        return {};
    }
    known = Known();
    if (!entry.value()) {
        known.dropped = true;
        return {};
    }
    TableDirectory::Entry& found = *entry.value();
    known.layout = std::move(found.resolution.layout);
    for (const TableColumn& column : known.layout.table->columns)
        known.converters.emplace_back(column.mapping, column.is_key()
                                                          ? types::Unholdable::reject
                                                          : types::Unholdable::append_null);
    if (announced || !found.resolution.change.empty())
        batch_.steps.emplace_back(SchemaStep{std::move(found.resolution.change)});
    return {};
}

template <typename Change>
void StreamMachine::on_change(Oid relation, size_t size, Micros now, const Change& change) {
    ++ordinal_;
    auto found = tables_.find(relation);
    if (found == tables_.end() || found->second.dropped) return;
    Known& known = found->second;
    Version version = Version::of_change(commit_lsn_, ordinal_);
    TableBatch& rows = rows_of(known);
    size_t copied = rows.copied_bytes();
    size_t pending = rows.pending();
    Status done = change(rows, version);
    if (!done.ok()) {
        TablePtr table = known.layout.table;
        size_t step = std::exchange(known.open_step, kNone);
        known.dropped = true;
        batch_.steps[step] = FailStep{std::move(table), std::move(done).error()};
        note_step(now);
        return;
    }
    if (rows.pending() > pending && (batch_.incomplete.empty() || batch_.incomplete.back() != xid_))
        batch_.incomplete.push_back(xid_);
    ++batch_.changes;
    batch_.last_commit = commit_lsn_;
    open_bytes_ += size + kChangeOverhead + rows.copied_bytes() - copied;
    note_step(now);
}

void StreamMachine::on_truncate(const postgres::Truncate& truncate, Micros now) {
    ++ordinal_;
    Version version = Version::of_change(commit_lsn_, ordinal_);
    for (Oid relation : truncate.relations) {
        auto found = tables_.find(relation);
        if (found == tables_.end() || found->second.dropped) continue;
        Known& known = found->second;
        close_rows(known);
        known.layout.table = directory_->next_copy(relation);
        batch_.steps.emplace_back(TruncateStep{known.layout.table, version});
        batch_.last_commit = commit_lsn_;
        note_step(now);
    }
}

TableBatch& StreamMachine::rows_of(Known& known) {
    if (known.open_step == kNone) {
        known.open_step = batch_.steps.size();
        batch_.steps.emplace_back(
            InsertStep{std::make_unique<TableBatch>(known.layout, known.converters), {}});
    }
    return *std::get<InsertStep>(batch_.steps[known.open_step]).rows;
}

void StreamMachine::close_rows(Known& known) {
    if (known.open_step == kNone) return;
    auto& step = std::get<InsertStep>(batch_.steps[known.open_step]);
    known.open_step = kNone;
    step.rows->close(in_transaction_ ? std::optional(commit_lsn_) : std::nullopt);
    for (size_t i = 0; i < known.converters.size(); ++i) {
        types::ConvertReport report = known.converters[i].take_report();
        if (report.empty()) continue;
        step.losses.push_back({i, report.count, std::move(report.code), std::move(report.why),
                               std::move(report.first_value)});
    }
}

void StreamMachine::fail(Known& known, TablePtr table, Error error) {
    known.dropped = true;
    batch_.steps.emplace_back(FailStep{std::move(table), std::move(error)});
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
    for (auto& [oid, known] : tables_) close_rows(known);
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
    Known& known = tables_[relid];
    close_rows(known);
    known.dropped = true;
}

}  // namespace tandem::mirror
