#include "extension/shell/pg.h"

extern "C" {
#include "catalog/pg_class.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
}

#include "extension/route/split.h"

namespace tandem::shell {

namespace {

::Query* copy_of(const ::Query* query) {
    return static_cast<::Query*>(copyObjectImpl(query));
}

Node* as_node(void* node) {
    return static_cast<Node*>(node);
}

FromExpr* from_first(Node* quals) {
    RangeTblRef* reference = makeNode(RangeTblRef);
    reference->rtindex = 1;
    return makeFromExpr(list_make1(reference), quals);
}

void add_column(RangeTblEntry* rte, const TargetEntry* entry) {
    Node* expression = as_node(entry->expr);
    rte->coltypes = lappend_oid(rte->coltypes, exprType(expression));
    rte->coltypmods = lappend_int(rte->coltypmods, exprTypmod(expression));
    rte->colcollations = lappend_oid(rte->colcollations, exprCollation(expression));
    const char* name = entry->resname == nullptr ? "?column?" : entry->resname;
    rte->eref->colnames = lappend(rte->eref->colnames, makeString(pstrdup(name)));
}

Var* column_of(Node* expression, int number, Index levels_up) {
    return makeVar(1, static_cast<AttrNumber>(number), exprType(expression), exprTypmod(expression),
                   exprCollation(expression), levels_up);
}

// Whether a node below refers further up than `depth` levels.
bool refers_outside(Node* node, void* context) {
    if (node == nullptr) return false;
    Index* depth = static_cast<Index*>(context);
    switch (nodeTag(node)) {
        case T_Var:
            return reinterpret_cast<Var*>(node)->varlevelsup > *depth;
        case T_Aggref:
            if (reinterpret_cast<Aggref*>(node)->agglevelsup > *depth) return true;
            break;
        case T_GroupingFunc:
            if (reinterpret_cast<GroupingFunc*>(node)->agglevelsup > *depth) return true;
            break;
        case T_RangeTblEntry: {
            const RangeTblEntry* rte = reinterpret_cast<RangeTblEntry*>(node);
            return rte->rtekind == RTE_CTE && rte->ctelevelsup > *depth;
        }
        case T_Query: {
            ++*depth;
            bool found =
                query_tree_walker(reinterpret_cast<::Query*>(node), as_walker(refers_outside),
                                  context, QTW_EXAMINE_RTES_BEFORE);
            --*depth;
            return found;
        }
        default:
            break;
    }
    return expression_tree_walker(node, as_walker(refers_outside), context);
}

bool find_table(Node* node, void* context) {
    if (node == nullptr) return false;
    if (IsA(node, RangeTblEntry)) {
        const RangeTblEntry* rte = reinterpret_cast<RangeTblEntry*>(node);
        // Before 16 a view's query has entries for the view itself, which nothing reads.
        return rte->rtekind == RTE_RELATION && rte->relkind != RELKIND_VIEW;
    }
    if (IsA(node, Query))
        return query_tree_walker(reinterpret_cast<::Query*>(node), as_walker(find_table), context,
                                 QTW_EXAMINE_RTES_BEFORE);
    return expression_tree_walker(node, as_walker(find_table), context);
}

// Columns of joins become columns of their relations, by which equal expressions are known.
void resolve_columns(::Query* query) {
    flatten_group_vars(query);
    query->targetList =
        reinterpret_cast<PgList*>(flatten_join_aliases(query, as_node(query->targetList)));
    query->havingQual = flatten_join_aliases(query, query->havingQual);
    query->jointree->quals = flatten_join_aliases(query, query->jointree->quals);
}

// What the query above reads of the one below.
struct Columns {
    PgList* targets;  // of the query below
    Index depth;
    bool failed;
};

Node* column(Columns* columns, Node* expression) {
    ListCell* cell;
    foreach (cell, columns->targets) {
        const TargetEntry* entry = lfirst_node(TargetEntry, cell);
        if (equal(entry->expr, expression))
            return as_node(column_of(expression, entry->resno, columns->depth));
    }
    int number = list_length(columns->targets) + 1;
    TargetEntry* entry =
        makeTargetEntry(static_cast<::Expr*>(copyObjectImpl(expression)),
                        static_cast<AttrNumber>(number), psprintf("c%d", number), false);
    columns->targets = lappend(columns->targets, entry);
    return as_node(column_of(expression, number, columns->depth));
}

bool is_known(const Columns* columns, Node* node) {
    ListCell* cell;
    foreach (cell, columns->targets)
        if (equal(lfirst_node(TargetEntry, cell)->expr, node)) return true;
    return false;
}

// Groups and aggregates become columns; nothing else may be left that needs rows.
Node* read_groups(Node* node, void* context) {
    if (node == nullptr) return nullptr;
    Columns* columns = static_cast<Columns*>(context);
    if (IsA(node, Aggref) || (!IsA(node, TargetEntry) && is_known(columns, node)))
        return column(columns, node);
    if (IsA(node, Var) || IsA(node, GroupingFunc)) columns->failed = true;
    if (IsA(node, SubLink)) {
        SubLink* link = reinterpret_cast<SubLink*>(node);
        if (!IsA(link->subselect, Query) || !is_closed(castNode(Query, link->subselect)))
            columns->failed = true;
        SubLink* made = makeNode(SubLink);
        *made = *link;
        made->testexpr = read_groups(link->testexpr, context);
        return as_node(made);
    }
    return expression_tree_mutator(node, as_mutator(read_groups), context);
}

Node* read_rows(Node* node, void* context) {
    if (node == nullptr) return nullptr;
    Columns* columns = static_cast<Columns*>(context);
    if (IsA(node, Var)) {
        Var* var = reinterpret_cast<Var*>(node);
        if (var->varlevelsup != columns->depth) return as_node(copyObjectImpl(var));
        if (var->varattno <= 0) columns->failed = true;
        Var* below = static_cast<Var*>(copyObjectImpl(var));
        below->varlevelsup = 0;
        return column(columns, as_node(below));
    }
    // Aggregates of this query inside of subqueries are rare, and of another level.
    if (IsA(node, Aggref) && columns->depth > 0 && reinterpret_cast<Aggref*>(node)->agglevelsup > 0)
        columns->failed = true;
    if (IsA(node, Query)) {
        ++columns->depth;
        Node* made = as_node(query_tree_mutator(reinterpret_cast<::Query*>(node),
                                                as_mutator(read_rows), context, 0));
        --columns->depth;
        return made;
    }
    return expression_tree_mutator(node, as_mutator(read_rows), context);
}

// `below` as the only thing that `above` reads.
::Query* put_above(::Query* above, ::Query* below, Node* quals) {
    RangeTblEntry* rte = makeNode(RangeTblEntry);
    rte->rtekind = RTE_SUBQUERY;
    rte->subquery = below;
    rte->inFromCl = true;
    rte->eref = makeAlias("below", NIL);
    ListCell* cell;
    foreach (cell, below->targetList) {
        const TargetEntry* entry = lfirst_node(TargetEntry, cell);
        rte->eref->colnames = lappend(rte->eref->colnames, makeString(pstrdup(entry->resname)));
    }
    above->rtable = list_make1(rte);
    forget_privileges(above);
    above->cteList = NIL;
    above->jointree = from_first(quals);
    above->hasSubLinks = checkExprHasSubLink(as_node(above->targetList)) ||
                         checkExprHasSubLink(above->havingQual) || checkExprHasSubLink(quals);
    return above;
}

// What only the query above does.
void leave_to_above(::Query* below) {
    below->windowClause = NIL;
    below->hasWindowFuncs = false;
    below->hasTargetSRFs = false;
    below->distinctClause = NIL;
    below->hasDistinctOn = false;
    below->sortClause = NIL;
    below->limitCount = below->limitOffset = nullptr;
    below->limitOption = LIMIT_OPTION_COUNT;
}

void note_sublinks(::Query* query) {
    query->hasSubLinks = checkExprHasSubLink(as_node(query->targetList)) ||
                         checkExprHasSubLink(query->havingQual) ||
                         checkExprHasSubLink(as_node(query->jointree));
    ListCell* cell;
    foreach (cell, query->rtable) {
        const RangeTblEntry* rte = lfirst_node(RangeTblEntry, cell);
        if (rte->rtekind != RTE_SUBQUERY)
            query->hasSubLinks =
                query->hasSubLinks || checkExprHasSubLink(as_node(rte->functions)) ||
                checkExprHasSubLink(as_node(rte->values_lists)) || rte->securityQuals != NIL;
    }
}

// The targets that are grouped by, as columns.
bool take_keys(const ::Query* query, PgList** targets) {
    ListCell* cell;
    foreach (cell, query->groupClause) {
        TargetEntry* entry = static_cast<TargetEntry*>(copyObjectImpl(
            get_sortgroupclause_tle(lfirst_node(SortGroupClause, cell), query->targetList)));
        // A constant would be taken for its equals elsewhere.
        if (IsA(entry->expr, Const) || expression_returns_set(as_node(entry->expr))) return false;
        entry->resno = static_cast<AttrNumber>(list_length(*targets) + 1);
        entry->resname = psprintf("c%d", entry->resno);
        entry->resjunk = false;
        *targets = lappend(*targets, entry);
    }
    return true;
}

PgList* conditions_of(const ::Query* query) {
    return make_ands_implicit(reinterpret_cast<::Expr*>(copyObjectImpl(query->jointree->quals)));
}

}  // namespace

::Query* reader_of(const ::Query* piece, const char* name, double rows) {
    RangeTblEntry* rte = makeNode(RangeTblEntry);
    rte->rtekind = RTE_NAMEDTUPLESTORE;
    rte->enrname = pstrdup(name);
    rte->enrtuples = rows;
    rte->inFromCl = true;
    rte->eref = makeAlias(name, NIL);
    ::Query* query = makeNode(Query);
    query->commandType = CMD_SELECT;
    query->canSetTag = true;
    query->rtable = list_make1(rte);
    query->jointree = from_first(nullptr);
    ListCell* cell;
    foreach (cell, piece->targetList) {
        TargetEntry* entry = lfirst_node(TargetEntry, cell);
        if (entry->resjunk) continue;
        add_column(rte, entry);
        TargetEntry* to = flatCopyTargetEntry(entry);
        to->ressortgroupref = 0;
        int number = list_length(rte->coltypes);
        to->expr = reinterpret_cast<::Expr*>(column_of(as_node(entry->expr), number, 0));
        query->targetList = lappend(query->targetList, to);
    }
    return query;
}

bool is_closed(const ::Query* query) {
    Index depth = 0;
    return !query_tree_walker(const_cast<::Query*>(query), as_walker(refers_outside), &depth,
                              QTW_EXAMINE_RTES_BEFORE);
}

bool reads_tables(::Query* query) {
    return find_table(reinterpret_cast<Node*>(query), nullptr);
}

::Query*& subquery_of(::Query* outer) {
    return linitial_node(RangeTblEntry, outer->rtable)->subquery;
}

::Query* over_groups(const ::Query* query, bool having_above) {
    bool grouped = query->hasAggs || query->groupClause != NIL;
    // With grouping sets columns are more than their expressions.
    if (!grouped || query->groupingSets != NIL || query->setOperations != nullptr) return nullptr;
    ::Query* above = copy_of(query);
    resolve_columns(above);
    ::Query* below = copy_of(above);
    leave_to_above(below);
    Columns columns = {};
    if (!take_keys(above, &columns.targets)) return nullptr;
    above->targetList =
        reinterpret_cast<PgList*>(read_groups(as_node(above->targetList), &columns));
    Node* having = having_above ? read_groups(above->havingQual, &columns) : nullptr;
    if (columns.failed || columns.targets == NIL) return nullptr;
    if (having_above) below->havingQual = nullptr;
    below->targetList = columns.targets;
    note_sublinks(below);
    above->groupClause = NIL;
    above->groupDistinct = false;
    above->havingQual = nullptr;
    above->hasAggs = false;
    forget_group_columns(above);
    return put_above(above, below, having);
}

int condition_count(const ::Query* query) {
    return list_length(conditions_of(query));
}

::Query* over_rows(const ::Query* query, const Bitmapset* below_conditions) {
    if (query->setOperations != nullptr || query->groupingSets != NIL || query->cteList != NIL ||
        query->jointree->fromlist == NIL)
        return nullptr;
    ::Query* above = copy_of(query);
    resolve_columns(above);
    ::Query* below = copy_of(above);
    leave_to_above(below);
    PgList* kept_above = NIL;
    PgList* kept_below = NIL;
    int number = 0;
    ListCell* cell;
    foreach (cell, conditions_of(above)) {
        PgList** kept = bms_is_member(number++, below_conditions) ? &kept_below : &kept_above;
        *kept = lappend(*kept, lfirst(cell));
    }
    Columns columns = {};
    above->targetList = reinterpret_cast<PgList*>(read_rows(as_node(above->targetList), &columns));
    above->havingQual = read_rows(above->havingQual, &columns);
    Node* quals =
        kept_above == NIL ? nullptr : read_rows(as_node(make_ands_explicit(kept_above)), &columns);
    if (columns.failed || columns.targets == NIL) return nullptr;
    below->targetList = columns.targets;
    below->jointree->quals = kept_below == NIL ? nullptr : as_node(make_ands_explicit(kept_below));
    below->groupClause = NIL;
    below->havingQual = nullptr;
    below->hasAggs = false;
    forget_group_columns(below);
    note_sublinks(below);
    forget_group_columns(above);
    return put_above(above, below, quals);
}

}  // namespace tandem::shell
