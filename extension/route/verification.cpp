#include "extension/shell/pg.h"

extern "C" {
#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
}

#include "extension/route/stats.h"
#include "extension/route/verification.h"
#include "extension/shell/memory.h"

namespace tandem::shell {

struct RowSum {
    uint64 rows;
    uint64 first;
    uint64 second;
};

struct Verification {
    MemoryContext scratch;
    FmgrInfo* output;
    int column_count;
    RowSum remote;
    RowSum local;
    bool abandoned;
    bool finished;
};

namespace {

// Rows are compared by their text form, which is what a client sees.
void add_row(Verification* verification, RowSum* sum, TupleTableSlot* slot) {
    slot_getallattrs(slot);
    MemoryContext before = MemoryContextSwitchTo(verification->scratch);
    StringInfoData row;
    initStringInfo(&row);
    for (int i = 0; i < verification->column_count; ++i) {
        if (slot->tts_isnull[i]) {
            appendStringInfoChar(&row, 'n');
            continue;
        }
        const char* text = OutputFunctionCall(&verification->output[i], slot->tts_values[i]);
        appendStringInfo(&row, "%zu:", strlen(text));
        appendStringInfoString(&row, text);
    }
    const unsigned char* bytes = reinterpret_cast<unsigned char*>(row.data);
    ++sum->rows;
    sum->first += hash_bytes_extended(bytes, row.len, 1);
    sum->second += hash_bytes_extended(bytes, row.len, 2);
    MemoryContextSwitchTo(before);
    MemoryContextReset(verification->scratch);
}

bool equal(const RowSum& a, const RowSum& b) {
    return a.rows == b.rows && a.first == b.first && a.second == b.second;
}

}  // namespace

Verification* verification_new(TupleDesc rows, MemoryContext owner) {
    MemoryContext before = MemoryContextSwitchTo(owner);
    Verification* verification = make<Verification>();
    verification->scratch =
        AllocSetContextCreate(owner, "tandem verification", ALLOCSET_DEFAULT_SIZES);
    verification->column_count = rows->natts;
    verification->output = make_array<FmgrInfo>(static_cast<size_t>(rows->natts));
    for (int i = 0; i < rows->natts; ++i) {
        Oid function;
        bool is_varlena;
        getTypeOutputInfo(TupleDescAttr(rows, i)->atttypid, &function, &is_varlena);
        fmgr_info(function, &verification->output[i]);
    }
    MemoryContextSwitchTo(before);
    return verification;
}

void verification_add_remote(Verification* verification, TupleTableSlot* slot) {
    add_row(verification, &verification->remote, slot);
}

void verification_add_local(Verification* verification, TupleTableSlot* slot) {
    add_row(verification, &verification->local, slot);
}

void verification_abandon(Verification* verification) {
    verification->abandoned = true;
}

void verification_finish(Verification* verification, const char* remote_sql) {
    if (verification->abandoned || verification->finished) return;
    verification->finished = true;
    if (equal(verification->remote, verification->local)) return count_reason(kCountVerified);
    count_reason(kCountDiffered);
    ereport(LOG_SERVER_ONLY,
            (errmsg("tandem: ClickHouse's answer differs from Postgres' (%llu rows, %llu rows)",
                    static_cast<unsigned long long>(verification->remote.rows),
                    static_cast<unsigned long long>(verification->local.rows)),
             errdetail("Remote SQL: %s", remote_sql)));
}

}  // namespace tandem::shell
