#include "mirror/source/publication.h"

#include "base/log.h"
#include "sqltext/quote.h"

namespace tandem::mirror {
namespace {

using postgres::Connection;
using sqltext::pg_ident;
using sqltext::pg_literal;

// Runs `body` in a transaction that does not outlive an error.
template <typename Body>
Status in_transaction(Connection& connection, Body&& body) {
    TRY(connection.execute("BEGIN"));
    Status done = body();
    if (done.ok()) done = connection.execute("COMMIT");
    if (!done.ok() && connection.usable()) static_cast<void>(connection.execute("ROLLBACK").ok());
    return done;
}

Status check_fit(Connection& connection, Oid relid) {
    std::string oid = std::to_string(relid.value);
    auto why = TRY(
        connection.query("SELECT n.nspname || '.' || c.relname, tandem.why_not_mirrored(c.oid), "
                         "EXISTS (SELECT FROM tandem.without_identity(ARRAY[c.oid])) FROM pg_class "
                         "c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = " +
                         oid));
    if (why.rows() == 0)
        return Error(ErrorCode::kNotFound, "table " + oid + " does not exist any more");
    if (why.is_null(0, 1)) return {};
    bool no_identity = TRY(why.boolean(0, 2));
    return Error(no_identity ? ErrorCode::kNoReplicaIdentity : ErrorCode::kSourceUnfit,
                 why.text(0, 0) + " cannot be mirrored: " + why.text(0, 1));
}

// FOR TABLE ONLY: inheritance children are mirrored only if they are named themselves.
Result<std::string> spelled(Connection& connection, Oid relid) {
    auto found = TRY(connection.query(
        "SELECT c.relkind, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = "
        "c.relnamespace WHERE c.oid = " +
        std::to_string(relid.value)));
    if (found.rows() == 0) return Error(ErrorCode::kNotFound, "the table does not exist any more");
    return (found.value(0, 0) == "p" ? "" : "ONLY ") +
           sqltext::pg_qualified(found.value(0, 1), found.value(0, 2));
}

// A table of a mirror that should not be published, or should not go on.
struct Unfit {
    std::string mirror_id;
    std::string publication;
    Oid relid;
    bool member = false;
    std::string why;  // empty: failed already
};

Result<std::vector<Unfit>> look(Connection& connection) {
    auto rows = TRY(connection.query(R"(
SELECT m.mirror_id, m.publication, t.relid, r.oid IS NOT NULL,
       CASE WHEN t.state NOT IN ('failed', 'dropped')
            THEN t.schema_name || '.' || t.table_name || ' cannot be mirrored any more: ' || w.why
       END
FROM tandem.mirror m JOIN tandem.mirror_table t USING (mirror_id)
LEFT JOIN pg_publication p ON p.pubname = m.publication
LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = t.relid
LEFT JOIN tandem.without_identity(ARRAY(SELECT relid FROM tandem.mirror_table)) w
       ON w.relid = t.relid
WHERE CASE WHEN t.state IN ('failed', 'dropped') THEN r.oid IS NOT NULL
           ELSE w.why IS NOT NULL AND (t.state <> 'pending' OR r.oid IS NOT NULL) END)"));
    std::vector<Unfit> found;
    for (int i = 0; i < rows.rows(); ++i) {
        Unfit unfit;
        unfit.mirror_id = rows.text(i, 0);
        unfit.publication = rows.text(i, 1);
        unfit.relid.value = static_cast<uint32_t>(TRY(rows.integer(i, 2)));
        unfit.member = TRY(rows.boolean(i, 3));
        if (!rows.is_null(i, 4)) unfit.why = rows.text(i, 4);
        found.push_back(std::move(unfit));
    }
    return found;
}

Status take_out(Connection& connection, const Unfit& unfit) {
    return in_transaction(connection, [&]() -> Status {
        TRY(connection.execute("SET LOCAL lock_timeout = '1s'"));
        if (unfit.member) {
            std::string table = TRY(spelled(connection, unfit.relid));
            TRY(connection.execute("ALTER PUBLICATION " + pg_ident(unfit.publication) +
                                   " DROP TABLE " + table));
        }
        if (unfit.why.empty()) return {};
        Error error(ErrorCode::kNoReplicaIdentity, unfit.why);
        return connection.execute(
            "UPDATE tandem.mirror_table SET state = 'failed', error_code = " +
            pg_literal(error.info().code) + ", error_message = " + pg_literal(error.message()) +
            " WHERE mirror_id = " + unfit.mirror_id +
            " AND relid = " + std::to_string(unfit.relid.value) + " AND state <> 'failed'");
    });
}

}  // namespace

Result<bool> publishes(Connection& connection, std::string_view publication, Oid relid) {
    std::string oid = std::to_string(relid.value);
    // The view lists leaves, not the table they are of.
    auto found = TRY(connection.query(
        "SELECT p.puballtables OR EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid "
        "AND r.prrelid = " +
        oid +
        ") OR EXISTS (SELECT FROM pg_publication_tables v JOIN pg_namespace n ON n.nspname = "
        "v.schemaname JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = v.tablename WHERE "
        "v.pubname = p.pubname AND (c.oid = " +
        oid + " OR " + oid +
        " IN (SELECT pg_partition_ancestors(c.oid)))) FROM pg_publication p WHERE p.pubname = " +
        pg_literal(publication)));
    return found.rows() > 0 && TRY(found.boolean(0, 0));
}

Status publish_table(Connection& connection, std::string_view publication, Oid relid) {
    TRY(check_fit(connection, relid));
    return in_transaction(connection, [&]() -> Status {
        std::string table = TRY(spelled(connection, relid));
        TRY(connection.execute("ALTER PUBLICATION " + pg_ident(publication) + " ADD TABLE " +
                               table));
        // Under the lock that ADD TABLE took, which keeps keys as they are.
        return check_fit(connection, relid);
    });
}

Status guard_publications(Connection& connection) {
    for (const Unfit& unfit : TRY(look(connection))) {
        Status out = take_out(connection, unfit);
        if (!out.ok() && !connection.usable()) return out;
        if (!unfit.why.empty()) log(LogLevel::warning, "mirror", unfit.why);
        if (!out.ok()) log(LogLevel::warning, "mirror", out.error().to_string());
    }
    return {};
}

}  // namespace tandem::mirror
