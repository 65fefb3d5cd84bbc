// Records to columns: a set of columns for each part of a batch, and what is known of each ring's
// session. Not thread safe. Records come from our own backends and are trusted to be whole.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "telemetry/facade.h"
#include "types/clickhouse/column.h"

namespace tandem::telemetry {

struct Session {
    int32_t pid = 0;
    int64_t started_us = 0;
    uint64_t id = 0;
    std::string texts[kSessionTexts];
};

struct Batch {
    types::Block parts[kBatchParts];
    std::string tokens[kBatchParts];
    uint64_t bytes = 0;
};

class BatchBuilder {
  public:
    BatchBuilder(const Origin& origin, uint32_t rings);

    void set_standby(bool standby) { standby_ = standby; }
    void add(uint32_t ring, const RecordHead* record);
    void add_activity(const ActivitySample& sample);
    // After a failure of add: columns that have a value more than others lose it.
    void drop_unfinished_row() noexcept;
    uint64_t rows(uint32_t part) const { return parts_[part].rows(); }
    // Exact enough for limits: the columns' content as of the last hundred rows.
    uint64_t bytes() const { return bytes_; }
    std::unique_ptr<Batch> seal(uint64_t number);

  private:
    void add_session(uint32_t ring, const SessionRecord* record);
    // Names that the worker, which is in no database, cannot look up.
    void learn_names(const ActivitySample& sample);
    void add_text(const Session& session, const TextRecord* record);
    void add_plan(const Session& session, const PlanRecord* record);
    void add_statement(const Session& session, const StatementRecord* record);
    std::string_view command(uint16_t tag) const;
    void start_blocks();
    uint64_t exact_bytes() const;

    uint64_t system_id_;
    uint64_t run_id_;  // of this builder, so that tokens never repeat
    std::string host_;
    std::string cluster_;
    uint32_t server_version_;
    bool standby_ = false;
    std::vector<std::string> commands_;
    std::vector<Session> sessions_;
    std::unordered_map<uint32_t, std::string> databases_;  // by oid
    std::unordered_map<uint32_t, std::string> users_;
    types::Block parts_[kBatchParts];
    uint64_t bytes_ = 0;
};

struct ColumnInfo {
    const char* name;
    const char* type;
    const char* codec;
    const char* comment;
};
// The table of a part of a batch, and its columns in the order in which they are filled.
const char* part_table(uint32_t part);
const std::vector<ColumnInfo>& part_columns(uint32_t part);

}  // namespace tandem::telemetry
