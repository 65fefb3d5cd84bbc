// Records to columns: one set of columns for statements, one for texts, and what is known of each
// ring's session. Not thread safe. Records come from our own backends and are trusted to be whole.
#pragma once

#include <memory>
#include <string>
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
    types::Block statements;
    types::Block texts;
    std::string statements_token;
    std::string texts_token;
    uint64_t bytes = 0;
};

class BatchBuilder {
  public:
    BatchBuilder(const Origin& origin, uint32_t rings);

    void set_standby(bool standby) { standby_ = standby; }
    void add(uint32_t ring, const RecordHead* record);
    // After a failure of add: columns that have a value more than others lose it.
    void drop_unfinished_row() noexcept;
    uint64_t statements() const { return statements_.rows(); }
    uint64_t texts() const { return texts_.rows(); }
    // Exact enough for limits: the columns' content as of the last hundred rows.
    uint64_t bytes() const { return bytes_; }
    std::unique_ptr<Batch> seal(uint64_t number);

  private:
    void add_session(uint32_t ring, const SessionRecord* record);
    void add_text(const Session& session, const TextRecord* record);
    void add_statement(const Session& session, const StatementRecord* record);
    std::string_view command(uint16_t tag) const;
    void start_blocks();

    uint64_t system_id_;
    uint64_t run_id_;  // of this builder, so that tokens never repeat
    std::string host_;
    std::string cluster_;
    uint32_t server_version_;
    bool standby_ = false;
    std::vector<std::string> commands_;
    std::vector<Session> sessions_;
    types::Block statements_;
    types::Block texts_;
    uint64_t bytes_ = 0;
};

struct ColumnInfo {
    const char* name;
    const char* type;
    const char* codec;
    const char* comment;
};
// Of events_raw.
const std::vector<ColumnInfo>& event_columns();

}  // namespace tandem::telemetry
