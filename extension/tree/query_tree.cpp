// Queries: FROM, targets, grouping, sorting. Expressions are in expression_tree.cpp.
#include "extension/shell/pg.h"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "parser/parse_agg.h"
#include "parser/parse_coerce.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"
}

#include "extension/catalog/foreign.h"
#include "extension/shell/foreign_compat.h"
#include "extension/shell/memory.h"
#include "extension/tree/collation.h"
#include "extension/tree/plan_rows.h"
#include "extension/tree/set_calls.h"
#include "extension/tree/tree_builder.h"
#include "extension/tree/whole_rows.h"

namespace tandem::shell {

using route::FromItem;
using route::JoinKind;
using route::Relation;
using route::RelationKind;
using route::SortKey;
using route::Target;

void set_failure(Failure* failure, const char* code, const char* message, const char* advice) {
    *failure = {};
    copy_text(failure->code, sizeof failure->code, code);
    copy_text(failure->message, sizeof failure->message, message);
    copy_text(failure->advice, sizeof failure->advice, advice);
    copy_text(failure->sqlstate, sizeof failure->sqlstate, "TD014");
}

void refuse(TreeBuilder* builder, const char* code, const char* message, const char* advice) {
    if (builder->refused) return;
    builder->refused = true;
    set_failure(&builder->tree->failure, code, message, advice);
}

namespace {

Node* fold_mutator(Node* node, void* root) {
    return eval_const_expressions(static_cast<PlannerInfo*>(root), node);
}

// What the planner does first as well: join aliases become columns of their relations, constants
// are folded and simple SQL functions inlined.
void simplify(TreeBuilder* builder, ::Query* query) {
    flatten_group_vars(query);
    query->targetList = reinterpret_cast<PgList*>(
        flatten_join_aliases(query, reinterpret_cast<Node*>(query->targetList)));
    query->jointree = reinterpret_cast<FromExpr*>(
        flatten_join_aliases(query, reinterpret_cast<Node*>(query->jointree)));
    query->havingQual = flatten_join_aliases(query, query->havingQual);
    expand_rows(query);
    ListCell* cell;
    foreach (cell, query->rtable) {
        RangeTblEntry* rte = lfirst_node(RangeTblEntry, cell);
        if (!rte->lateral) continue;
        if (rte->rtekind == RTE_SUBQUERY)
            rte->subquery = reinterpret_cast<::Query*>(
                flatten_join_aliases(query, reinterpret_cast<Node*>(rte->subquery)));
        else if (rte->rtekind == RTE_FUNCTION)
            rte->functions = reinterpret_cast<PgList*>(
                flatten_join_aliases(query, reinterpret_cast<Node*>(rte->functions)));
        else if (rte->rtekind == RTE_VALUES)
            rte->values_lists = reinterpret_cast<PgList*>(
                flatten_join_aliases(query, reinterpret_cast<Node*>(rte->values_lists)));
    }
    query_tree_mutator(query, as_mutator(fold_mutator), builder->root,
                       QTW_IGNORE_RC_SUBQUERIES | QTW_IGNORE_JOINALIASES | QTW_DONT_COPY_QUERY);
}

struct ColumnUse {
    Bitmapset** columns;  // by rtindex
    int relations;
    Index level;
};

// Whatever cannot be told column by column counts as used: whole rows (column 0), join columns.
bool collect_used(Node* node, void* context) {
    if (node == nullptr) return false;
    ColumnUse* use = static_cast<ColumnUse*>(context);
    if (IsA(node, Var)) {
        Var* var = reinterpret_cast<Var*>(node);
        if (var->varlevelsup == use->level && var->varno <= use->relations)
            use->columns[var->varno] =
                bms_add_member(use->columns[var->varno], Max(var->varattno, 0));
        return false;
    }
    if (IsA(node, Query)) {
        ++use->level;
        query_tree_walker(reinterpret_cast<::Query*>(node), as_walker(collect_used), context,
                          QTW_IGNORE_JOINALIASES);
        --use->level;
        return false;
    }
    return expression_tree_walker(node, as_walker(collect_used), context);
}

void find_used_columns(Level* level) {
    ::Query* query = level->query;
    int relations = list_length(query->rtable);
    level->used_columns = make_array<Bitmapset*>(static_cast<size_t>(relations) + 1);
    ColumnUse use = {level->used_columns, relations, 0};
    query_tree_walker(query, as_walker(collect_used), &use, QTW_IGNORE_JOINALIASES);
    for (int i = 1; i <= relations; ++i) {
        // A column of a join that is left stands for columns of its relations.
        if (rt_fetch(i, query->rtable)->rtekind != RTE_JOIN || level->used_columns[i] == nullptr)
            continue;
        for (int k = 1; k <= relations; ++k)
            level->used_columns[k] = bms_add_member(level->used_columns[k], 0);
    }
}

bool is_used(const TargetEntry* entry, const Bitmapset* const* used, const ::Query* query) {
    if (used == nullptr || entry->resjunk || entry->ressortgroupref != 0) return true;
    // Without its last aggregate a query would no longer be one of a single row.
    if (query->hasAggs && query->groupClause == NIL &&
        contain_agg_clause(reinterpret_cast<Node*>(entry->expr)))
        return true;
    return bms_is_member(entry->resno, *used) || bms_is_member(0, *used);
}

// What nobody reads is not computed: it might raise an error, or not be translatable.
Bitmapset* drop_unused(::Query* query, const Bitmapset* const* used) {
    Bitmapset* dropped = nullptr;
    ListCell* cell;
    foreach (cell, query->targetList) {
        TargetEntry* entry = lfirst_node(TargetEntry, cell);
        if (is_used(entry, used, query)) continue;
        Node* expression = reinterpret_cast<Node*>(entry->expr);
        entry->expr = reinterpret_cast<Expr*>(
            makeNullConst(exprType(expression), exprTypmod(expression), exprCollation(expression)));
        dropped = bms_add_member(dropped, entry->resno);
    }
    return dropped;
}

// All tables of a query are of one server, and read as one user.
bool goes_with(PgList* tables, const CatalogTable* table) {
    if (tables == NIL) return true;
    const CatalogTable* first = static_cast<const CatalogTable*>(linitial(tables));
    if (first->foreign == nullptr || table->foreign == nullptr)
        return first->foreign == table->foreign;
    return first->foreign->server == table->foreign->server && first->target_id == table->target_id;
}

// The first table says which mirror is preferred; others may be in other mirrors of its target.
CatalogTable* find_mirrored(TreeBuilder* builder, ::Oid relid) {
    CatalogTable* table = find_mirrored_table(relid, builder->mirror_id, 0);
    if (builder->mirror_id != 0)
        return table != nullptr ? table : find_table_on_target(relid, builder->target_id);
    if (table == nullptr) return nullptr;
    builder->mirror_id = table->mirror_id;
    builder->target_id = table->target_id;
    return table;
}

CatalogTable* planned_table(TreeBuilder* builder, const RangeTblEntry* rte) {
    int user = static_cast<int>(checked_as(builder->level->query, rte));
    bool foreign = rte->relkind == RELKIND_FOREIGN_TABLE;
    ListCell* cell;
    foreach (cell, builder->tree->tables) {
        CatalogTable* table = static_cast<CatalogTable*>(lfirst(cell));
        if (table->relid == rte->relid && (!foreign || table->target_id == user)) return table;
    }
    CatalogTable* table =
        foreign ? find_foreign_table(rte->relid) : find_mirrored(builder, rte->relid);
    if (table == nullptr) return nullptr;
    if (foreign) table->target_id = user;
    if (!goes_with(builder->tree->tables, table)) return nullptr;
    builder->tree->tables = lappend(builder->tree->tables, table);
    return table;
}

int table_number(PgList* tables, const CatalogTable* table) {
    int number = 0;
    ListCell* cell;
    foreach (cell, tables) {
        if (lfirst(cell) == table) break;
        ++number;
    }
    return number;
}

double estimated_rows(::Oid relid) {
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
    if (!HeapTupleIsValid(tuple)) return 0;
    double rows = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->reltuples;
    ReleaseSysCache(tuple);
    return rows < 0 ? 0 : rows;
}

// Columns with the collation of the relation's own attribute.
void fill_columns(Relation* relation, const CatalogTable* table) {
    route::MirroredColumn* columns = make_array<route::MirroredColumn>(table->column_count);
    int32_t* key = make_array<int32_t>(table->column_count);
    uint32_t key_count = 0;
    for (int i = 0; i < table->column_count; ++i) {
        const CatalogColumn& from = table->columns[i];
        route::MirroredColumn& to = columns[i];
        ::Oid type;
        int32 typmod;
        ::Oid collation = InvalidOid;
        to.type = from.type;
        to.typmod = from.typmod;
        // A dropped column has no type any more.
        if (OidIsValid(get_atttype(table->relid, static_cast<AttrNumber>(from.attnum)))) {
            get_atttypetypmodcoll(table->relid, static_cast<AttrNumber>(from.attnum), &type,
                                  &typmod, &collation);
            to.typmod = typmod;
            to.type = getBaseTypeAndTypmod(type, &to.typmod);
        }
        to.attnum = from.attnum;
        to.name = text_of(from.target_column);
        to.target_type = text_of(from.target_type);
        to.exact = from.exact;
        to.as_text = from.as_text;
        if (from.opaque) to.type = InvalidOid;
        to.collation = collation_class(collation);
        if (from.key_position > 0) key[key_count++] = from.attnum;
    }
    relation->columns = {columns, static_cast<uint32_t>(table->column_count)};
    relation->key = {key, key_count};
    route::JsonKeyColumns* keys = make_array<route::JsonKeyColumns>(table->json_key_count);
    for (int i = 0; i < table->json_key_count; ++i) {
        const CatalogJsonKey& from = table->json_keys[i];
        keys[i].attnum = from.attnum;
        keys[i].key = text_of(from.key);
        keys[i].text = text_of(from.text_column);
        keys[i].kind = text_of(from.kind_column);
    }
    relation->json_keys = {keys, static_cast<uint32_t>(table->json_key_count)};
}

bool table_kind_fits(TreeBuilder* builder, const RangeTblEntry* rte) {
    char kind = rte->relkind;
    if (rte->tablesample != nullptr)
        return refuse(builder, "tablesample", "TABLESAMPLE picks rows by their place in Postgres"),
               false;
    bool foreign = kind == RELKIND_FOREIGN_TABLE && foreign_servers_exist();
    if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE && !foreign)
        return refuse(builder, "unmirrored_relation",
                      psprintf("relation \"%s\" is not a table", get_rel_name(rte->relid)),
                      "Only tables are mirrored."),
               false;
    if (kind == RELKIND_PARTITIONED_TABLE && !rte->inh)
        return refuse(builder, "only_partitioned", "ONLY of a partitioned table is empty"), false;
    if (kind != RELKIND_PARTITIONED_TABLE && rte->inh && has_subclass(rte->relid))
        return refuse(builder, "inheritance",
                      psprintf("table \"%s\" has inheritance children", get_rel_name(rte->relid)),
                      "Query the children by themselves, or use ONLY."),
               false;
    return true;
}

void convert_table(TreeBuilder* builder, Relation* relation, const RangeTblEntry* rte) {
    relation->kind = RelationKind::kTable;
    if (!table_kind_fits(builder, rte)) return;
    CatalogTable* table = planned_table(builder, rte);
    if (table == nullptr) {
        refuse(builder, "unmirrored_relation",
               psprintf("table \"%s\" is not mirrored", get_rel_name(rte->relid)),
               "Add it to a mirror: `tandem mirror add NAME --table TABLE`.");
        return;
    }
    relation->id = static_cast<uint32_t>(table_number(builder->tree->tables, table));
    relation->database = text_of(table->database);
    relation->table = text_of(table->target_table);
    relation->rows = planned_rows(builder->plan, rte->relid);
    if (relation->rows < 0) relation->rows = estimated_rows(rte->relid);
    fill_columns(relation, table);
}

::Query* find_cte(TreeBuilder* builder, const RangeTblEntry* rte, bool* shared) {
    Level* level = builder->level;
    for (Index up = 0; up < rte->ctelevelsup && level != nullptr; ++up) level = level->parent;
    if (level == nullptr) return nullptr;
    ListCell* cell;
    foreach (cell, level->query->cteList) {
        CommonTableExpr* cte = lfirst_node(CommonTableExpr, cell);
        if (strcmp(cte->ctename, rte->ctename) != 0) continue;
        if (cte->cterecursive || !IsA(cte->ctequery, Query)) return nullptr;
        // Postgres evaluates it once; in ClickHouse each use is a subquery of its own.
        *shared = cte->cterefcount > 1;
        ::Query* query = static_cast<::Query*>(copyObjectImpl(cte->ctequery));
        IncrementVarSublevelsUp(reinterpret_cast<Node*>(query), static_cast<int>(rte->ctelevelsup),
                                1);
        return query;
    }
    return nullptr;
}

void convert_values(TreeBuilder* builder, Relation* relation, const RangeTblEntry* rte) {
    relation->kind = RelationKind::kValues;
    auto* rows = make_array<tandem::List<const route::Expr*>>(list_length(rte->values_lists));
    uint32_t row_count = 0;
    ListCell* cell;
    foreach (cell, rte->values_lists) {
        PgList* row = lfirst_node(List, cell);
        const route::Expr** items = make_array<const route::Expr*>(list_length(row));
        uint32_t count = 0;
        ListCell* item;
        foreach (item, row)
            items[count++] = convert_expression(builder, static_cast<Node*>(lfirst(item)));
        rows[row_count++] = {items, count};
    }
    relation->values = {rows, row_count};
}

// A function that returns a set of plain values.
void convert_set_function(TreeBuilder* builder, Relation* relation, const RangeTblEntry* rte) {
    relation->kind = RelationKind::kFunction;
    relation->ordinality = rte->funcordinality;
    Node* node = nullptr;
    if (list_length(rte->functions) == 1) {
        RangeTblFunction* function = linitial_node(RangeTblFunction, rte->functions);
        node = function->funccolnames == NIL ? function->funcexpr : nullptr;
    }
    FuncExpr* call = node != nullptr && IsA(node, FuncExpr) ? castNode(FuncExpr, node) : nullptr;
    // The two columns of jsonb_each() are known to the translator.
    bool pairs = call != nullptr && call->funcresulttype == RECORDOID &&
                 is_builtin_function(call->funcid) &&
                 strncmp(get_func_name(call->funcid), "jsonb_each", strlen("jsonb_each")) == 0;
    if (call == nullptr || !call->funcretset || call->funcvariadic ||
        (type_is_rowtype(call->funcresulttype) && !pairs))
        return refuse(builder, "from_item", "FROM has a function other than a series");
    relation->function = convert_set_call(builder, call);
}

void convert_relation(TreeBuilder* builder, Relation* relation, RangeTblEntry* rte,
                      const Bitmapset* used) {
    relation->alias = text_of(rte->eref == nullptr ? "" : rte->eref->aliasname);
    relation->lateral = rte->lateral;
    relation->secured = rte->securityQuals != NIL || rte->security_barrier;
    ::Query* subquery = nullptr;
    switch (rte->rtekind) {
        case RTE_RELATION:
            convert_table(builder, relation, rte);
            if (rte->securityQuals != NIL)
                relation->filter = convert_expression(
                    builder, reinterpret_cast<Node*>(make_ands_explicit(rte->securityQuals)));
            return;
        case RTE_SUBQUERY:
            subquery = rte->subquery;
            break;
        case RTE_CTE:
            subquery = find_cte(builder, rte, &relation->shared);
            break;
        case RTE_VALUES:
            return convert_values(builder, relation, rte);
        case RTE_FUNCTION:
            // A simple SQL function is the query that it holds, as for the planner.
            subquery = inline_set_returning_function(builder->root, rte);
            if (subquery == nullptr) return convert_set_function(builder, relation, rte);
            break;
        default:
            break;
    }
    relation->kind = RelationKind::kSubquery;
    if (subquery == nullptr) {
        refuse(builder, "from_item", "FROM has a function or a recursive query",
               "Only tables, views, subqueries and WITH queries run in ClickHouse.");
        return;
    }
    relation->subquery = convert_query(builder, subquery, &used);
}

uint32_t relation_of(TreeBuilder* builder, int rtindex) {
    Level* level = builder->level;
    uint32_t index = level->relation_count++;
    level->relation_by_rtindex[rtindex] = static_cast<int>(index);
    convert_relation(builder, &level->relations[index], rt_fetch(rtindex, level->query->rtable),
                     level->used_columns[rtindex]);
    return index;
}

JoinKind join_kind(TreeBuilder* builder, JoinType type) {
    switch (type) {
        case JOIN_INNER:
            return JoinKind::kInner;
        case JOIN_LEFT:
            return JoinKind::kLeft;
        case JOIN_RIGHT:
            return JoinKind::kRight;
        case JOIN_FULL:
            return JoinKind::kFull;
        default:
            refuse(builder, "join", "a join of this kind is not translated");
            return JoinKind::kInner;
    }
}

const FromItem* convert_from(TreeBuilder* builder, Node* node) {
    FromItem* item = make<FromItem>();
    if (++builder->depth > kTreeDepthMax)
        refuse(builder, "too_deep", "the query is nested too deeply");
    else if (IsA(node, RangeTblRef))
        item->relation = relation_of(builder, reinterpret_cast<RangeTblRef*>(node)->rtindex);
    else if (IsA(node, JoinExpr)) {
        JoinExpr* join = reinterpret_cast<JoinExpr*>(node);
        item->is_join = true;
        item->join = join_kind(builder, join->jointype);
        item->left = convert_from(builder, join->larg);
        item->right = convert_from(builder, join->rarg);
        if (join->quals != nullptr) item->on = convert_expression(builder, join->quals);
    } else {
        refuse(builder, "from_item", "FROM has a form that is not translated");
    }
    --builder->depth;
    return item;
}

void convert_from_list(TreeBuilder* builder, route::Query* to, PgList* from_list) {
    const FromItem** items = make_array<const FromItem*>(list_length(from_list));
    uint32_t count = 0;
    ListCell* cell;
    foreach (cell, from_list)
        items[count++] = convert_from(builder, static_cast<Node*>(lfirst(cell)));
    to->from = {items, count};
}

// An expression of the select list that other clauses refer to.
const route::Expr* convert_target(TreeBuilder* builder, Node* node) {
    Level* level = builder->level;
    ListCell* known;
    ListCell* expression;
    forboth(known, level->target_nodes, expression, level->target_expressions) {
        if (lfirst(known) == node) return static_cast<const route::Expr*>(lfirst(expression));
    }
    const route::Expr* made = convert_expression(builder, node);
    level->target_nodes = lappend(level->target_nodes, node);
    level->target_expressions = lappend(level->target_expressions, const_cast<route::Expr*>(made));
    return made;
}

tandem::List<Target> convert_targets(TreeBuilder* builder, PgList* list, const Bitmapset* unused) {
    Target* targets = make_array<Target>(list_length(list));
    uint32_t count = 0;
    ListCell* cell;
    foreach (cell, list) {
        TargetEntry* entry = lfirst_node(TargetEntry, cell);
        Target& target = targets[count++];
        target.unused = bms_is_member(entry->resno, unused);
        if (!target.unused)
            target.expr = convert_target(builder, reinterpret_cast<Node*>(entry->expr));
        target.name = text_of(entry->resname == nullptr ? "" : entry->resname);
        target.junk = entry->resjunk;
    }
    return {targets, count};
}

tandem::List<const route::Expr*> convert_clauses(TreeBuilder* builder, PgList* clauses,
                                                 PgList* targets) {
    const route::Expr** items = make_array<const route::Expr*>(list_length(clauses));
    uint32_t count = 0;
    ListCell* cell;
    foreach (cell, clauses)
        items[count++] = convert_target(
            builder, get_sortgroupclause_expr(lfirst_node(SortGroupClause, cell), targets));
    return {items, count};
}

void convert_window(TreeBuilder* builder, route::Window* to, const WindowClause* from,
                    PgList* targets) {
    using route::FrameBound;
    to->partition_by = convert_clauses(builder, from->partitionClause, targets);
    to->order_by = convert_sort_keys(builder, from->orderClause, targets);
    int options = from->frameOptions;
    to->default_frame = (options & FRAMEOPTION_NONDEFAULT) == 0;
    to->unit = (options & FRAMEOPTION_ROWS)     ? route::FrameUnit::kRows
               : (options & FRAMEOPTION_GROUPS) ? route::FrameUnit::kGroups
                                                : route::FrameUnit::kRange;
    to->start = (options & FRAMEOPTION_START_UNBOUNDED_PRECEDING) ? FrameBound::kUnboundedPreceding
                : (options & FRAMEOPTION_START_CURRENT_ROW)       ? FrameBound::kCurrentRow
                : (options & FRAMEOPTION_START_OFFSET_PRECEDING)  ? FrameBound::kPreceding
                : (options & FRAMEOPTION_START_OFFSET_FOLLOWING)  ? FrameBound::kFollowing
                                                                  : FrameBound::kUnboundedFollowing;
    to->end = (options & FRAMEOPTION_END_UNBOUNDED_FOLLOWING) ? FrameBound::kUnboundedFollowing
              : (options & FRAMEOPTION_END_CURRENT_ROW)       ? FrameBound::kCurrentRow
              : (options & FRAMEOPTION_END_OFFSET_PRECEDING)  ? FrameBound::kPreceding
              : (options & FRAMEOPTION_END_OFFSET_FOLLOWING)  ? FrameBound::kFollowing
                                                              : FrameBound::kUnboundedPreceding;
    to->exclude = (options & FRAMEOPTION_EXCLUSION) != 0;
    if (from->startOffset != nullptr)
        to->start_offset = convert_expression(builder, from->startOffset);
    if (from->endOffset != nullptr) to->end_offset = convert_expression(builder, from->endOffset);
}

void convert_windows(TreeBuilder* builder, route::Query* to, const ::Query* from) {
    route::Window* windows = make_array<route::Window>(list_length(from->windowClause));
    uint32_t count = 0;
    ListCell* cell;
    foreach (cell, from->windowClause)
        convert_window(builder, &windows[count++], lfirst_node(WindowClause, cell),
                       from->targetList);
    to->windows = {windows, count};
}

route::SetOperation set_operation(SetOperation operation) {
    switch (operation) {
        case SETOP_UNION:
            return route::SetOperation::kUnion;
        case SETOP_INTERSECT:
            return route::SetOperation::kIntersect;
        case SETOP_EXCEPT:
            return route::SetOperation::kExcept;
        default:
            return route::SetOperation::kNone;
    }
}

void convert_set_operation(TreeBuilder* builder, route::Query* to, const SetOperationStmt* from);

// The planner casts the columns of a branch to the types of the whole.
void cast_branch(TreeBuilder* builder, ::Query* branch, const SetOperationStmt* whole) {
    int at = 0;
    ListCell* cell;
    foreach (cell, branch->targetList) {
        TargetEntry* entry = lfirst_node(TargetEntry, cell);
        if (entry->resjunk) continue;
        ::Oid wanted = list_nth_oid(whole->colTypes, at++);
        Node* expression = reinterpret_cast<Node*>(entry->expr);
        if (exprType(expression) == wanted) continue;
        // What is sorted or grouped by is compared as what it was.
        if (entry->ressortgroupref != 0 || branch->distinctClause != NIL)
            return refuse(builder, "set_operation", "a branch is compared before it is cast");
        entry->expr =
            reinterpret_cast<Expr*>(coerce_to_common_type(nullptr, expression, wanted, "UNION"));
    }
}

const route::Query* convert_set_argument(TreeBuilder* builder, Node* node,
                                         const SetOperationStmt* whole) {
    if (IsA(node, SetOperationStmt)) {
        if (!equal(reinterpret_cast<SetOperationStmt*>(node)->colTypes, whole->colTypes))
            refuse(builder, "set_operation", "branches of a set operation are of other types");
        route::Query* query = make<route::Query>();
        convert_set_operation(builder, query, reinterpret_cast<SetOperationStmt*>(node));
        return query;
    }
    RangeTblRef* reference = castNode(RangeTblRef, node);
    RangeTblEntry* rte = rt_fetch(reference->rtindex, builder->level->query->rtable);
    cast_branch(builder, rte->subquery, whole);
    return convert_query(builder, rte->subquery);
}

void convert_set_operation(TreeBuilder* builder, route::Query* to, const SetOperationStmt* from) {
    to->set_operation = set_operation(from->op);
    to->set_all = from->all;
    to->left = convert_set_argument(builder, from->larg, from);
    to->right = convert_set_argument(builder, from->rarg, from);
}

void check_shape(TreeBuilder* builder, const ::Query* query) {
    if (query->commandType != CMD_SELECT || query->hasModifyingCTE || query->rowMarks != NIL ||
        query->hasForUpdate)
        refuse(builder, "not_select", "the query writes or locks rows");
    if (query->hasRecursive) refuse(builder, "recursive", "WITH RECURSIVE runs in Postgres");
    if (query->hasTargetSRFs)
        refuse(builder, "set_returning", "set returning functions are among the results");
}

// The index of a column of GROUP BY by its reference.
uint32_t group_index(const ::Query* query, int reference) {
    uint32_t index = 0;
    ListCell* cell;
    foreach (cell, query->groupClause) {
        if (lfirst_node(SortGroupClause, cell)->tleSortGroupRef == static_cast<Index>(reference))
            break;
        ++index;
    }
    return index;
}

// More sets than these are refused: each reads the tables once.
constexpr int kGroupingSetsMax = 16;

void convert_grouping_sets(TreeBuilder* builder, route::Query* to, const ::Query* from) {
    PgList* sets = expand_grouping_sets(from->groupingSets, from->groupDistinct, 4096);
    if (list_length(sets) > kGroupingSetsMax)
        return refuse(builder, "grouping_sets", "there are too many grouping sets");
    auto* items = make_array<tandem::List<uint32_t>>(list_length(sets));
    uint32_t count = 0;
    ListCell* cell;
    foreach (cell, sets) {
        PgList* set = static_cast<PgList*>(lfirst(cell));
        uint32_t* indexes = make_array<uint32_t>(list_length(set));
        uint32_t size = 0;
        ListCell* reference;
        foreach (reference, set) indexes[size++] = group_index(from, lfirst_int(reference));
        items[count++] = {indexes, size};
    }
    to->grouping_sets = {items, count};
}

void convert_body(TreeBuilder* builder, route::Query* to, ::Query* from, const Bitmapset* unused) {
    if (from->setOperations != nullptr)
        convert_set_operation(builder, to, castNode(SetOperationStmt, from->setOperations));
    else
        convert_from_list(builder, to, from->jointree->fromlist);
    if (from->jointree->quals != nullptr)
        to->where = convert_expression(builder, from->jointree->quals);
    to->targets = convert_targets(builder, from->targetList, unused);
    to->group_by = convert_clauses(builder, from->groupClause, from->targetList);
    to->has_grouping_sets = from->groupingSets != NIL;
    if (to->has_grouping_sets) convert_grouping_sets(builder, to, from);
    to->has_aggregates = from->hasAggs;
    if (from->havingQual != nullptr) to->having = convert_expression(builder, from->havingQual);
    convert_windows(builder, to, from);
    to->distinct = from->distinctClause != NIL && !from->hasDistinctOn;
    if (from->hasDistinctOn)
        to->distinct_on = convert_clauses(builder, from->distinctClause, from->targetList);
    to->order_by = convert_sort_keys(builder, from->sortClause, from->targetList);
    if (from->limitCount != nullptr) to->limit = convert_expression(builder, from->limitCount);
    if (from->limitOffset != nullptr) to->offset = convert_expression(builder, from->limitOffset);
    to->with_ties = from->limitOption == LIMIT_OPTION_WITH_TIES;
}

}  // namespace

tandem::List<SortKey> convert_sort_keys(TreeBuilder* builder, PgList* clauses, PgList* targets) {
    SortKey* keys = make_array<SortKey>(list_length(clauses));
    uint32_t count = 0;
    ListCell* cell;
    foreach (cell, clauses) {
        SortGroupClause* clause = lfirst_node(SortGroupClause, cell);
        Node* expression = get_sortgroupclause_expr(clause, targets);
        SortKey& key = keys[count++];
        key.expr = convert_target(builder, expression);
        key.nulls_first = clause->nulls_first;
        TypeCacheEntry* type =
            lookup_type_cache(exprType(expression), TYPECACHE_LT_OPR | TYPECACHE_GT_OPR);
        key.descending = clause->sortop == type->gt_opr;
        key.default_operator = key.descending || clause->sortop == type->lt_opr;
    }
    return {keys, count};
}

const route::Query* convert_query(TreeBuilder* builder, ::Query* query,
                                  const Bitmapset* const* used) {
    route::Query* to = make<route::Query>();
    if (++builder->depth > kTreeDepthMax) {
        refuse(builder, "too_deep", "the query is nested too deeply");
        --builder->depth;
        return to;
    }
    move_set_call(query);
    check_shape(builder, query);
    Bitmapset* unused = drop_unused(query, used);
    simplify(builder, query);
    Level level;
    level.query = query;
    level.parent = builder->level;
    int entries = list_length(query->rtable);
    level.relation_by_rtindex = make_array<int>(entries + 1);
    for (int i = 0; i <= entries; ++i) level.relation_by_rtindex[i] = -1;
    level.relations = make_array<Relation>(entries);
    find_used_columns(&level);
    builder->level = &level;
    Node* outer_case_argument = builder->case_argument;
    builder->case_argument = nullptr;
    convert_body(builder, to, query, unused);
    to->relations = {level.relations, level.relation_count};
    builder->case_argument = outer_case_argument;
    builder->level = level.parent;
    --builder->depth;
    return to;
}

namespace {

// Of a value that came from ClickHouse the answer would be another one.
bool is_about_storage(Oid function, void*) {
#ifdef F_PG_COLUMN_TOAST_CHUNK_ID  // since 17
    if (function == F_PG_COLUMN_TOAST_CHUNK_ID) return true;
#endif
    return function == F_PG_COLUMN_SIZE || function == F_PG_COLUMN_COMPRESSION;
}

bool looks_at_storage(Node* node, void* context) {
    if (node == nullptr) return false;
    if (check_functions_in_node(node, is_about_storage, context)) return true;
    if (nodeTag(node) == T_Query)
        return query_tree_walker(reinterpret_cast<::Query*>(node), as_walker(looks_at_storage),
                                 context, 0);
    return expression_tree_walker(node, as_walker(looks_at_storage), context);
}

}  // namespace

QueryTree* build_query_tree(::Query* query, ParamListInfo parameters, const PlannedStmt* plan) {
    QueryTree* tree = make<QueryTree>();
    TreeBuilder builder;
    builder.plan = plan;
    builder.tree = tree;
    builder.root = makeNode(PlannerInfo);
    builder.root->glob = makeNode(PlannerGlobal);
    builder.root->glob->boundParams = parameters;
    builder.root->parse = query;
    if (GetDatabaseEncoding() != PG_UTF8)
        refuse(&builder, "encoding", "the database's encoding is not UTF8");
    if (contain_volatile_functions(reinterpret_cast<Node*>(query)))
        refuse(&builder, "volatile", "the query calls a volatile function",
               "Its result may differ from call to call, so it runs in Postgres.");
    if (looks_at_storage(reinterpret_cast<Node*>(query), nullptr))
        refuse(&builder, "function", "a function looks at how Postgres stores a value",
               "It runs in Postgres.");
    if (!builder.refused) tree->query = convert_query(&builder, query);
    tree->simplified = query;
    if (builder.refused) tree->query = nullptr;
    return tree;
}

}  // namespace tandem::shell
