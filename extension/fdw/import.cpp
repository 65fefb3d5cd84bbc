// Reads system.tables and system.columns. A column that Postgres has no type for is left out with a
// notice, and so is what cannot be read by its name; nothing stops the rest.
#include "extension/shell/pg.h"

extern "C" {
#include "foreign/foreign.h"
#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
}

#include "extension/catalog/foreign.h"
#include "extension/fdw/ask.h"
#include "extension/fdw/import.h"
#include "extension/shell/memory.h"
#include "route/source/facade.h"

namespace tandem::shell {

namespace {

constexpr int kColumns = 4;  // table, column, type, kind of its default

const char* columns_sql(const ImportForeignSchemaStmt* wish) {
    StringInfoData sql;
    initStringInfo(&sql);
    appendStringInfo(&sql,
                     "SELECT table, name, type, toString(default_kind) FROM system.columns WHERE "
                     "database = %s",
                     quoted_text(wish->remote_schema));
    if (wish->list_type != FDW_IMPORT_SCHEMA_ALL) {
        appendStringInfo(&sql, " AND table %s (",
                         wish->list_type == FDW_IMPORT_SCHEMA_EXCEPT ? "NOT IN" : "IN");
        const char* comma = "";
        ListCell* cell;
        foreach (cell, wish->table_list) {
            appendStringInfo(&sql, "%s%s", comma,
                             quoted_text(lfirst_node(RangeVar, cell)->relname));
            comma = ", ";
        }
        appendStringInfoChar(&sql, ')');
    }
    appendStringInfoString(&sql, " AND table NOT LIKE '.inner%' ORDER BY table, position");
    return sql.data;
}

struct Import {
    const ImportForeignSchemaStmt* wish;
    const char* server;
    PgList* commands;
    const char* table;  // being written; nullptr for none
    StringInfoData columns;
    int count;
};

void notice_column(const Import& import, const char* column, const char* why) {
    ereport(NOTICE,
            (errmsg("column \"%s\" of table \"%s\" is left out: %s", column, import.table, why)));
}

void finish_table(Import* import) {
    if (import->table == nullptr) return;
    if (import->count == 0) {
        ereport(NOTICE, (errmsg("table \"%s\" is left out: it has no column that can be read",
                                import->table)));
        return;
    }
    StringInfoData sql;
    initStringInfo(&sql);
    appendStringInfo(&sql,
                     "CREATE FOREIGN TABLE %s.%s (%s) SERVER %s OPTIONS (database %s, "
                     "\"table\" %s)",
                     quote_identifier(import->wish->local_schema), quote_identifier(import->table),
                     import->columns.data, quote_identifier(import->server),
                     quote_literal_cstr(import->wish->remote_schema),
                     quote_literal_cstr(import->table));
    import->commands = lappend(import->commands, sql.data);
}

bool fits_a_name(const char* name) {
    return strlen(name) < NAMEDATALEN;
}

bool is_not_null(const char* type) {
    return strncmp(type, "Nullable(", 9) != 0 && strncmp(type, "LowCardinality(Nullable(", 24) != 0;
}

void add_column(Import* import, const char* name, const char* type, const char* kind) {
    char wanted[64];
    Failure failure = {};
    if (!fits_a_name(name)) return notice_column(*import, name, "its name is too long");
    if (strcmp(kind, "EPHEMERAL") == 0)
        return notice_column(*import, name, "an EPHEMERAL column has no values");
    if (!route::source::postgres_type(text_of(type), wanted, sizeof wanted, &failure))
        return notice_column(*import, name, failure.message);
    appendStringInfo(&import->columns, "%s%s %s OPTIONS (type %s)%s",
                     import->count++ == 0 ? "" : ", ", quote_identifier(name), wanted,
                     quote_literal_cstr(type), is_not_null(type) ? " NOT NULL" : "");
}

PgList* import_schema(ImportForeignSchemaStmt* wish, Oid server) {
    ListCell* cell;
    foreach (cell, wish->options)
        ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
                        errmsg("invalid option \"%s\"", lfirst_node(DefElem, cell)->defname),
                        errhint("There are no options here.")));
    const CatalogTarget* target = find_foreign_target(server, InvalidOid, InvalidOid);
    RemoteRun* run = ask_server({target, foreign_database(server), columns_sql(wish), kColumns});
    Import import = {};
    import.wish = wish;
    import.server = GetForeignServer(server)->servername;
    const char* texts[kColumns];
    while (next_answer(run, kColumns, texts)) {
        if (!fits_a_name(texts[0])) continue;
        if (import.table == nullptr || strcmp(import.table, texts[0]) != 0) {
            finish_table(&import);
            import.table = texts[0];
            import.count = 0;
            initStringInfo(&import.columns);
        }
        add_column(&import, texts[1], texts[2], texts[3]);
    }
    finish_table(&import);
    return import.commands;
}

}  // namespace

void set_import(FdwRoutine* routine) {
    routine->ImportForeignSchema = import_schema;
}

}  // namespace tandem::shell
