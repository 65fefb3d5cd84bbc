// Every step can be gone on with after an error: what it has done is remembered in the step
// (placed, main_written, delta_written, completed), so run() repeats nothing that was acknowledged.
// What an error leads to is decided by base/retry_policy.h; a table that fails is left out from
// then on.
//
// Missing TOAST values come from ClickHouse, as they were before the batch, and, of a table that
// still loads and may not have the row yet, from the source, once the transactions concerned are
// visible there. Slices are halved until an answer fits its bound.
#include "mirror/apply/applier.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include "base/failpoint.h"
#include "base/retry_policy.h"
#include "clickhouse/client/client.h"

namespace tandem::mirror {
namespace {

bool fails_table(const Error& error) {
    return action_for(error, Place::apply_step) == Action::fail_table;
}

}  // namespace

void Applier::start(Batch batch) {
    TANDEM_ASSERT(done(), "a batch was started before the last one was applied");
    batch_ = std::move(batch);
    step_ = 0;
}

Status Applier::run() {
    while (!done()) {
        std::span<Step> steps = applicable();
        std::vector<Status> applied = apply_all(steps);
        for (size_t i = 0; i < steps.size(); ++i) {
            if (applied[i].ok()) continue;
            if (!fails_table(applied[i].error())) return std::move(applied[i]);
            TRY(fail_table(table_of(steps[i]), applied[i].error()));
        }
        step_ += steps.size();
    }
    return {};
}

std::span<Step> Applier::applicable() {
    std::unordered_set<Oid> tables;
    size_t end = step_;
    while (end < batch_.steps.size() && std::holds_alternative<InsertStep>(batch_.steps[end]) &&
           tables.insert(table_of(batch_.steps[end])->relid).second)
        ++end;
    return std::span(batch_.steps).subspan(step_, std::max(end - step_, size_t{1}));
}

// One result a step; behind an error that run() returns, some may not have been tried. Small
// batches of one table, the most frequent, need no thread.
std::vector<Status> Applier::apply_all(std::span<Step> steps) {
    std::vector<Status> results(steps.size());
    std::atomic<size_t> next{0};
    auto work = [&](Destination& destination) {
        for (size_t i = next++; i < steps.size(); i = next++) {
            if (failed_.contains(table_of(steps[i])->relid)) continue;
            auto* insert = std::get_if<InsertStep>(&steps[i]);
            results[i] = insert != nullptr ? apply_insert(*insert, destination) : apply(steps[i]);
            if (!results[i].ok() && !fails_table(results[i].error())) next = steps.size();
        }
    };
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < std::min(writers_.size(), steps.size() - 1); ++i)
        threads.emplace_back([&work, destination = writers_[i]] { work(*destination); });
    work(*destination_);
    for (std::jthread& thread : threads) thread.join();
    return results;
}

std::vector<Oid> Applier::take_failed() {
    return std::exchange(newly_failed_, {});
}

Status Applier::apply(Step& step) {
    if (auto* truncate = std::get_if<TruncateStep>(&step)) return apply_truncate(*truncate);
    if (auto* leaf = std::get_if<LeafStep>(&step)) return apply_leaf(*leaf);
    if (auto* schema = std::get_if<SchemaStep>(&step)) return apply_change(*schema);
    auto& failure = std::get<FailStep>(step);
    return fail_table(failure.table, failure.error);
}

Status Applier::apply_insert(InsertStep& step, Destination& destination) {
    TableBatch& rows = *step.rows;
    const Table& table = *rows.table();
    if (!step.losses.empty()) {
        MutexLock lock(one_at_a_time_);
        for (const Loss& loss : step.losses)
            TRY(catalog_->record_loss(table, loss, batch_.last_commit));
        step.losses.clear();
    }
    // First: they are looked up as they were before this batch.
    TRY(complete_pending(step, destination));
    if (!step.placed) step.placed = rows.place(book_->keys(table.relid), limits_.main_rows_min);
    TRY(failpoint("stream_before_insert"));
    if (!step.main_written && step.placed->main.rows() > 0)
        TRY(destination.insert_main(table, step.placed->main));
    step.main_written = true;
    if (!step.delta_written && step.placed->delta.rows() > 0)
        TRY(write_delta(rows, step.placed->delta, step.placed->delta_keys, destination));
    step.delta_written = true;
    TRY(failpoint("stream_after_insert"));
    return {};
}

Status Applier::write_delta(TableBatch& rows, types::Block& block,
                            const std::vector<uint64_t>& keys, Destination& destination) {
    const Table& table = *rows.table();
    auto record = [&] {
        MutexLock lock(one_at_a_time_);
        return catalog_->record_delta_rows(table);
    };
    uint32_t generation =
        TRY(book_->begin_rows(table.relid, std::chrono::steady_clock::now(), record));
    Status written = destination.insert_delta(table, block, generation);
    book_->end_rows(table.relid, generation, written.ok() ? keys : std::vector<uint64_t>(),
                    batch_.last_commit);
    return written;
}

Status Applier::complete_pending(InsertStep& step, Destination& destination) {
    TableBatch& rows = *step.rows;
    size_t count = limits_.lookup_keys;
    size_t first = step.completed;
    types::Block completed = rows.empty_delta();
    while (first < rows.pending()) {
        count = std::min(count, rows.pending() - first);
        auto done = complete_slice(rows, first, count, completed, destination);
        if (!done.ok()) {
            if (done.error().code() != ErrorCode::kLimitExceeded || count == 1)
                return std::move(done).error();
            count = (count + 1) / 2;
            continue;
        }
        first += done.value();
        if (first < rows.pending() && completed.byte_size() < limits_.insert_bytes) continue;
        if (completed.rows() > 0)
            TRY(write_delta(rows, completed, rows.key_hashes(completed), destination));
        completed = rows.empty_delta();
        step.completed = first;
    }
    return {};
}

Result<size_t> Applier::complete_slice(TableBatch& rows, size_t first, size_t count,
                                       types::Block& completed, Destination& destination) {
    const Table& table = *rows.table();
    std::vector<size_t> columns = rows.missing_columns();
    size_t bytes_max = count == 1 ? limits_.lookup_bytes_one : limits_.lookup_bytes;
    std::vector<LeafCut> cuts = book_->cuts(table.relid);
    types::Block slice = rows.empty_delta();
    auto loading = [&](Oid leaf) { return book_->loading(table.relid, leaf); };
    std::vector<size_t> left;
    {
        types::Block found = TRY(destination.rows_by_key(
            table, {rows.lookup_keys(first, count), columns, rows.first(), bytes_max, cuts}));
        left = TRY(rows.complete_from_target(first, count, found, loading, slice));
    }
    if (!left.empty()) {
        // A live table has every row that a change can mention.
        if (!std::all_of(left.begin(), left.end(),
                         [&](size_t row) { return loading(rows.leaf_of(row)); }))
            return Error(ErrorCode::kSchemaChanged,
                         "ClickHouse lacks a row that was updated in " + table.label());
        TRY(complete_from_source(rows, left, bytes_max, slice));
    }
    // A large value is there often enough as it is.
    if (completed.rows() == 0)
        completed = std::move(slice);
    else
        clickhouse::append_block(completed, slice);
    return count;
}

Status Applier::complete_from_source(TableBatch& rows, const std::vector<size_t>& left,
                                     size_t bytes_max, types::Block& slice) {
    const Table& table = *rows.table();
    MutexLock lock(one_at_a_time_);
    TRY(source_->wait_visible(batch_.incomplete));
    auto source =
        source_->current_rows(table, rows.own_keys(left), rows.missing_columns(), bytes_max);
    if (!source.ok() && source.error().code() == ErrorCode::kPostgresError)
        return Error(ErrorCode::kSchemaChanged,
                     "the source cannot be asked for values of an older schema: " +
                         source.error().message());
    if (!source.ok()) return std::move(source).error();
    TRY(catalog_->record_look_up(table, source.value().before));
    return rows.complete_from_source(left, source.value().rows, slice);
}

Status Applier::apply_truncate(const TruncateStep& step) {
    const Table& after = *step.table;
    TRY(catalog_->before_truncate(after));
    TRY(failpoint("truncate_before_apply"));
    TRY(destination_->create_copy(after));
    TRY(failpoint("truncate_after_apply"));
    TRY(catalog_->record_truncate(after, step.version, step.xid));
    book_->start({.table = step.table, .loading = book_->loading(after.relid)});
    changed_.insert(after.relid);
    return {};
}

Status Applier::apply_leaf(LeafStep step) {
    // A partition that loads is known by its load alone: it begins again, with what is there now.
    std::vector<LeafCut> cuts = book_->cuts(step.table->relid);
    bool joins = std::any_of(cuts.begin(), cuts.end(), [&](const LeafCut& cut) {
        return cut.loads && cut.leaf == step.leaf;
    });
    if (joins && step.kind == LeafStep::Kind::truncated) step.kind = LeafStep::Kind::loads;
    TRY(catalog_->before_leaf(*step.table, step.leaf));
    TRY(catalog_->record_leaf(step));
    TRY(failpoint("leaf_after_record"));
    book_->cut(step.table->relid, step.cut());
    changed_.insert(step.table->relid);
    return {};
}

Status Applier::apply_change(const SchemaStep& step) {
    DeltaBook::Hold rows(*book_, step.change.after->relid, DeltaBook::Held::rows);
    DeltaBook::Hold view(*book_, step.change.after->relid, DeltaBook::Held::view);
    TRY(destination_->alter(step.change));
    TRY(failpoint("alter_before_record"));
    TRY(catalog_->record_change(step.change, step.commit));
    book_->replace_table(step.change.after);
    changed_.insert(step.change.after->relid);
    return {};
}

Status Applier::fail_table(const TablePtr& table, const Error& error) {
    TRY(catalog_->record_failure(*table, error));
    failed_.insert(table->relid);
    newly_failed_.push_back(table->relid);
    return {};
}

}  // namespace tandem::mirror
