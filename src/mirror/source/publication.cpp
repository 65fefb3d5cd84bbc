// Tables are published by whoever may: by the role itself where it owns them or acts for the owner,
// or in a publication that somebody else made, which is used and never changed. DDL on it runs only
// when something differs, because it waits for every writer.
#include "mirror/source/publication.h"

#include "base/log.h"
#include "sqltext/quote.h"

namespace tandem::mirror {
namespace {

using postgres::Connection;
using sqltext::pg_ident;
using sqltext::pg_literal;

constexpr std::string_view kInsufficientPrivilege = "42501";

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
    ErrorCode code = ErrorCode::kNoReplicaIdentity;
};

Result<std::vector<Unfit>> look(Connection& connection) {
    auto rows = TRY(connection.query(R"(
SELECT m.mirror_id, m.publication, t.relid, r.oid IS NOT NULL AND p.ours,
       CASE WHEN t.state NOT IN ('failed', 'dropped')
            THEN t.schema_name || '.' || t.table_name || ' cannot be mirrored any more: ' || y.why
                 || CASE WHEN p.ours THEN '' ELSE format('; UPDATE and DELETE of it fail until '
                    '%s runs ALTER PUBLICATION %I DROP TABLE %I.%I', p.owner, m.publication,
                    t.schema_name, t.table_name) END
       END, w.why IS NOT NULL
FROM tandem.mirror m JOIN tandem.mirror_table t USING (mirror_id)
LEFT JOIN (SELECT oid, pubname, pg_get_userbyid(pubowner) AS owner,
                  pg_has_role(pubowner, 'USAGE') AS ours FROM pg_publication) p
       ON p.pubname = m.publication
LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = t.relid
LEFT JOIN tandem.without_identity(ARRAY(SELECT relid FROM tandem.mirror_table)) w
       ON w.relid = t.relid
LEFT JOIN tandem.without_wal(ARRAY(SELECT relid FROM tandem.mirror_table)) u
       ON u.relid = t.relid
CROSS JOIN LATERAL (SELECT coalesce(w.why, u.why) AS why) y
WHERE CASE WHEN t.state IN ('failed', 'dropped') THEN r.oid IS NOT NULL AND p.ours
           ELSE y.why IS NOT NULL AND (t.state <> 'pending' OR r.oid IS NOT NULL) END)"));
    std::vector<Unfit> found;
    for (int i = 0; i < rows.rows(); ++i) {
        Unfit unfit;
        unfit.mirror_id = rows.text(i, 0);
        unfit.publication = rows.text(i, 1);
        unfit.relid.value = static_cast<uint32_t>(TRY(rows.integer(i, 2)));
        unfit.member = TRY(rows.boolean(i, 3));
        if (!rows.is_null(i, 4)) unfit.why = rows.text(i, 4);
        if (!TRY(rows.boolean(i, 5))) unfit.code = ErrorCode::kSourceUnfit;
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
        Error error(unfit.code, unfit.why);
        return connection.execute(
            "UPDATE tandem.mirror_table SET state = 'failed', error_code = " +
            pg_literal(error.info().code) + ", error_message = " + pg_literal(error.message()) +
            " WHERE mirror_id = " + unfit.mirror_id +
            " AND relid = " + std::to_string(unfit.relid.value) + " AND state <> 'failed'");
    });
}

}  // namespace

Status may_publish(Connection& connection, std::string_view publication,
                   std::span<const Oid> tables) {
    std::string list;
    for (Oid table : tables) list += (list.empty() ? "" : ",") + std::to_string(table.value);
    auto foreign = TRY(connection.query(
        "SELECT string_agg(c.oid::regclass::text, ', ' ORDER BY c.oid), string_agg(CASE WHEN "
        "c.relkind = 'p' THEN '' ELSE 'ONLY ' END || format('%I.%I', n.nspname, c.relname), ', ' "
        "ORDER BY c.oid), string_agg(DISTINCT quote_ident(pg_get_userbyid(c.relowner)), ', '), "
        "quote_ident(current_user), string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM "
        "pg_class "
        "c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ANY ('{" +
        list + "}'::oid[]) HAVING NOT bool_and(pg_has_role(c.relowner, 'USAGE'))"));
    if (foreign.rows() == 0) return {};
    std::string name = pg_ident(publication);
    return Error(
        ErrorCode::kSourceUnfit,
        "only their owner may publish " + foreign.text(0, 0) +
            ". Do one of these, then resume the mirror:\n"
            "  -- as " +
            foreign.text(0, 2) + " (with CREATE on the database) or a superuser:\n" +
            "  CREATE PUBLICATION " + name + " FOR TABLE " + foreign.text(0, 1) + ";" +
            "\n  -- or let this role act for the owner:\n  GRANT " + foreign.text(0, 2) + " TO " +
            foreign.text(0, 3) + ";\n  -- or as a superuser, for these and all tables to come:\n" +
            "  CREATE PUBLICATION " + name + " FOR TABLES IN SCHEMA " + foreign.text(0, 4) + ";");
}

Status check_publication(const postgres::PublicationInfo& publication) {
    if (publication.inserts && publication.updates && publication.deletes &&
        publication.truncates && !publication.via_root)
        return {};
    return Error(ErrorCode::kSourceUnfit,
                 "publication " + publication.name + " of " + publication.owner +
                     " does not carry every change. Run: ALTER PUBLICATION " +
                     pg_ident(publication.name) +
                     " SET (publish = 'insert, update, delete, truncate', "
                     "publish_via_partition_root = false);");
}

Status check_member(Connection& connection, std::string_view publication, Oid relid) {
    if (connection.server_version() < 150000) return {};  // neither lists nor filters
    std::string oid = std::to_string(relid.value);
    auto found = TRY(connection.query(
        "SELECT r.prrelid::regclass::text, r.prqual IS NOT NULL FROM pg_publication_rel r JOIN "
        "pg_publication p ON p.oid = r.prpubid WHERE p.pubname = " +
        pg_literal(publication) + " AND (r.prrelid = " + oid + " OR " + oid +
        " IN (SELECT pg_partition_ancestors(r.prrelid))) AND (r.prqual IS NOT NULL OR r.prattrs IS "
        "NOT NULL) LIMIT 1"));
    if (found.rows() == 0) return {};
    return Error(ErrorCode::kSourceUnfit,
                 "publication " + std::string(publication) + " leaves out " +
                     (TRY(found.boolean(0, 1)) ? "rows" : "columns") + " of " + found.text(0, 0) +
                     "; publish the table without list and filter");
}

Status drop_publication(Connection& connection, std::string_view publication) {
    auto found = TRY(postgres::read_publication(connection, publication));
    if (!found) return {};
    if (found->ours) return connection.execute("DROP PUBLICATION " + pg_ident(publication));
    log(LogLevel::info, "mirror",
        "publication " + found->name + " stays: it belongs to " + found->owner);
    return {};
}

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
    Status done = in_transaction(connection, [&]() -> Status {
        std::string table = TRY(spelled(connection, relid));
        TRY(connection.execute("ALTER PUBLICATION " + pg_ident(publication) + " ADD TABLE " +
                               table));
        // Under the lock that ADD TABLE took, which keeps keys as they are.
        return check_fit(connection, relid);
    });
    if (done.ok() || done.error().sqlstate() != kInsufficientPrivilege) return done;
    std::string table = TRY(spelled(connection, relid));
    return Error(ErrorCode::kSourceUnfit,
                 done.error().message() +
                     ". The owner of table and publication, or a superuser, runs: "
                     "ALTER PUBLICATION " +
                     pg_ident(publication) + " ADD TABLE " + table + ";");
}

Status mark_dropped_tables(Connection& connection) {
    auto gone = TRY(connection.query(
        "UPDATE tandem.mirror_table t SET state = 'dropped', error_code = 'not_found', "
        "error_message = 'the table was dropped at the source' WHERE t.state <> 'dropped' AND NOT "
        "EXISTS (SELECT FROM pg_class c WHERE c.oid = t.relid) RETURNING t.schema_name || '.' || "
        "t.table_name"));
    for (int i = 0; i < gone.rows(); ++i)
        log(LogLevel::info, "mirror", gone.text(i, 0) + " was dropped at the source");
    return {};
}

Status forget_removed_tables(Connection& connection) {
    return connection.execute(
        "DELETE FROM tandem.mirror_table t USING tandem.mirror m "
        "WHERE m.mirror_id = t.mirror_id AND t.error_code = 'removed' "
        "AND t.error_message IS NOT NULL AND NOT EXISTS (SELECT FROM "
        "pg_publication p JOIN pg_publication_rel r ON r.prpubid = p.oid WHERE p.pubname = "
        "m.publication AND r.prrelid = t.relid AND pg_has_role(p.pubowner, 'USAGE'))");
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
