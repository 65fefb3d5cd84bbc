// Every option of tandem_fdw: where it stands, what it may say. A wrong one is refused when it is
// given, with what would have been right.
#include "extension/shell/pg.h"

extern "C" {
#include "access/reloptions.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
}

#include <cerrno>
#include <cstdlib>

#include "extension/catalog/foreign.h"

namespace tandem::shell {

namespace {

enum class Kind : uint8_t {
    kText,
    kPort,
    kMilliseconds,
    kSwitch,
    kDriver,
    kSettings,
    kFile,
    kHosts
};

struct Option {
    const char* name;
    Oid place;  // catalog whose objects have it
    Kind kind;
    bool superuser;  // only they may set it
};

const Option kOptions[] = {
    {"driver", ForeignServerRelationId, Kind::kDriver, false},
    {"host", ForeignServerRelationId, Kind::kHosts, false},
    {"port", ForeignServerRelationId, Kind::kPort, false},
    {"dbname", ForeignServerRelationId, Kind::kText, false},
    {"tls", ForeignServerRelationId, Kind::kSwitch, false},
    {"ca_file", ForeignServerRelationId, Kind::kFile, true},
    {"connect_timeout", ForeignServerRelationId, Kind::kMilliseconds, false},
    {"query_timeout", ForeignServerRelationId, Kind::kMilliseconds, false},
    {"settings", ForeignServerRelationId, Kind::kSettings, false},
    {"updatable", ForeignServerRelationId, Kind::kSwitch, false},
    {"transactional", ForeignServerRelationId, Kind::kSwitch, false},
    {"user", UserMappingRelationId, Kind::kText, false},
    {"password", UserMappingRelationId, Kind::kText, false},
    {"password_file", UserMappingRelationId, Kind::kFile, true},
    {"certificate", UserMappingRelationId, Kind::kFile, true},
    {"private_key", UserMappingRelationId, Kind::kFile, true},
    {"password_required", UserMappingRelationId, Kind::kSwitch, true},
    {"database", ForeignTableRelationId, Kind::kText, false},
    {"table", ForeignTableRelationId, Kind::kText, false},
    {"query", ForeignTableRelationId, Kind::kText, false},
    {"final", ForeignTableRelationId, Kind::kSwitch, false},
    {"settings", ForeignTableRelationId, Kind::kSettings, false},
    {"updatable", ForeignTableRelationId, Kind::kSwitch, false},
    {"transactional", ForeignTableRelationId, Kind::kSwitch, false},
    {"column_name", AttributeRelationId, Kind::kText, false},
    {"type", AttributeRelationId, Kind::kText, false},
};

const Option* find_option(const char* name, Oid place) {
    for (const Option& option : kOptions)
        if (option.place == place && strcmp(option.name, name) == 0) return &option;
    return nullptr;
}

[[noreturn]] void refuse_name(const char* name, Oid place) {
    StringInfoData allowed;
    initStringInfo(&allowed);
    for (const Option& option : kOptions)
        if (option.place == place)
            appendStringInfo(&allowed, "%s%s", allowed.len == 0 ? "" : ", ", option.name);
    ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME), errmsg("invalid option \"%s\"", name),
                    allowed.len == 0 ? errhint("There are no options here.")
                                     : errhint("Options here: %s.", allowed.data)));
    pg_unreachable();
}

[[noreturn]] void refuse_value(const Option& option, const char* value, const char* wanted) {
    ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
                    errmsg("invalid value for option \"%s\": \"%s\"", option.name, value),
                    errhint("Allowed: %s.", wanted)));
    pg_unreachable();
}

void check_number(const Option& option, const char* value, long most) {
    char* end = nullptr;
    errno = 0;
    long number = strtol(value, &end, 10);
    if (errno == 0 && end != value && *end == '\0' && number >= 1 && number <= most) return;
    refuse_value(option, value,
                 option.kind == Kind::kPort ? "1 to 65535" : "milliseconds, 1 to 2147483647");
}

bool is_host(const char* host) {
    const char* colon = strchr(host, ':');
    if (colon == nullptr) return *host != '\0' && strchr(host, ' ') == nullptr;
    if (strchr(colon + 1, ':') != nullptr) return true;  // an IPv6 address
    char* end = nullptr;
    long port = strtol(colon + 1, &end, 10);
    return colon != host && *end == '\0' && port >= 1 && port <= 65535;
}

void check_hosts(const Option& option, const char* value) {
    for (const char* from = value;; ++from) {
        while (*from == ' ') ++from;
        size_t length = strcspn(from, ",");
        char* host = pnstrdup(from, length);
        for (size_t i = length; i > 0 && host[i - 1] == ' '; --i) host[i - 1] = '\0';
        if (!is_host(host))
            refuse_value(option, value,
                         "a name or address, with :port where it differs, or "
                         "several separated by commas");
        from += length;
        if (*from == '\0') return;
    }
}

void check_value(const Option& option, DefElem* given) {
    const char* value = defGetString(given);
    bool flag;
    CatalogTarget target = {};
    switch (option.kind) {
        case Kind::kPort:
            return check_number(option, value, 65535);
        case Kind::kMilliseconds:
            return check_number(option, value, PG_INT32_MAX);
        case Kind::kSwitch:
            if (!parse_bool(value, &flag)) refuse_value(option, value, "true, false");
            return;
        case Kind::kDriver:
            if (strcmp(value, "native") != 0) refuse_value(option, value, "native");
            return;
        case Kind::kSettings:
            if (!add_settings(&target, value))
                refuse_value(option, value, "name = value, name = value, ...");
            return;
        case Kind::kFile:
            if (!is_absolute_path(value)) refuse_value(option, value, "an absolute path");
            return;
        case Kind::kHosts:
            return check_hosts(option, value);
        case Kind::kText:
            if (*value == '\0' && strcmp(option.name, "password") != 0)
                refuse_value(option, value, "a text that is not empty");
            return;
    }
}

void check_right(const Option& option) {
    if (!option.superuser || superuser()) return;
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("only superusers may set option \"%s\"", option.name)));
}

void check_together(PgList* options) {
    const char* query = option_text(options, "query", nullptr);
    if (query == nullptr) return;
    for (const char* other : {"table", "database", "final"})
        if (option_text(options, other, nullptr) != nullptr)
            ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
                            errmsg("options \"query\" and \"%s\" exclude each other", other),
                            errhint("Allowed: query, or database, table and final.")));
}

}  // namespace

}  // namespace tandem::shell

extern "C" {
PG_FUNCTION_INFO_V1(tandem_fdw_validator);
PGDLLEXPORT Datum tandem_fdw_validator(PG_FUNCTION_ARGS);
}

Datum tandem_fdw_validator(PG_FUNCTION_ARGS) {
    using namespace tandem::shell;
    PgList* options = untransformRelOptions(PG_GETARG_DATUM(0));
    Oid place = PG_GETARG_OID(1);
    ListCell* cell;
    foreach (cell, options) {
        DefElem* given = lfirst_node(DefElem, cell);
        const Option* option = find_option(given->defname, place);
        if (option == nullptr) refuse_name(given->defname, place);
        check_right(*option);
        check_value(*option, given);
    }
    if (place == ForeignTableRelationId) check_together(options);
    PG_RETURN_VOID();
}
