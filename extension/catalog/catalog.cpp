// Reads schema tandem by systable scans, never by SPI: it is asked while queries are planned, also
// by users without any right on it. Columns are found by name, so that a catalog may have more than
// this library knows; one of a later version is not read at all.
#include "extension/shell/pg.h"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/pg_lsn.h"
#include "utils/rel.h"
#include "utils/syscache.h"
}

#include "extension/catalog/catalog.h"
#include "extension/catalog/heaps.h"
#include "extension/shell/memory.h"

namespace tandem::shell {

namespace {

// Set by the invalidation callbacks; DDL on any schema or relation makes us look again.
bool lookup_valid = false;
bool callbacks_registered = false;
CatalogState state = CatalogState::kNone;
Oid schema_oid = InvalidOid;
Oid table_oid = InvalidOid;

void forget_lookup(Datum, int, uint32) {
    lookup_valid = false;
}
void forget_relation(Datum, Oid relid) {
    if (relid == InvalidOid || relid == table_oid || table_oid == InvalidOid) lookup_valid = false;
}

// A scan of one catalog table by equality on integer or OID columns, through an index.
struct Scan {
    Relation relation;
    SysScanDesc scan;
    HeapTuple tuple;
};

Oid relation_in_schema(const char* name) {
    return get_relname_relid(name, schema_oid);
}

struct Key {
    const char* column;
    RegProcedure equal;  // F_INT4EQ or F_OIDEQ
    Datum value;
};

bool scan_begin(Scan* scan, const char* table, const char* index, const Key* keys, int key_count) {
    Oid relid = relation_in_schema(table);
    if (!OidIsValid(relid)) return false;
    scan->relation = table_open(relid, AccessShareLock);
    ScanKeyData scan_keys[2];
    for (int i = 0; i < key_count; ++i)
        ScanKeyInit(&scan_keys[i], get_attnum(relid, keys[i].column), BTEqualStrategyNumber,
                    keys[i].equal, keys[i].value);
    Oid index_oid = relation_in_schema(index);
    scan->scan = systable_beginscan(scan->relation, index_oid, OidIsValid(index_oid), nullptr,
                                    key_count, scan_keys);
    return true;
}

bool scan_next(Scan* scan) {
    scan->tuple = systable_getnext(scan->scan);
    return HeapTupleIsValid(scan->tuple);
}

void scan_end(Scan* scan) {
    systable_endscan(scan->scan);
    table_close(scan->relation, AccessShareLock);
}

// The value of a column by name, so that columns may be added to the catalog anywhere.
Datum column_value(const Scan* scan, const char* column, bool* is_null) {
    AttrNumber attnum = get_attnum(RelationGetRelid(scan->relation), column);
    if (attnum == InvalidAttrNumber) {
        *is_null = true;
        return Datum(0);
    }
    return heap_getattr(scan->tuple, attnum, RelationGetDescr(scan->relation), is_null);
}

int int_value(const Scan* scan, const char* column) {
    bool is_null;
    Datum value = column_value(scan, column, &is_null);
    return is_null ? 0 : DatumGetInt32(value);
}

XLogRecPtr lsn_value(const Scan* scan, const char* column) {
    bool is_null;
    Datum value = column_value(scan, column, &is_null);
    return is_null ? InvalidXLogRecPtr : DatumGetLSN(value);
}

char* text_value(const Scan* scan, const char* column) {
    bool is_null;
    Datum value = column_value(scan, column, &is_null);
    return is_null ? pstrdup("") : TextDatumGetCString(value);
}

bool null_value(const Scan* scan, const char* column) {
    bool is_null;
    column_value(scan, column, &is_null);
    return is_null;
}

void mix_text(uint64* fingerprint, const char* text) {
    *fingerprint = hash_combine64(*fingerprint,
                                  hash_bytes_extended(reinterpret_cast<const unsigned char*>(text),
                                                      static_cast<int>(strlen(text)), 17));
}

void mix_number(uint64* fingerprint, uint64 number) {
    *fingerprint = hash_combine64(*fingerprint, number * UINT64CONST(0x9E3779B97F4A7C15) + 1);
}

CatalogColumn read_column(const Scan* scan) {
    CatalogColumn column = {};
    bool is_null;
    column.attnum = DatumGetInt16(column_value(scan, "attnum", &is_null));
    column.type = DatumGetObjectId(column_value(scan, "type_oid", &is_null));
    column.typmod = int_value(scan, "typmod");
    column.target_column = text_value(scan, "target_column");
    column.target_type = text_value(scan, "target_type");
    Datum position = column_value(scan, "key_position", &is_null);
    column.key_position = is_null ? 0 : DatumGetInt16(position);
    const char* exactness = text_value(scan, "exactness");
    bool kept = null_value(scan, "inexact_since");
    column.exact = kept && (strcmp(exactness, "exact") == 0 || strcmp(exactness, "ranged") == 0);
    column.as_text = kept && strcmp(exactness, "text") == 0;
    return column;
}

// A column of the relation was retyped or dropped and the mirror has not followed yet: then nothing
// may be said about it.
void distrust_changed_columns(CatalogTable* table) {
    Relation relation = table_open(table->relid, AccessShareLock);
    TupleDesc description = RelationGetDescr(relation);
    for (int i = 0; i < table->column_count; ++i) {
        CatalogColumn* column = &table->columns[i];
        bool same = column->attnum >= 1 && column->attnum <= description->natts;
        if (same) {
            Form_pg_attribute attribute = TupleDescAttr(description, column->attnum - 1);
            same = !attribute->attisdropped && attribute->atttypid == column->type &&
                   attribute->atttypmod == column->typmod;
        }
        if (!same) column->exact = column->as_text = false;
    }
    table_close(relation, AccessShareLock);
}

void read_columns(CatalogTable* table) {
    Key keys[] = {{"mirror_id", F_INT4EQ, Int32GetDatum(table->mirror_id)},
                  {"relid", F_OIDEQ, ObjectIdGetDatum(table->relid)}};
    Scan scan;
    if (!scan_begin(&scan, "mirror_column", "mirror_column_pkey", keys, 2)) return;
    int capacity = 16;
    table->columns = make_array<CatalogColumn>(capacity);
    while (scan_next(&scan)) {
        if (table->column_count == capacity) {
            capacity *= 2;
            table->columns = static_cast<CatalogColumn*>(
                repalloc(table->columns, sizeof(CatalogColumn) * capacity));
        }
        table->columns[table->column_count++] = read_column(&scan);
    }
    scan_end(&scan);
    distrust_changed_columns(table);
}

bool read_mirror(CatalogTable* table) {
    Key key = {"mirror_id", F_INT4EQ, Int32GetDatum(table->mirror_id)};
    Scan scan;
    if (!scan_begin(&scan, "mirror", "mirror_pkey", &key, 1)) return false;
    bool found = scan_next(&scan);
    if (found) {
        table->target_id = int_value(&scan, "target_id");
        table->database = text_value(&scan, "database");
        table->running = strcmp(text_value(&scan, "state"), "running") == 0 &&
                         strcmp(text_value(&scan, "wanted"), "dropped") != 0;
        table->in_trouble = !null_value(&scan, "error_code");
        bool is_null;
        Datum slot = column_value(&scan, "slot_name", &is_null);
        namestrcpy(&table->slot_name, is_null ? "" : NameStr(*DatumGetName(slot)));
        Datum position = column_value(&scan, "position", &is_null);
        table->position = is_null ? 0 : DatumGetLSN(position);
    }
    scan_end(&scan);
    return found;
}

// Of the copies that the table has at the position, the newest. Positions are exclusive, so a copy
// is visible from its own position on.
void read_copy(CatalogTable* table, uint64 position) {
    Key keys[] = {{"mirror_id", F_INT4EQ, Int32GetDatum(table->mirror_id)},
                  {"relid", F_OIDEQ, ObjectIdGetDatum(table->relid)}};
    Scan scan;
    if (!scan_begin(&scan, "mirror_copy", "mirror_copy_pkey", keys, 2)) return;
    XLogRecPtr best = InvalidXLogRecPtr;
    while (scan_next(&scan)) {
        bool is_null;
        XLogRecPtr from = DatumGetLSN(column_value(&scan, "visible_from", &is_null));
        if (is_null || (position != 0 && from > position)) continue;
        if (table->main != nullptr && from < best) continue;
        best = from;
        table->copy = int_value(&scan, "copy");
        table->main = text_value(&scan, "main");
        table->delta = text_value(&scan, "delta");
        table->oldest_generation = static_cast<uint32>(int_value(&scan, "oldest_generation"));
        table->delta_empty = DatumGetBool(column_value(&scan, "delta_empty", &is_null));
        table->folded_to = lsn_value(&scan, "folded_to");
        table->is_history = position != 0 && position < table->folded_to;
        table->history_generation = table->oldest_generation;
        if (!null_value(&scan, "history_generation"))
            table->history_generation = static_cast<uint32>(int_value(&scan, "history_generation"));
        table->readable_from = lsn_value(&scan, "readable_from");
    }
    scan_end(&scan);
}

// A type that is gone by now is none.
bool is_jsonb(Oid type) {
    return type == JSONBOID ||
           (get_typtype(type) == TYPTYPE_DOMAIN && getBaseType(type) == JSONBOID);
}

bool has_documents(const CatalogTable& table) {
    for (int i = 0; i < table.column_count; ++i)
        if (is_jsonb(table.columns[i].type)) return true;
    return false;
}

// Which keys of documents the copy has as columns. A column that nothing may be said about
// (distrust_changed_columns) is not read in any way.
void read_json_keys(CatalogTable* table) {
    if (!has_documents(*table)) return;
    Key keys[] = {{"mirror_id", F_INT4EQ, Int32GetDatum(table->mirror_id)},
                  {"relid", F_OIDEQ, ObjectIdGetDatum(table->relid)}};
    Scan scan;
    if (!scan_begin(&scan, "mirror_json_key", "mirror_json_key_pkey", keys, 2)) return;
    int capacity = 8;
    table->json_keys = make_array<CatalogJsonKey>(capacity);
    while (scan_next(&scan)) {
        if (int_value(&scan, "copy") != table->copy) continue;
        if (table->json_key_count == capacity) {
            capacity *= 2;
            table->json_keys = static_cast<CatalogJsonKey*>(
                repalloc(table->json_keys, sizeof(CatalogJsonKey) * static_cast<Size>(capacity)));
        }
        bool is_null;
        int attnum = DatumGetInt16(column_value(&scan, "attnum", &is_null));
        table->json_keys[table->json_key_count++] = {attnum, text_value(&scan, "key"),
                                                     text_value(&scan, "text_column"),
                                                     text_value(&scan, "kind_column")};
    }
    scan_end(&scan);
}

// Which partitions came and went in the copy. Nothing of before a fold is read beside them.
void read_leaves(CatalogTable* table, uint64 position) {
    table->leaves_ready = true;
    if (get_rel_relkind(table->relid) != RELKIND_PARTITIONED_TABLE) return;
    Key keys[] = {{"mirror_id", F_INT4EQ, Int32GetDatum(table->mirror_id)},
                  {"relid", F_OIDEQ, ObjectIdGetDatum(table->relid)}};
    Scan scan;
    if (!scan_begin(&scan, "mirror_leaf", "mirror_leaf_pkey", keys, 2)) return;
    int capacity = 8;
    table->cuts = make_array<CatalogCut>(capacity);
    while (scan_next(&scan)) {
        if (int_value(&scan, "copy") != table->copy) continue;
        bool is_null;
        XLogRecPtr cut = DatumGetLSN(column_value(&scan, "cut", &is_null));
        XLogRecPtr from = DatumGetLSN(column_value(&scan, "visible_from", &is_null));
        if (is_null || from > position || cut >= position) table->leaves_ready = false;
        if (table->cut_count == capacity) {
            capacity *= 2;
            table->cuts = static_cast<CatalogCut*>(
                repalloc(table->cuts, sizeof(CatalogCut) * static_cast<Size>(capacity)));
        }
        Oid leaf = DatumGetObjectId(column_value(&scan, "leaf", &is_null));
        column_value(&scan, "consistent_lsn", &is_null);
        table->cuts[table->cut_count++] = {leaf, cut, !is_null};
    }
    scan_end(&scan);
    if (table->cut_count > 0 && table->is_history)
        table->readable_from = Max(table->readable_from, table->folded_to);
}

void fill_fingerprint(CatalogTable* table) {
    uint64 fingerprint = UINT64CONST(0x7461);
    mix_number(&fingerprint, table->mirror_id);
    mix_number(&fingerprint, table->target_id);
    mix_text(&fingerprint, table->database);
    mix_text(&fingerprint, table->target_table);
    for (int i = 0; i < table->column_count; ++i) {
        const CatalogColumn& column = table->columns[i];
        mix_number(&fingerprint, column.attnum);
        mix_number(&fingerprint, column.type);
        mix_number(&fingerprint, (column.exact ? 1 : 0) + (column.as_text ? 2 : 0));
        mix_text(&fingerprint, column.target_column);
        mix_text(&fingerprint, column.target_type);
    }
    for (int i = 0; i < table->json_key_count; ++i) {
        mix_number(&fingerprint, table->json_keys[i].attnum);
        mix_text(&fingerprint, table->json_keys[i].key);
        mix_text(&fingerprint, table->json_keys[i].text_column);
    }
    table->fingerprint = fingerprint;
}

}  // namespace

namespace {

// SAFETY: the catalog says which server a query is sent to and whose answer is believed. Anybody
// who may create schemas could have made this one, so its owner must be somebody who may replicate:
// that is what the daemon's role can do, and what nobody gives to a stranger.
bool schema_is_trusted() {
    HeapTuple schema = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema_oid));
    if (!HeapTupleIsValid(schema)) return false;
    Oid owner = reinterpret_cast<Form_pg_namespace>(GETSTRUCT(schema))->nspowner;
    ReleaseSysCache(schema);
    HeapTuple role = SearchSysCache1(AUTHOID, ObjectIdGetDatum(owner));
    if (!HeapTupleIsValid(role)) return false;
    Form_pg_authid attributes = reinterpret_cast<Form_pg_authid>(GETSTRUCT(role));
    bool trusted = attributes->rolsuper || attributes->rolreplication;
    ReleaseSysCache(role);
    if (!trusted)
        ereport(LOG,
                (errmsg("tandem: nothing is routed, because the owner of schema tandem has not "
                        "the attribute REPLICATION"),
                 errhint("ALTER SCHEMA tandem OWNER TO the role of the daemon.")));
    return trusted;
}

// A daemon of a later version has laid out the catalog in a way this library may misread.
bool catalog_is_known() {
    Scan scan;
    if (!scan_begin(&scan, "catalog_version", "", nullptr, 0)) return true;
    int migration = scan_next(&scan) ? int_value(&scan, "migration") : 0;
    scan_end(&scan);
    if (migration <= TANDEM_MIGRATIONS_KNOWN) return true;
    ereport(LOG, (errmsg("tandem: nothing is routed, because schema tandem is at migration %d and "
                         "this library knows %d",
                         migration, TANDEM_MIGRATIONS_KNOWN),
                  errhint("Upgrade the package tandem-postgresql of this server and restart it.")));
    return false;
}

CatalogState look_up() {
    schema_oid = get_namespace_oid("tandem", true);
    if (!OidIsValid(schema_oid)) return CatalogState::kNone;
    if (!schema_is_trusted()) return CatalogState::kUntrusted;
    if (!catalog_is_known()) return CatalogState::kNewer;
    table_oid = relation_in_schema("mirror_table");
    return OidIsValid(table_oid) ? CatalogState::kUsable : CatalogState::kNone;
}

}  // namespace

CatalogState catalog_state() {
    if (likely(lookup_valid)) return state;
    if (!callbacks_registered) {
        CacheRegisterSyscacheCallback(NAMESPACEOID, forget_lookup, Datum(0));
        CacheRegisterSyscacheCallback(AUTHOID, forget_lookup, Datum(0));
        CacheRegisterRelcacheCallback(forget_relation, Datum(0));
        callbacks_registered = true;
    }
    // Set first: an invalidation that arrives during the lookup must not be lost.
    lookup_valid = true;
    table_oid = InvalidOid;
    state = look_up();
    return state;
}

bool catalog_exists() {
    return catalog_state() == CatalogState::kUsable;
}

bool is_catalog_relation(Oid relid) {
    return catalog_state() != CatalogState::kNone && get_rel_namespace(relid) == schema_oid;
}

bool is_mirrored(Oid relid) {
    if (!catalog_exists()) return false;
    Key key = {"relid", F_OIDEQ, ObjectIdGetDatum(relid)};
    Scan scan;
    if (!scan_begin(&scan, "mirror_table", "mirror_table_relid", &key, 1)) return false;
    bool found = scan_next(&scan);
    scan_end(&scan);
    return found;
}

namespace {

// Of the mirror, of one that writes to the target, or, with 0, of any.
CatalogTable* find_table(Oid relid, int mirror_id, int target_id, uint64 position) {
    if (!catalog_exists()) return nullptr;
    Key key = {"relid", F_OIDEQ, ObjectIdGetDatum(relid)};
    Scan scan;
    if (!scan_begin(&scan, "mirror_table", "mirror_table_relid", &key, 1)) return nullptr;
    CatalogTable* best = nullptr;
    while (scan_next(&scan)) {
        CatalogTable* table = make<CatalogTable>();
        table->relid = relid;
        table->mirror_id = int_value(&scan, "mirror_id");
        if (mirror_id != 0 && table->mirror_id != mirror_id) continue;
        table->target_table = text_value(&scan, "target_table");
        table->live = strcmp(text_value(&scan, "state"), "live") == 0;
        table->same_heaps =
            null_value(&scan, "heaps") || strcmp(text_value(&scan, "heaps"), heaps_of(relid)) == 0;
        table->same_table_from = lsn_value(&scan, "history_from");
        if (!read_mirror(table) || (target_id != 0 && table->target_id != target_id)) continue;
        bool better =
            best == nullptr || (table->live && table->running && !(best->live && best->running));
        if (better) best = table;
    }
    scan_end(&scan);
    if (best == nullptr) return nullptr;
    read_columns(best);
    read_copy(best, position);
    read_json_keys(best);
    read_leaves(best, position);
    fill_fingerprint(best);
    return best;
}

}  // namespace

CatalogTable* find_mirrored_table(Oid relid, int mirror_id, uint64 position) {
    return find_table(relid, mirror_id, 0, position);
}

CatalogTable* find_table_on_target(Oid relid, int target_id) {
    return find_table(relid, 0, target_id, 0);
}

namespace {

// The first row of the mirror in that direction from the time on, exclusive forwards.
bool next_moment(Relation relation, Relation index, int mirror_id, TimestampTz at,
                 ScanDirection direction, uint64* position) {
    bool back = direction == BackwardScanDirection;
    ScanKeyData keys[2];
    ScanKeyInit(&keys[0], get_attnum(RelationGetRelid(relation), "mirror_id"),
                BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(mirror_id));
    ScanKeyInit(&keys[1], get_attnum(RelationGetRelid(relation), "at"),
                back ? BTLessEqualStrategyNumber : BTGreaterStrategyNumber,
                back ? F_TIMESTAMPTZ_LE : F_TIMESTAMPTZ_GT, TimestampTzGetDatum(at));
    SysScanDesc scan = systable_beginscan_ordered(relation, index, nullptr, 2, keys);
    HeapTuple tuple = systable_getnext_ordered(scan, direction);
    bool found = HeapTupleIsValid(tuple);
    bool is_null;
    if (found)
        *position =
            DatumGetLSN(heap_getattr(tuple, get_attnum(RelationGetRelid(relation), "position"),
                                     RelationGetDescr(relation), &is_null));
    systable_endscan_ordered(scan);
    return found;
}

}  // namespace

bool find_moment(int mirror_id, TimestampTz at, uint64* position, bool* any_later) {
    Oid relid = relation_in_schema("moment");
    Oid index_oid = relation_in_schema("moment_pkey");
    if (!OidIsValid(relid) || !OidIsValid(index_oid)) return false;
    Relation relation = table_open(relid, AccessShareLock);
    Relation index = index_open(index_oid, AccessShareLock);
    uint64 later;
    // In this order: who finds none later has seen what an earlier one became in the end.
    *any_later = next_moment(relation, index, mirror_id, at, ForwardScanDirection, &later);
    bool found = next_moment(relation, index, mirror_id, at, BackwardScanDirection, position);
    index_close(index, AccessShareLock);
    table_close(relation, AccessShareLock);
    return found;
}

CatalogTarget* find_target(int target_id) {
    if (!catalog_exists()) return nullptr;
    Key key = {"target_id", F_INT4EQ, Int32GetDatum(target_id)};
    Scan scan;
    if (!scan_begin(&scan, "target", "target_pkey", &key, 1)) return nullptr;
    CatalogTarget* target = nullptr;
    if (scan_next(&scan)) {
        bool is_null;
        target = make<CatalogTarget>();
        target->host = text_value(&scan, "host");
        target->port = int_value(&scan, "native_port");
        bool own = null_value(&scan, "route_username");
        target->user = text_value(&scan, own ? "username" : "route_username");
        target->password = text_value(&scan, own ? "password" : "route_password");
        target->secure = DatumGetBool(column_value(&scan, "secure", &is_null));
    }
    scan_end(&scan);
    return target;
}

}  // namespace tandem::shell

extern "C" {
PG_FUNCTION_INFO_V1(tandem_forget_plans);
PGDLLEXPORT Datum tandem_forget_plans(PG_FUNCTION_ARGS);
}

// tandem.forget_plans(relid): statements over the table that are prepared, in any session, are
// planned again from the commit of this transaction on.
Datum tandem_forget_plans(PG_FUNCTION_ARGS) {
    Oid relid = PG_GETARG_OID(0);
    // The table may be gone by now, and with it its plans.
    if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
        CacheInvalidateRelcacheByRelid(relid);
    PG_RETURN_VOID();
}
