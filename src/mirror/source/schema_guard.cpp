#include "mirror/source/schema_guard.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/log.h"
#include "sqltext/quote.h"

namespace tandem::mirror {
namespace {

// A change that this many announcements did not settle is loaded again.
constexpr int kAnnouncementsMax = 3;
// Looks that may follow each other closely for the sake of one change: the mirror may be paused.
constexpr int kPressingLooks = 20;
// How often columns altered in place are taken for seen; each time reads the columns of all tables.
constexpr unsigned kLooksBetweenSettling = 16;
constexpr std::string_view kShape = "shape:";
constexpr std::string_view kLeaf = "leaf:";

bool take_prefix(std::string_view* content, std::string_view prefix) {
    if (!content->starts_with(prefix)) return false;
    content->remove_prefix(prefix.size());
    return true;
}

// A number and the colon behind it.
bool take_oid(std::string_view* content, Oid* oid) {
    auto [end, error] = std::from_chars(content->begin(), content->end(), oid->value);
    if (error != std::errc() || end == content->end() || *end != ':') return false;
    content->remove_prefix(static_cast<size_t>(end - content->begin()) + 1);
    return true;
}

}  // namespace

struct SchemaGuard::Changed {
    int mirror_id = 0;
    Oid relid;
    bool rewritten = false;
    bool by_leaf = false;  // rewritten, but only some leaves of it
    std::string seen;
    std::string name;  // quoted
    Lsn now;
    Lsn confirmed;
};

bool parse_announcement(std::string_view content, Announcement* announcement) {
    if (!take_prefix(&content, kShape) || !take_oid(&content, &announcement->relid)) return false;
    announcement->digest = content;
    return true;
}

bool parse_announcement(std::string_view content, LeafAnnouncement* announcement) {
    if (!take_prefix(&content, kLeaf) || !take_oid(&content, &announcement->relid) ||
        !take_oid(&content, &announcement->leaf))
        return false;
    announcement->part = content == "true";
    return true;
}

Status SchemaGuard::look(postgres::Connection& connection) {
    auto standby = TRY(connection.query("SELECT pg_is_in_recovery()"));
    if (TRY(standby.boolean(0, 0))) return {};
    TRY(connection.execute(looks_++ % kLooksBetweenSettling == 0
                               ? "SELECT tandem.settle_heaps(true)"
                               : "SELECT tandem.settle_heaps(false)"));
    auto rows = TRY(connection.query(
        "SELECT t.mirror_id, t.relid, t.rewritten, t.seen, pg_current_wal_insert_lsn(), "
        "s.confirmed_flush_lsn, n.nspname, c.relname, t.by_leaf FROM tandem.changed_tables() t "
        "JOIN pg_replication_slots s ON s.slot_name = t.slot_name "
        "JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace"));
    std::map<std::pair<int, uint32_t>, Sighting> still;
    for (int i = 0; i < rows.rows(); ++i) {
        Changed table;
        table.mirror_id = static_cast<int>(TRY(rows.integer(i, 0)));
        table.relid.value = static_cast<uint32_t>(TRY(rows.integer(i, 1)));
        table.rewritten = TRY(rows.boolean(i, 2));
        table.seen = rows.text(i, 3);
        table.now = TRY(rows.lsn(i, 4));
        if (!rows.is_null(i, 5)) table.confirmed = TRY(rows.lsn(i, 5));
        table.name = sqltext::pg_qualified(rows.value(i, 6), rows.value(i, 7));
        table.by_leaf = TRY(rows.boolean(i, 8));
        auto key = std::pair(table.mirror_id, table.relid.value);
        Sighting sighting = sightings_[key];
        if (sighting.seen != table.seen) {
            sighting = {table.seen, table.now, 0, 0};
            // Makes the stream pass that position soon, also when nothing else is written.
            TRY(connection.execute("SELECT pg_logical_emit_message(true, 'tandem', 'flush')"));
        } else if (table.confirmed >= sighting.at) {
            Status acted = act(connection, table, sighting);
            if (!acted.ok() && !connection.usable()) return acted;
            if (!acted.ok()) log(LogLevel::warning, "mirror", acted.error().to_string());
        }
        ++sighting.looks;
        still[key] = std::move(sighting);
    }
    sightings_ = std::move(still);
    return {};
}

bool SchemaGuard::pressing() const {
    return std::any_of(sightings_.begin(), sightings_.end(),
                       [](const auto& sighting) { return sighting.second.looks < kPressingLooks; });
}

Result<bool> SchemaGuard::only_moved(postgres::Connection& connection, const Changed& table) {
    if (!table.rewritten) return false;
    auto taken = TRY(connection.query(
        "SELECT tandem.take_moved_leaves(" + std::to_string(table.mirror_id) + ", " +
        std::to_string(table.relid.value) + ", " + sqltext::pg_literal(table.seen) + ")"));
    return taken.boolean(0, 0);
}

Status SchemaGuard::act(postgres::Connection& connection, const Changed& table,
                        Sighting& sighting) {
    if (TRY(only_moved(connection, table))) {
        log(LogLevel::info, "mirror", table.name + " has moved to another file");
        return {};
    }
    std::string where = "mirror_id = " + std::to_string(table.mirror_id) +
                        " AND relid = " + std::to_string(table.relid.value);
    bool again = sighting.announced == kAnnouncementsMax;
    if ((table.rewritten && !table.by_leaf) || again) {
        log(LogLevel::info, "mirror", table.name + " was rewritten and is loaded again");
        return connection.execute(
            "UPDATE tandem.mirror_table SET state = 'pending', consistent_lsn = NULL, rows_loaded "
            "= 0, generation = generation + 1 WHERE " +
            where + " AND state = 'live'; NOTIFY tandem");
    }
    ++sighting.announced;
    Status announced = table.by_leaf ? announce_leaves(connection, where)
                                     : announce_columns(connection, table.name, where);
    // Looked at again when the stream has passed what was said.
    auto now = TRY(connection.query("SELECT pg_current_wal_insert_lsn()"));
    sighting.at = TRY(now.lsn(0, 0));
    return announced;
}

Status SchemaGuard::announce_leaves(postgres::Connection& connection, const std::string& where) {
    return connection.execute(
        "SELECT pg_logical_emit_message(true, 'tandem', 'leaf:' || relid || ':' || leaf || ':' || "
        "part) FROM tandem.changed_leaves() WHERE " +
        where);
}

Status SchemaGuard::announce_columns(postgres::Connection& connection, const std::string& table,
                                     const std::string& where) {
    TRY(connection.execute("BEGIN"));
    Status done = [&]() -> Status {
        TRY(connection.execute("SET LOCAL lock_timeout = '1s'"));
        TRY(connection.execute("LOCK TABLE ONLY " + table + " IN ACCESS SHARE MODE"));
        TRY(connection.execute(
            "SELECT pg_logical_emit_message(true, 'tandem', 'shape:' || relid || "
            "':' || md5(seen)) FROM tandem.changed_tables() WHERE " +
            where));
        return connection.execute("COMMIT");
    }();
    if (!done.ok() && connection.usable()) static_cast<void>(connection.execute("ROLLBACK").ok());
    return done;
}

}  // namespace tandem::mirror
