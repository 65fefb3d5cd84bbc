// A scan is the query SELECT the needed columns FROM the table WHERE the conditions that ship,
// translated by the router's translator. Conditions of other tables' columns, and values that come
// while the query runs, go through it as parameters and are put back afterwards.
#include "extension/shell/pg.h"

extern "C" {
#include "access/sysattr.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
}

#include "extension/catalog/foreign.h"
#include "extension/fdw/scan.h"
#include "extension/fdw/scan_plan.h"
#include "extension/route/plan.h"
#include "extension/route/translation.h"
#include "extension/shell/foreign_compat.h"
#include "extension/shell/memory.h"

namespace tandem::shell {

namespace {

// Values that the scan is given by the plan around it.
struct StandIns {
    Index table;
    PgList* values;  // Var or Param, by number
};

Node* stand_in(Node* node, void* context) {
    if (node == nullptr) return nullptr;
    StandIns* all = static_cast<StandIns*>(context);
    bool other_table =
        IsA(node, Var) && reinterpret_cast<Var*>(node)->varno != static_cast<int>(all->table);
    bool internal = IsA(node, Param) && reinterpret_cast<Param*>(node)->paramkind == PARAM_EXEC;
    if (!other_table && !internal && !IsA(node, PlaceHolderVar))
        return expression_tree_mutator(node, as_mutator(stand_in), context);
    Param* param = makeNode(Param);
    param->paramkind = PARAM_EXTERN;
    param->paramid = kFirstStandIn + list_length(all->values);
    param->paramtype = exprType(node);
    param->paramtypmod = exprTypmod(node);
    param->paramcollid = exprCollation(node);
    param->location = -1;
    all->values = lappend(all->values, copyObjectImpl(node));
    return reinterpret_cast<Node*>(param);
}

// 0 when it does not stand for keys, or which ones and 1.
int keys_of(const Node* node) {
    if (!IsA(node, Param)) return 0;
    const Param* param = reinterpret_cast<const Param*>(node);
    bool keys = param->paramkind == PARAM_EXTERN && param->paramid >= kFirstKeys &&
                param->paramid < kFirstStandIn;
    return keys ? param->paramid - kFirstKeys + 1 : 0;
}

// Keys are nothing that Postgres could evaluate: the join puts them in.
Node* put_back(Node* node, void* context) {
    if (node == nullptr) return nullptr;
    if (keys_of(node) != 0)
        return reinterpret_cast<Node*>(
            makeNullConst(exprType(node), exprTypmod(node), exprCollation(node)));
    const StandIns* all = static_cast<const StandIns*>(context);
    if (all->values != NIL && IsA(node, Param) &&
        reinterpret_cast<Param*>(node)->paramkind == PARAM_EXTERN &&
        reinterpret_cast<Param*>(node)->paramid >= kFirstStandIn)
        return static_cast<Node*>(copyObjectImpl(
            list_nth(all->values, reinterpret_cast<Param*>(node)->paramid - kFirstStandIn)));
    return expression_tree_mutator(node, as_mutator(put_back), context);
}

struct ScanQuery {
    PlannerInfo* root;
    const RelOptInfo* rel;
    const RangeTblEntry* entry;
    Oid user;
    Bitmapset* columns;  // attnums
    PgList* values;      // instead of columns
    PgList* conditions;
    StandIns stand_ins;
};

RangeTblEntry* table_entry(const ScanQuery& from) {
    RangeTblEntry* entry = makeNode(RangeTblEntry);
    entry->rtekind = RTE_RELATION;
    entry->relid = from.entry->relid;
    entry->relkind = from.entry->relkind;
    entry->rellockmode = from.entry->rellockmode;
    entry->eref = from.entry->eref;
    return entry;
}

// Columns of the table become those of the query's only relation.
Node* renumber(Node* node, void* context) {
    if (node == nullptr) return nullptr;
    if (!IsA(node, Var)) return expression_tree_mutator(node, as_mutator(renumber), context);
    Var* var = static_cast<Var*>(copyObjectImpl(node));
    var->varno = 1;
    forget_nulling(var);
    return reinterpret_cast<Node*>(var);
}

PgList* value_targets(ScanQuery* from) {
    PgList* targets = NIL;
    ListCell* cell;
    foreach (cell, from->values) {
        Node* value = stand_in(static_cast<Node*>(lfirst(cell)), &from->stand_ins);
        Expr* expr = reinterpret_cast<Expr*>(renumber(value, nullptr));
        AttrNumber resno = static_cast<AttrNumber>(list_length(targets) + 1);
        targets = lappend(targets, makeTargetEntry(expr, resno, psprintf("c%d", resno), false));
    }
    return targets;
}

::Query* make_query(ScanQuery* from) {
    ::Query* query = makeNode(Query);
    query->commandType = CMD_SELECT;
    query->canSetTag = true;
    query->rtable = list_make1(table_entry(*from));
    RangeTblRef* reference = makeNode(RangeTblRef);
    reference->rtindex = 1;
    PgList* conditions = NIL;
    ListCell* cell;
    foreach (cell, from->conditions) {
        Node* condition = stand_in(static_cast<Node*>(lfirst(cell)), &from->stand_ins);
        conditions = lappend(conditions, renumber(condition, nullptr));
    }
    Node* where =
        conditions == NIL ? nullptr : reinterpret_cast<Node*>(make_ands_explicit(conditions));
    query->jointree = makeFromExpr(list_make1(reference), where);
    if (from->values != NIL) {
        query->targetList = value_targets(from);
        return query;
    }
    AttrNumber resno = 1;
    for (int attnum = -1; (attnum = bms_next_member(from->columns, attnum)) >= 0; ++resno) {
        Oid type;
        int32 typmod;
        Oid collation;
        get_atttypetypmodcoll(from->entry->relid, static_cast<AttrNumber>(attnum), &type, &typmod,
                              &collation);
        Var* var = makeVar(1, static_cast<AttrNumber>(attnum), type, typmod, collation, 0);
        query->targetList = lappend(
            query->targetList,
            makeTargetEntry(reinterpret_cast<Expr*>(var), resno, psprintf("c%d", resno), false));
    }
    return query;
}

bool translate_scan(ScanQuery* from, Translated* translated, Failure* failure) {
    from->stand_ins.values = NIL;
    TranslationWish wish = {make_query(from), nullptr, nullptr, true, true};
    *translated = {};
    return translate_query(wish, translated, failure);
}

// A condition that fails on purpose has no other plan to fall back to here.
bool ships(ScanQuery* from, PgList* conditions) {
    from->conditions = conditions;
    Translated translated = {};
    Failure failure = {};
    return translate_scan(from, &translated, &failure) && !translated.result->raises;
}

// Conditions that ship, and those that stay.
void divide(ScanQuery* from, PgList* conditions, PgList** remote, PgList** local) {
    *remote = *local = NIL;
    if (conditions == NIL) return;
    if (ships(from, conditions)) {
        *remote = conditions;
        return;
    }
    ListCell* cell;
    foreach (cell, conditions) {
        if (ships(from, list_make1(lfirst(cell))))
            *remote = lappend(*remote, lfirst(cell));
        else
            *local = lappend(*local, lfirst(cell));
    }
}

void add_columns(Bitmapset** columns, Node* node, const ScanQuery& from,
                 const CatalogTable& table) {
    Bitmapset* used = nullptr;
    pull_varattnos(node, from.rel->relid, &used);
    for (int at = -1; (at = bms_next_member(used, at)) >= 0;) {
        int attnum = at + FirstLowInvalidHeapAttributeNumber;
        if (attnum > 0) *columns = bms_add_member(*columns, attnum);
        if (attnum != 0) continue;
        for (int i = 0; i < table.foreign->column_count; ++i)
            *columns = bms_add_member(*columns, table.foreign->columns[i].attnum);
    }
}

// Rows without columns have to be counted all the same: any column that can be read will do.
Bitmapset* one_column(const CatalogTable& table) {
    int best = 0;
    for (int i = 0; i < table.column_count; ++i) {
        if (!table.columns[i].exact && !table.columns[i].as_text) continue;
        if (best == 0 || get_typlen(table.columns[i].type) > 0) best = table.columns[i].attnum;
        if (get_typlen(table.columns[i].type) > 0) break;
    }
    if (best == 0)
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("foreign table \"%s\" has no column that can be read",
                               get_rel_name(table.relid))));
    return bms_make_singleton(best);
}

void check_columns(const Bitmapset* columns, const CatalogTable& table) {
    for (int i = 0; i < table.foreign->column_count; ++i) {
        const ForeignColumn& column = table.foreign->columns[i];
        if (column.problem == nullptr || !bms_is_member(column.attnum, columns)) continue;
        ereport(ERROR,
                (errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
                 errmsg("column \"%s\" of foreign table \"%s\" cannot be read: %s",
                        get_attname(table.relid, static_cast<AttrNumber>(column.attnum), false),
                        get_rel_name(table.relid), column.problem)));
    }
}

// Which column of the table each column of the result is.
PgList* attributes_of(const Translated& translated) {
    PgList* attributes = NIL;
    for (uint32 i = 0; i < translated.result->columns.size; ++i)
        attributes = lappend_int(attributes, 0);
    ListCell* cell;
    foreach (cell, translated.tree->simplified->targetList) {
        Node* var = reinterpret_cast<Node*>(lfirst_node(TargetEntry, cell)->expr);
        for (const route::Replacement& item : translated.result->replacements) {
            if (translated.tree->nodes[item.expr_id] != var) continue;
            if (item.recipe.kind != route::RecipeKind::kColumn) return NIL;
            lfirst_int(list_nth_cell(attributes, static_cast<int>(item.recipe.first))) =
                reinterpret_cast<Var*>(var)->varattno;
        }
    }
    return attributes;
}

// By parameter.
PgList* key_numbers(const Translated& translated) {
    PgList* numbers = NIL;
    ListCell* cell;
    foreach (cell, used_constants(translated.tree, *translated.result))
        numbers = lappend_int(numbers, keys_of(static_cast<Node*>(lfirst(cell))));
    return numbers;
}

// UPDATE and DELETE take what ships from the scan below them.
bool is_written(const ScanQuery& from) {
    const Query* query = from.root->parse;
    return query->commandType != CMD_SELECT && query->commandType != CMD_INSERT &&
           bms_is_member(static_cast<int>(from.rel->relid), from.root->all_result_relids);
}

PgList* copy_of(PgList* list) {
    return static_cast<PgList*>(copyObjectImpl(list));
}

PgList* private_of(const Translated& translated, const ScanQuery& from) {
    const route::TranslationResult& result = *translated.result;
    PgList* lists[kForeignMutation + 1] = {};
    lists[kForeignKeys] = key_numbers(translated);
    for (const Text& name : result.relations[0].columns)
        lists[kForeignNames] = lappend(lists[kForeignNames], makeString(c_string_of(name)));
    for (const route::RemoteColumn& column : result.columns) {
        lists[kForeignColumnTypes] =
            lappend(lists[kForeignColumnTypes], makeString(c_string_of(column.clickhouse_type)));
        lists[kForeignTypes] = lappend_oid(lists[kForeignTypes], column.type);
        lists[kForeignTypmods] = lappend_int(lists[kForeignTypmods], column.typmod);
    }
    if (from.values == NIL) lists[kForeignAttributes] = attributes_of(translated);
    for (const route::UsedConstant& used : result.constants) {
        lists[kForeignParameterNames] =
            lappend(lists[kForeignParameterNames], makeString(c_string_of(used.parameter)));
        lists[kForeignParameterTypes] =
            lappend(lists[kForeignParameterTypes], makeString(c_string_of(used.clickhouse_type)));
        bool digits = used.part == route::ConstantPart::kDigits;
        lists[kForeignParameterParts] =
            lappend_int(lists[kForeignParameterParts],
                        static_cast<int>(digits ? route::ConstantPart::kWhole : used.part));
    }
    lists[kForeignTable] = list_make2_oid(from.entry->relid, from.user);
    if (is_written(from)) lists[kForeignConditions] = copy_of(from.conditions);
    PgList* all = list_make1(makeString(c_string_of(result.sql)));
    for (int i = kForeignNames; i <= kForeignMutation; ++i) all = lappend(all, lists[i]);
    return all;
}

PgList* expressions_of(const Translated& translated, ScanQuery* from) {
    PgList* constants = used_constants(translated.tree, *translated.result);
    return reinterpret_cast<PgList*>(
        put_back(reinterpret_cast<Node*>(constants), &from->stand_ins));
}

ScanQuery query_of(PlannerInfo* root, const RelOptInfo* rel) {
    ScanQuery query = {};
    query.root = root;
    query.rel = rel;
    query.entry = planner_rt_fetch(rel->relid, root);
    query.user = scan_user(root, rel);
    query.stand_ins.table = rel->relid;
    return query;
}

ForeignScan* plan(PlannerInfo* root, RelOptInfo* rel, Oid relid, ForeignPath* path, PgList* targets,
                  PgList* clauses, Plan* outer) {
    const CatalogTable* table = find_foreign_table(relid);
    ScanQuery query = query_of(root, rel);
    PgList* remote;
    PgList* local;
    Bitmapset* columns = nullptr;
    add_columns(&columns, reinterpret_cast<Node*>(rel->reltarget->exprs), query, *table);
    check_columns(columns, *table);
    query.columns = one_column(*table);
    divide(&query, extract_actual_clauses(clauses, false), &remote, &local);
    remote = list_concat(remote, path->fdw_private);
    add_columns(&columns, reinterpret_cast<Node*>(local), query, *table);
    check_columns(columns, *table);
    if (!bms_is_empty(columns)) query.columns = columns;
    query.conditions = remote;
    Translated translated = {};
    Failure failure = {};
    if (!translate_scan(&query, &translated, &failure))
        ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
                        errmsg("foreign table \"%s\" cannot be read: %s", get_rel_name(relid),
                               failure.message)));
    PgList* carried = private_of(translated, query);
    return make_foreignscan(targets, local, rel->relid, expressions_of(translated, &query), carried,
                            NIL, NIL, outer);
}

bool ships_alone(PlannerInfo* root, const RelOptInfo* rel, Node* condition) {
    ScanQuery query = query_of(root, rel);
    query.columns = one_column(*find_foreign_table(query.entry->relid));
    return ships(&query, list_make1(condition));
}

// Which result of the query the expression is as a whole; -1: none.
int place_of(const Translated& translated, const Node* expr) {
    for (const route::Replacement& item : translated.result->replacements)
        if (translated.tree->nodes[item.expr_id] == expr &&
            item.recipe.kind == route::RecipeKind::kColumn)
            return static_cast<int>(item.recipe.first);
    return -1;
}

Param* parameter_of_keys(const KeyCondition& wish) {
    Param* keys = makeNode(Param);
    keys->paramkind = PARAM_EXTERN;
    keys->paramid = kFirstKeys + wish.number;
    keys->paramtype = get_array_type(wish.key_type);
    keys->paramtypmod = -1;
    keys->paramcollid = get_typcollation(keys->paramtype);
    keys->location = -1;
    return OidIsValid(keys->paramtype) ? keys : nullptr;
}

}  // namespace

bool condition_ships(PlannerInfo* root, const RelOptInfo* rel, Node* condition) {
    return ships_alone(root, rel, condition);
}

Node* condition_of_keys(PlannerInfo* root, const RelOptInfo* rel, const KeyCondition& wish) {
    Param* keys = parameter_of_keys(wish);
    if (keys == nullptr) return nullptr;
    ScalarArrayOpExpr* condition = makeNode(ScalarArrayOpExpr);
    condition->opno = wish.op;
    condition->opfuncid = get_opcode(wish.op);
    condition->useOr = true;
    condition->inputcollid = wish.collation;
    condition->args = list_make2(wish.operand, keys);
    condition->location = -1;
    Node* node = reinterpret_cast<Node*>(condition);
    return ships_alone(root, rel, node) ? node : nullptr;
}

bool plan_values(PlannerInfo* root, const RelOptInfo* rel, PgList* values, ValuesPlan* made,
                 Failure* failure) {
    ScanQuery query = query_of(root, rel);
    query.values = values;
    Translated translated = {};
    if (!translate_scan(&query, &translated, failure)) return false;
    made->places = make_array<int>(static_cast<size_t>(list_length(values)));
    int count = 0;
    ListCell* cell;
    foreach (cell, translated.tree->simplified->targetList) {
        const Node* expr = reinterpret_cast<Node*>(lfirst_node(TargetEntry, cell)->expr);
        made->places[count] = place_of(translated, expr);
        if (made->places[count++] >= 0) continue;
        set_failure(failure, "expression", "ClickHouse cannot compute a value as a whole", "");
        return false;
    }
    made->carried = private_of(translated, query);
    made->expressions = expressions_of(translated, &query);
    return true;
}

void set_scan_planning(FdwRoutine* routine) {
    routine->GetForeignRelSize = foreign_rel_size;
    routine->GetForeignPaths = foreign_paths;
    routine->GetForeignPlan = plan;
}

}  // namespace tandem::shell
