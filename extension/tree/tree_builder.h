// Internal to the translation of queries: what query_tree.cpp and expression_tree.cpp share.
#pragma once

#include "extension/tree/query_tree.h"

namespace tandem::shell {

// One query level; parents are outer levels.
struct Level {
    ::Query* query = nullptr;
    Level* parent = nullptr;
    int* relation_by_rtindex = nullptr;  // -1: not converted
    route::Relation* relations = nullptr;
    uint32_t relation_count = 0;
    // By rtindex: which columns of the relation this query reads. Nothing else of a subquery is
    // looked at, as in Postgres, where it is never computed.
    Bitmapset** used_columns = nullptr;
    // The targets: what is grouped or sorted by is one of them, and the same expression here.
    PgList* target_nodes = nullptr;
    PgList* target_expressions = nullptr;
};

// INVARIANT: after the first refusal the tree is still well formed, so that building can go on.
struct TreeBuilder {
    Level* level = nullptr;
    PlannerInfo* root = nullptr;  // carries bound parameters into constant folding
    QueryTree* tree = nullptr;
    uint32_t node_capacity = 0;
    Node* case_argument = nullptr;  // what CaseTestExpr stands for
    const PlannedStmt* plan = nullptr;
    int mirror_id = 0;  // of the first table; others may be in other mirrors of its target
    int target_id = 0;
    int depth = 0;
    bool refused = false;
};

// Deeper trees than this are refused before they cost stack.
inline constexpr int kTreeDepthMax = 200;

void refuse(TreeBuilder* builder, const char* code, const char* message, const char* advice = "");
// `used`: the columns that the outer query reads; null for all.
const route::Query* convert_query(TreeBuilder* builder, ::Query* query,
                                  const Bitmapset* const* used = nullptr);
// A call that returns a set.
const route::Expr* convert_set_call(TreeBuilder* builder, FuncExpr* call);
const route::Expr* convert_expression(TreeBuilder* builder, Node* node);
tandem::List<route::SortKey> convert_sort_keys(TreeBuilder* builder, PgList* clauses,
                                               PgList* targets);
bool is_builtin_operator(::Oid opno);
bool is_builtin_function(::Oid funcid);

}  // namespace tandem::shell
