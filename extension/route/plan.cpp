// Postgres' finished plan stays as it is, because its range table, privileges and dependencies have
// to hold whichever side runs; it becomes the first child of the choice node. The second is the
// remote scan, whose projection computes what ClickHouse leaves to Postgres: of the analysed target
// list each expression that has a recipe is replaced by columns of the remote result, and nothing
// else may be left in it that only the query itself could compute (`unfinished`). Sort and Limit
// stand above it where the remote SQL has not done them.
#include "extension/shell/pg.h"

extern "C" {
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
}

#include "extension/route/plan.h"
#include "extension/shell/memory.h"
#include "extension/tree/enum_labels.h"

namespace tandem::shell {

namespace {

using route::Recipe;
using route::RecipeKind;

constexpr Oid kNumericEqualOperator = 1752;  // pg_operator.dat: numeric = numeric

struct Finaliser {
    const QueryTree* tree;
    const route::TranslationResult* translation;
};

Var* remote_var(const route::TranslationResult& translation, uint32_t column) {
    const route::RemoteColumn& remote = translation.columns[column];
    return makeVar(INDEX_VAR, static_cast<AttrNumber>(column + 1), remote.type, remote.typmod,
                   get_typcollation(remote.type), 0);
}

// numeric_div(sum, NULLIF(count, 0)), which is what avg does in Postgres.
Expr* average(const route::TranslationResult& translation, const Recipe& recipe) {
    Expr* sum = reinterpret_cast<Expr*>(remote_var(translation, recipe.first));
    Expr* count = reinterpret_cast<Expr*>(remote_var(translation, recipe.second));
    Const* zero = makeConst(NUMERICOID, -1, InvalidOid, -1,
                            DirectFunctionCall1(int4_numeric, Int32GetDatum(0)), false, false);
    NullIfExpr* divisor = makeNode(NullIfExpr);
    divisor->opno = kNumericEqualOperator;
    divisor->opfuncid = F_NUMERIC_EQ;
    divisor->opresulttype = NUMERICOID;
    divisor->args = list_make2(count, zero);
    divisor->location = -1;
    return reinterpret_cast<Expr*>(makeFuncExpr(F_NUMERIC_DIV, NUMERICOID, list_make2(sum, divisor),
                                                InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL));
}

// round(value, digits): the value comes with room for the most digits any of them has.
Expr* rounded(const route::TranslationResult& translation, const Recipe& recipe) {
    Expr* value = reinterpret_cast<Expr*>(remote_var(translation, recipe.first));
    Expr* digits = reinterpret_cast<Expr*>(remote_var(translation, recipe.second));
    return reinterpret_cast<Expr*>(makeFuncExpr(F_ROUND_NUMERIC_INT4, NUMERICOID,
                                                list_make2(value, digits), InvalidOid, InvalidOid,
                                                COERCE_EXPLICIT_CALL));
}

Expr* function(Oid id, Oid type, PgList* arguments) {
    return reinterpret_cast<Expr*>(
        makeFuncExpr(id, type, arguments, InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL));
}

Expr* number(int32 value) {
    return reinterpret_cast<Expr*>(
        makeConst(INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum(value), false, true));
}

// What stddev makes of a variance: its root, rounded to the same digits. sqrt() computes with as
// many as it is given; with so many more, rounding twice is rounding once.
Expr* root(const route::TranslationResult& translation, const Recipe& recipe) {
    Expr* value = reinterpret_cast<Expr*>(remote_var(translation, recipe.first));
    Expr* digits = reinterpret_cast<Expr*>(remote_var(translation, recipe.second));
    Expr* twice = function(F_INT4MUL, INT4OID, list_make2(digits, number(2)));
    Expr* more = function(F_INT4PL, INT4OID, list_make2(twice, number(30)));
    Expr* exact = function(F_ROUND_NUMERIC_INT4, NUMERICOID, list_make2(value, more));
    Expr* square_root = function(F_NUMERIC_SQRT, NUMERICOID, list_make1(exact));
    return function(F_ROUND_NUMERIC_INT4, NUMERICOID, list_make2(square_root, digits));
}

Expr* by_recipe(const route::TranslationResult& translation, const Recipe& recipe) {
    switch (recipe.kind) {
        case RecipeKind::kAverage:
            return average(translation, recipe);
        case RecipeKind::kRounded:
            return rounded(translation, recipe);
        case RecipeKind::kRoot:
            return root(translation, recipe);
        case RecipeKind::kShare:
            return function(F_INTERVAL_DIV, INTERVALOID,
                            list_make2(remote_var(translation, recipe.first),
                                       remote_var(translation, recipe.second)));
        case RecipeKind::kColumn:
            break;
    }
    return reinterpret_cast<Expr*>(remote_var(translation, recipe.first));
}

Node* replacement(const Finaliser& context, Node* node, const Recipe& recipe) {
    Expr* value = by_recipe(*context.translation, recipe);
    Oid type = exprType(node);
    if (exprType(reinterpret_cast<Node*>(value)) == type &&
        exprCollation(reinterpret_cast<Node*>(value)) == exprCollation(node))
        return reinterpret_cast<Node*>(value);
    // A domain, or text for varchar: the same bytes under another name.
    return reinterpret_cast<Node*>(
        makeRelabelType(value, type, exprTypmod(node), exprCollation(node), COERCE_IMPLICIT_CAST));
}

Node* finalise(Node* node, void* argument) {
    if (node == nullptr) return nullptr;
    const Finaliser& context = *static_cast<const Finaliser*>(argument);
    for (const route::Replacement& item : context.translation->replacements)
        if (item.expr_id < context.tree->node_count && context.tree->nodes[item.expr_id] == node)
            return replacement(context, node, item.recipe);
    return expression_tree_mutator(node, as_mutator(finalise), argument);
}

// After finalisation nothing may be left that only the query itself could compute.
bool unfinished(Node* node, void* context) {
    if (node == nullptr) return false;
    switch (nodeTag(node)) {
        case T_Aggref:
        case T_WindowFunc:
        case T_GroupingFunc:
        case T_SubLink:
            return true;
        case T_Var:
            return reinterpret_cast<Var*>(node)->varno != INDEX_VAR;
        default:
            return expression_tree_walker(node, as_walker(unfinished), context);
    }
}

// Set operations add columns of their own, which nobody sees.
bool same_layout(PgList* planned, PgList* analysed) {
    if (list_length(planned) < list_length(analysed)) return false;
    for (int i = list_length(analysed); i < list_length(planned); ++i)
        if (!list_nth_node(TargetEntry, planned, i)->resjunk) return false;
    ListCell* left;
    ListCell* right;
    forboth(left, planned, right, analysed) {
        TargetEntry* a = lfirst_node(TargetEntry, left);
        TargetEntry* b = lfirst_node(TargetEntry, right);
        if (a->resno != b->resno || a->resjunk != b->resjunk ||
            exprType(reinterpret_cast<Node*>(a->expr)) !=
                exprType(reinterpret_cast<Node*>(b->expr)))
            return false;
    }
    return true;
}

// The columns that a client sees, which come first.
bool same_visible_columns(PgList* left, PgList* right) {
    int count = Max(list_length(left), list_length(right));
    for (int i = 0; i < count; ++i) {
        const TargetEntry* a =
            i < list_length(left) ? list_nth_node(TargetEntry, left, i) : nullptr;
        const TargetEntry* b =
            i < list_length(right) ? list_nth_node(TargetEntry, right, i) : nullptr;
        bool a_is_seen = a != nullptr && !a->resjunk;
        bool b_is_seen = b != nullptr && !b->resjunk;
        if (a_is_seen != b_is_seen) return false;
        if (!a_is_seen) continue;
        if (exprType(reinterpret_cast<Node*>(a->expr)) !=
            exprType(reinterpret_cast<Node*>(b->expr)))
            return false;
    }
    return true;
}

// Columns that pass another node's columns on, under the same labels.
PgList* pass_on(PgList* targets, int varno) {
    PgList* result = NIL;
    ListCell* cell;
    foreach (cell, targets) {
        TargetEntry* from = lfirst_node(TargetEntry, cell);
        Node* expression = reinterpret_cast<Node*>(from->expr);
        Var* var = makeVar(varno, from->resno, exprType(expression), exprTypmod(expression),
                           exprCollation(expression), 0);
        TargetEntry* to = flatCopyTargetEntry(from);
        to->expr = reinterpret_cast<Expr*>(var);
        result = lappend(result, to);
    }
    return result;
}

// Types only: the columns of a scan tuple are never evaluated.
PgList* typed_nulls(PgList* targets) {
    PgList* result = NIL;
    ListCell* cell;
    foreach (cell, targets) {
        TargetEntry* from = lfirst_node(TargetEntry, cell);
        Node* expression = reinterpret_cast<Node*>(from->expr);
        Const* null =
            makeNullConst(exprType(expression), exprTypmod(expression), exprCollation(expression));
        result = lappend(result, makeTargetEntry(reinterpret_cast<Expr*>(null), from->resno,
                                                 from->resname, false));
    }
    return result;
}

PgList* remote_columns(const route::TranslationResult& translation) {
    PgList* result = NIL;
    AttrNumber resno = 1;
    for (const route::RemoteColumn& column : translation.columns) {
        Const* null = makeNullConst(column.type, column.typmod, get_typcollation(column.type));
        result = lappend(result, makeTargetEntry(reinterpret_cast<Expr*>(null), resno,
                                                 psprintf("c%d", resno), false));
        ++resno;
    }
    return result;
}

PgList* remote_private(const route::TranslationResult& translation) {
    PgList* column_types = NIL;
    PgList* types = NIL;
    PgList* typmods = NIL;
    PgList* names = NIL;
    PgList* parameter_types = NIL;
    PgList* parts = NIL;
    for (const route::RemoteColumn& column : translation.columns) {
        column_types = lappend(column_types, makeString(c_string_of(column.clickhouse_type)));
        types = lappend_oid(types, column.type);
        typmods = lappend_int(typmods, column.typmod);
    }
    for (const route::UsedConstant& used : translation.constants) {
        names = lappend(names, makeString(c_string_of(used.parameter)));
        parameter_types = lappend(parameter_types, makeString(c_string_of(used.clickhouse_type)));
        // How many digits a number has is computed here.
        bool digits = used.part == route::ConstantPart::kDigits;
        parts =
            lappend_int(parts, static_cast<int>(digits ? route::ConstantPart::kWhole : used.part));
    }
    PgList* result = list_make3(column_types, types, typmods);
    result = lappend(lappend(lappend(result, names), parameter_types), parts);
    return lappend(result, list_make1_int(translation.raises ? 1 : 0));
}

}  // namespace

PgList* used_constants(const QueryTree* tree, const route::TranslationResult& translation) {
    PgList* result = NIL;
    for (const route::UsedConstant& used : translation.constants) {
        if (used.part == route::ConstantPart::kZoneSince) {
            Datum zone = CStringGetTextDatum(c_string_of(used.text));
            result = lappend(result,
                             makeConst(TEXTOID, -1, DEFAULT_COLLATION_OID, -1, zone, false, false));
            continue;
        }
        Expr* constant = static_cast<Expr*>(
            copyObjectImpl(list_nth(tree->constants, static_cast<int>(used.constant))));
        if (used.part == route::ConstantPart::kDigits)
            constant =
                reinterpret_cast<Expr*>(makeFuncExpr(F_SCALE, INT4OID, list_make1(constant),
                                                     InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL));
        result = lappend(result, constant);
    }
    fix_opfuncids(reinterpret_cast<Node*>(result));
    return result;
}

namespace {

void copy_costs(Plan* to, const Plan* from) {
    to->startup_cost = from->startup_cost;
    to->total_cost = from->total_cost;
    to->plan_rows = from->plan_rows;
    to->plan_width = from->plan_width;
}

// Plan node numbers only have to differ within a plan; ours start where no planner gets to.
constexpr int kFirstNodeId = 1 << 24;
constexpr int kNodesAPiece = 8;

Const* null_like(const Expr* expr) {
    const Node* node = reinterpret_cast<const Node*>(expr);
    return makeNullConst(exprType(node), exprTypmod(node), exprCollation(node));
}

CustomScan* remote_scan(const PlannedStmt* local, const QueryTree* tree,
                        const route::TranslationResult& translation, Failure* failure) {
    CustomScan* scan = makeNode(CustomScan);
    Finaliser context = {tree, &translation};
    ListCell* cell;
    int at = 0;
    foreach (cell, tree->simplified->targetList) {
        TargetEntry* planned = list_nth_node(TargetEntry, local->planTree->targetlist, at++);
        TargetEntry* target = flatCopyTargetEntry(planned);
        target->expr = reinterpret_cast<Expr*>(
            finalise(reinterpret_cast<Node*>(lfirst_node(TargetEntry, cell)->expr), &context));
        // DISTINCT tells rows apart by what is shown; the rest is not among the remote columns.
        if (target->resjunk && tree->simplified->distinctClause != NIL &&
            !tree->simplified->hasDistinctOn)
            target->expr = reinterpret_cast<Expr*>(null_like(target->expr));
        if (unfinished(reinterpret_cast<Node*>(target->expr), nullptr)) {
            set_failure(failure, "internal", "a result of the query has no remote column", "");
            return nullptr;
        }
        scan->scan.plan.targetlist = lappend(scan->scan.plan.targetlist, target);
    }
    for (; at < list_length(local->planTree->targetlist); ++at) {
        TargetEntry* target =
            flatCopyTargetEntry(list_nth_node(TargetEntry, local->planTree->targetlist, at));
        target->expr = reinterpret_cast<Expr*>(null_like(target->expr));
        scan->scan.plan.targetlist = lappend(scan->scan.plan.targetlist, target);
    }
    fix_opfuncids(reinterpret_cast<Node*>(scan->scan.plan.targetlist));
    copy_costs(&scan->scan.plan, local->planTree);
    scan->custom_exprs = used_constants(tree, translation);
    scan->custom_private = remote_private(translation);
    scan->custom_scan_tlist = remote_columns(translation);
    scan->methods = &kRemoteMethods;
    // Projection by our own target list needs this flag since 15.
    scan->flags = CUSTOMPATH_SUPPORT_PROJECTION;
    return scan;
}

Plan* put_over(Plan* node, Plan* child, int id) {
    node->targetlist = pass_on(child->targetlist, OUTER_VAR);
    node->lefttree = child;
    copy_costs(node, child);
    node->plan_node_id = kFirstNodeId + id;
    return node;
}

Plan* sort_above(Plan* child, const ::Query* query, int id) {
    Sort* sort = makeNode(Sort);
    int count = list_length(query->sortClause);
    sort->sortColIdx = static_cast<AttrNumber*>(palloc(sizeof(AttrNumber) * count));
    sort->sortOperators = static_cast<Oid*>(palloc(sizeof(Oid) * count));
    sort->collations = static_cast<Oid*>(palloc(sizeof(Oid) * count));
    sort->nullsFirst = static_cast<bool*>(palloc(sizeof(bool) * count));
    ListCell* cell;
    foreach (cell, query->sortClause) {
        SortGroupClause* clause = lfirst_node(SortGroupClause, cell);
        TargetEntry* target = get_sortgroupclause_tle(clause, query->targetList);
        int at = sort->numCols++;
        sort->sortColIdx[at] = target->resno;
        sort->sortOperators[at] = clause->sortop;
        sort->collations[at] = exprCollation(reinterpret_cast<Node*>(target->expr));
        sort->nullsFirst[at] = clause->nulls_first;
    }
    return put_over(&sort->plan, child, id);
}

Plan* limit_above(Plan* child, const ::Query* query, int id) {
    Limit* limit = makeNode(Limit);
    limit->limitOffset = static_cast<Node*>(copyObjectImpl(query->limitOffset));
    limit->limitCount = static_cast<Node*>(copyObjectImpl(query->limitCount));
    limit->limitOption = query->limitOption;
    if (query->limitOption == LIMIT_OPTION_WITH_TIES) {
        int count = list_length(query->sortClause);
        limit->uniqColIdx = static_cast<AttrNumber*>(palloc(sizeof(AttrNumber) * count));
        limit->uniqOperators = static_cast<Oid*>(palloc(sizeof(Oid) * count));
        limit->uniqCollations = static_cast<Oid*>(palloc(sizeof(Oid) * count));
        ListCell* cell;
        foreach (cell, query->sortClause) {
            SortGroupClause* clause = lfirst_node(SortGroupClause, cell);
            TargetEntry* target = get_sortgroupclause_tle(clause, query->targetList);
            int at = limit->uniqNumCols++;
            limit->uniqColIdx[at] = target->resno;
            limit->uniqOperators[at] = clause->eqop;
            limit->uniqCollations[at] = exprCollation(reinterpret_cast<Node*>(target->expr));
        }
    }
    return put_over(&limit->plan, child, id);
}

// What the decision needs to know, over all pieces.
struct Together {
    PgList* mirrors;
    PgList* relids;
    PgList* fingerprints;
    PgList* enums;
    bool needs_utc;
    bool any_order;
    bool narrow;
    bool needs_iso;
    int user;  // whom foreign tables are read as
    const char* zone;
};

// Behind the last, when it is not there.
int index_of(const Together& all, const CatalogTable& table) {
    int index = 0;
    ListCell* relid;
    ListCell* mirror;
    forboth(relid, all.relids, mirror, all.mirrors) {
        if (lfirst_oid(relid) == table.relid && lfirst_int(mirror) == table.mirror_id) break;
        ++index;
    }
    return index;
}

void add_tables(Together* all, const QueryTree* tree) {
    ListCell* cell;
    foreach (cell, tree->tables) {
        const CatalogTable* table = static_cast<const CatalogTable*>(lfirst(cell));
        if (index_of(*all, *table) < list_length(all->relids)) continue;
        if (table->foreign != nullptr) all->user = table->target_id;
        all->mirrors = lappend_int(all->mirrors, table->mirror_id);
        all->relids = lappend_oid(all->relids, table->relid);
        all->fingerprints = lappend(
            all->fingerprints,
            makeString(psprintf("%llx", static_cast<unsigned long long>(table->fingerprint))));
    }
}

void add_piece(Together* all, const PlannedPiece& piece) {
    const route::TranslationResult& translation = *piece.translation;
    add_tables(all, piece.tree);
    all->enums = list_concat_unique_oid(all->enums, piece.tree->enums);
    all->needs_utc = all->needs_utc || translation.needs_utc;
    all->any_order = all->any_order || translation.any_order;
    all->narrow = all->narrow || translation.narrow;
    all->needs_iso = all->needs_iso || translation.needs_iso;
    if (!translation.zone.empty()) all->zone = c_string_of(translation.zone);
}

PgList* choice_private(const PlannedStmt* local, PgList* pieces, bool any_order) {
    Together all = {};
    all.any_order = any_order;
    all.zone = "";
    PgList* sqls = NIL;
    PgList* places = NIL;
    PgList* columns = NIL;
    ListCell* cell;
    foreach (cell, pieces) add_piece(&all, *static_cast<PlannedPiece*>(lfirst(cell)));
    foreach (cell, pieces) {
        const PlannedPiece& piece = *static_cast<PlannedPiece*>(lfirst(cell));
        PgList* places_here = NIL;
        PgList* columns_here = NIL;
        for (const route::UsedRelation& used : piece.translation->relations) {
            PgList* names = NIL;
            for (const Text& name : used.columns)
                names = lappend(names, makeString(c_string_of(name)));
            const CatalogTable* table = static_cast<const CatalogTable*>(
                list_nth(piece.tree->tables, static_cast<int>(used.table)));
            places_here = lappend_int(places_here, index_of(all, *table));
            columns_here = lappend(columns_here, names);
        }
        sqls = lappend(sqls, makeString(c_string_of(piece.translation->sql)));
        places = lappend(places, places_here);
        columns = lappend(columns, columns_here);
    }
    PgList* result = list_make5(
        sqls, all.mirrors, all.relids, all.fingerprints,
        list_make5_int(local->jitFlags, all.needs_utc, all.any_order, all.narrow, all.user));
    result = lappend(lappend(result, places), columns);
    result = lappend(lappend(result, all.enums), makeInteger(all.needs_iso ? 1 : 0));
    return lappend(result, makeString(pstrdup(all.zone)));
}

// A cursor moves backwards over what Postgres' own plan could move backwards over.
bool needs_material(const PlannedStmt* local, int cursor_options) {
    if (cursor_options & CURSOR_OPT_SCROLL) return true;
    return (cursor_options & CURSOR_OPT_FAST_PLAN) && !(cursor_options & CURSOR_OPT_NO_SCROLL) &&
           ExecSupportsBackwardScan(local->planTree);
}

}  // namespace

namespace {

// The mirror holds the text of such values. It cannot follow ALTER TYPE, after which the text is
// another value's or none.
bool may_change_its_text(Oid type) {
    Oid element = get_element_type(getBaseType(type));
    char kind = get_typtype(OidIsValid(element) ? getBaseType(element) : getBaseType(type));
    if (kind == TYPTYPE_ENUM) return !is_stable_enum(getBaseType(type));
    return kind == TYPTYPE_COMPOSITE;
}

}  // namespace

namespace {

// The remote scan with what is done above it.
Plan* remote_side(const PlannedPiece& piece, int number, Failure* failure) {
    const route::TranslationResult& translation = *piece.translation;
    const ::Query* query = piece.tree->simplified;
    if (!same_layout(piece.local->planTree->targetlist, query->targetList)) {
        set_failure(failure, "plan_shape", "the planner changed the columns of the result", "");
        return nullptr;
    }
    for (const route::RemoteColumn& column : translation.columns) {
        if (!may_change_its_text(column.type)) continue;
        set_failure(failure, "type_unsupported",
                    psprintf("a result is of type %s", format_type_be(column.type)),
                    "Leave the column out of the query, or cast it to text where it is stored.");
        return nullptr;
    }
    int id = kNodesAPiece * number;
    CustomScan* remote = remote_scan(piece.local, piece.tree, translation, failure);
    if (remote == nullptr) return nullptr;
    Plan* above = &remote->scan.plan;
    above->plan_node_id = kFirstNodeId + id + 1;
    if (query->sortClause != NIL && !translation.sorted) above = sort_above(above, query, id + 2);
    if ((query->limitCount != nullptr || query->limitOffset != nullptr) && !translation.limited)
        above = limit_above(above, query, id + 3);
    return above;
}

// Both sides under one node, in place of Postgres' plan.
PlannedStmt* choose_between(PlannedStmt* local, Plan* remote, PgList* choice_private,
                            int cursor_options) {
    CustomScan* choice = makeNode(CustomScan);
    choice->scan.plan.targetlist = pass_on(local->planTree->targetlist, INDEX_VAR);
    copy_costs(&choice->scan.plan, local->planTree);
    choice->scan.plan.plan_node_id = kFirstNodeId;
    choice->custom_plans = list_make2(local->planTree, remote);
    choice->custom_private = choice_private;
    choice->custom_scan_tlist = typed_nulls(local->planTree->targetlist);
    choice->methods = &kChoiceMethods;

    PlannedStmt* statement = makeNode(PlannedStmt);
    *statement = *local;
    // The nodes above the scan are not worth compiling; the Postgres plan gets its flags back.
    statement->jitFlags = 0;
    statement->planTree = &choice->scan.plan;
    if (needs_material(local, cursor_options)) {
        Material* material = makeNode(Material);
        statement->planTree = put_over(&material->plan, statement->planTree, 4);
    }
    return statement;
}

}  // namespace

PlannedStmt* make_routed_plan(const PlannedPiece& whole, int cursor_options, Failure* failure) {
    Plan* remote = remote_side(whole, 0, failure);
    if (remote == nullptr) return nullptr;
    PlannedPiece piece = whole;
    PgList* carried = choice_private(whole.local, list_make1(&piece), false);
    // A parallel plan adds up in any order as well.
    if (whole.local->parallelModeNeeded)
        lthird_int(static_cast<PgList*>(list_nth(carried, kChoiceFlags))) = 0;
    return choose_between(whole.local, remote, carried, cursor_options);
}

PlannedStmt* make_partly_routed_plan(const PartlyRouted& parts, int cursor_options,
                                     Failure* failure) {
    PgList* planned = parts.local->planTree->targetlist;
    if (!same_visible_columns(parts.rest->planTree->targetlist, planned)) {
        set_failure(failure, "plan_shape", "the planner changed the columns of the result", "");
        return nullptr;
    }
    CustomScan* finish = makeNode(CustomScan);
    PgList* names = NIL;
    int number = 1;
    ListCell* cell;
    foreach (cell, parts.pieces) {
        const PlannedPiece& piece = *static_cast<PlannedPiece*>(lfirst(cell));
        Plan* remote = remote_side(piece, number++, failure);
        if (remote == nullptr) return nullptr;
        finish->custom_plans = lappend(finish->custom_plans, remote);
        names = lappend(names, makeString(pstrdup(piece.name)));
    }
    finish->scan.plan.targetlist = pass_on(planned, INDEX_VAR);
    copy_costs(&finish->scan.plan, parts.local->planTree);
    finish->scan.plan.plan_node_id = kFirstNodeId + 5;
    finish->custom_scan_tlist = typed_nulls(planned);
    finish->custom_private = list_make3(
        parts.rest, names,
        list_make2(makeString(pstrdup(parts.why->code)), makeString(pstrdup(parts.why->message))));
    finish->methods = &kFinishMethods;
    return choose_between(parts.local, &finish->scan.plan,
                          choice_private(parts.local, parts.pieces, parts.any_order),
                          cursor_options);
}

CustomScan* find_choice(const PlannedStmt* statement) {
    Plan* plan = statement->planTree;
    if (plan != nullptr && IsA(plan, Material)) plan = plan->lefttree;
    if (plan == nullptr || !IsA(plan, CustomScan)) return nullptr;
    CustomScan* scan = reinterpret_cast<CustomScan*>(plan);
    return scan->methods == &kChoiceMethods ? scan : nullptr;
}

void register_scan_methods() {
    RegisterCustomScanMethods(&kChoiceMethods);
    RegisterCustomScanMethods(&kRemoteMethods);
    RegisterCustomScanMethods(&kFinishMethods);
}

}  // namespace tandem::shell
