// ClickHouseTarget: the port Destination over a ClickHouse client, and the DDL of mirrored tables.
//
// One thread. Inserts carry a query id of the mirror's; after one whose outcome is unknown, the
// next call first waits until the server has let go of it, so that a late insert can never land
// behind a TRUNCATE.
#pragma once

#include <memory>
#include <string>

#include "clickhouse/client/client.h"
#include "mirror/apply/ports.h"

namespace tandem::mirror {

struct TargetOptions {
    clickhouse::Endpoint endpoint;
    // Begin of every query id: unique to the mirror.
    std::string query_prefix;
    clickhouse::Compression compression = clickhouse::Compression::kNone;
    std::chrono::milliseconds timeout{120'000};
};

class ClickHouseTarget final : public Destination {
  public:
    explicit ClickHouseTarget(TargetOptions options) : options_(std::move(options)) {}

    Status insert(const Table& table, const types::Block& block) override;
    Status truncate(const Table& table) override;
    Status alter(const TableChange& change) override;
    Result<types::Block> rows_by_key(const Table& table, types::Block keys,
                                     std::span<const size_t> columns, size_t bytes_max) override;

    // An insert of many blocks. finish() is the acknowledgement.
    Result<std::unique_ptr<clickhouse::InsertStream>> begin_insert(const Table& table,
                                                                   const types::Block& columns);
    void insert_acknowledged() { unsettled_.clear(); }

    // Creates the database and an empty table. A table of the name that a mirror made is dropped
    // first; kAlreadyExists when it is somebody else's.
    Status create_table(const Table& table);
    Status drop_table(const Table& table);
    // Waits until no insert runs any more whose query id begins so (of a process that died).
    Status settle(const std::string& query_prefix);

    void interrupt() noexcept;

  private:
    Result<clickhouse::Client*> client();
    clickhouse::Query query(std::string sql) const;
    clickhouse::Query insert_query(const Table& table, const types::Block& block);
    Status execute(std::string sql);
    Result<std::string> default_expression(const AddedColumn& added);

    TargetOptions options_;
    std::unique_ptr<clickhouse::Client> client_;
    std::string unsettled_;  // query id of an insert whose outcome is not known
};

}  // namespace tandem::mirror
