// Publications, slots and the facts about the server that decide whether it can be a source.
#include <unordered_map>

#include "postgres/introspect/introspect.h"
#include "postgres/introspect/rows.h"

namespace tandem::postgres {
namespace {

constexpr int kPg15 = 150000;
constexpr int kPg16 = 160000;
constexpr int kPg17 = 170000;

Parameter name_parameter(std::string_view name) {
    return {.value = name, .type = {}, .binary = false};
}

// Column lists and row filters exist from Postgres 15 on.
std::string members_sql(int version) {
    std::string columns = version >= kPg15
                              ? "pr.prattrs::text, pg_catalog.pg_get_expr(pr.prqual, pr.prrelid)"
                              : "'', ''";
    return "SELECT t.relid, " + columns +
           " FROM pg_catalog.pg_get_publication_tables($1::text) t"
           " LEFT JOIN pg_catalog.pg_publication_rel pr ON pr.prrelid = t.relid AND pr.prpubid ="
           " (SELECT oid FROM pg_catalog.pg_publication WHERE pubname = $1::name)"
           " ORDER BY t.relid";
}

std::string slots_sql(int version) {
    std::string invalid = "''";
    if (version >= kPg17) {
        invalid = "s.invalidation_reason";
    } else if (version >= kPg16) {
        invalid = "CASE WHEN s.conflicting THEN 'rows_removed' END";
    }
    return "SELECT s.slot_name, s.plugin, s.database, s.temporary, s.active, s.active_pid,"
           " s.restart_lsn, s.confirmed_flush_lsn, s.wal_status, s.safe_wal_size, s.two_phase, " +
           std::string(version >= kPg17 ? "s.failover" : "false") + ", " + invalid +
           ", coalesce(pg_catalog.pg_wal_lsn_diff(CASE WHEN pg_catalog.pg_is_in_recovery()"
           " THEN pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_lsn() END,"
           " s.restart_lsn), 0)::bigint"
           " FROM pg_catalog.pg_replication_slots s WHERE s.slot_type = 'logical'"
           " AND ($1::text IS NULL OR s.slot_name = $1::text) ORDER BY s.slot_name";
}

Result<std::vector<SlotInfo>> query_slots(Connection& connection,
                                          std::optional<std::string_view> name) {
    Parameter parameter{.value = name, .type = {}, .binary = false};
    QueryResult result =
        TRY(connection.query(slots_sql(connection.server_version()), {&parameter, 1}));
    RowReader row(result);
    std::vector<SlotInfo> slots(static_cast<size_t>(result.rows()));
    for (int i = 0; i < result.rows(); ++i) {
        SlotInfo& slot = slots[static_cast<size_t>(i)];
        row.start(i);
        slot.name = row.text();
        slot.plugin = row.text();
        slot.database = row.text();
        slot.temporary = row.boolean();
        slot.active = row.boolean();
        slot.active_pid = row.int32();
        slot.restart_lsn = row.lsn();
        slot.confirmed_flush = row.lsn();
        slot.wal_status = row.text();
        slot.safe_wal_bytes = row.optional_integer();
        slot.two_phase = row.boolean();
        slot.failover = row.boolean();
        slot.invalidation_reason = row.text();
        slot.retained_wal_bytes = row.integer();
    }
    TRY(row.check());
    return slots;
}

constexpr std::string_view kSettingsSql = R"(
SELECT name, setting FROM pg_catalog.pg_settings
WHERE name IN ('server_version', 'wal_level', 'max_replication_slots', 'max_wal_senders',
               'max_slot_wal_keep_size', 'wal_sender_timeout', 'logical_decoding_work_mem',
               'max_prepared_transactions', 'hot_standby_feedback'))";

// A role of a managed service may replicate through membership instead of the attribute.
constexpr std::string_view kFactsSql = R"(
SELECT pg_catalog.current_database(), pg_catalog.pg_encoding_to_char(d.encoding),
       d.datcollate, d.datctype, pg_catalog.pg_is_in_recovery(),
       (SELECT count(*) FROM pg_catalog.pg_replication_slots),
       (SELECT count(*) FROM pg_catalog.pg_stat_replication),
       current_user, r.rolsuper,
       r.rolsuper OR r.rolreplication
         OR EXISTS (SELECT FROM pg_catalog.pg_roles m WHERE m.rolname = 'rds_replication'
                      AND pg_catalog.pg_has_role(r.oid, m.oid, 'MEMBER')),
       pg_catalog.has_database_privilege(d.oid, 'CREATE'),
       CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
            ELSE pg_catalog.pg_current_wal_insert_lsn() END
FROM pg_catalog.pg_database d, pg_catalog.pg_roles r
WHERE d.datname = pg_catalog.current_database() AND r.rolname = current_user)";

Status read_settings(Connection& connection, ServerFacts& facts) {
    QueryResult result = TRY(connection.query(kSettingsSql));
    std::unordered_map<std::string, std::string> settings;
    for (int i = 0; i < result.rows(); ++i) settings[result.text(i, 0)] = result.text(i, 1);
    auto number = [&](const char* name) {
        return std::strtoll(settings[name].c_str(), nullptr, 10);
    };
    facts.version_text = settings["server_version"];
    facts.wal_level = settings["wal_level"];
    facts.max_replication_slots = static_cast<int>(number("max_replication_slots"));
    facts.max_wal_senders = static_cast<int>(number("max_wal_senders"));
    facts.max_slot_wal_keep_mb = number("max_slot_wal_keep_size");
    facts.wal_sender_timeout_ms = number("wal_sender_timeout");
    facts.logical_decoding_work_mem_kb = number("logical_decoding_work_mem");
    facts.max_prepared_transactions = static_cast<int>(number("max_prepared_transactions"));
    facts.hot_standby_feedback = settings["hot_standby_feedback"] == "on";
    return {};
}

}  // namespace

Result<std::optional<PublicationInfo>> read_publication(Connection& connection,
                                                        std::string_view name) {
    Parameter parameter = name_parameter(name);
    QueryResult found = TRY(connection.query(
        "SELECT pg_catalog.pg_get_userbyid(pubowner), pg_catalog.pg_has_role(pubowner, 'USAGE'),"
        " puballtables, pubinsert, pubupdate, pubdelete, pubtruncate, pubviaroot"
        " FROM pg_catalog.pg_publication WHERE pubname = $1::name",
        {&parameter, 1}));
    if (found.rows() == 0) return std::optional<PublicationInfo>();
    PublicationInfo publication;
    RowReader head(found);
    head.start(0);
    publication.name = name;
    publication.owner = head.text();
    publication.ours = head.boolean();
    publication.all_tables = head.boolean();
    publication.inserts = head.boolean();
    publication.updates = head.boolean();
    publication.deletes = head.boolean();
    publication.truncates = head.boolean();
    publication.via_root = head.boolean();
    QueryResult members =
        TRY(connection.query(members_sql(connection.server_version()), {&parameter, 1}));
    RowReader row(members);
    for (int i = 0; i < members.rows(); ++i) {
        row.start(i);
        PublicationInfo::Member& member = publication.tables.emplace_back();
        member.table = row.oid();
        member.columns = row.int16_list();
        member.row_filter = row.text();
    }
    TRY(row.check());
    return std::optional(std::move(publication));
}

std::optional<std::string> release_without_lost_changes(int server_version) {
    struct Mended {
        int major, minor;
    };
    constexpr Mended kMended[] = {{14, 18}, {15, 13}, {16, 9}, {17, 5}};
    for (const Mended& mended : kMended)
        if (server_version / 10000 == mended.major && server_version % 10000 < mended.minor)
            return std::to_string(mended.major) + "." + std::to_string(mended.minor);
    return std::nullopt;
}

Result<std::optional<SlotInfo>> read_slot(Connection& connection, std::string_view name) {
    std::vector<SlotInfo> slots = TRY(query_slots(connection, name).context("reading a slot"));
    if (slots.empty()) return std::optional<SlotInfo>();
    return std::optional(std::move(slots[0]));
}

Result<ServerFacts> read_server_facts(Connection& connection) {
    ServerFacts facts;
    facts.version = connection.server_version();
    TRY(read_settings(connection, facts).context("reading server settings"));
    QueryResult result = TRY(connection.query(kFactsSql).context("reading server facts"));
    if (result.rows() != 1)
        return Error(ErrorCode::kProtocolViolation, "the server does not know its own database");
    RowReader row(result);
    row.start(0);
    facts.database = row.text();
    facts.encoding = row.text();
    facts.collate = row.text();
    facts.ctype = row.text();
    facts.in_recovery = row.boolean();
    facts.used_replication_slots = row.int32();
    facts.used_wal_senders = row.int32();
    facts.role = row.text();
    facts.superuser = row.boolean();
    facts.replication = row.boolean();
    facts.can_create = row.boolean();
    facts.wal_position = row.lsn();
    TRY(row.check());
    // Some services keep this function to themselves; the replication connection knows it as well.
    if (!connection.in_transaction()) {
        auto identity =
            connection.query("SELECT system_identifier FROM pg_catalog.pg_control_system()");
        if (identity.ok() && identity->rows() == 1)
            facts.system_id = static_cast<uint64_t>(TRY(identity->integer(0, 0)));
    }
    return facts;
}

}  // namespace tandem::postgres
