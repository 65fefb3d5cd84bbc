#include "extension/shell/pg.h"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_database.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
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

// Letters with one small and one capital form, in pairs of code points.
struct LetterRange {
    pg_wchar first;
    pg_wchar last;
    int step;       // from one pair to the next
    int small_off;  // from the capital to the small letter
};

constexpr LetterRange kAscii[] = {{'A', 'Z', 1, 32}};
constexpr LetterRange kLetters[] = {
    {'A', 'Z', 1, 32},     {0xc0, 0xd6, 1, 32},   {0xd8, 0xde, 1, 32},  {0x100, 0x12e, 2, 1},
    {0x132, 0x136, 2, 1},  {0x139, 0x147, 2, 1},  {0x14a, 0x176, 2, 1}, {0x179, 0x17d, 2, 1},
    {0x401, 0x401, 1, 80}, {0x410, 0x42f, 1, 32},
};

void append_letter(StringInfo text, pg_wchar letter) {
    unsigned char bytes[8] = {};
    unicode_to_utf8(letter, bytes);
    appendBinaryStringInfo(text, reinterpret_cast<char*>(bytes), pg_utf_mblen(bytes));
}

bool folds(const LetterRange* ranges, size_t count, ::Oid collation) {
    StringInfoData capitals;
    StringInfoData smalls;
    initStringInfo(&capitals);
    initStringInfo(&smalls);
    for (size_t i = 0; i < count; ++i)
        for (pg_wchar at = ranges[i].first; at <= ranges[i].last;
             at += static_cast<pg_wchar>(ranges[i].step)) {
            append_letter(&capitals, at);
            append_letter(&smalls, at + static_cast<pg_wchar>(ranges[i].small_off));
        }
    char* lower = str_tolower(capitals.data, static_cast<size_t>(capitals.len), collation);
    char* upper = str_toupper(smalls.data, static_cast<size_t>(smalls.len), collation);
    return strcmp(lower, smalls.data) == 0 && strcmp(upper, capitals.data) == 0;
}

struct KnownFolding {
    ::Oid collation;
    LetterCase letters;
};

}  // namespace

LetterCase letter_case(::Oid collation) {
    static KnownFolding known[8];
    static int count = 0;
    if (!OidIsValid(collation)) return LetterCase::kUnknown;
    for (int i = 0; i < Min(count, 8); ++i)
        if (known[i].collation == collation) return known[i].letters;
    LetterCase result = LetterCase::kUnknown;
    if (GetDatabaseEncoding() == PG_UTF8) {
        if (folds(kLetters, lengthof(kLetters), collation))
            result = LetterCase::kLetters;
        else if (folds(kAscii, lengthof(kAscii), collation))
            result = LetterCase::kAscii;
    }
    known[count++ % 8] = {collation, result};
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
