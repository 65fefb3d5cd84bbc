#include "extension/shell/pg.h"

extern "C" {
#include "nodes/plannodes.h"
#include "utils/lsyscache.h"
}

#include "extension/catalog/foreign.h"
#include "extension/route/bind.h"
#include "extension/route/plan.h"
#include "extension/shell/memory.h"

namespace tandem::shell {

namespace {

PgList* private_list(const CustomScan& choice, ChoicePrivate which) {
    return static_cast<PgList*>(list_nth(choice.custom_private, which));
}

void fill_keys(const CatalogTable& table, route::BoundRelation* relation) {
    const char** keys = make_array<const char*>(table.column_count);
    for (int i = 0; i < table.column_count; ++i) {
        const CatalogColumn& column = table.columns[i];
        if (column.key_position < 1) continue;
        keys[column.key_position - 1] = column.target_column;
        ++relation->key_count;
    }
    relation->keys = keys;
}

void fill_cuts(const CatalogTable& table, route::BoundRelation* relation) {
    route::BoundCut* cuts = make_array<route::BoundCut>(table.cut_count);
    for (int i = 0; i < table.cut_count; ++i)
        cuts[i] = {table.cuts[i].leaf, table.cuts[i].cut, table.cuts[i].loaded};
    relation->cuts = cuts;
    relation->cut_count = static_cast<uint32>(table.cut_count);
}

void fill_columns(PgList* names, route::BoundRelation* relation) {
    const char** columns = make_array<const char*>(list_length(names));
    ListCell* cell;
    foreach (cell, names) columns[relation->column_count++] = strVal(lfirst(cell));
    relation->columns = columns;
}

[[noreturn]] void raise_out_of_memory() {
    ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
    pg_unreachable();
}

// Room for what the core has said is the length of its text.
char* room_for(int64 length) {
    if (length < 0) raise_out_of_memory();
    return static_cast<char*>(palloc(static_cast<Size>(length) + 1));
}

const char* written(const char* sql, const route::BoundRelation* relations, uint32 count) {
    int64 length = route::bind_relations(sql, relations, count, nullptr, 0);
    char* text = room_for(length);
    if (route::bind_relations(sql, relations, count, text, static_cast<size_t>(length) + 1) !=
        length)
        raise_out_of_memory();
    return text;
}

}  // namespace

int piece_count(const CustomScan& choice) {
    return list_length(private_list(choice, kChoiceSql));
}

bool is_foreign(const CustomScan& choice) {
    return linitial_int(private_list(choice, kChoiceMirrors)) == 0;
}

CatalogTable* find_planned_table(const CustomScan& choice, int at, uint64 position) {
    Oid relid = list_nth_oid(private_list(choice, kChoiceRelids), at);
    int mirror_id = list_nth_int(private_list(choice, kChoiceMirrors), at);
    return mirror_id != 0 ? find_mirrored_table(relid, mirror_id, position)
                          : find_foreign_table(relid);
}

const char* bind_sql(const CustomScan& choice, int piece, CatalogTable* const* tables,
                     uint64 position) {
    PgList* places = static_cast<PgList*>(list_nth(private_list(choice, kChoicePlaces), piece));
    PgList* columns = static_cast<PgList*>(list_nth(private_list(choice, kChoiceColumns), piece));
    int count = list_length(places);
    route::BoundRelation* relations = make_array<route::BoundRelation>(count);
    for (int i = 0; i < count; ++i) {
        const CatalogTable& table = *tables[list_nth_int(places, i)];
        route::BoundRelation& relation = relations[i];
        relation = {};
        if (table.foreign != nullptr) {
            relation.source =
                foreign_source_sql(*table.foreign, static_cast<PgList*>(list_nth(columns, i)));
            continue;
        }
        relation.position = position;
        relation.database = position == 0 ? table.database : psprintf("%s_rows", table.database);
        relation.main = position == 0 ? table.target_table : table.main;
        relation.delta = table.delta;
        relation.oldest = table.is_history ? table.history_generation : table.oldest_generation;
        relation.delta_empty = table.delta_empty && !table.is_history;
        relation.folded_to = table.is_history ? table.folded_to : 0;
        fill_keys(table, &relation);
        fill_cuts(table, &relation);
        fill_columns(static_cast<PgList*>(list_nth(columns, i)), &relation);
    }
    return written(strVal(list_nth(private_list(choice, kChoiceSql), piece)), relations,
                   static_cast<uint32>(count));
}

namespace {

const char* sql_with_names(const CustomScan& choice, int piece) {
    PgList* relids = private_list(choice, kChoiceRelids);
    CatalogTable** tables = make_array<CatalogTable*>(list_length(relids));
    for (int i = 0; i < list_length(relids); ++i) {
        Oid relid = list_nth_oid(relids, i);
        tables[i] = find_planned_table(choice, i, 0);
        if (tables[i] != nullptr) continue;
        tables[i] = make<CatalogTable>();  // left the mirror meanwhile
        tables[i]->database = "";
        tables[i]->target_table = get_rel_name(relid);
    }
    return bind_sql(choice, piece, tables, 0);
}

}  // namespace

const char* readable_sql(const CustomScan& choice) {
    const char* all = sql_with_names(choice, 0);
    for (int i = 1; i < piece_count(choice); ++i)
        all = psprintf("%s; %s", all, sql_with_names(choice, i));
    return all;
}

const char* laid_out_sql(const CustomScan& choice, int piece, uint32 indent, bool settings) {
    return laid_out(sql_with_names(choice, piece), indent, settings);
}

const char* bind_foreign(const char* sql, const ForeignSource& table, PgList* names) {
    route::BoundRelation relation = {};
    relation.source = foreign_source_sql(table, names);
    return written(sql, &relation, 1);
}

const char* laid_out(const char* sql, uint32 indent, bool settings) {
    int64 length = route::lay_out(sql, indent, settings, nullptr, 0);
    char* text = room_for(length);
    if (route::lay_out(sql, indent, settings, text, static_cast<size_t>(length) + 1) != length)
        raise_out_of_memory();
    return text;
}

}  // namespace tandem::shell
