// Reads the mirror catalog (schema tandem) inside a backend: which relation is mirrored where.
//
// Reads by index scans with a catalog snapshot: the user's privileges do not matter, and what other
// transactions have committed is seen at once. Nothing is cached except whether the catalog exists.
#pragma once

namespace tandem::shell {

struct CatalogColumn {
    int attnum;
    Oid type;
    int32 typmod;
    const char* target_column;
    const char* target_type;
    int key_position;  // 0: not part of the key
    bool exact;
    bool as_text;
    bool opaque;  // handed on as its text, and nothing else
};

struct ForeignSource;  // foreign.h

// A key of a jsonb column that the copy has columns of.
struct CatalogJsonKey {
    int attnum;
    const char* key;
    const char* text_column;
    const char* kind_column;
};

// Rows of the leaf from before `cut` are gone at the position. `loaded`: it joined the table there,
// and what it held then was loaded.
struct CatalogCut {
    Oid leaf;
    uint64 cut;
    bool loaded;
};

struct CatalogTable {
    int mirror_id;
    int target_id;
    Oid relid;
    bool live;                 // the table's state
    bool same_heaps;           // its rows lie where they lay when ClickHouse last had all of them
    bool running;              // the mirror's state
    bool in_trouble;           // the mirror says that it does not get on: ClickHouse is away, say
    const char* database;      // of the view, under which people find the table
    const char* target_table;  // name of the view
    NameData slot_name;
    uint64 position;  // at least as far is the mirror, whatever its slot says
    // The copy of the rows that shows the table, at a position or now; main is nullptr when none
    // does.
    const char* main;
    const char* delta;
    int copy;
    uint32 oldest_generation;
    bool delta_empty;
    // The position is before the end of the copy's last fold: for it the delta counts from
    // history_generation.
    bool is_history;
    uint64_t folded_to;
    uint32_t history_generation;
    // First positions at which the copy still has what was there, and at which the table was as it
    // is now: the same columns and partitions, loaded.
    uint64_t readable_from;
    uint64_t same_table_from;
    CatalogCut* cuts;
    int cut_count;
    bool leaves_ready;  // at the position; not while a partition is being followed
    CatalogColumn* columns;
    int column_count;
    uint64 fingerprint;         // of everything a translated query depends on
    CatalogJsonKey* json_keys;  // of the copy
    int json_key_count;
    // Of a foreign table; nullptr for a mirrored one. Then mirror_id is 0 and target_id the user as
    // whom it is read.
    const ForeignSource* foreign;
};

struct CatalogTarget {
    const char* host;
    int port;
    const char* user;
    const char* password;
    bool secure;
    // Files for TLS; nullptr: the system's store, none, none.
    const char* ca_file;
    const char* certificate;
    const char* private_key;
    // Of foreign servers; nullptr and 0 otherwise.
    int connect_timeout_ms;
    uint64 query_timeout_ms;
    const char* const* setting_names;
    const char* const* setting_values;
    int setting_count;
};

// Untrusted: its owner may not be believed. Newer: this library may misread it.
enum class CatalogState { kNone, kUsable, kUntrusted, kNewer };

// Cheap: looked up once and after DDL.
CatalogState catalog_state();
bool catalog_exists();  // and is usable
// True for tables of the catalog itself, usable or not.
bool is_catalog_relation(Oid relid);
// The mirror of a relation, in the current memory context; nullptr when there is none. With
// mirror_id 0 a live table of a running mirror is preferred.
// `position` says for which the copy is wanted; 0: the newest.
CatalogTable* find_mirrored_table(Oid relid, int mirror_id, uint64 position);
// The same in any mirror that writes to the target.
CatalogTable* find_table_on_target(Oid relid, int target_id);
// Whether any mirror has the relation; cheaper than find_mirrored_table.
bool is_mirrored(Oid relid);
CatalogTarget* find_target(int target_id);
// What tandem.moment says of the mirror: the last position that had been committed by then, and
// whether there is a later one. False when it is not known.
bool find_moment(int mirror_id, TimestampTz at, uint64* position, bool* any_later);

}  // namespace tandem::shell
