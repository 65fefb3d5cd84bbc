// Tables with their columns, keys and partitions: five queries for any number of tables.
#include "postgres/introspect/introspect.h"

#include <algorithm>
#include <unordered_map>

#include "postgres/introspect/rows.h"
#include "sqltext/quote.h"

namespace tandem::postgres {
namespace {

using TablesByOid = std::unordered_map<Oid, TableInfo*>;

constexpr std::string_view kTablesSql = R"(
SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, c.relreplident,
       c.relispartition, c.relrowsecurity, c.relhassubclass
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p')
  AND (c.oid = ANY ($4::oid[])
    OR EXISTS (SELECT FROM unnest($1::text[], $2::text[], $3::bool[]) AS p (schema, name, exact)
               WHERE n.nspname LIKE p.schema AND c.relname LIKE p.name
                 AND (p.exact OR $5::bool OR NOT c.relispartition))
    OR ($6::bool AND n.nspname NOT LIKE 'pg\_%'
        AND n.nspname NOT IN ('information_schema', 'tandem')
        AND ($5::bool OR NOT c.relispartition)))
ORDER BY n.nspname, c.relname)";

// attmissingval is an array of one element, of the column's type.
constexpr std::string_view kColumnsSql = R"(
SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attndims, a.attnotnull,
       a.attgenerated, a.attidentity, a.attstorage, a.atthasdef,
       pg_catalog.pg_get_expr(d.adbin, d.adrelid),
       CASE WHEN a.atthasmissing THEN (a.attmissingval::text::text[])[1] END,
       o.collname, coalesce(o.collisdeterministic, true)
FROM pg_catalog.pg_attribute a
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_catalog.pg_collation o ON o.oid = a.attcollation
WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum)";

// A deferrable key does not identify rows to logical replication. Only the first indnkeyatts
// columns are key, the rest is INCLUDEd.
constexpr std::string_view kKeysSql = R"(
SELECT i.indrelid, i.indisprimary, i.indisreplident, i.indimmediate AND i.indisvalid,
       i.indnkeyatts, i.indkey::text
FROM pg_catalog.pg_index i
WHERE i.indrelid = ANY ($1::oid[]) AND (i.indisprimary OR i.indisreplident))";

constexpr std::string_view kLinksSql = R"(
SELECT h.inhrelid, h.inhparent
FROM pg_catalog.pg_inherits h
WHERE h.inhrelid = ANY ($1::oid[]) OR h.inhparent = ANY ($1::oid[])
ORDER BY h.inhparent, h.inhseqno, h.inhrelid)";

constexpr std::string_view kLeavesSql = R"(
WITH RECURSIVE tree (root, relid) AS (
    SELECT o, o FROM unnest($1::oid[]) AS o
    UNION
    SELECT t.root, h.inhrelid FROM tree t JOIN pg_catalog.pg_inherits h ON h.inhparent = t.relid)
SELECT t.root, t.relid, c.relpages, c.reltuples, pg_catalog.pg_relation_size(c.oid)
FROM tree t JOIN pg_catalog.pg_class c ON c.oid = t.relid
WHERE c.relkind = 'r'
ORDER BY t.root, t.relid)";

// The filter's patterns as three arrays: LIKE patterns of schema and name, and whether the
// pattern names one table only.
struct PatternArrays {
    std::vector<std::string> schemas;
    std::vector<std::string> names;
    std::vector<std::string> exact;
};

std::string like_pattern(std::string_view glob) {
    std::string like;
    for (char c : glob) {
        if (c == '*') {
            like.push_back('%');
        } else if (c == '?') {
            like.push_back('_');
        } else {
            if (c == '%' || c == '_' || c == '\\') like.push_back('\\');
            like.push_back(c);
        }
    }
    return like;
}

PatternArrays pattern_arrays(std::span<const std::string> patterns) {
    PatternArrays arrays;
    for (std::string_view pattern : patterns) {
        size_t dot = pattern.find('.');
        bool qualified = dot != std::string_view::npos;
        arrays.schemas.push_back(qualified ? like_pattern(pattern.substr(0, dot)) : "public");
        arrays.names.push_back(like_pattern(qualified ? pattern.substr(dot + 1) : pattern));
        bool exact = pattern.find_first_of("*?") == std::string_view::npos;
        arrays.exact.emplace_back(exact ? "t" : "f");
    }
    return arrays;
}

Parameter text_parameter(std::string_view text) {
    return {.value = text, .type = {}, .binary = false};
}

Result<std::vector<TableInfo>> read_relations(Connection& connection, const TableFilter& filter) {
    PatternArrays arrays = pattern_arrays(filter.patterns);
    std::string schemas = sqltext::pg_array(arrays.schemas);
    std::string names = sqltext::pg_array(arrays.names);
    std::string exact = sqltext::pg_array(arrays.exact);
    std::string oids = oid_array(filter.oids);
    bool everything = filter.patterns.empty() && filter.oids.empty();
    const Parameter parameters[] = {text_parameter(schemas),
                                    text_parameter(names),
                                    text_parameter(exact),
                                    text_parameter(oids),
                                    text_parameter(filter.partitions ? "t" : "f"),
                                    text_parameter(everything ? "t" : "f")};
    QueryResult result = TRY(connection.query(kTablesSql, parameters));
    RowReader row(result);
    std::vector<TableInfo> tables(static_cast<size_t>(result.rows()));
    for (int i = 0; i < result.rows(); ++i) {
        TableInfo& table = tables[static_cast<size_t>(i)];
        row.start(i);
        table.oid = row.oid();
        table.schema = row.text();
        table.name = row.text();
        table.kind = row.letter();
        table.persistence = row.letter();
        table.replica_identity = static_cast<ReplicaIdentity>(row.letter());
        table.is_partition = row.boolean();
        table.row_security = row.boolean();
        table.has_subclass = row.boolean();
    }
    TRY(row.check());
    return tables;
}

Status read_columns(Connection& connection, std::span<const Oid> oids, TablesByOid& tables) {
    QueryResult result = TRY(query_oids(connection, kColumnsSql, oids));
    RowReader row(result);
    for (int i = 0; i < result.rows(); ++i) {
        row.start(i);
        ColumnInfo& column = tables[row.oid()]->columns.emplace_back();
        column.attnum = row.int16();
        column.name = row.text();
        column.type = row.oid();
        column.typmod = row.int32();
        column.ndims = row.int32();
        column.not_null = row.boolean();
        column.generated = row.letter();
        column.identity = row.letter();
        column.storage = row.letter();
        column.has_default = row.boolean();
        column.default_expression = row.text();
        column.missing_value = row.optional_text();
        column.collation = row.text();
        column.collation_deterministic = row.boolean();
    }
    return row.check();
}

Status read_keys(Connection& connection, std::span<const Oid> oids, TablesByOid& tables) {
    QueryResult result = TRY(query_oids(connection, kKeysSql, oids));
    RowReader row(result);
    for (int i = 0; i < result.rows(); ++i) {
        row.start(i);
        TableInfo& table = *tables[row.oid()];
        bool primary = row.boolean();
        bool identity = row.boolean();
        bool usable = row.boolean();
        auto key_columns = static_cast<size_t>(row.integer());
        std::vector<int16_t> key = row.int16_list();
        key.resize(std::min(key.size(), key_columns));
        bool is_identity = (table.replica_identity == ReplicaIdentity::primary_key && primary) ||
                           (table.replica_identity == ReplicaIdentity::index && identity);
        if (is_identity && usable) table.identity_key = key;
        if (!primary) continue;
        table.primary_key = std::move(key);
        table.primary_key_lazy = !usable;
    }
    for (auto& [oid, table] : tables) {
        if (table->replica_identity != ReplicaIdentity::full) continue;
        for (const ColumnInfo& column : table->columns)
            table->identity_key.push_back(column.attnum);
    }
    return row.check();
}

Status read_links(Connection& connection, std::span<const Oid> oids, TablesByOid& tables) {
    QueryResult result = TRY(query_oids(connection, kLinksSql, oids));
    RowReader row(result);
    for (int i = 0; i < result.rows(); ++i) {
        row.start(i);
        Oid child = row.oid();
        Oid parent = row.oid();
        if (auto at = tables.find(child); at != tables.end()) at->second->parents.push_back(parent);
        if (auto at = tables.find(parent); at != tables.end())
            at->second->children.push_back(child);
    }
    return row.check();
}

Status read_leaves(Connection& connection, std::span<const Oid> oids, TablesByOid& tables) {
    QueryResult result = TRY(query_oids(connection, kLeavesSql, oids));
    RowReader row(result);
    for (int i = 0; i < result.rows(); ++i) {
        row.start(i);
        TableInfo& table = *tables[row.oid()];
        table.leaves.push_back(row.oid());
        table.pages += row.integer();
        double tuples = row.real();
        if (tuples >= 0) table.tuples = std::max(table.tuples, 0.0) + tuples;
        table.bytes += row.integer();
    }
    return row.check();
}

}  // namespace

const ColumnInfo* TableInfo::column(int16_t attnum) const {
    auto at = std::find_if(columns.begin(), columns.end(),
                           [&](const ColumnInfo& column) { return column.attnum == attnum; });
    return at == columns.end() ? nullptr : &*at;
}

const ColumnInfo* TableInfo::column(std::string_view column_name) const {
    auto at = std::find_if(columns.begin(), columns.end(),
                           [&](const ColumnInfo& column) { return column.name == column_name; });
    return at == columns.end() ? nullptr : &*at;
}

Result<std::vector<TableInfo>> read_tables(Connection& connection, const TableFilter& filter) {
    std::vector<TableInfo> tables =
        TRY(read_relations(connection, filter).context("reading tables"));
    TablesByOid by_oid;
    std::vector<Oid> oids;
    for (TableInfo& table : tables) {
        by_oid[table.oid] = &table;
        oids.push_back(table.oid);
    }
    TRY(read_columns(connection, oids, by_oid).context("reading columns"));
    TRY(read_keys(connection, oids, by_oid).context("reading keys"));
    TRY(read_links(connection, oids, by_oid).context("reading inheritance"));
    TRY(read_leaves(connection, oids, by_oid).context("reading partitions"));
    return tables;
}

}  // namespace tandem::postgres
