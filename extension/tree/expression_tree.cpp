// Expressions of the analysed query to neutral expressions.
#include "extension/shell/pg.h"

extern "C" {
#include "access/stratnum.h"
#include "access/transam.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_namespace.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
}

#include "extension/shell/columns_compat.h"
#include "extension/shell/memory.h"
#include "extension/tree/collation.h"
#include "extension/tree/enum_labels.h"
#include "extension/tree/tree_builder.h"

namespace tandem::shell {

using NeutralExpr = route::Expr;
using route::ExprKind;

namespace {

void note_enum(QueryTree* tree, ::Oid type) {
    if (type < FirstNormalObjectId || list_member_oid(tree->enums, type)) return;
    if (is_stable_enum(type)) tree->enums = lappend_oid(tree->enums, type);
}

NeutralExpr* new_expression(TreeBuilder* builder, ExprKind kind, Node* node) {
    QueryTree* tree = builder->tree;
    if (tree->node_count == builder->node_capacity) {
        builder->node_capacity = builder->node_capacity == 0 ? 64 : builder->node_capacity * 2;
        size_t bytes = sizeof(Node*) * builder->node_capacity;
        tree->nodes = static_cast<Node**>(tree->nodes == nullptr ? palloc(bytes)
                                                                 : repalloc(tree->nodes, bytes));
    }
    NeutralExpr* to = make<NeutralExpr>();
    to->kind = kind;
    to->id = tree->node_count;
    tree->nodes[tree->node_count++] = node;
    int32 typmod = exprTypmod(node);
    to->type = getBaseTypeAndTypmod(exprType(node), &typmod);
    to->typmod = typmod;
    note_enum(tree, to->type);
    to->collation = collation_class(exprCollation(node));
    to->input_collation = collation_class(exprInputCollation(node));
    return to;
}

NeutralExpr* unknown(TreeBuilder* builder, Node* node, const char* what) {
    NeutralExpr* to = make<NeutralExpr>();
    to->kind = ExprKind::kUnknown;
    to->name = text_of(what);
    refuse(builder, "expression", psprintf("%s is not translated", what),
           "The query runs in Postgres.");
    (void)node;
    return to;
}

tandem::List<const NeutralExpr*> convert_list(TreeBuilder* builder, PgList* list) {
    const NeutralExpr** items = make_array<const NeutralExpr*>(list_length(list));
    uint32_t count = 0;
    ListCell* cell;
    foreach (cell, list)
        items[count++] = convert_expression(builder, static_cast<Node*>(lfirst(cell)));
    return {items, count};
}

tandem::List<const NeutralExpr*> convert_one(TreeBuilder* builder, void* node) {
    const NeutralExpr** items = make_array<const NeutralExpr*>(1);
    items[0] = convert_expression(builder, static_cast<Node*>(node));
    return {items, 1};
}

// A whole row of a table, NULL where an outer join finds none, stands for its first key column.
Node* key_of_row(TreeBuilder* builder, Node* node) {
    Var* var = reinterpret_cast<Var*>(node);
    if (!IsA(node, Var) || var->varattno != 0 || var->varlevelsup != 0) return node;
    const Level& level = *builder->level;
    int index = level.relation_by_rtindex[var->varno];
    if (index < 0 || level.relations[index].key.empty()) return node;
    RangeTblEntry* rte = rt_fetch(var->varno, level.query->rtable);
    AttrNumber attnum = static_cast<AttrNumber>(level.relations[index].key[0]);
    ::Oid type = InvalidOid;
    int32 typmod = -1;
    ::Oid collation = InvalidOid;
    get_atttypetypmodcoll(rte->relid, attnum, &type, &typmod, &collation);
    return reinterpret_cast<Node*>(makeVar(var->varno, attnum, type, typmod, collation, 0));
}

// Arguments of an aggregate; those that are only sorted by are left out.
tandem::List<const NeutralExpr*> convert_arguments(TreeBuilder* builder, PgList* targets) {
    const NeutralExpr** items = make_array<const NeutralExpr*>(list_length(targets));
    uint32_t count = 0;
    ListCell* cell;
    foreach (cell, targets) {
        TargetEntry* entry = lfirst_node(TargetEntry, cell);
        if (entry->resjunk) continue;
        items[count++] = convert_expression(builder, reinterpret_cast<Node*>(entry->expr));
    }
    return {items, count};
}

// True when the expression can only be evaluated per row or by the query itself.
bool depends_on_rows(Node* node, void* context) {
    if (node == nullptr) return false;
    switch (nodeTag(node)) {
        case T_Var:
        case T_Aggref:
        case T_WindowFunc:
        case T_GroupingFunc:
        case T_SubLink:
        case T_SubPlan:
        case T_CaseTestExpr:
        case T_CoerceToDomainValue:
        case T_CurrentOfExpr:
        case T_SetToDefault:
        case T_NextValueExpr:
        case T_Query:
            return true;
        case T_Param:
            return reinterpret_cast<Param*>(node)->paramkind != PARAM_EXTERN;
        default:
            return expression_tree_walker(node, as_walker(depends_on_rows), context);
    }
}

NeutralExpr* convert_constant(TreeBuilder* builder, Node* node) {
    NeutralExpr* to = new_expression(builder, ExprKind::kConstant, node);
    to->constant = static_cast<uint32_t>(list_length(builder->tree->constants));
    builder->tree->constants = lappend(builder->tree->constants, node);
    if (!IsA(node, Const)) return to;
    Const* constant = reinterpret_cast<Const*>(node);
    to->constant_null = constant->constisnull;
    to->known = true;
    if (!constant->constisnull) {
        ::Oid output;
        bool is_varlena;
        getTypeOutputInfo(constant->consttype, &output, &is_varlena);
        to->known_text = text_of(OidOutputFunctionCall(output, constant->constvalue));
    }
    return to;
}

NeutralExpr* convert_var(TreeBuilder* builder, Var* var) {
    Level* level = builder->level;
    for (Index up = 0; up < var->varlevelsup && level != nullptr; ++up) level = level->parent;
    if (level == nullptr) return unknown(builder, reinterpret_cast<Node*>(var), "an outer column");
    if (var->varattno <= 0)
        return unknown(builder, reinterpret_cast<Node*>(var),
                       var->varattno == 0 ? "a whole row" : "a system column");
    NeutralExpr* to = new_expression(builder, ExprKind::kColumn, reinterpret_cast<Node*>(var));
    to->levels_up = var->varlevelsup;
    to->attnum = var->varattno;
    // Above a set operation a column is one of its results.
    if (level->query->setOperations != nullptr) return to;
    int relation = level->relation_by_rtindex[var->varno];
    if (relation < 0) return unknown(builder, reinterpret_cast<Node*>(var), "a column of a join");
    to->relation = static_cast<uint32_t>(relation);
    return to;
}

void note_letters(NeutralExpr* to, ::Oid collation) {
    LetterCase letters = letter_case(collation);
    to->ascii_case = letters != LetterCase::kUnknown;
    to->letter_case = letters == LetterCase::kLetters;
}

NeutralExpr* convert_function(TreeBuilder* builder, FuncExpr* from) {
    Node* node = reinterpret_cast<Node*>(from);
    if (from->funcretset || from->funcvariadic)
        return unknown(builder, node, "a variadic or set returning function");
    bool cast =
        from->funcformat == COERCE_EXPLICIT_CAST || from->funcformat == COERCE_IMPLICIT_CAST;
    NeutralExpr* to = new_expression(builder, cast ? ExprKind::kCast : ExprKind::kFunction, node);
    to->builtin = is_builtin_function(from->funcid);
    to->name = text_of(get_func_name(from->funcid));
    note_letters(to, from->inputcollid);
    to->args = convert_list(builder, from->args);
    return to;
}

NeutralExpr* convert_operator(TreeBuilder* builder, ExprKind kind, OpExpr* from) {
    NeutralExpr* to = new_expression(builder, kind, reinterpret_cast<Node*>(from));
    to->builtin = is_builtin_operator(from->opno);
    to->name = text_of(get_opname(from->opno));
    // ILIKE
    if (to->name.ends_with('*')) note_letters(to, from->inputcollid);
    to->args = convert_list(builder, from->args);
    return to;
}

NeutralExpr* convert_array_operator(TreeBuilder* builder, ScalarArrayOpExpr* from) {
    NeutralExpr* to =
        new_expression(builder, ExprKind::kScalarArray, reinterpret_cast<Node*>(from));
    to->builtin = is_builtin_operator(from->opno);
    to->name = text_of(get_opname(from->opno));
    if (to->name.ends_with('*')) note_letters(to, from->inputcollid);
    to->all = !from->useOr;
    to->args = convert_list(builder, from->args);
    return to;
}

NeutralExpr* convert_bool(TreeBuilder* builder, BoolExpr* from) {
    ExprKind kind = from->boolop == AND_EXPR  ? ExprKind::kAnd
                    : from->boolop == OR_EXPR ? ExprKind::kOr
                                              : ExprKind::kNot;
    NeutralExpr* to = new_expression(builder, kind, reinterpret_cast<Node*>(from));
    to->args = convert_list(builder, from->args);
    return to;
}

// Whether all columns of a row are NULL, or none: of a row that is not there they all are.
NeutralExpr* convert_row_test(TreeBuilder* builder, NullTest* from) {
    Node* argument = reinterpret_cast<Node*>(from->arg);
    PgList* columns = NIL;
    if (IsA(argument, RowExpr)) {
        columns = reinterpret_cast<RowExpr*>(argument)->args;
    } else if (IsA(argument, Var) && reinterpret_cast<Var*>(argument)->varattno == 0 &&
               reinterpret_cast<Var*>(argument)->varlevelsup == 0) {
        Var* var = reinterpret_cast<Var*>(argument);
        RangeTblEntry* rte = rt_fetch(var->varno, builder->level->query->rtable);
        expand_columns(rte, static_cast<int>(var->varno), false, nullptr, &columns);
    }
    if (columns == NIL) return nullptr;
    NeutralExpr* to = new_expression(builder, ExprKind::kAnd, reinterpret_cast<Node*>(from));
    const NeutralExpr** items =
        make_array<const NeutralExpr*>(static_cast<size_t>(list_length(columns)));
    uint32_t count = 0;
    ListCell* cell;
    foreach (cell, columns) {
        Node* column = static_cast<Node*>(lfirst(cell));
        NullTest* test = makeNode(NullTest);
        test->arg = reinterpret_cast<::Expr*>(column);
        test->nulltesttype = from->nulltesttype;
        test->argisrow = false;
        test->location = -1;
        items[count++] = convert_expression(builder, reinterpret_cast<Node*>(test));
    }
    to->args = {items, count};
    return to;
}

NeutralExpr* convert_null_test(TreeBuilder* builder, NullTest* from) {
    Node* node = reinterpret_cast<Node*>(from);
    if (from->argisrow) {
        NeutralExpr* row = convert_row_test(builder, from);
        return row != nullptr ? row : unknown(builder, node, "a test of a row for NULL");
    }
    if (type_is_rowtype(exprType(reinterpret_cast<Node*>(from->arg))))
        return unknown(builder, node, "a test of a row for NULL");
    ExprKind kind = from->nulltesttype == IS_NULL ? ExprKind::kIsNull : ExprKind::kIsNotNull;
    NeutralExpr* to = new_expression(builder, kind, node);
    to->args = convert_one(builder, from->arg);
    return to;
}

NeutralExpr* convert_boolean_test(TreeBuilder* builder, BooleanTest* from) {
    ExprKind kind = ExprKind::kUnknown;
    switch (from->booltesttype) {
        case IS_TRUE:
            kind = ExprKind::kIsTrue;
            break;
        case IS_NOT_TRUE:
            kind = ExprKind::kIsNotTrue;
            break;
        case IS_FALSE:
            kind = ExprKind::kIsFalse;
            break;
        case IS_NOT_FALSE:
            kind = ExprKind::kIsNotFalse;
            break;
        case IS_UNKNOWN:
            kind = ExprKind::kIsUnknown;
            break;
        case IS_NOT_UNKNOWN:
            kind = ExprKind::kIsNotUnknown;
            break;
    }
    NeutralExpr* to = new_expression(builder, kind, reinterpret_cast<Node*>(from));
    to->args = convert_one(builder, from->arg);
    return to;
}

// CASE x WHEN y becomes CASE WHEN x = y: nothing in the query is volatile, so evaluating x more
// than once is the same. args: when, then, ..., else.
NeutralExpr* convert_case(TreeBuilder* builder, CaseExpr* from) {
    NeutralExpr* to = new_expression(builder, ExprKind::kCase, reinterpret_cast<Node*>(from));
    Node* outer = builder->case_argument;
    const NeutralExpr** items =
        make_array<const NeutralExpr*>(static_cast<size_t>(list_length(from->args)) * 2 + 1);
    uint32_t count = 0;
    ListCell* cell;
    foreach (cell, from->args) {
        CaseWhen* when = lfirst_node(CaseWhen, cell);
        if (from->arg != nullptr) builder->case_argument = reinterpret_cast<Node*>(from->arg);
        items[count++] = convert_expression(builder, reinterpret_cast<Node*>(when->expr));
        builder->case_argument = outer;
        items[count++] = convert_expression(builder, reinterpret_cast<Node*>(when->result));
    }
    items[count++] = convert_expression(builder, reinterpret_cast<Node*>(from->defresult));
    to->args = {items, count};
    return to;
}

NeutralExpr* convert_case_argument(TreeBuilder* builder, Node* node) {
    if (builder->case_argument == nullptr)
        return unknown(builder, node, "a coercion of array elements");
    Node* argument = builder->case_argument;
    builder->case_argument = nullptr;
    NeutralExpr* to = const_cast<NeutralExpr*>(convert_expression(builder, argument));
    builder->case_argument = argument;
    return to;
}

NeutralExpr* convert_min_max(TreeBuilder* builder, MinMaxExpr* from) {
    ExprKind kind = from->op == IS_GREATEST ? ExprKind::kGreatest : ExprKind::kLeast;
    NeutralExpr* to = new_expression(builder, kind, reinterpret_cast<Node*>(from));
    to->args = convert_list(builder, from->args);
    return to;
}

NeutralExpr* convert_io_cast(TreeBuilder* builder, CoerceViaIO* from) {
    NeutralExpr* to = new_expression(builder, ExprKind::kCast, reinterpret_cast<Node*>(from));
    to->via_io = true;
    to->builtin = true;
    to->args = convert_one(builder, from->arg);
    return to;
}

NeutralExpr* convert_aggregate(TreeBuilder* builder, Aggref* from) {
    Node* node = reinterpret_cast<Node*>(from);
    if (from->agglevelsup != 0 || from->aggvariadic)
        return unknown(builder, node, "an aggregate of an outer query or with VARIADIC");
    NeutralExpr* to = new_expression(builder, ExprKind::kAggregate, node);
    to->builtin = is_builtin_function(from->aggfnoid);
    to->name = text_of(get_func_name(from->aggfnoid));
    to->distinct = from->aggdistinct != NIL;
    if (from->aggfilter != nullptr)
        to->filter = convert_expression(builder, reinterpret_cast<Node*>(from->aggfilter));
    if (AGGKIND_IS_ORDERED_SET(from->aggkind)) {
        to->direct_args = convert_list(builder, from->aggdirectargs);
        to->within_group = convert_sort_keys(builder, from->aggorder, from->args);
        return to;
    }
    bool counts = to->builtin && !to->distinct && to->name == "count";
    if (counts && list_length(from->args) == 1) {
        TargetEntry* entry = linitial_node(TargetEntry, from->args);
        to->args = convert_one(builder, key_of_row(builder, reinterpret_cast<Node*>(entry->expr)));
        return to;
    }
    to->args = convert_arguments(builder, from->args);
    to->order_by = convert_sort_keys(builder, from->aggorder, from->args);
    return to;
}

NeutralExpr* convert_window_function(TreeBuilder* builder, WindowFunc* from) {
    NeutralExpr* to = new_expression(builder, ExprKind::kWindow, reinterpret_cast<Node*>(from));
    to->builtin = is_builtin_function(from->winfnoid);
    to->name = text_of(get_func_name(from->winfnoid));
    to->args = convert_list(builder, from->args);
    if (from->aggfilter != nullptr)
        to->filter = convert_expression(builder, reinterpret_cast<Node*>(from->aggfilter));
    ListCell* cell;
    uint32_t index = 0;
    foreach (cell, builder->level->query->windowClause) {
        if (lfirst_node(WindowClause, cell)->winref == from->winref) to->window = index;
        ++index;
    }
    return to;
}

bool is_subquery_result(Node* node) {
    while (IsA(node, RelabelType))
        node = reinterpret_cast<Node*>(reinterpret_cast<RelabelType*>(node)->arg);
    return IsA(node, Param) && reinterpret_cast<Param*>(node)->paramkind == PARAM_SUBLINK;
}

// The left hand sides of `left = ANY (SELECT ...)`; all comparisons have to be by one operator
// name.
bool convert_comparison(TreeBuilder* builder, NeutralExpr* to, Node* test) {
    PgList* comparisons = list_make1(test);
    if (IsA(test, BoolExpr)) {
        if (reinterpret_cast<BoolExpr*>(test)->boolop != AND_EXPR) return false;
        comparisons = reinterpret_cast<BoolExpr*>(test)->args;
    }
    const NeutralExpr** items = make_array<const NeutralExpr*>(list_length(comparisons));
    uint32_t count = 0;
    ListCell* cell;
    foreach (cell, comparisons) {
        Node* item = static_cast<Node*>(lfirst(cell));
        if (!IsA(item, OpExpr)) return false;
        OpExpr* comparison = reinterpret_cast<OpExpr*>(item);
        if (list_length(comparison->args) != 2) return false;
        if (!is_subquery_result(static_cast<Node*>(lsecond(comparison->args)))) return false;
        Text name = text_of(get_opname(comparison->opno));
        bool builtin = is_builtin_operator(comparison->opno);
        if (count > 0 && (name != to->name || builtin != to->builtin)) return false;
        to->name = name;
        to->builtin = builtin;
        to->input_collation = collation_class(comparison->inputcollid);
        items[count++] =
            convert_expression(builder, static_cast<Node*>(linitial(comparison->args)));
    }
    to->args = {items, count};
    return true;
}

NeutralExpr* convert_sublink(TreeBuilder* builder, SubLink* from) {
    using route::SubqueryKind;
    Node* node = reinterpret_cast<Node*>(from);
    SubqueryKind kind;
    switch (from->subLinkType) {
        case EXISTS_SUBLINK:
            kind = SubqueryKind::kExists;
            break;
        case EXPR_SUBLINK:
            kind = SubqueryKind::kScalar;
            break;
        case ANY_SUBLINK:
            kind = SubqueryKind::kAny;
            break;
        case ALL_SUBLINK:
            kind = SubqueryKind::kAll;
            break;
        default:
            return unknown(builder, node, "a subquery of this form");
    }
    NeutralExpr* to = new_expression(builder, ExprKind::kSubquery, node);
    to->subquery_kind = kind;
    if (from->testexpr != nullptr && !convert_comparison(builder, to, from->testexpr))
        return unknown(builder, node, "a comparison of rows with a subquery");
    // EXISTS asks for rows, not for what is in them.
    const Bitmapset* none = nullptr;
    to->subquery = convert_query(builder, castNode(Query, from->subselect),
                                 kind == SubqueryKind::kExists ? &none : nullptr);
    return to;
}

::Expr* compared(RowCompareExpr* from, int at, int strategy) {
    Node* left = static_cast<Node*>(list_nth(from->largs, at));
    Node* right = static_cast<Node*>(list_nth(from->rargs, at));
    Oid family = list_nth_oid(from->opfamilies, at);
    Oid ltype;
    Oid rtype;
    op_input_types(list_nth_oid(from->opnos, at), &ltype, &rtype);
    Oid opno = get_opfamily_member(family, ltype, rtype, static_cast<int16>(strategy));
    if (!OidIsValid(opno)) return nullptr;
    return make_opclause(opno, BOOLOID, false, reinterpret_cast<::Expr*>(left),
                         reinterpret_cast<::Expr*>(right), InvalidOid,
                         list_nth_oid(from->inputcollids, at));
}

// (a, b) < (c, d) is a < c OR (a = c AND b < d), NULL where that is.
const NeutralExpr* convert_row_comparison(TreeBuilder* builder, RowCompareExpr* from) {
    int strategy = strategy_of(from);
    int strict = strategy == BTLessEqualStrategyNumber      ? BTLessStrategyNumber
                 : strategy == BTGreaterEqualStrategyNumber ? BTGreaterStrategyNumber
                                                            : strategy;
    int last = list_length(from->largs) - 1;
    ::Expr* whole = compared(from, last, strategy);
    for (int i = last - 1; i >= 0 && whole != nullptr; --i) {
        ::Expr* before = compared(from, i, strict);
        ::Expr* equal = compared(from, i, BTEqualStrategyNumber);
        if (before == nullptr || equal == nullptr) whole = nullptr;
        if (whole != nullptr)
            whole = make_orclause(list_make2(before, make_andclause(list_make2(equal, whole))));
    }
    if (whole == nullptr)
        return unknown(builder, reinterpret_cast<Node*>(from), "a comparison of rows");
    const NeutralExpr* to = convert_expression(builder, reinterpret_cast<Node*>(whole));
    // What it stands for in the query.
    if (to->id < builder->tree->node_count)
        builder->tree->nodes[to->id] = reinterpret_cast<Node*>(from);
    return to;
}

NeutralExpr* convert_with_one(TreeBuilder* builder, ExprKind kind, Node* node, void* argument) {
    NeutralExpr* to = new_expression(builder, kind, node);
    to->args = convert_one(builder, argument);
    return to;
}

NeutralExpr* convert_with_list(TreeBuilder* builder, ExprKind kind, Node* node, PgList* arguments) {
    NeutralExpr* to = new_expression(builder, kind, node);
    to->args = convert_list(builder, arguments);
    return to;
}

// A bound that is left out is that of the array.
Node* slice_bound(void* bound, int32 otherwise) {
    if (bound != nullptr) return static_cast<Node*>(bound);
    return reinterpret_cast<Node*>(
        makeConst(INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum(otherwise), false, true));
}

NeutralExpr* convert_slice(TreeBuilder* builder, SubscriptingRef* from) {
    Node* first = slice_bound(linitial(from->reflowerindexpr), 1);
    Node* last = slice_bound(linitial(from->refupperindexpr), PG_INT32_MAX);
    return convert_with_list(builder, ExprKind::kSlice, reinterpret_cast<Node*>(from),
                             list_make3(from->refexpr, first, last));
}

NeutralExpr* convert_subscript(TreeBuilder* builder, SubscriptingRef* from) {
    Node* node = reinterpret_cast<Node*>(from);
    bool slice = list_length(from->reflowerindexpr) == 1 && from->refassgnexpr == nullptr &&
                 list_length(from->refupperindexpr) == 1 &&
                 OidIsValid(get_element_type(from->refcontainertype));
    if (slice) return convert_slice(builder, from);
    bool element = from->reflowerindexpr == NIL && from->refassgnexpr == nullptr &&
                   list_length(from->refupperindexpr) == 1 &&
                   OidIsValid(get_element_type(from->refcontainertype));
    if (!element) return unknown(builder, node, "a subscript of this form");
    return convert_with_list(builder, ExprKind::kSubscript, node,
                             list_make2(from->refexpr, linitial(from->refupperindexpr)));
}

const NeutralExpr* convert_by_tag(TreeBuilder* builder, Node* node) {
    switch (nodeTag(node)) {
        case T_Var:
            return convert_var(builder, reinterpret_cast<Var*>(node));
        case T_FuncExpr:
            return convert_function(builder, reinterpret_cast<FuncExpr*>(node));
        case T_OpExpr:
            return convert_operator(builder, ExprKind::kOperator, reinterpret_cast<OpExpr*>(node));
        case T_DistinctExpr:
            return convert_operator(builder, ExprKind::kDistinct, reinterpret_cast<OpExpr*>(node));
        case T_NullIfExpr:
            return convert_operator(builder, ExprKind::kNullIf, reinterpret_cast<OpExpr*>(node));
        case T_ScalarArrayOpExpr:
            return convert_array_operator(builder, reinterpret_cast<ScalarArrayOpExpr*>(node));
        case T_BoolExpr:
            return convert_bool(builder, reinterpret_cast<BoolExpr*>(node));
        case T_NullTest:
            return convert_null_test(builder, reinterpret_cast<NullTest*>(node));
        case T_BooleanTest:
            return convert_boolean_test(builder, reinterpret_cast<BooleanTest*>(node));
        case T_CaseExpr:
            return convert_case(builder, reinterpret_cast<CaseExpr*>(node));
        case T_CaseTestExpr:
            return convert_case_argument(builder, node);
        case T_CoalesceExpr:
            return convert_with_list(builder, ExprKind::kCoalesce, node,
                                     reinterpret_cast<CoalesceExpr*>(node)->args);
        case T_MinMaxExpr:
            return convert_min_max(builder, reinterpret_cast<MinMaxExpr*>(node));
        case T_RelabelType:
            return convert_with_one(builder, ExprKind::kRelabel, node,
                                    reinterpret_cast<RelabelType*>(node)->arg);
        case T_CoerceViaIO:
            return convert_io_cast(builder, reinterpret_cast<CoerceViaIO*>(node));
        case T_SubscriptingRef:
            return convert_subscript(builder, reinterpret_cast<SubscriptingRef*>(node));
        case T_ArrayExpr:
            if (reinterpret_cast<ArrayExpr*>(node)->multidims) break;
            return convert_with_list(builder, ExprKind::kArray, node,
                                     reinterpret_cast<ArrayExpr*>(node)->elements);
        case T_RowExpr:
            return convert_with_list(builder, ExprKind::kRow, node,
                                     reinterpret_cast<RowExpr*>(node)->args);
        case T_Aggref:
            return convert_aggregate(builder, reinterpret_cast<Aggref*>(node));
        case T_WindowFunc:
            return convert_window_function(builder, reinterpret_cast<WindowFunc*>(node));
        case T_GroupingFunc:
            return convert_with_list(builder, ExprKind::kGrouping, node,
                                     reinterpret_cast<GroupingFunc*>(node)->args);
        case T_RowCompareExpr:
            return convert_row_comparison(builder, reinterpret_cast<RowCompareExpr*>(node));
        case T_SubLink:
            return convert_sublink(builder, reinterpret_cast<SubLink*>(node));
        default:
            break;
    }
    return unknown(builder, node, "an expression of this form");
}

}  // namespace

const route::Expr* convert_set_call(TreeBuilder* builder, FuncExpr* call) {
    NeutralExpr* to = new_expression(builder, ExprKind::kFunction, reinterpret_cast<Node*>(call));
    to->builtin = is_builtin_function(call->funcid);
    to->name = text_of(get_func_name(call->funcid));
    to->args = convert_list(builder, call->args);
    return to;
}

bool is_builtin_operator(::Oid opno) {
    return opno < FirstNormalObjectId;
}

bool is_builtin_function(::Oid funcid) {
    return funcid < FirstNormalObjectId && get_func_namespace(funcid) == PG_CATALOG_NAMESPACE;
}

const route::Expr* convert_expression(TreeBuilder* builder, Node* node) {
    if (builder->depth >= kTreeDepthMax) {
        refuse(builder, "too_deep", "the query is nested too deeply");
        return make<NeutralExpr>();
    }
    // Lists occur as AND-ed quals only in planned queries, so a missing node is a missing ELSE.
    if (node == nullptr) return unknown(builder, node, "a missing expression");
    ++builder->depth;
    const NeutralExpr* to = depends_on_rows(node, nullptr) ? convert_by_tag(builder, node)
                                                           : convert_constant(builder, node);
    --builder->depth;
    return to;
}

}  // namespace tandem::shell
