// The catalog of a source Postgres as plain structs: tables, types, publications, slots, settings.
//
// Each read_* is a fixed number of queries, whatever the number of tables. Nothing is cached: what
// is returned is the state of the moment it was read (one statement each; run them inside one
// REPEATABLE READ transaction if they must agree). Works on Postgres 14 to 18 and on managed ones:
// only catalogs every role can read.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/lsn.h"
#include "base/result.h"
#include "postgres/client/connection.h"
#include "types/mapping.h"

namespace tandem::postgres {

struct CompositeField {
    int16_t attnum = 0;
    std::string name;
    Oid type;
    int32_t typmod = -1;
};

// A row of pg_type with what belongs to it; a column's type, which refers to several of them, is
// made into one types::PgType by mirror/schema.
struct TypeInfo {
    Oid oid;
    std::string schema;
    std::string name;  // pg_type.typname: int4, not integer
    types::PgTypeKind kind = types::PgTypeKind::kBase;
    char category = 'X';
    int16_t length = -1;    // typlen
    bool has_send = true;   // has a binary output function
    std::string extension;  // that the type belongs to: "hstore"; empty if none
    Oid element;            // array: its element type
    Oid domain_base;        // domain: the type directly below (may be a domain)
    int32_t domain_typmod = -1;
    int domain_ndims = 0;
    bool domain_not_null = false;
    Oid subtype;                           // range: its subtype; multirange: its range type
    std::vector<std::string> enum_labels;  // in sort order
    std::vector<CompositeField> fields;    // composite, without dropped ones
};

// Types by OID. Everything a contained type refers to is contained as well.
using TypeMap = std::unordered_map<Oid, TypeInfo>;

// The type below all domains, with the modifier that applies to it. `typmod` is that of the column.
struct ResolvedType {
    const TypeInfo* type = nullptr;
    int32_t typmod = -1;
    int ndims = 0;
};
Result<ResolvedType> resolve_domain(const TypeMap& types, Oid type, int32_t typmod);

struct ColumnInfo {
    int16_t attnum = 0;
    std::string name;
    Oid type;
    int32_t typmod = -1;
    int ndims = 0;
    bool not_null = false;
    char generated = 0;  // 's' stored, 'v' virtual (18), 0 not generated
    char identity = 0;   // 'a' always, 'd' by default, 0 none
    char storage = 'p';  // p plain, m main, x extended, e external
    bool has_default = false;
    std::string default_expression;  // as pg_get_expr prints it, of default or generation
    // Value that rows older than ADD COLUMN ... DEFAULT have, in text form.
    std::optional<std::string> missing_value;
    // "default" is the database's, empty a type without collation. A nondeterministic one makes
    // different texts equal.
    std::string collation;
    bool collation_deterministic = true;
};

enum class ReplicaIdentity : char {
    primary_key = 'd',  // DEFAULT; key is empty if there is no primary key
    nothing = 'n',
    full = 'f',
    index = 'i',
};

struct TableInfo {
    Oid oid;
    std::string schema;
    std::string name;
    char kind = 'r';         // r table, p partitioned table
    char persistence = 'p';  // p permanent, u unlogged, t temporary
    ReplicaIdentity replica_identity = ReplicaIdentity::primary_key;
    std::vector<ColumnInfo> columns;    // by attnum, without dropped ones
    std::vector<int16_t> primary_key;   // attnums in key order
    bool primary_key_lazy = false;      // deferrable, or not valid: rows may share it for a while
    std::vector<int16_t> identity_key;  // what pgoutput sends as key: of primary key or index;
                                        // empty for nothing, all columns for full
    std::vector<Oid> parents;           // inheritance or partition parents, direct
    std::vector<Oid> children;          // direct, partitions or inheritance children
    std::vector<Oid> leaves;  // tables with storage at or below this one, recursive; for a
                              // plain table without children only itself
    bool is_partition = false;
    bool row_security = false;
    bool has_subclass = false;
    // Sums over the leaves. Pages and tuples are the planner's estimates; tuples is -1 as long as
    // no leaf was ever analysed. Bytes are those of the heaps now, without TOAST and indexes.
    int64_t pages = 0;
    double tuples = -1;
    int64_t bytes = 0;

    const ColumnInfo* column(int16_t attnum) const;
    const ColumnInfo* column(std::string_view column_name) const;
    // The key rows are told apart by: identity_key, the primary key if identity is nothing.
    bool has_key() const { return !identity_key.empty(); }
};

// Which tables to read.
struct TableFilter {
    // Each "schema.table", "schema.*" or "table" (schema public), with * and ? as wildcards. When
    // empty (and oids as well): all tables outside of system schemas and schema tandem.
    std::vector<std::string> patterns = {};
    std::vector<Oid> oids = {};  // in addition to patterns
    // List partitions as tables of their own. Otherwise only those that are named without
    // wildcards or by OID.
    bool partitions = false;
};

// Ordinary and partitioned tables, by schema and name.
Result<std::vector<TableInfo>> read_tables(Connection& connection, const TableFilter& filter);

// The types and all they refer to. One call for many OIDs.
Result<TypeMap> read_types(Connection& connection, std::span<const Oid> types);
// All types of the columns of tables.
Result<TypeMap> read_types(Connection& connection, std::span<const TableInfo> tables);

struct PublicationInfo {
    std::string name;
    std::string owner;
    bool ours = false;  // this role may alter it
    bool all_tables = false;
    bool inserts = false;
    bool updates = false;
    bool deletes = false;
    bool truncates = false;
    bool via_root = false;
    struct Member {
        Oid table;
        std::vector<int16_t> columns;  // column list, empty: all
        std::string row_filter;        // empty: none
    };
    std::vector<Member> tables;  // as published: of FOR ALL TABLES and schemas too
};
Result<std::optional<PublicationInfo>> read_publication(Connection& connection,
                                                        std::string_view name);

struct SlotInfo {
    std::string name;
    std::string plugin;
    std::string database;
    bool temporary = false;
    bool active = false;
    int active_pid = 0;
    Lsn restart_lsn;
    Lsn confirmed_flush;
    std::string wal_status;  // reserved, extended, unreserved, lost
    std::optional<int64_t> safe_wal_bytes;
    bool two_phase = false;
    bool failover = false;            // 17
    std::string invalidation_reason;  // 17 (conflict on 16); empty: valid
    int64_t retained_wal_bytes = 0;   // from restart_lsn to the server's position
    bool invalidated() const { return wal_status == "lost" || !invalidation_reason.empty(); }
};
// Minor releases before 14.18, 15.13, 16.9 and 17.5 lose changes of transactions that run while a
// table joins a publication. The release to upgrade to, or nothing.
std::optional<std::string> release_without_lost_changes(int server_version);

Result<std::optional<SlotInfo>> read_slot(Connection& connection, std::string_view name);

// Facts that `tandem doctor` and the start of a mirror check.
struct ServerFacts {
    int version = 0;           // server_version_num
    std::string version_text;  // server_version
    uint64_t system_id = 0;
    std::string database;
    std::string encoding;  // of the database: UTF8
    std::string collate, ctype;
    bool in_recovery = false;
    std::string wal_level;
    int max_replication_slots = 0;
    int used_replication_slots = 0;
    int max_wal_senders = 0;
    int used_wal_senders = 0;
    int64_t max_slot_wal_keep_mb = -1;  // -1: no limit
    int64_t wal_sender_timeout_ms = 0;  // 0: none
    int64_t logical_decoding_work_mem_kb = 0;
    int max_prepared_transactions = 0;
    bool hot_standby_feedback = false;
    std::string role;
    bool superuser = false;
    bool replication = false;  // rolreplication or a managed service's stand-in role
    bool can_create = false;   // CREATE on the database: schemas and publications
    Lsn wal_position;          // insert position, replay position on a standby
};
Result<ServerFacts> read_server_facts(Connection& connection);

}  // namespace tandem::postgres
