// Builds the plan of a routed query: one node that holds the ClickHouse SQL and the Postgres plan.
//
//   Custom Scan (Tandem)               picks one of its two children when execution starts
//     ├─ the finished plan of Postgres, not started unless it is picked
//     └─ [Limit ─ Sort ─] Custom Scan (Tandem Remote)     local finalisation is its projection
//
// Of a query that is routed partly the second child is another (see finish_scan.h):
//
//     └─ Custom Scan (Tandem Finish)                      holds a plan that reads results of pieces
//          ├─ [Limit ─ Sort ─] Custom Scan (Tandem Remote)
//          └─ ...
#pragma once

extern "C" {
#include "nodes/plannodes.h"
}

#include "extension/tree/query_tree.h"
#include "route/facade.h"

namespace tandem::shell {

// What the nodes carry, in custom_private, so that plans can be copied.
enum ChoicePrivate {
    kChoiceSql,           // for each piece a String, with places for the relations
    kChoiceMirrors,       // IntList: mirror_id of each table, all of one target; 0: foreign
    kChoiceRelids,        // OidList, parallel; a table may be there in each of its mirrors
    kChoiceFingerprints,  // list of String, parallel
    kChoiceFlags,         // IntList: jitFlags of the Postgres plan, needs_utc, any_order, narrow,
                          // user that foreign tables are read as
    kChoicePlaces,        // for each piece an IntList: by place, which of the relids
    kChoiceColumns,       // for each piece a list of lists of String, parallel: what is read there
    kChoiceEnums,         // OidList: enums whose labels count on not being renamed
    kChoiceIso,           // Integer: not 0 when the SQL writes dates as DateStyle ISO does
    kChoiceZone,          // String: the session's time zone that the SQL is made for, or empty
    kChoiceFacts,         // Const of bytea: PlannedFacts; attach_facts adds it
};
enum RemotePrivate {
    kRemoteColumnTypes,     // list of String: ClickHouse types of the result
    kRemoteTypes,           // OidList
    kRemoteTypmods,         // IntList
    kRemoteParameterNames,  // list of String, parallel to custom_exprs
    kRemoteParameterTypes,  // list of String
    kRemoteParameterParts,  // IntList
    kRemoteRaises,          // IntList of one: not 0 when it may fail after rows were sent
};

enum FinishPrivate {
    kFinishPlan,    // PlannedStmt: what is left of the query
    kFinishNames,   // list of String: under which it reads the pieces
    kFinishReason,  // list of two Strings: why the query as a whole is not routed
};

// What ClickHouse computes: a query, or a piece of one.
struct PlannedPiece {
    PlannedStmt* local;  // as Postgres would
    const QueryTree* tree;
    const route::TranslationResult* translation;
    const char* name;  // of a piece
};

// nullptr and a reason when the two plans do not fit each other.
PlannedStmt* make_routed_plan(const PlannedPiece& whole, int cursor_options, Failure* failure);
// `pieces` are PlannedPieces, `rest` reads them under their names; `why` the query as a whole is
// not routed. `any_order`: the rest adds up floating point numbers in any order.
struct PartlyRouted {
    PlannedStmt* local;
    PgList* pieces;
    PlannedStmt* rest;
    bool any_order;
    const Failure* why;
};
PlannedStmt* make_partly_routed_plan(const PartlyRouted& parts, int cursor_options,
                                     Failure* failure);
// The node of a plan made by make_routed_plan; nullptr for any other plan.
CustomScan* find_choice(const PlannedStmt* statement);

// What stands for the translation's runtime constants, in their order.
PgList* used_constants(const QueryTree* tree, const route::TranslationResult& translation);

void register_scan_methods();
extern const CustomScanMethods kChoiceMethods;
extern const CustomScanMethods kRemoteMethods;
extern const CustomScanMethods kFinishMethods;

}  // namespace tandem::shell
