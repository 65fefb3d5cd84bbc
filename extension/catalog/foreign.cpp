#include "extension/shell/pg.h"

extern "C" {
#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_namespace.h"
#include "commands/defrem.h"
#include "common/hashfn.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
}

#include <cctype>
#include <cstdio>

#include "extension/catalog/foreign.h"
#include "extension/shell/memory.h"
#include "route/source/facade.h"

namespace tandem::shell {

namespace {

namespace source = route::source;

constexpr int kNativePort = 9000;
constexpr int kSecureNativePort = 9440;
constexpr size_t kPasswordMax = 4096;

enum class Known : uint8_t { kUnknown, kNone, kSome };
Known servers = Known::kUnknown;

void forget_servers(Datum, int, uint32) {
    servers = Known::kUnknown;
}

Known look_for_servers() {
    Relation relation = table_open(ForeignServerRelationId, AccessShareLock);
    SysScanDesc scan =
        systable_beginscan(relation, ForeignServerOidIndexId, true, nullptr, 0, nullptr);
    bool found = HeapTupleIsValid(systable_getnext(scan));
    systable_endscan(scan);
    table_close(relation, AccessShareLock);
    return found ? Known::kSome : Known::kNone;
}

}  // namespace

bool foreign_servers_exist() {
    static bool registered = false;
    if (!registered) CacheRegisterSyscacheCallback(FOREIGNSERVEROID, forget_servers, Datum(0));
    registered = true;
    if (servers == Known::kUnknown) servers = look_for_servers();
    return servers == Known::kSome;
}

const char* option_text(PgList* options, const char* name, const char* otherwise) {
    ListCell* cell;
    foreach (cell, options) {
        DefElem* option = lfirst_node(DefElem, cell);
        if (strcmp(option->defname, name) == 0) return defGetString(option);
    }
    return otherwise;
}

bool option_bool(PgList* options, const char* name, bool otherwise) {
    ListCell* cell;
    foreach (cell, options) {
        DefElem* option = lfirst_node(DefElem, cell);
        if (strcmp(option->defname, name) == 0) return defGetBoolean(option);
    }
    return otherwise;
}

namespace {

// The part of a text between two places, without blanks around it.
char* trimmed(const char* from, const char* end) {
    while (from < end && isspace(static_cast<unsigned char>(*from))) ++from;
    while (end > from && isspace(static_cast<unsigned char>(end[-1]))) --end;
    return pnstrdup(from, static_cast<Size>(end - from));
}

bool is_setting_name(const char* name) {
    if (*name == '\0') return false;
    for (; *name != '\0'; ++name)
        if (!isalnum(static_cast<unsigned char>(*name)) && *name != '_') return false;
    return true;
}

}  // namespace

bool add_settings(CatalogTarget* target, const char* text) {
    int most = target->setting_count + 1;
    for (const char* at = text; *at != '\0'; ++at) most += *at == ',' ? 1 : 0;
    const char** names = make_array<const char*>(static_cast<size_t>(most));
    const char** values = make_array<const char*>(static_cast<size_t>(most));
    int count = target->setting_count;
    for (int i = 0; i < count; ++i) {
        names[i] = target->setting_names[i];
        values[i] = target->setting_values[i];
    }
    while (*text != '\0') {
        const char* end = strchr(text, ',');
        if (end == nullptr) end = text + strlen(text);
        const char* equals = static_cast<const char*>(memchr(text, '=', end - text));
        if (equals == nullptr) return false;
        names[count] = trimmed(text, equals);
        values[count] = trimmed(equals + 1, end);
        if (!is_setting_name(names[count++])) return false;
        text = *end == ',' ? end + 1 : end;
    }
    target->setting_names = names;
    target->setting_values = values;
    target->setting_count = count;
    return true;
}

bool is_our_server(Oid server) {
    ForeignDataWrapper* wrapper = GetForeignDataWrapper(GetForeignServer(server)->fdwid);
    if (!OidIsValid(wrapper->fdwhandler)) return false;
    const char* name = get_func_name(wrapper->fdwhandler);
    const char* schema = get_namespace_name(get_func_namespace(wrapper->fdwhandler));
    return name != nullptr && schema != nullptr && strcmp(name, "fdw_handler") == 0 &&
           strcmp(schema, "tandem") == 0;
}

bool is_foreign_table(Oid relid) {
    return get_rel_relkind(relid) == RELKIND_FOREIGN_TABLE &&
           is_our_server(GetForeignTable(relid)->serverid);
}

namespace {

uint64 mixed(uint64 seed, const char* text) {
    return hash_combine64(seed, hash_bytes_extended(reinterpret_cast<const unsigned char*>(text),
                                                    static_cast<int>(strlen(text)), 31));
}

source::TypeKind kind_of(Oid type) {
    if (type_is_enum(type)) return source::TypeKind::kEnum;
    return OidIsValid(get_element_type(type)) ? source::TypeKind::kArray : source::TypeKind::kBase;
}

}  // namespace

source::Column core_column(const ForeignColumn& column) {
    return {text_of(column.name), text_of(column.remote_type), column.type, column.typmod,
            kind_of(column.type)};
}

namespace {

void add_column(CatalogTable* table, ForeignSource* from, Form_pg_attribute attribute) {
    PgList* options = GetForeignColumnOptions(table->relid, attribute->attnum);
    ForeignColumn& column = from->columns[from->column_count++];
    column.attnum = attribute->attnum;
    column.name = option_text(options, "column_name", pstrdup(NameStr(attribute->attname)));
    column.remote_type = option_text(options, "type", "");
    column.typmod = attribute->atttypmod;
    column.type = getBaseTypeAndTypmod(attribute->atttypid, &column.typmod);
    source::Form form = {};
    Failure failure = {};
    bool readable = source::form_of(core_column(column), &form, &failure);
    if (!readable) column.problem = pstrdup(failure.message);
    CatalogColumn& to = table->columns[table->column_count++];
    to = {};
    to.attnum = column.attnum;
    to.type = column.type;
    to.typmod = column.typmod;
    to.target_column = column.name;
    to.target_type = pstrdup(form.target_type);
    to.exact = readable && form.trust == source::Trust::kExact;
    to.as_text = readable && form.trust != source::Trust::kExact;
    to.opaque = readable && form.trust == source::Trust::kOpaque;
    table->fingerprint = mixed(mixed(table->fingerprint, column.name), column.remote_type);
    table->fingerprint = hash_combine64(table->fingerprint, column.type);
}

}  // namespace

CatalogTable* find_foreign_table(Oid relid) {
    if (!is_foreign_table(relid)) return nullptr;
    ForeignTable* foreign = GetForeignTable(relid);
    CatalogTable* table = make<CatalogTable>();
    *table = {};
    ForeignSource* from = make<ForeignSource>();
    *from = {};
    from->server = foreign->serverid;
    from->database = option_text(foreign->options, "database", "");
    from->query = option_text(foreign->options, "query", "");
    from->table = option_text(foreign->options, "table", get_rel_name(relid));
    from->final = option_bool(foreign->options, "final", false);
    table->relid = relid;
    table->database = from->database;
    table->target_table = from->table;
    table->foreign = from;
    table->live = table->running = table->same_heaps = table->delta_empty = true;
    table->fingerprint = mixed(mixed(foreign->serverid, from->database), from->query);
    table->fingerprint = mixed(table->fingerprint, from->table) + (from->final ? 1 : 0);
    Relation relation = RelationIdGetRelation(relid);
    TupleDesc row = RelationGetDescr(relation);
    from->columns = make_array<ForeignColumn>(static_cast<size_t>(row->natts));
    table->columns = make_array<CatalogColumn>(static_cast<size_t>(row->natts));
    for (int i = 0; i < row->natts; ++i)
        if (!TupleDescAttr(row, i)->attisdropped) add_column(table, from, TupleDescAttr(row, i));
    RelationClose(relation);
    return table;
}

const char* foreign_source_sql(const ForeignSource& from, PgList* names) {
    source::Column* columns = make_array<source::Column>(static_cast<size_t>(list_length(names)));
    uint32 count = 0;
    ListCell* cell;
    foreach (cell, names)
        for (int i = 0; i < from.column_count; ++i)
            if (strcmp(from.columns[i].name, strVal(lfirst(cell))) == 0) {
                columns[count++] = core_column(from.columns[i]);
                break;
            }
    source::Source wanted = {text_of(from.database),
                             text_of(from.table),
                             text_of(from.query),
                             from.final,
                             {columns, count}};
    int64 length = source::write_source(wanted, nullptr, 0);
    if (length < 0) ereport(ERROR, (errmsg("a column of ClickHouse cannot be read")));
    char* sql = static_cast<char*>(palloc(static_cast<Size>(length) + 1));
    source::write_source(wanted, sql, static_cast<size_t>(length) + 1);
    return sql;
}

bool foreign_form(const ForeignColumn& column, source::Form* form, Failure* failure) {
    return source::form_of(core_column(column), form, failure);
}

namespace {

// Its first line.
const char* password_in(const char* path) {
    FILE* file = AllocateFile(path, "r");
    if (file == nullptr)
        ereport(ERROR, (errcode_for_file_access(),
                        errmsg("password file \"%s\" cannot be read: %m", path)));
    char* line = static_cast<char*>(palloc0(kPasswordMax));
    bool read = fgets(line, kPasswordMax, file) != nullptr;
    FreeFile(file);
    if (!read)
        ereport(ERROR, (errcode(ERRCODE_FDW_ERROR), errmsg("password file \"%s\" is empty", path)));
    line[strcspn(line, "\r\n")] = '\0';
    return line;
}

void use_mapping(CatalogTarget* target, const UserMapping* mapping, Oid user) {
    const char* file = option_text(mapping->options, "password_file", nullptr);
    const char* password = option_text(mapping->options, "password", nullptr);
    target->user = option_text(mapping->options, "user", "default");
    target->password = file != nullptr ? password_in(file) : password != nullptr ? password : "";
    target->certificate = option_text(mapping->options, "certificate", nullptr);
    target->private_key = option_text(mapping->options, "private_key", nullptr);
    bool required = option_bool(mapping->options, "password_required", true);
    bool proven = file != nullptr || password != nullptr || target->certificate != nullptr;
    if (!proven && required && !superuser_arg(user))
        ereport(ERROR, (errcode(ERRCODE_S_R_E_PROHIBITED_SQL_STATEMENT_ATTEMPTED),
                        errmsg("a password is required"),
                        errdetail("Users who are not superusers bring a credential of their own."),
                        errhint("ALTER USER MAPPING FOR ... SERVER ... OPTIONS (ADD password "
                                "'...').")));
}

int option_number(PgList* options, const char* name, int otherwise) {
    const char* text = option_text(options, name, nullptr);
    return text == nullptr ? otherwise : atoi(text);
}

}  // namespace

CatalogTarget* find_foreign_target(Oid server_id, Oid user, Oid relid) {
    if (!OidIsValid(user)) user = GetUserId();
    ForeignServer* server = GetForeignServer(server_id);
    UserMapping* mapping = GetUserMapping(user, server_id);
    CatalogTarget* target = make<CatalogTarget>();
    *target = {};
    target->host = option_text(server->options, "host", "127.0.0.1");
    target->secure = option_bool(server->options, "tls", false);
    target->port =
        option_number(server->options, "port", target->secure ? kSecureNativePort : kNativePort);
    target->ca_file = option_text(server->options, "ca_file", nullptr);
    target->connect_timeout_ms = option_number(server->options, "connect_timeout", 0);
    target->query_timeout_ms =
        static_cast<uint64>(option_number(server->options, "query_timeout", 0));
    use_mapping(target, mapping, user);
    add_settings(target, option_text(server->options, "settings", ""));
    if (OidIsValid(relid))
        add_settings(target, option_text(GetForeignTable(relid)->options, "settings", ""));
    return target;
}

void add_table_settings(CatalogTarget* target, PgList* relids) {
    ListCell* cell;
    foreach (cell, relids)
        add_settings(target,
                     option_text(GetForeignTable(lfirst_oid(cell))->options, "settings", ""));
}

const char* foreign_database(Oid server) {
    return option_text(GetForeignServer(server)->options, "dbname", "default");
}

}  // namespace tandem::shell
