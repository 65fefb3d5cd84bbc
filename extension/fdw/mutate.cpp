// UPDATE and DELETE as one mutation of ClickHouse: the conditions and new values are translated
// when the statement is planned; rows never travel. First a SELECT computes all of it, which fails
// where the mutation would, because a mutation that fails would be tried again for ever; and it
// counts.
#include "extension/shell/pg.h"

extern "C" {
#include "catalog/pg_type.h"
#include "commands/explain.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/appendinfo.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "parser/parsetree.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
}

#include "extension/catalog/foreign.h"
#include "extension/fdw/ask.h"
#include "extension/fdw/kept.h"
#include "extension/fdw/modify.h"
#include "extension/fdw/scan.h"
#include "extension/fdw/scan_plan.h"
#include "extension/remote/parameters.h"
#include "extension/shell/explain_compat.h"
#include "extension/shell/memory.h"
#include "route/facade.h"
#include "route/source/facade.h"

namespace tandem::shell {

namespace {

namespace source = route::source;

// What is under kForeignMutation.
enum MutationPrivate {
    kMutationFlags,    // IntList: CmdType, whether it sets the command's tag, result of conditions
    kMutationColumns,  // IntList: attnums that get values
    kMutationItems,    // IntList: result of the query, or -1 - number among the constants
};

[[noreturn]] void refuse(const char* command, Oid relid, const char* why, const char* hint) {
    ereport(ERROR,
            (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
             errmsg("%s is not possible on foreign table \"%s\"", command, get_rel_name(relid)),
             errdetail("%s", why), *hint == '\0' ? 0 : errhint("%s", hint)));
    pg_unreachable();
}

const char* name_of(CmdType command) {
    return command == CMD_DELETE ? "DELETE" : "UPDATE";
}

// ClickHouse runs a mutation in the background, with its own settings: what depends on these, as
// many functions do, stays out.
bool depends_on_settings(Node* node, void* context) {
    if (node == nullptr) return false;
    switch (nodeTag(node)) {
        case T_List:
        case T_Var:
        case T_Const:
        case T_Param:
        case T_OpExpr:
        case T_ScalarArrayOpExpr:
        case T_DistinctExpr:
        case T_NullIfExpr:
        case T_BoolExpr:
        case T_NullTest:
        case T_BooleanTest:
        case T_RelabelType:
        case T_CaseExpr:
        case T_CaseWhen:
        case T_CoalesceExpr:
        case T_ArrayExpr:
            break;
        case T_FuncExpr:
            if (reinterpret_cast<FuncExpr*>(node)->funcformat == COERCE_EXPLICIT_CALL) return true;
            break;
        default:
            return true;
    }
    return expression_tree_walker(node, as_walker(depends_on_settings), context);
}

struct Wish {
    PlannerInfo* root;
    Index table;
    Oid relid;
    CmdType command;
    ForeignScan* scan;
    PgList* values;   // of UPDATE, by column
    PgList* columns;  // IntList
};

const char* why_not(const ModifyTable* plan, const Plan* below, Index table) {
    if (plan->returningLists != NIL) return "There is nothing to return: rows stay in ClickHouse.";
    if (!IsA(below, ForeignScan) ||
        reinterpret_cast<const ForeignScan*>(below)->scan.scanrelid != table)
        return "Other tables decide which rows, and ClickHouse has only this one.";
    return nullptr;
}

// Values of the row's columns are translated; others are computed here, once.
void divide_values(const Wish& wish, PgList** translated, PgList** constants, PgList** items) {
    ListCell* cell;
    foreach (cell, wish.values) {
        Node* value = static_cast<Node*>(lfirst(cell));
        bool of_row = bms_is_member(static_cast<int>(wish.table), pull_varnos(wish.root, value));
        PgList** list = of_row ? translated : constants;
        *items = lappend_int(*items, of_row ? list_length(*list) : -1 - list_length(*list));
        *list = lappend(*list, value);
    }
}

void take_over(const Wish& wish, PgList* conditions, bool sets_tag) {
    PgList* translated = NIL;
    PgList* constants = NIL;
    PgList* items = NIL;
    divide_values(wish, &translated, &constants, &items);
    int condition = -1;
    ValuesPlan made = {};
    if (conditions != NIL) translated = lappend(translated, make_ands_explicit(conditions));
    if (translated != NIL) {
        Failure failure = {};
        RelOptInfo* rel = find_base_rel(wish.root, static_cast<int>(wish.table));
        if (!plan_values(wish.root, rel, translated, &made, &failure))
            refuse(name_of(wish.command), wish.relid,
                   psprintf("It cannot be computed in ClickHouse: %s.", failure.message), "");
        if (conditions != NIL) condition = made.places[list_length(translated) - 1];
    }
    ListCell* cell;
    foreach (cell, items)
        if (lfirst_int(cell) >= 0) lfirst_int(cell) = made.places[lfirst_int(cell)];
    ForeignScan* scan = wish.scan;
    PgList* carried = made.carried != NIL ? made.carried : scan->fdw_private;
    if (made.carried == NIL) linitial(carried) = makeString(pstrdup(""));
    list_nth_cell(carried, kForeignConditions)->ptr_value = NIL;
    list_nth_cell(carried, kForeignMutation)->ptr_value =
        list_make3(list_make3_int(static_cast<int>(wish.command), sets_tag ? 1 : 0, condition),
                   wish.columns, items);
    scan->fdw_private = carried;
    scan->fdw_exprs = list_concat(made.expressions, constants);
    scan->operation = wish.command;
    scan->resultRelation = wish.table;
}

// Of UPDATE and DELETE always, or not at all: there is no other way to do it.
bool plan_mutation(PlannerInfo* root, ModifyTable* plan, Index table, int index) {
    if (plan->operation != CMD_UPDATE && plan->operation != CMD_DELETE) return false;
    Oid relid = planner_rt_fetch(table, root)->relid;
    Wish wish = {root, table, relid, plan->operation, nullptr, NIL, NIL};
    const char* command = name_of(wish.command);
    if (!has_option(relid, "updatable"))
        refuse(command, relid, "Its rows may not be changed.",
               "Ask for it: ALTER FOREIGN TABLE ... OPTIONS (ADD updatable 'true'), or of the "
               "server.");
    Plan* below = outerPlan(plan);
    const char* why = why_not(plan, below, table);
    if (index != 0 || list_length(plan->resultRelations) != 1)
        why = "It is one of several tables that are changed at once.";
    if (why != nullptr)
        refuse(command, relid, why, "tandem.execute() runs ClickHouse's own statements.");
    wish.scan = reinterpret_cast<ForeignScan*>(below);
    // Those that may fail on purpose as well: here they fail before anything is changed.
    PgList* conditions = list_concat_copy(
        static_cast<PgList*>(list_nth(wish.scan->fdw_private, kForeignConditions)), below->qual);
    if (wish.command == CMD_UPDATE) {
        PgList* targets;
        get_translated_update_targetlist(root, table, &targets, &wish.columns);
        ListCell* cell;
        ListCell* column;
        forboth(cell, targets, column, wish.columns) {
            (void)column;
            wish.values = lappend(wish.values, lfirst_node(TargetEntry, cell)->expr);
        }
    }
    if (depends_on_settings(reinterpret_cast<Node*>(conditions), nullptr) ||
        depends_on_settings(reinterpret_cast<Node*>(wish.values), nullptr))
        refuse(command, relid,
               "Its conditions or values are more than columns, constants and operators.", "");
    take_over(wish, conditions, plan->canSetTag);
    return true;
}

const ForeignScan* plan_of(const ForeignScanState* node) {
    return reinterpret_cast<const ForeignScan*>(node->ss.ps.plan);
}

PgList* list_of(const ForeignScanState* node, int which) {
    return static_cast<PgList*>(list_nth(plan_of(node)->fdw_private, which));
}

// Empty when there was nothing to translate.
const char* translated_sql(const ForeignScanState* node) {
    return strVal(list_nth(plan_of(node)->fdw_private, kForeignSql));
}

PgList* part_of(const ForeignScanState* node, MutationPrivate which) {
    return static_cast<PgList*>(list_nth(list_of(node, kForeignMutation), which));
}

struct Mutating {
    const CatalogTable* table;
    source::Mutation mutation;
    Parameters parameters;
};

const ForeignColumn& column_of(const ForeignSource& table, int attnum) {
    for (int i = 0; i < table.column_count; ++i)
        if (table.columns[i].attnum == attnum) return table.columns[i];
    elog(ERROR, "no column %d", attnum);
    pg_unreachable();
}

void put_value(const ForeignColumn& column, Datum datum, clickhouse::BoundParameter* parameter) {
    Oid function;
    bool is_varlena;
    if (parameter->type == column.type) {
        getTypeBinaryOutputInfo(column.type, &function, &is_varlena);
        bytea* bytes = sent_value(function, datum);
        parameter->binary = VARDATA_ANY(bytes);
        parameter->size = static_cast<size_t>(VARSIZE_ANY_EXHDR(bytes));
        return;
    }
    getTypeOutputInfo(column.type, &function, &is_varlena);
    parameter->binary = OidOutputFunctionCall(function, datum);
    parameter->size = strlen(parameter->binary);
}

const char* without_nullable(const char* type) {
    static constexpr size_t kLength = sizeof("Nullable(") - 1;
    if (strncmp(type, "Nullable(", kLength) != 0) return type;
    return pnstrdup(type + kLength, strlen(type) - kLength - 1);
}

const char* decimal_of(int32 typmod) {
    int digits = typmod - VARHDRSZ;
    return psprintf("Decimal(%d, %d)", digits >> 16, digits & 0xFFFF);
}

// A value that is the same for all rows, as a parameter of the column's form: its bits, of floating
// point numbers, or its text, of what ClickHouse has no such type for.
clickhouse::BoundParameter* add_constant(Mutating* to, const ForeignColumn& column,
                                         source::Assignment* one) {
    source::Form form = {};
    Failure failure = {};
    if (!foreign_form(column, &form, &failure)) raise_remote(failure);
    int32 digits = column.type == NUMERICOID ? source::numeric_typmod(one->target.remote_type) : -1;
    bool exact = form.trust == source::Trust::kExact || digits >= 0;
    bool floating = column.type == FLOAT8OID || column.type == FLOAT4OID;
    int bits = column.type == FLOAT8OID ? 64 : 32;
    const char* type = exact ? without_nullable(pstrdup(form.target_type)) : "String";
    if (digits >= 0) type = decimal_of(digits);
    const char* sent = floating ? psprintf("Int%d", bits) : type;
    clickhouse::BoundParameter* parameter = &to->parameters.values[to->parameters.count++];
    const char* name = psprintf("v%u", to->parameters.count);
    parameter->name = text_of(name);
    parameter->clickhouse_type = text_of(psprintf("Nullable(%s)", sent));
    parameter->type = exact ? column.type : TEXTOID;
    parameter->typmod = digits >= 0 ? digits : exact ? column.typmod : -1;
    if (floating) parameter->part = static_cast<uint8>(route::ConstantPart::kBits);
    const char* given = psprintf("{%s:Nullable(%s)}", name, sent);
    if (floating) given = psprintf("reinterpretAsFloat%d(%s)", bits, given);
    one->given = text_of(given);
    one->target.given_type = text_of(psprintf("Nullable(%s)", type));
    return parameter;
}

// Without `evaluate` the values stay NULL.
void add_assignments(ForeignScanState* node, Mutating* to, PgList* remote, bool evaluate) {
    PgList* columns = part_of(node, kMutationColumns);
    PgList* items = part_of(node, kMutationItems);
    PgList* states = evaluate ? ExecInitExprList(plan_of(node)->fdw_exprs, &node->ss.ps) : NIL;
    int first = list_length(list_of(node, kForeignParameterNames));
    auto* all = make_array<source::Assignment>(static_cast<size_t>(list_length(columns)));
    for (int i = 0; i < list_length(columns); ++i) {
        const ForeignColumn& column = column_of(*to->table->foreign, list_nth_int(columns, i));
        all[i].target.name = text_of(column.name);
        all[i].target.remote_type =
            text_of(remote == NIL ? column.remote_type : remote_type(remote, column));
        all[i].item = list_nth_int(items, i);
        if (all[i].item >= 0) {
            all[i].target.given_type =
                text_of(strVal(list_nth(list_of(node, kForeignColumnTypes), all[i].item)));
            continue;
        }
        clickhouse::BoundParameter* parameter = add_constant(to, column, &all[i]);
        if (!evaluate) continue;
        bool is_null;
        ExprState* value = static_cast<ExprState*>(list_nth(states, first - 1 - all[i].item));
        Datum datum = ExecEvalExprSwitchContext(value, node->ss.ps.ps_ExprContext, &is_null);
        if (!is_null) put_value(column, datum, parameter);
    }
    to->mutation.assignments = {all, static_cast<uint32>(list_length(columns))};
}

void add_columns(Mutating* to) {
    const ForeignSource& from = *to->table->foreign;
    auto* columns = make_array<source::Column>(static_cast<size_t>(from.column_count));
    for (int i = 0; i < from.column_count; ++i) columns[i] = core_column(from.columns[i]);
    to->mutation.columns = {columns, static_cast<uint32>(from.column_count)};
}

// `remote`: types of columns, when ClickHouse has been asked; NIL for EXPLAIN, which computes
// nothing.
Mutating mutation_of(ForeignScanState* node, PgList* remote, const CatalogTable* table) {
    Mutating made = {};
    made.table = table;
    Parameters sent = {};
    if (remote != NIL && *translated_sql(node) != '\0')
        sent = evaluate_parameters(
            {list_of(node, kForeignParameterNames), list_of(node, kForeignParameterTypes),
             list_of(node, kForeignParameterParts), plan_of(node)->fdw_exprs},
            &node->ss.ps);
    made.parameters.values = make_array<clickhouse::BoundParameter>(
        sent.count + static_cast<size_t>(list_length(part_of(node, kMutationColumns))));
    for (uint32 i = 0; i < sent.count; ++i) made.parameters.values[i] = sent.values[i];
    made.parameters.count = sent.count;
    source::Mutation& to = made.mutation;
    to.sql = text_of(translated_sql(node));
    to.removes = linitial_int(part_of(node, kMutationFlags)) == CMD_DELETE;
    to.condition = lthird_int(part_of(node, kMutationFlags));
    to.database = text_of(database_of(*table->foreign));
    to.table = text_of(table->foreign->table);
    add_columns(&made);
    add_assignments(node, &made, remote, remote != NIL);
    return made;
}

const char* sql_of(const source::Mutation& mutation, bool rehearse) {
    Failure failure = {};
    int64 length = source::write_mutation(mutation, rehearse, nullptr, 0, &failure);
    if (length < 0) raise_remote(failure);
    char* sql = static_cast<char*>(palloc(static_cast<Size>(length) + 1));
    source::write_mutation(mutation, rehearse, sql, static_cast<size_t>(length) + 1, &failure);
    return sql;
}

double rehearse(const CatalogTarget* target, const char* database, const Mutating& made) {
    tandem::List<clickhouse::BoundParameter> parameters = {made.parameters.values,
                                                           made.parameters.count};
    RemoteRun* run = ask_server({target, database, sql_of(made.mutation, true), 2, parameters});
    const char* texts[2] = {"0", ""};
    double rows = 0;
    while (next_answer(run, 2, texts)) rows = strtod(texts[0], nullptr);
    return rows;
}

// A mutation that fails all the same is not to be tried again.
void run_mutation(CatalogTarget target, const char* database, const Mutating& made) {
    static uint32 number = 0;
    add_settings(&target, "mutations_sync = 1, lightweight_deletes_sync = 1");
    const char* mark = psprintf("tandem-%d-%llx-%u", MyProcPid,
                                static_cast<unsigned long long>(MyStartTimestamp), ++number);
    const char* sql = psprintf("%s AND '%s' != ''", sql_of(made.mutation, false), mark);
    Question question = {
        &target, database, sql, 0, {made.parameters.values, made.parameters.count}};
    Failure failure = {};
    if (try_to_tell_server(question, &failure)) return;
    Failure ignored = {};
    question.sql =
        psprintf("KILL MUTATION WHERE database = %s AND table = %s AND command LIKE '%%%s%%' SYNC",
                 quoted_text(database_of(*made.table->foreign)),
                 quoted_text(made.table->foreign->table), mark);
    question.parameters = {};
    if (!is_unreachable(failure)) try_to_tell_server(question, &ignored);
    raise_remote(failure);
}

void begin(ForeignScanState* node, int) {
    node->fdw_state = nullptr;
}

TupleTableSlot* iterate(ForeignScanState* node) {
    PgList* ids = list_of(node, kForeignTable);
    const CatalogTable* table = find_foreign_table(linitial_oid(ids));
    refuse_while_kept(table->relid,
                      name_of(static_cast<CmdType>(linitial_int(part_of(node, kMutationFlags)))));
    Oid server = table->foreign->server;
    const char* database = foreign_database(server);
    const CatalogTarget* target = find_foreign_target(server, lsecond_oid(ids), table->relid);
    PgList* remote = remote_columns(*target, database, *table->foreign);
    Mutating made = mutation_of(node, remote, table);
    double rows = rehearse(target, database, made);
    if (rows > 0) run_mutation(*target, database, made);
    if (lsecond_int(part_of(node, kMutationFlags)) != 0)
        node->ss.ps.state->es_processed += static_cast<uint64>(rows);
    if (node->ss.ps.instrument != nullptr) node->ss.ps.instrument->tuplecount += rows;
    return ExecClearTuple(node->ss.ss_ScanTupleSlot);
}

void end(ForeignScanState*) {}

void explain(ForeignScanState* node, ExplainState* es) {
    const CatalogTable* table = find_foreign_table(linitial_oid(list_of(node, kForeignTable)));
    ListCell* cell;
    foreach (cell, part_of(node, kMutationColumns))
        if (*column_of(*table->foreign, lfirst_int(cell)).remote_type == '\0') return;
    ExplainPropertyText("Remote SQL", sql_of(mutation_of(node, NIL, table).mutation, false), es);
}

TupleTableSlot* never(EState*, ResultRelInfo* info, TupleTableSlot*, TupleTableSlot*) {
    refuse("UPDATE or DELETE", RelationGetRelid(info->ri_RelationDesc), "Rows have no names.", "");
}

}  // namespace

void set_mutation(FdwRoutine* routine) {
    routine->PlanDirectModify = plan_mutation;
    routine->BeginDirectModify = begin;
    routine->IterateDirectModify = iterate;
    routine->EndDirectModify = end;
    routine->ExplainDirectModify = explain;
    routine->ExecForeignUpdate = never;
    routine->ExecForeignDelete = never;
}

}  // namespace tandem::shell
