// Statistics are those that Postgres has of its own tables, which the mirrored ones equal in rows;
// no server is asked anything here.
#include "extension/shell/pg.h"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

#include "extension/route/facts.h"
#include "extension/route/index_look_up.h"
#include "extension/route/plan.h"
#include "extension/tree/plan_rows.h"

namespace tandem::shell {

namespace {

namespace cost = route::cost;

// A scan or a join that a worker takes part in yields its share only.
constexpr double kShares = 2.4;
// Of a table that was never analysed and that the plan says nothing of.
constexpr double kRowsUnknown = 1000;

void mix(uint64* hash, uint64 value) {
    *hash = hash_combine64(*hash, (value + 1) * UINT64CONST(0x9E3779B97F4A7C15));
}

// What a node is besides its tag and its children. Constants and parameters are their type only.
uint64 nature_of(Node* node) {
    switch (nodeTag(node)) {
        case T_Var: {
            const Var* var = reinterpret_cast<Var*>(node);
            return (static_cast<uint64>(var->varno) << 32) ^
                   (static_cast<uint64>(var->varlevelsup) << 16) ^
                   static_cast<uint16>(var->varattno);
        }
        case T_FuncExpr:
            return reinterpret_cast<FuncExpr*>(node)->funcid;
        case T_OpExpr:
        case T_DistinctExpr:
        case T_NullIfExpr:
            return reinterpret_cast<OpExpr*>(node)->opno;
        case T_ScalarArrayOpExpr:
            return reinterpret_cast<ScalarArrayOpExpr*>(node)->opno;
        case T_Aggref:
            return (static_cast<uint64>(reinterpret_cast<Aggref*>(node)->aggfnoid) << 1) ^
                   static_cast<uint64>(reinterpret_cast<Aggref*>(node)->aggdistinct != NIL);
        case T_WindowFunc:
            return reinterpret_cast<WindowFunc*>(node)->winfnoid;
        case T_BoolExpr:
            return static_cast<uint64>(reinterpret_cast<BoolExpr*>(node)->boolop);
        case T_NullTest:
            return static_cast<uint64>(reinterpret_cast<NullTest*>(node)->nulltesttype);
        case T_SubLink:
            return static_cast<uint64>(reinterpret_cast<SubLink*>(node)->subLinkType);
        case T_JoinExpr:
            return static_cast<uint64>(reinterpret_cast<JoinExpr*>(node)->jointype);
        case T_TargetEntry:
            return static_cast<uint64>(reinterpret_cast<TargetEntry*>(node)->resno);
        case T_SortGroupClause:
            return (static_cast<uint64>(reinterpret_cast<SortGroupClause*>(node)->sortop) << 16) ^
                   reinterpret_cast<SortGroupClause*>(node)->tleSortGroupRef;
        case T_RangeTblEntry:
            return (static_cast<uint64>(reinterpret_cast<RangeTblEntry*>(node)->rtekind) << 32) ^
                   reinterpret_cast<RangeTblEntry*>(node)->relid;
        case T_Query:
            return (static_cast<uint64>(list_length(reinterpret_cast<Query*>(node)->groupClause))
                    << 32) ^
                   (static_cast<uint64>(list_length(reinterpret_cast<Query*>(node)->sortClause))
                    << 16) ^
                   static_cast<uint64>(reinterpret_cast<Query*>(node)->distinctClause != NIL);
        case T_Const:
            return reinterpret_cast<Const*>(node)->consttype;
        case T_Param:
            return reinterpret_cast<Param*>(node)->paramtype;
        default:
            return 0;
    }
}

bool mix_node(Node* node, void* context) {
    if (node == nullptr) return false;
    check_stack_depth();
    uint64* hash = static_cast<uint64*>(context);
    bool value = IsA(node, Const) || IsA(node, Param);
    mix(hash, value ? T_Const : nodeTag(node));
    mix(hash, nature_of(node));
    if (IsA(node, RangeTblEntry)) return false;
    if (IsA(node, Query))
        return query_tree_walker(reinterpret_cast<Query*>(node), as_walker(mix_node), context,
                                 QTW_EXAMINE_RTES_BEFORE | QTW_EXAMINE_SORTGROUP);
    return expression_tree_walker(node, as_walker(mix_node), context);
}

double rows_of_one(::Oid relid) {
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
    if (!HeapTupleIsValid(tuple)) return -1;
    double rows = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->reltuples;
    ReleaseSysCache(tuple);
    return rows;
}

// Partitions lie in one table of ClickHouse.
double rows_of(const PlannedStmt* local, ::Oid relid) {
    double rows = rows_of_one(relid);
    if (rows < 0 && get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE) {
        ListCell* cell;
        rows = 0;
        foreach (cell, find_all_inheritors(relid, NoLock, nullptr))
            rows += Max(rows_of_one(lfirst_oid(cell)), 0);
        if (rows == 0) rows = -1;
    }
    return rows >= 0 ? rows : Max(planned_rows(local, relid), kRowsUnknown);
}

// Of a key of a document, which is short, or has few values.
constexpr double kKeyBytes = 8;

double width_of(const CatalogTable* table, const tandem::List<Text>& columns) {
    double bytes = 0;
    for (const Text& name : columns) {
        for (int i = 0; i < table->column_count; ++i) {
            const CatalogColumn& column = table->columns[i];
            if (name != Text(column.target_column)) continue;
            int32 width = get_attavgwidth(table->relid, static_cast<AttrNumber>(column.attnum));
            bytes += width > 0 ? width : get_typavgwidth(column.type, column.typmod);
        }
        for (int i = 0; i < table->json_key_count; ++i)
            if (name == Text(table->json_keys[i].text_column)) bytes += kKeyBytes;
    }
    return bytes;
}

AttrNumber first_key_column(const CatalogTable* table) {
    for (int i = 0; i < table->column_count; ++i)
        if (table->columns[i].key_position == 1)
            return static_cast<AttrNumber>(table->columns[i].attnum);
    return InvalidAttrNumber;
}

struct KeySearch {
    ::Oid relid;
    AttrNumber column;
    const ::Query* query;
    bool found;
};

// `column <operator> value` with an operator that a btree knows.
bool ties(const KeySearch* search, PgList* arguments, ::Oid operation) {
    if (list_length(arguments) != 2 || !is_index_comparison(operation)) return false;
    for (int side = 0; side < 2; ++side) {
        Node* node = static_cast<Node*>(list_nth(arguments, side));
        Node* other = static_cast<Node*>(list_nth(arguments, 1 - side));
        if (!IsA(node, Var) || !(IsA(other, Const) || IsA(other, Param) || IsA(other, ArrayExpr)))
            continue;
        const Var* var = reinterpret_cast<Var*>(node);
        if (var->varlevelsup != 0 || var->varattno != search->column) continue;
        if (rt_fetch(var->varno, search->query->rtable)->relid == search->relid) return true;
    }
    return false;
}

void search_conditions(KeySearch* search, Node* node) {
    if (node == nullptr || search->found) return;
    check_stack_depth();
    ListCell* cell;
    if (IsA(node, List)) {
        foreach (cell, reinterpret_cast<PgList*>(node))
            search_conditions(search, static_cast<Node*>(lfirst(cell)));
    } else if (IsA(node, FromExpr)) {
        search_conditions(search, reinterpret_cast<FromExpr*>(node)->quals);
        search_conditions(search,
                          reinterpret_cast<Node*>(reinterpret_cast<FromExpr*>(node)->fromlist));
    } else if (IsA(node, JoinExpr)) {
        search_conditions(search, reinterpret_cast<JoinExpr*>(node)->larg);
        search_conditions(search, reinterpret_cast<JoinExpr*>(node)->rarg);
        search_conditions(search, reinterpret_cast<JoinExpr*>(node)->quals);
    } else if (is_andclause(node)) {
        search_conditions(search, reinterpret_cast<Node*>(reinterpret_cast<BoolExpr*>(node)->args));
    } else if (IsA(node, OpExpr)) {
        const OpExpr* comparison = reinterpret_cast<OpExpr*>(node);
        search->found = ties(search, comparison->args, comparison->opno);
    } else if (IsA(node, ScalarArrayOpExpr)) {
        const ScalarArrayOpExpr* comparison = reinterpret_cast<ScalarArrayOpExpr*>(node);
        search->found = comparison->useOr && ties(search, comparison->args, comparison->opno);
    }
}

bool search_query(Node* node, void* context) {
    if (node == nullptr) return false;
    KeySearch* search = static_cast<KeySearch*>(context);
    if (!IsA(node, Query)) return expression_tree_walker(node, as_walker(search_query), context);
    const ::Query* around = search->query;
    search->query = reinterpret_cast<::Query*>(node);
    search_conditions(search, reinterpret_cast<Node*>(search->query->jointree));
    bool found = search->found ||
                 query_tree_walker(reinterpret_cast<::Query*>(node), as_walker(search_query),
                                   context, QTW_IGNORE_JOINALIASES);
    search->query = around;
    return found;
}

bool key_is_tied(const ::Query* query, const CatalogTable* table) {
    KeySearch search = {table->relid, first_key_column(table), nullptr, false};
    if (search.column == InvalidAttrNumber) return false;
    return search_query(reinterpret_cast<Node*>(const_cast<::Query*>(query)), &search);
}

bool is_join(const Plan* node) {
    return IsA(node, NestLoop) || IsA(node, MergeJoin) || IsA(node, HashJoin);
}

// Rows that come out of joins; the inner side of a nested loop is left out, since its number is
// that of one turn.
double joined_rows(const Plan* node) {
    if (node == nullptr) return 0;
    check_stack_depth();
    double rows = 0;
    if (is_join(node)) rows += node->parallel_aware ? node->plan_rows * kShares : node->plan_rows;
    rows += joined_rows(node->lefttree);
    if (!IsA(node, NestLoop)) rows += joined_rows(node->righttree);
    if (IsA(node, SubqueryScan))
        rows += joined_rows(reinterpret_cast<const SubqueryScan*>(node)->subplan);
    return rows;
}

}  // namespace

uint64 query_id_of(const PlannedStmt* local, const ::Query* query) {
    if (local->queryId != 0) return local->queryId;
    uint64 hash = 0;
    mix_node(reinterpret_cast<Node*>(const_cast<::Query*>(query)), &hash);
    return hash;
}

bool finds_few_rows_by_index(const PlannedStmt* local) {
    constexpr double kFewRows = 1000;
    // A subplan may run once for every row: how often is not written in the plan.
    if (local->parallelModeNeeded || local->subplans != NIL) return false;
    IndexReads reads = {};
    if (!count_index_reads(local, local->planTree, 1, &reads)) return false;
    return reads.by_index && reads.rows <= kFewRows;
}

cost::Facts gather_facts(const PlannedStmt* local, const QueryTree* tree,
                         const route::TranslationResult& translation) {
    cost::Facts facts = {};
    for (const route::UsedRelation& used : translation.relations) {
        const CatalogTable* table =
            static_cast<const CatalogTable*>(list_nth(tree->tables, static_cast<int>(used.table)));
        cost::TableFacts read = {};
        read.rows = rows_of(local, table->relid);
        read.row_bytes = width_of(table, used.columns);
        read.wanted_rows = planned_rows(local, table->relid);
        read.key_prefix = key_is_tied(tree->simplified, table);
        read.deltas = !table->delta_empty;
        cost::add_table(&facts, read);
    }
    const Plan* plan = local->planTree;
    facts.local_cost = plan->total_cost;
    facts.joined_rows = joined_rows(plan);
    facts.result_rows = plan->plan_rows;
    facts.result_bytes = plan->plan_rows * plan->plan_width;
    return facts;
}

void attach_facts(CustomScan* choice, const PlannedFacts& facts) {
    bytea* bytes = static_cast<bytea*>(palloc(VARHDRSZ + sizeof facts));
    SET_VARSIZE(bytes, VARHDRSZ + sizeof facts);
    memcpy(VARDATA(bytes), &facts, sizeof facts);
    Const* node = makeConst(BYTEAOID, -1, InvalidOid, -1, PointerGetDatum(bytes), false, false);
    choice->custom_private = lappend(choice->custom_private, node);
}

PlannedFacts facts_of(const CustomScan& choice) {
    PlannedFacts facts;
    const Const* node = static_cast<Const*>(list_nth(choice.custom_private, kChoiceFacts));
    memcpy(&facts, VARDATA_ANY(DatumGetPointer(node->constvalue)), sizeof facts);
    return facts;
}

}  // namespace tandem::shell
