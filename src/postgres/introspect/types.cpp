// Types and everything they are made of: three queries.
#include <algorithm>

#include "postgres/introspect/introspect.h"
#include "postgres/introspect/rows.h"

namespace tandem::postgres {
namespace {

using types::PgTypeKind;

// Domains over domains: Postgres has no limit, a cycle is impossible; this is for damaged answers.
constexpr int kDomainDepthMax = 64;

// Follows every reference from one type to another. An array is what its element names as its
// array type: point, name and int2vector have elements, too, but are types of their own.
constexpr std::string_view kTypesSql = R"(
WITH RECURSIVE need (oid) AS (
    SELECT unnest($1::oid[])
    UNION
    SELECT r.ref
    FROM need
    JOIN pg_catalog.pg_type t ON t.oid = need.oid
    CROSS JOIN LATERAL (
        SELECT e.oid FROM pg_catalog.pg_type e WHERE e.oid = t.typelem AND e.typarray = t.oid
        UNION ALL
        SELECT t.typbasetype WHERE t.typbasetype <> 0
        UNION ALL
        SELECT g.rngsubtype FROM pg_catalog.pg_range g WHERE g.rngtypid = t.oid
        UNION ALL
        SELECT g.rngtypid FROM pg_catalog.pg_range g WHERE g.rngmultitypid = t.oid
        UNION ALL
        SELECT a.atttypid FROM pg_catalog.pg_attribute a
        WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0
          AND NOT a.attisdropped) AS r (ref))
SELECT t.oid, n.nspname, t.typname, t.typtype,
       EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.oid = t.typelem AND e.typarray = t.oid),
       t.typcategory, t.typlen, t.typsend <> 0,
       coalesce((SELECT e.extname FROM pg_catalog.pg_depend d
                 JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
                 WHERE d.classid = 'pg_catalog.pg_type'::regclass AND d.objid = t.oid
                   AND d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.deptype = 'e'
                 LIMIT 1), ''),
       t.typelem, t.typbasetype, t.typtypmod, t.typndims, t.typnotnull,
       coalesce(
           (SELECT g.rngsubtype FROM pg_catalog.pg_range g WHERE g.rngtypid = t.oid),
           (SELECT g.rngtypid FROM pg_catalog.pg_range g WHERE g.rngmultitypid = t.oid), 0)
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
WHERE t.oid IN (SELECT oid FROM need))";

constexpr std::string_view kLabelsSql = R"(
SELECT e.enumtypid, e.enumlabel FROM pg_catalog.pg_enum e
WHERE e.enumtypid = ANY ($1::oid[]) ORDER BY e.enumtypid, e.enumsortorder)";

constexpr std::string_view kFieldsSql = R"(
SELECT t.oid, a.attnum, a.attname, a.atttypid, a.atttypmod
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_attribute a ON a.attrelid = t.typrelid
WHERE t.oid = ANY ($1::oid[]) AND t.typtype = 'c' AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY t.oid, a.attnum)";

PgTypeKind kind_of(char letter, bool is_array) {
    switch (letter) {
        case 'c':
            return PgTypeKind::kComposite;
        case 'd':
            return PgTypeKind::kDomain;
        case 'e':
            return PgTypeKind::kEnumeration;
        case 'm':
            return PgTypeKind::kMultirange;
        case 'p':
            return PgTypeKind::kPseudo;
        case 'r':
            return PgTypeKind::kRange;
        default:
            return is_array ? PgTypeKind::kArray : PgTypeKind::kBase;
    }
}

TypeInfo read_type(RowReader& row) {
    TypeInfo type;
    type.oid = row.oid();
    type.schema = row.text();
    type.name = row.text();
    char letter = row.letter();
    type.kind = kind_of(letter, row.boolean());
    type.category = row.letter();
    type.length = row.int16();
    type.has_send = row.boolean();
    type.extension = row.text();
    Oid element = row.oid();
    if (type.kind == PgTypeKind::kArray) type.element = element;
    type.domain_base = row.oid();
    type.domain_typmod = row.int32();
    type.domain_ndims = row.int32();
    type.domain_not_null = row.boolean();
    type.subtype = row.oid();
    return type;
}

Result<TypeMap> read_closure(Connection& connection, std::span<const Oid> wanted) {
    QueryResult result = TRY(query_oids(connection, kTypesSql, wanted));
    RowReader row(result);
    TypeMap types;
    for (int i = 0; i < result.rows(); ++i) {
        row.start(i);
        TypeInfo type = read_type(row);
        types.emplace(type.oid, std::move(type));
    }
    TRY(row.check());
    return types;
}

Status read_labels(Connection& connection, std::span<const Oid> oids, TypeMap& types) {
    QueryResult result = TRY(query_oids(connection, kLabelsSql, oids));
    RowReader row(result);
    for (int i = 0; i < result.rows(); ++i) {
        row.start(i);
        types[row.oid()].enum_labels.push_back(row.text());
    }
    return row.check();
}

Status read_fields(Connection& connection, std::span<const Oid> oids, TypeMap& types) {
    QueryResult result = TRY(query_oids(connection, kFieldsSql, oids));
    RowReader row(result);
    for (int i = 0; i < result.rows(); ++i) {
        row.start(i);
        CompositeField& field = types[row.oid()].fields.emplace_back();
        field.attnum = row.int16();
        field.name = row.text();
        field.type = row.oid();
        field.typmod = row.int32();
    }
    return row.check();
}

}  // namespace

Result<TypeMap> read_types(Connection& connection, std::span<const Oid> wanted) {
    TypeMap types = TRY(read_closure(connection, wanted).context("reading types"));
    std::vector<Oid> oids;
    for (const auto& [oid, type] : types) oids.push_back(oid);
    TRY(read_labels(connection, oids, types).context("reading enum labels"));
    TRY(read_fields(connection, oids, types).context("reading composite types"));
    return types;
}

Result<TypeMap> read_types(Connection& connection, std::span<const TableInfo> tables) {
    std::vector<Oid> oids;
    for (const TableInfo& table : tables)
        for (const ColumnInfo& column : table.columns) oids.push_back(column.type);
    std::sort(oids.begin(), oids.end());
    oids.erase(std::unique(oids.begin(), oids.end()), oids.end());
    return read_types(connection, std::span<const Oid>(oids));
}

Result<ResolvedType> resolve_domain(const TypeMap& types, Oid type, int32_t typmod) {
    ResolvedType resolved{.type = nullptr, .typmod = typmod, .ndims = 0};
    for (int depth = 0; depth < kDomainDepthMax; ++depth) {
        auto at = types.find(type);
        if (at == types.end())
            return Error(ErrorCode::kNotFound, "type " + std::to_string(type.value) +
                                                   " is not in the catalog that was read");
        resolved.type = &at->second;
        if (at->second.kind != PgTypeKind::kDomain) return resolved;
        // A domain's own modifier is part of the domain; a column of it never has one.
        resolved.typmod = at->second.domain_typmod;
        resolved.ndims = std::max(resolved.ndims, at->second.domain_ndims);
        type = at->second.domain_base;
    }
    return Error(ErrorCode::kMalformedData, "domains are nested too deeply");
}

}  // namespace tandem::postgres
