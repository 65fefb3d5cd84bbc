// The order is: what costs nothing, then waiting for freshness, then the position, and only then
// the tables as they are known for that position. What is read of the catalog before the wait may
// be older than the position, so it is read again.
//
// Tables of several mirrors are read where the slowest of them is. Of the others that is a position
// of before: history, if only of a moment ago. When one cannot be read there any more, the slower
// ones are waited for.
#include "extension/shell/pg.h"

extern "C" {
#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

#include "extension/catalog/foreign.h"
#include "extension/catalog/identity.h"
#include "extension/remote/zones.h"
#include "extension/route/as_of.h"
#include "extension/route/bind.h"
#include "extension/route/breaker.h"
#include "extension/route/decision.h"
#include "extension/route/freshness.h"
#include "extension/route/measurement.h"
#include "extension/route/plan.h"
#include "extension/shell/memory.h"
#include "extension/shell/settings.h"
#include "extension/tree/enum_labels.h"
#include "extension/tree/query_tree.h"

namespace tandem::shell {

namespace {

PgList* private_list(const CustomScan& plan, ChoicePrivate which) {
    return static_cast<PgList*>(list_nth(plan.custom_private, which));
}

// A transaction that wrote to a table holds RowExclusiveLock or more on it until it ends.
bool written_here(Oid relid) {
    if (holds_lock(relid, RowExclusiveLock)) return true;
    if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE) return false;
    ListCell* cell;
    foreach (cell, find_all_inheritors(relid, NoLock, nullptr))
        if (holds_lock(lfirst_oid(cell), RowExclusiveLock)) return true;
    return false;
}

bool transaction_allows(const CustomScan& plan, Failure* failure) {
    if (IsolationUsesXactSnapshot()) {
        set_failure(failure, "isolation", "the transaction reads from one snapshot",
                    "Routed queries run in READ COMMITTED transactions only.");
        return false;
    }
    if (!TransactionIdIsValid(GetTopTransactionIdIfAny())) return true;
    ListCell* cell;
    foreach (cell, private_list(plan, kChoiceRelids)) {
        if (!written_here(lfirst_oid(cell))) continue;
        set_failure(
            failure, "own_writes",
            psprintf("the transaction has written to \"%s\"", get_rel_name(lfirst_oid(cell))),
            "What is not committed is not in ClickHouse; query after COMMIT.");
        return false;
    }
    return true;
}

bool session_allows(const CustomScan& plan, Failure* failure) {
    if (route_mode == kRouteOff && !is_foreign(plan)) {
        set_failure(failure, "off", "routing is switched off", "SET tandem.route = on.");
        return false;
    }
    // A function called by a parallel query: constants could not be evaluated in a subtransaction.
    if (IsInParallelMode()) {
        set_failure(failure, "parallel", "the query runs inside a parallel query", "");
        return false;
    }
    if (lsecond_int(private_list(plan, kChoiceFlags)) != 0 && !session_is_utc()) {
        set_failure(failure, "time_zone", "the query was planned for the time zone UTC",
                    "SET TimeZone = 'UTC', or prepare the query again.");
        return false;
    }
    if (intVal(list_nth(plan.custom_private, kChoiceIso)) != 0 && DateStyle != USE_ISO_DATES) {
        set_failure(failure, "cast", "the query was planned for DateStyle ISO", "");
        return false;
    }
    const char* zone = strVal(list_nth(plan.custom_private, kChoiceZone));
    if (zone[0] != '\0' && strcmp(zone, usable_session_zone()) != 0) {
        set_failure(failure, "time_zone",
                    psprintf("the query was planned for the time zone %s", zone),
                    "Prepare the query again.");
        return false;
    }
    if (lthird_int(private_list(plan, kChoiceFlags)) != 0 && !is_foreign(plan) &&
        !any_float_order_wanted()) {
        set_failure(failure, "float_aggregate_order",
                    "the query was planned for tandem.float_aggregates = any_order", "");
        return false;
    }
    return true;
}

// The mirror is of this database, and its server answers as far as is known.
bool mirror_allows(const CatalogTable& table, Failure* failure) {
    if (!is_mirror_of_this_database(table.mirror_id)) {
        set_failure(failure, "other_cluster",
                    "this database is a copy of the one that the mirror was made for",
                    "Drop the mirror here: SELECT tandem.drop_mirror(...).");
        return false;
    }
    if (route_mode == kRouteOn && is_unreachable_now(table.target_id, table.in_trouble)) {
        set_failure(failure, "unavailable", "ClickHouse could not be reached a moment ago",
                    "Check `tandem status`.");
        return false;
    }
    return true;
}

const char* lsn_text(XLogRecPtr position) {
    return psprintf("%X/%X", static_cast<uint32>(position >> 32), static_cast<uint32>(position));
}

// Only with tandem.as_of.
bool refuse_old_position(const CatalogTable& table, Failure* failure) {
    const char* name = get_rel_name(table.relid);
    if (table.same_table_from > table.readable_from)
        set_failure(failure, "as_of_schema",
                    psprintf("\"%s\" had other columns or partitions then, or was not loaded yet: "
                             "it can be read from %s on",
                             name, lsn_text(table.same_table_from)),
                    "Choose a later position.");
    else
        set_failure(
            failure, "as_of_gone",
            psprintf("what \"%s\" held then is not kept any more: it can be read from %s on", name,
                     lsn_text(table.readable_from)),
            "Option history_s of the mirror says how far back one can read.");
    return false;
}

// Values of the type may be written in another way by now than they were, without a word of the
// tables that hold them.
bool is_written_anew(Oid type) {
    if (!SearchSysCacheExists1(TYPEOID, ObjectIdGetDatum(type))) return true;  // dropped meanwhile
    Oid base = getBaseType(type);
    Oid element = get_element_type(base);
    if (OidIsValid(element)) base = getBaseType(element);
    char kind = get_typtype(base);
    return kind == TYPTYPE_COMPOSITE || (kind == TYPTYPE_ENUM && !is_stable_enum(base));
}

// Rows are told apart by their key, or by all their values: a change of one that is written anew is
// not seen to be of the row that is there.
bool rows_are_told_apart(const CatalogTable& table, Failure* failure) {
    bool keyless = true;
    for (int i = 0; i < table.column_count; ++i) keyless &= table.columns[i].key_position == 0;
    for (int i = 0; i < table.column_count; ++i) {
        const CatalogColumn& column = table.columns[i];
        if ((column.key_position == 0 && !keyless) || column.type < FirstNormalObjectId ||
            !is_written_anew(column.type))
            continue;
        set_failure(failure, "type_unsupported",
                    psprintf("rows of \"%s\" are told apart by values of type %s",
                             get_rel_name(table.relid), format_type_be(column.type)),
                    "Such a type may be altered, or has been: the mirror holds what rows were "
                    "written with.");
        return false;
    }
    return true;
}

// The catalog still says what the SQL was made from, and the tables are complete.
CatalogTable* table_as_planned(const CustomScan& plan, int at, uint64 position, Failure* failure) {
    Oid relid = list_nth_oid(private_list(plan, kChoiceRelids), at);
    CatalogTable* table = find_planned_table(plan, at, position);
    const char* planned = strVal(list_nth(private_list(plan, kChoiceFingerprints), at));
    bool same =
        table != nullptr &&
        strcmp(psprintf("%llx", static_cast<unsigned long long>(table->fingerprint)), planned) == 0;
    if (!same) {
        CacheInvalidateRelcacheByRelid(relid);
        set_failure(failure, "mirror_changed",
                    psprintf("the mirror of \"%s\" changed after the query was planned",
                             get_rel_name(relid)),
                    "The next execution plans again.");
        return nullptr;
    }
    if (!table->running) {
        set_failure(failure, "mirror_not_running", "the mirror is not running",
                    "Check `tandem mirror show`.");
        return nullptr;
    }
    XLogRecPtr readable = Max(table->readable_from, table->same_table_from);
    if (table->live && position != 0 && position < readable && as_of_wanted()) {
        refuse_old_position(*table, failure);
        return nullptr;
    }
    // With as_of the mirror may have to follow first: read_at_one_position() waits for it.
    bool later = position == 0 && as_of_wanted();
    if (!later && (!table->same_heaps || (position != 0 && !table->leaves_ready))) {
        set_failure(failure, "rewritten",
                    psprintf("rows of \"%s\" were rewritten, truncated or moved between partitions",
                             get_rel_name(relid)),
                    "The mirror follows within seconds; `tandem mirror show` says how far it is.");
        return nullptr;
    }
    if (table->live && position != 0 && table->main == nullptr && as_of_wanted()) {
        refuse_old_position(*table, failure);
        return nullptr;
    }
    if (!table->live || (position != 0 && table->main == nullptr)) {
        set_failure(
            failure, "not_live",
            psprintf("table \"%s\" is not completely in ClickHouse yet", get_rel_name(relid)),
            "Wait until `tandem mirror show` says live.");
        return nullptr;
    }
    if (!rows_are_told_apart(*table, failure)) return nullptr;
    return table;
}

// Between planning and now a label may have got another name.
bool enums_allow(const CustomScan& plan, Failure* failure) {
    ListCell* cell;
    foreach (cell, private_list(plan, kChoiceEnums)) {
        if (is_stable_enum(lfirst_oid(cell))) continue;
        set_failure(failure, "type_unsupported", "a value of an enum has been renamed",
                    "The mirror holds the names that rows were written with.");
        return false;
    }
    return true;
}

// Foreign tables are what they are now: nothing to wait for, no position.
bool may_read_foreign(const CustomScan& plan, RunAtPosition* run, Failure* failure) {
    PgList* relids = private_list(plan, kChoiceRelids);
    CatalogTable** tables = make_array<CatalogTable*>(list_length(relids));
    for (int i = 0; i < list_length(relids); ++i) {
        tables[i] = table_as_planned(plan, i, 0, failure);
        if (tables[i] == nullptr) return false;
    }
    Oid server = tables[0]->foreign->server;
    run->target = find_foreign_target(
        server, static_cast<Oid>(list_nth_int(private_list(plan, kChoiceFlags), 4)), InvalidOid);
    add_table_settings(run->target, relids);
    run->database = foreign_database(server);
    int pieces = piece_count(plan);
    run->sqls = make_array<const char*>(pieces);
    for (int i = 0; i < pieces; ++i) run->sqls[i] = bind_sql(plan, i, tables, 0);
    return true;
}

}  // namespace

namespace {

// Each try follows a mirror that went on meanwhile.
constexpr int kPositionTries = 4;

struct Reading {
    const CustomScan* plan;
    ReadMirror* mirrors;
    int mirror_count;
    CatalogTable** tables;
    int table_count;
    FreshnessWait wait;
    XLogRecPtr position;
};

ReadMirror* mirror_of(const Reading* reading, int mirror_id) {
    for (int i = 0; i < reading->mirror_count; ++i)
        if (reading->mirrors[i].mirror_id == mirror_id) return &reading->mirrors[i];
    return nullptr;
}

// Those of the plan's tables, each with one of its tables looked at.
bool find_mirrors(Reading* reading, Failure* failure) {
    for (int i = 0; i < reading->table_count; ++i) {
        int mirror_id = list_nth_int(private_list(*reading->plan, kChoiceMirrors), i);
        if (mirror_of(reading, mirror_id) != nullptr) continue;
        CatalogTable* first = table_as_planned(*reading->plan, i, 0, failure);
        if (first == nullptr || !mirror_allows(*first, failure)) return false;
        reading->tables[i] = first;
        reading->mirrors[reading->mirror_count++] = {mirror_id, NameStr(first->slot_name),
                                                     !first->in_trouble, first->position};
    }
    return true;
}

bool position_of_freshness(Reading* reading, Failure* failure) {
    reading->position = PG_UINT64_MAX;
    for (int i = 0; i < reading->mirror_count; ++i) {
        if (!wait_until_fresh(&reading->mirrors[i], &reading->wait, failure)) return false;
        reading->position = Min(reading->position, reading->mirrors[i].reached);
    }
    return true;
}

bool position_of_as_of(Reading* reading, Failure* failure) {
    if (!as_of_position(reading->mirrors, reading->mirror_count, &reading->wait, &reading->position,
                        failure))
        return false;
    for (int i = 0; i < reading->mirror_count; ++i)
        if (!wait_until_reached(&reading->mirrors[i], reading->position, &reading->wait, failure))
            return false;
    return true;
}

// The tables as they are known for the position. `needed`: from where on all of them can be read.
bool look_at_tables(Reading* reading, XLogRecPtr* needed, Failure* failure) {
    *needed = InvalidXLogRecPtr;
    for (int i = 0; i < reading->table_count; ++i) {
        CatalogTable* table = table_as_planned(*reading->plan, i, reading->position, failure);
        if (table == nullptr) return false;
        reading->tables[i] = table;
        ReadMirror* mirror = mirror_of(reading, table->mirror_id);
        mirror->reached = Max(mirror->reached, table->position);
        XLogRecPtr from = Max(table->readable_from, table->same_table_from);
        *needed = Max(*needed, from);
    }
    return true;
}

// A TRUNCATE of the present is no reason not to answer of the past, but who has not followed it yet
// cannot tell it from what changes old rows.
bool follow_present(Reading* reading, Failure* failure) {
    if (!as_of_wanted() || strcmp(failure->code, "rewritten") != 0 || RecoveryInProgress())
        return false;
    XLogRecPtr present = GetXLogInsertRecPtr();
    for (int i = 0; i < reading->mirror_count; ++i)
        if (!wait_until_reached(&reading->mirrors[i], present, &reading->wait, failure))
            return false;
    return true;
}

bool read_at_one_position(Reading* reading, Failure* failure) {
    for (int i = 0; i < kPositionTries; ++i) {
        XLogRecPtr needed;
        if (!look_at_tables(reading, &needed, failure)) {
            if (i > 0 || !follow_present(reading, failure)) return false;
            continue;
        }
        if (needed <= reading->position) return true;
        reading->position = PG_UINT64_MAX;
        for (int k = 0; k < reading->mirror_count; ++k) {
            if (!wait_until_reached(&reading->mirrors[k], needed, &reading->wait, failure))
                return false;
            reading->position = Min(reading->position, reading->mirrors[k].reached);
        }
    }
    set_failure(failure, "no_common_position",
                "the mirrors of the query have no position in common at the moment",
                "Put the tables into one mirror, or raise the mirrors' option history_s.");
    return false;
}

}  // namespace

bool may_run_remotely(const CustomScan& plan, RunAtPosition* run, Failure* failure) {
    if (!session_allows(plan, failure)) return false;
    if (is_foreign(plan)) return may_read_foreign(plan, run, failure);
    bool history = as_of_wanted();
    if (!enums_allow(plan, failure) || (!history && !transaction_allows(plan, failure)))
        return false;
    Reading reading = {};
    reading.plan = &plan;
    reading.table_count = list_length(private_list(plan, kChoiceRelids));
    reading.tables = make_array<CatalogTable*>(reading.table_count);
    reading.mirrors = make_array<ReadMirror>(reading.table_count);
    if (!find_mirrors(&reading, failure)) return false;
    instr_time begun;
    INSTR_TIME_SET_CURRENT(begun);
    bool found =
        history ? position_of_as_of(&reading, failure) : position_of_freshness(&reading, failure);
    found = found && read_at_one_position(&reading, failure);
    run->wait_ms = ms_since(begun);
    if (!found) return false;
    CatalogTable* first = reading.tables[0];
    run->target = find_target(first->target_id);
    if (run->target == nullptr) {
        set_failure(failure, "mirror_changed", "the mirror's target is gone", "");
        return false;
    }
    run->target_id = first->target_id;
    run->database = first->database;
    run->position = reading.position;
    int pieces = piece_count(plan);
    run->sqls = make_array<const char*>(pieces);
    for (int i = 0; i < pieces; ++i)
        run->sqls[i] = bind_sql(plan, i, reading.tables, reading.position);
    return true;
}

bool session_is_utc() {
    static const char* const kNames[] = {"UTC",       "Etc/UTC",       "GMT",      "Etc/GMT",
                                         "UCT",       "Etc/UCT",       "Zulu",     "Etc/Zulu",
                                         "Universal", "Etc/Universal", "Etc/GMT0", "GMT0"};
    const char* name = pg_get_timezone_name(session_timezone);
    for (const char* utc : kNames)
        if (strcmp(name, utc) == 0) return true;
    return false;
}

}  // namespace tandem::shell
