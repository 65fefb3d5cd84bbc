// The part of CatalogStore that is about keys of jsonb documents: tandem.mirror_json_key, and which
// keys are worth a column of their own.
//
// That is asked of a sample of the rows before the load begins, because the columns have to be
// there when it does. The sample is bounded in pages, rows, bytes of a document and time; a table
// that cannot be looked at in that time loads without. Nothing depends on the sample being right.
#include <algorithm>

#include "base/log.h"
#include "mirror/session/catalog_sql.h"
#include "mirror/session/catalog_store.h"
#include "sqltext/quote.h"
#include "types/oid.h"
#include "types/postgres/json_keys.h"

namespace tandem::mirror {
namespace {

using sqltext::pg_ident;
using sqltext::pg_literal;

constexpr int kFoundMax = 32;         // keys of a document that nobody named
constexpr int64_t kSamplePages = 64;  // spread over the table
constexpr int64_t kPageBytes = 8192;

bool is_jsonb(const types::PgType& type) {
    const types::PgType* at = &type;
    while (at->kind == types::PgTypeKind::kDomain && at->below != nullptr) at = at->below.get();
    return at->oid.value == types::oid::kJsonb;
}

// Keys that read well stand in the names, for people who look at the SQL.
std::string name_of(const std::string& key, size_t number) {
    bool plain =
        !key.empty() && key.size() <= 40 && std::all_of(key.begin(), key.end(), [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                   c == '_';
        });
    return plain ? key : "#" + std::to_string(number);
}

JsonKey make_key(int16_t attnum, std::string key, size_t number, bool few_values) {
    std::string end = std::to_string(attnum) + "_" + name_of(key, number);
    return {attnum, std::move(key), "_tandem_key_" + end, "_tandem_kind_" + end, few_values};
}

// A key, whether it has few values. Of those that are not named, the ones that most documents have,
// with a scalar that is short; in a table too small for its queries to be slow none is looked for.
std::string sample_sql(const Table& table, const postgres::TableInfo& info,
                       const TableColumn& column, const std::vector<std::string>* named) {
    int64_t pages = std::max(info.bytes / kPageBytes, int64_t{1});
    double percent =
        std::min(100.0, 100.0 * static_cast<double>(kSamplePages) / static_cast<double>(pages));
    std::string document = pg_ident(column.name);
    std::string from = (table.partitioned ? "" : "ONLY ") +
                       sqltext::pg_qualified(table.schema, table.name) + " TABLESAMPLE SYSTEM (" +
                       std::to_string(percent) + ")";
    std::string sql = "WITH docs AS MATERIALIZED (SELECT " + document + "::jsonb AS doc FROM " +
                      from + " WHERE pg_column_size(" + document + ") < 8192 AND jsonb_typeof(" +
                      document +
                      "::jsonb) = 'object' LIMIT 4000), members AS (SELECT e.key, e.value #>> '{}' "
                      "AS text, jsonb_typeof(e.value) AS kind FROM docs, jsonb_each(docs.doc) e) "
                      "SELECT key, count(DISTINCT text) * 4 <= count(*) FROM members ";
    if (named != nullptr)
        return sql + "WHERE key = ANY (" + pg_literal(sqltext::pg_array(*named)) +
               "::text[]) GROUP BY key";
    return sql +
           "GROUP BY key HAVING (SELECT count(*) FROM docs) >= 100 AND count(*) * 2 > (SELECT "
           "count(*) FROM docs) AND count(*) FILTER (WHERE kind IN ('object', 'array')) = 0 AND "
           "coalesce(avg(octet_length(text)), 0) <= 64 AND octet_length(key) <= 64 ORDER BY "
           "count(*) DESC, key LIMIT " +
           number(kFoundMax);
}

}  // namespace

Result<std::vector<JsonKey>> CatalogStore::sample_json_keys(const Table& table,
                                                            const postgres::TableInfo& info,
                                                            const TableColumn& column,
                                                            const std::vector<std::string>* named) {
    std::vector<JsonKey> keys;
    auto sampled_key = [&](const std::string& key) {
        return std::find_if(keys.begin(), keys.end(),
                            [&](const JsonKey& one) { return one.key == key; });
    };
    Status sampled = in_transaction([&]() -> Status {
        TRY(
            execute("SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '20s'; SET "
                    "LOCAL transaction_read_only = on"));
        postgres::Connection* source = TRY(connection());
        auto rows = TRY(source->query(sample_sql(table, info, column, named)));
        for (int i = 0; i < rows.rows(); ++i)
            keys.push_back(
                make_key(column.attnum, rows.text(i, 0), keys.size(), TRY(rows.boolean(i, 1))));
        return {};
    });
    if (!sampled.ok()) {
        if (!connection_ || !connection_->usable()) return std::move(sampled).error();
        log(LogLevel::warning, "mirror",
            table.label() + ": keys of " + column.name +
                " could not be looked at: " + sampled.error().to_string());
        keys.clear();
    }
    if (named == nullptr) return keys;
    std::vector<JsonKey> wanted;
    for (const std::string& key : *named) {
        auto found = sampled_key(key);
        wanted.push_back(
            make_key(column.attnum, key, wanted.size(), found != keys.end() && found->few_values));
    }
    return wanted;
}

Status CatalogStore::choose_json_keys(Table& table, const postgres::TableInfo& info) {
    table.json_keys.clear();
    bool any = std::any_of(table.columns.begin(), table.columns.end(),
                           [](const TableColumn& one) { return is_jsonb(one.source_type); });
    if (!any) return {};
    postgres::Connection* catalog = TRY(connection());
    auto rows =
        TRY(catalog->query("SELECT l.none, l.attnum, l.key FROM tandem.mirror_table t, "
                           "tandem.json_key_layout(t.layout) l WHERE " +
                           where(table.relid) + " ORDER BY l.position"));
    bool none = false;
    std::map<int64_t, std::vector<std::string>> named;
    for (int i = 0; i < rows.rows(); ++i) {
        none |= TRY(rows.boolean(i, 0));
        if (rows.is_null(i, 1)) continue;
        std::vector<std::string>& keys = named[TRY(rows.integer(i, 1))];
        if (!rows.is_null(i, 2) && keys.size() < types::JsonKeys::kMax)
            keys.push_back(rows.text(i, 2));
    }
    if (none) return {};
    for (const TableColumn& column : table.columns) {
        if (!is_jsonb(column.source_type)) continue;
        auto given = named.find(column.attnum);
        auto keys = TRY(
            sample_json_keys(table, info, column, given == named.end() ? nullptr : &given->second));
        table.json_keys.insert(table.json_keys.end(), keys.begin(), keys.end());
    }
    return {};
}

Status CatalogStore::read_json_keys(Table& table) {
    postgres::Connection* catalog = TRY(connection());
    auto rows =
        TRY(catalog->query("SELECT attnum, key, text_column, kind_column, few_values FROM "
                           "tandem.mirror_json_key WHERE " +
                           where_copy(table) + " ORDER BY attnum, key"));
    table.json_keys.clear();
    for (int i = 0; i < rows.rows(); ++i) {
        JsonKey key;
        key.attnum = static_cast<int16_t>(TRY(rows.integer(i, 0)));
        key.key = rows.text(i, 1);
        key.text_name = rows.text(i, 2);
        key.kind_name = rows.text(i, 3);
        key.few_values = TRY(rows.boolean(i, 4));
        table.json_keys.push_back(std::move(key));
    }
    return {};
}

Status CatalogStore::write_json_keys(const Table& table) {
    std::string values;
    for (const JsonKey& key : table.json_keys)
        values += (values.empty() ? "(" : ", (") + number(options_.mirror_id) + ", " +
                  number(table.relid.value) + ", " + number(table.copy) + ", " +
                  number(key.attnum) + ", " + pg_literal(key.key) + ", " +
                  pg_literal(key.text_name) + ", " + pg_literal(key.kind_name) + ", " +
                  boolean(key.few_values) + ")";
    if (values.empty()) return {};
    return execute(
        "INSERT INTO tandem.mirror_json_key (mirror_id, relid, copy, attnum, key, text_column, "
        "kind_column, few_values) VALUES " +
        values);
}

}  // namespace tandem::mirror
