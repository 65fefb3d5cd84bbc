// Foreign tables of tandem_fdw: what they read in ClickHouse, in the shape of a mirrored table, so
// that one translator serves both.
#pragma once

#include "extension/catalog/catalog.h"
#include "route/source/facade.h"

extern "C" {
#include "nodes/pg_list.h"
}

namespace tandem::shell {

struct ForeignColumn {
    int attnum;
    const char* name;         // in ClickHouse
    const char* remote_type;  // empty: not known
    Oid type;                 // never a domain
    int32 typmod;
    const char* problem;  // why it cannot be read; nullptr when it can
};

struct ForeignSource {
    Oid server;
    const char* database;
    const char* table;
    const char* query;  // instead of a table; or empty
    bool final;
    ForeignColumn* columns;
    int column_count;
};

// Cheap: looked up once and after DDL. False: no relation needs a look.
bool foreign_servers_exist();
// nullptr when the relation is no foreign table of ours. In the current memory context.
CatalogTable* find_foreign_table(Oid relid);
bool is_foreign_table(Oid relid);
bool is_our_server(Oid server);
// ERROR when the user has no mapping, or one that does not do. `relid` adds its settings.
CatalogTarget* find_foreign_target(Oid server, Oid user, Oid relid);
// ... and those that the tables say.
void add_table_settings(CatalogTarget* target, List* relids);
// Database of a server's connections.
const char* foreign_database(Oid server);
// The derived table that reads the columns; names as in ClickHouse, a list of Strings.
const char* foreign_source_sql(const ForeignSource& source, List* names);

// How the column is read; false and why when it is not.
bool foreign_form(const ForeignColumn& column, route::source::Form* form, Failure* failure);

route::source::Column core_column(const ForeignColumn& column);

// Of the options of a list; `otherwise` when it is not there.
const char* option_text(List* options, const char* name, const char* otherwise);
bool option_bool(List* options, const char* name, bool otherwise);
// "name = value, name = value" into the target's settings. False when it cannot be read.
bool add_settings(CatalogTarget* target, const char* text);

}  // namespace tandem::shell
