#include "extension/shell/pg.h"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
}

#include "extension/catalog/identity.h"

namespace tandem::shell {

namespace {

Oid relation_oid(const char* name) {
    Oid schema = get_namespace_oid("tandem", true);
    return OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
}

// NULL, or no such column: no session of the mirror has looked yet.
Datum value_of(Relation mirrors, HeapTuple row, const char* column, bool* is_null) {
    AttrNumber attnum = get_attnum(RelationGetRelid(mirrors), column);
    *is_null = true;
    if (attnum == InvalidAttrNumber) return Datum(0);
    return heap_getattr(row, attnum, RelationGetDescr(mirrors), is_null);
}

bool matches(Relation mirrors, HeapTuple row) {
    bool is_null;
    Datum system = value_of(mirrors, row, "source_system", &is_null);
    if (is_null) return true;
    char own[32];
    snprintf(own, sizeof own, UINT64_FORMAT, GetSystemIdentifier());
    if (strcmp(TextDatumGetCString(system), own) != 0) return false;
    Datum database = value_of(mirrors, row, "source_database", &is_null);
    return is_null || DatumGetObjectId(database) == MyDatabaseId;
}

}  // namespace

bool is_mirror_of_this_database(int mirror_id) {
    Oid relid = relation_oid("mirror");
    if (!OidIsValid(relid)) return false;
    Relation mirrors = table_open(relid, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, get_attnum(relid, "mirror_id"), BTEqualStrategyNumber, F_INT4EQ,
                Int32GetDatum(mirror_id));
    Oid index = relation_oid("mirror_pkey");
    SysScanDesc scan = systable_beginscan(mirrors, index, OidIsValid(index), nullptr, 1, &key);
    HeapTuple row = systable_getnext(scan);
    bool same = HeapTupleIsValid(row) && matches(mirrors, row);
    systable_endscan(scan);
    table_close(mirrors, AccessShareLock);
    return same;
}

}  // namespace tandem::shell
