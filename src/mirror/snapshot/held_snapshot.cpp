#include "mirror/snapshot/held_snapshot.h"

#include "mirror/snapshot/row_reader.h"
#include "sqltext/quote.h"

namespace tandem::mirror {

Result<std::shared_ptr<const HeldSnapshot>> HeldSnapshot::take(
    const postgres::ConnectOptions& options, const std::function<Status()>& flush) {
    auto connection = TRY(postgres::Connection::open(options));
    std::shared_ptr<HeldSnapshot> held(new HeldSnapshot(std::move(connection)));
    TRY(begin_durable_snapshot(held->connection_, flush));
    auto name = TRY(held->connection_.query("SELECT pg_export_snapshot()"));
    held->name_ = name.text(0, 0);
    return std::shared_ptr<const HeldSnapshot>(std::move(held));
}

Status join_snapshot(postgres::Connection& connection, const HeldSnapshot& snapshot) {
    TRY(connection.execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"));
    Status joined =
        connection.execute("SET TRANSACTION SNAPSHOT " + sqltext::pg_literal(snapshot.name()));
    // Its transaction was ended from outside: there is no other that sees the same.
    if (!joined.ok() && joined.error().code() == ErrorCode::kPostgresError)
        return Error(ErrorCode::kSchemaChanged,
                     "the snapshot of the load is gone: " + joined.error().message());
    return joined;
}

}  // namespace tandem::mirror
