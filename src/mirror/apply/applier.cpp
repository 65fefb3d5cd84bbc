#include "mirror/apply/applier.h"

#include <algorithm>
#include <utility>

#include "base/failpoint.h"
#include "clickhouse/client/client.h"

namespace tandem::mirror {
namespace {

bool is_retryable(const Error& error) {
    return error.retryable() || error.code() == ErrorCode::kCancelled ||
           error.code() == ErrorCode::kInternal ||
           error.code() == ErrorCode::kAuthenticationFailed ||
           error.code() == ErrorCode::kTlsFailed || error.code() == ErrorCode::kPostgresError;
}

}  // namespace

void Applier::start(Batch batch) {
    TANDEM_ASSERT(done(), "a batch was started before the last one was applied");
    batch_ = std::move(batch);
    step_ = 0;
}

Status Applier::run() {
    for (; step_ < batch_.steps.size(); ++step_) {
        Step& step = batch_.steps[step_];
        TablePtr table = table_of(step);
        if (failed_.contains(table->relid)) continue;
        Status applied = apply(step);
        if (applied.ok()) continue;
        if (is_retryable(applied.error())) return applied;
        TRY(fail_table(table, applied.error()));
    }
    return {};
}

std::vector<Oid> Applier::take_failed() {
    return std::exchange(newly_failed_, {});
}

Status Applier::apply(Step& step) {
    if (auto* insert = std::get_if<InsertStep>(&step)) return apply_insert(*insert);
    if (auto* truncate = std::get_if<TruncateStep>(&step)) return apply_truncate(*truncate);
    if (auto* schema = std::get_if<SchemaStep>(&step)) return apply_change(*schema);
    auto& failure = std::get<FailStep>(step);
    return fail_table(failure.table, failure.error);
}

Status Applier::apply_insert(InsertStep& step) {
    TableBatch& rows = *step.rows;
    const Table& table = *rows.table();
    for (const Loss& loss : step.losses)
        TRY(catalog_->record_loss(table, loss, batch_.last_commit));
    types::Block completed = rows.empty_block();
    TRY(complete_pending(rows, completed));
    TRY(failpoint("stream_before_insert"));
    // The rows that were completed first: if this is cut short, a tombstone of theirs among the
    // settled rows must not hide the values that a repetition looks for.
    if (completed.rows() > 0) TRY(destination_->insert(table, completed));
    if (rows.settled().rows() > 0) TRY(destination_->insert(table, rows.settled()));
    TRY(failpoint("stream_after_insert"));
    return {};
}

Status Applier::complete_pending(TableBatch& rows, types::Block& completed) {
    size_t count = limits_.lookup_keys;
    for (size_t first = 0; first < rows.pending();) {
        count = std::min(count, rows.pending() - first);
        auto done = complete_slice(rows, first, count, completed);
        if (!done.ok()) {
            if (done.error().code() != ErrorCode::kLimitExceeded || count == 1)
                return std::move(done).error();
            count = (count + 1) / 2;
            continue;
        }
        first += done.value();
        if (completed.byte_size() < limits_.insert_bytes) continue;
        TRY(destination_->insert(*rows.table(), completed));
        completed = rows.empty_block();
    }
    return {};
}

Result<size_t> Applier::complete_slice(TableBatch& rows, size_t first, size_t count,
                                       types::Block& completed) {
    const Table& table = *rows.table();
    std::vector<size_t> columns = rows.missing_columns();
    size_t bytes_max = count == 1 ? limits_.lookup_bytes_one : limits_.lookup_bytes;
    types::Block found =
        TRY(destination_->rows_by_key(table, rows.lookup_keys(first, count), columns, bytes_max));
    types::Block slice = rows.empty_block();
    std::vector<size_t> left = TRY(rows.complete_from_target(first, count, found, slice));
    if (!left.empty()) {
        TRY(source_->wait_visible(batch_.incomplete));
        auto source = source_->current_rows(table, rows.own_keys(left), columns, bytes_max);
        if (!source.ok() && source.error().code() == ErrorCode::kPostgresError)
            return Error(ErrorCode::kSchemaChanged,
                         "the source cannot be asked for values of an older schema: " +
                             source.error().message());
        if (!source.ok()) return std::move(source).error();
        TRY(rows.complete_from_source(left, source.value(), slice));
    }
    clickhouse::append_block(completed, slice);
    return count;
}

Status Applier::apply_truncate(const TruncateStep& step) {
    TRY(catalog_->before_truncate(*step.table));
    TRY(destination_->truncate(*step.table));
    TRY(failpoint("truncate_after_apply"));
    return catalog_->record_truncate(*step.table, step.version);
}

Status Applier::apply_change(const SchemaStep& step) {
    TRY(destination_->alter(step.change));
    return catalog_->record_change(step.change);
}

Status Applier::fail_table(const TablePtr& table, const Error& error) {
    TRY(catalog_->record_failure(*table, error));
    failed_.insert(table->relid);
    newly_failed_.push_back(table->relid);
    return {};
}

}  // namespace tandem::mirror
