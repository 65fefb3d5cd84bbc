#include "extension/shell/pg.h"

extern "C" {
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
}

#include "extension/fdw/kept.h"
#include "extension/shell/foreign_compat.h"
#include "extension/shell/memory.h"

namespace tandem::shell {

namespace {

Kept* first_kept = nullptr;

void send_all() {
    for (Kept* kept = first_kept; kept != nullptr; kept = kept->next)
        if (kept->rows > 0) kept->send(kept);
    for (Kept* kept = first_kept; kept != nullptr; kept = kept->next)
        if (kept->file != nullptr) BufFileClose(kept->file);
    first_kept = nullptr;
}

// Memory and files are the transaction's, which frees them.
void at_end(XactEvent event, void*) {
    switch (event) {
        case XACT_EVENT_PRE_COMMIT:
            send_all();
            break;
        case XACT_EVENT_PRE_PREPARE:
            if (first_kept != nullptr)
                ereport(ERROR,
                        (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                         errmsg("cannot PREPARE a transaction that keeps rows for ClickHouse")));
            break;
        case XACT_EVENT_ABORT:
        case XACT_EVENT_COMMIT:
            first_kept = nullptr;
            break;
        default:
            break;
    }
}

void forget(SubTransactionId owner) {
    for (Kept** place = &first_kept; *place != nullptr;) {
        Kept* kept = *place;
        if (kept->owner != owner) {
            place = &kept->next;
            continue;
        }
        *place = kept->next;
        if (kept->file != nullptr) BufFileClose(kept->file);
        MemoryContextDelete(GetMemoryChunkContext(kept));
    }
}

void at_end_of_savepoint(SubXactEvent event, SubTransactionId id, SubTransactionId parent, void*) {
    if (event == SUBXACT_EVENT_ABORT_SUB) return forget(id);
    if (event != SUBXACT_EVENT_COMMIT_SUB) return;
    for (Kept* kept = first_kept; kept != nullptr; kept = kept->next)
        if (kept->owner == id) kept->owner = parent;
}

void watch_transactions() {
    static bool watching = false;
    if (watching) return;
    RegisterXactCallback(at_end, nullptr);
    RegisterSubXactCallback(at_end_of_savepoint, nullptr);
    watching = true;
}

// Of the transaction, not of the statement or savepoint that writes first.
void start_file(Kept* kept) {
    ResourceOwner before = CurrentResourceOwner;
    CurrentResourceOwner = TopTransactionResourceOwner;
    MemoryContext context = MemoryContextSwitchTo(GetMemoryChunkContext(kept));
    kept->file = BufFileCreateTemp(false);
    MemoryContextSwitchTo(context);
    CurrentResourceOwner = before;
}

void spill(Kept* kept) {
    if (kept->file == nullptr) start_file(kept);
    write_file(kept->file, kept->memory.data, static_cast<size_t>(kept->memory.len));
    resetStringInfo(&kept->memory);
}

void take(Kept* kept, void* to, size_t size) {
    if (kept->file != nullptr) return read_file(kept->file, to, size);
    memcpy(to, kept->memory.data + kept->offset, size);
    kept->offset += static_cast<int>(size);
}

}  // namespace

Kept* find_kept(const char* key) {
    SubTransactionId now = GetCurrentSubTransactionId();
    for (Kept* kept = first_kept; kept != nullptr; kept = kept->next)
        if (kept->owner == now && strcmp(kept->key, key) == 0) return kept;
    return nullptr;
}

Kept* start_keeping(const char* key, Oid relid, int columns) {
    watch_transactions();
    Kept* kept = make<Kept>();
    kept->owner = GetCurrentSubTransactionId();
    kept->key = pstrdup(key);
    kept->relid = relid;
    kept->columns = columns;
    initStringInfo(&kept->memory);
    Kept** last = &first_kept;
    while (*last != nullptr) last = &(*last)->next;
    *last = kept;
    return kept;
}

void keep_values(Kept* kept, const clickhouse::RowValue* values) {
    for (int i = 0; i < kept->columns; ++i) {
        int32 size = values[i].bytes == nullptr ? -1 : static_cast<int32>(values[i].size);
        appendBinaryStringInfo(&kept->memory, reinterpret_cast<const char*>(&size), sizeof size);
        if (size > 0) appendBinaryStringInfo(&kept->memory, values[i].bytes, size);
    }
    ++kept->rows;
    if (static_cast<Size>(kept->memory.len) > static_cast<Size>(work_mem) * 1024) spill(kept);
}

bool next_kept(Kept* kept, clickhouse::RowValue* values) {
    if (kept->read == kept->rows) return false;
    if (kept->read++ == 0 && kept->file != nullptr) {
        spill(kept);
        if (BufFileSeek(kept->file, 0, 0, SEEK_SET) != 0)
            ereport(ERROR, (errcode_for_file_access(), errmsg("could not rewind kept rows")));
    }
    for (int i = 0; i < kept->columns; ++i) {
        int32 size;
        take(kept, &size, sizeof size);
        char* bytes = size < 0 ? nullptr : static_cast<char*>(palloc(static_cast<Size>(size) + 1));
        if (size > 0) take(kept, bytes, static_cast<size_t>(size));
        values[i] = {bytes, static_cast<size_t>(Max(size, 0))};
    }
    return true;
}

void refuse_while_kept(Oid relid, const char* command) {
    for (Kept* kept = first_kept; kept != nullptr; kept = kept->next)
        if (kept->relid == relid && kept->rows > 0)
            ereport(ERROR,
                    (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                     errmsg("%s is not possible: this transaction keeps rows for foreign table "
                            "\"%s\"",
                            command, get_rel_name(relid)),
                     errdetail("They are sent at its end (option transactional), after what is "
                               "done now."),
                     errhint("Commit first.")));
}

}  // namespace tandem::shell
