#include "extension/shell/pg.h"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/syscache.h"
}

#include "extension/tree/collation.h"

namespace tandem::shell {

namespace {

using route::Collation;

// Locales whose order is that of the code points, which for UTF-8 is that of the bytes.
bool bytewise_locale(const char* name) {
    return strcmp(name, "C") == 0 || strcmp(name, "POSIX") == 0 ||
           pg_strcasecmp(name, "C.UTF-8") == 0 || pg_strcasecmp(name, "C.UTF8") == 0;
}

Collation class_of(char provider, bool deterministic, const char* locale) {
    if (!deterministic) return Collation::kNondeterministic;
    // The builtin provider (17 and later) knows code point orders only.
    if (provider == 'b') return Collation::kBytewise;
    if (provider == COLLPROVIDER_LIBC && bytewise_locale(locale)) return Collation::kBytewise;
    return Collation::kDeterministic;
}

Collation database_collation() {
    HeapTuple tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId));
    if (!HeapTupleIsValid(tuple)) return Collation::kNondeterministic;
    Form_pg_database form = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple));
    bool is_null;
    Datum locale = SysCacheGetAttr(DATABASEOID, tuple, Anum_pg_database_datcollate, &is_null);
    Collation result =
        class_of(form->datlocprovider, true, is_null ? "" : TextDatumGetCString(locale));
    ReleaseSysCache(tuple);
    return result;
}

// Known to do so; any other locale is taken for one that does not.
bool plain_letters(char provider, const char* locale) {
    if (provider == 'b') return true;
    return provider == COLLPROVIDER_LIBC &&
           (bytewise_locale(locale) || strncmp(locale, "en_", 3) == 0);
}

}  // namespace

bool folds_ascii(::Oid collation) {
    if (!OidIsValid(collation)) return false;
    if (collation == C_COLLATION_OID) return true;
    bool is_default = collation == DEFAULT_COLLATION_OID;
    HeapTuple tuple = is_default ? SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId))
                                 : SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
    if (!HeapTupleIsValid(tuple)) return false;
    char provider = is_default
                        ? reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple))->datlocprovider
                        : reinterpret_cast<Form_pg_collation>(GETSTRUCT(tuple))->collprovider;
    bool is_null;
    Datum locale = is_default
                       ? SysCacheGetAttr(DATABASEOID, tuple, Anum_pg_database_datctype, &is_null)
                       : SysCacheGetAttr(COLLOID, tuple, Anum_pg_collation_collctype, &is_null);
    bool result = plain_letters(provider, is_null ? "" : TextDatumGetCString(locale));
    ReleaseSysCache(tuple);
    return result;
}

route::Collation collation_class(::Oid collation) {
    if (!OidIsValid(collation)) return Collation::kNone;
    if (collation == C_COLLATION_OID) return Collation::kBytewise;
    if (collation == DEFAULT_COLLATION_OID) return database_collation();
    HeapTuple tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
    if (!HeapTupleIsValid(tuple)) return Collation::kNondeterministic;
    Form_pg_collation form = reinterpret_cast<Form_pg_collation>(GETSTRUCT(tuple));
    bool is_null;
    Datum locale = SysCacheGetAttr(COLLOID, tuple, Anum_pg_collation_collcollate, &is_null);
    Collation result = class_of(form->collprovider, form->collisdeterministic,
                                is_null ? "" : TextDatumGetCString(locale));
    ReleaseSysCache(tuple);
    return result;
}

}  // namespace tandem::shell
