// HeldSnapshot: a snapshot of the source that is kept for others to read in.
//
// Every chunk of a table without a key is read in one: which changes of the stream the load has
// seen already is known for a snapshot only, not row by row as with a key. It holds back vacuum
// for as long as it lives: until the last chunk is read.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "postgres/client/connection.h"

namespace tandem::mirror {

class HeldSnapshot {
  public:
    // Durable, see row_reader.h; `flush` as there.
    static Result<std::shared_ptr<const HeldSnapshot>> take(const postgres::ConnectOptions& options,
                                                            const std::function<Status()>& flush);

    const std::string& name() const { return name_; }

  private:
    explicit HeldSnapshot(postgres::Connection connection) : connection_(std::move(connection)) {}

    postgres::Connection connection_;  // in the transaction that has it
    std::string name_;
};

// Begins a transaction in it. kSchemaChanged when it is gone.
Status join_snapshot(postgres::Connection& connection, const HeldSnapshot& snapshot);

}  // namespace tandem::mirror
