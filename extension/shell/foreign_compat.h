// What of the differences between majors matters for foreign tables: compat.h's rules.
#pragma once

extern "C" {
#include "catalog/pg_foreign_server.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/pathnodes.h"
#include "optimizer/pathnode.h"
#include "parser/parse_relation.h"
#include "parser/parsetree.h"
#include "storage/buffile.h"
#include "utils/acl.h"
}

namespace tandem::shell {

// As whom the relation is read: the owner of the view it is in; invalid for the user who asks.
// COMPAT(pg16): privileges are in a list beside the range table (upstream a61b1f7482).
inline ::Oid checked_as(const Query* query, const RangeTblEntry* entry) {
#if PG_VERSION_NUM >= 160000
    if (entry->perminfoindex == 0 || query->rteperminfos == NIL) return InvalidOid;
    return getRTEPermissionInfo(query->rteperminfos, const_cast<RangeTblEntry*>(entry))
        ->checkAsUser;
#else
    (void)query;
    return entry->checkAsUser;
#endif
}

// The same of a scan. COMPAT(pg16): the relation knows since 16 (upstream 599b33b949).
inline ::Oid scan_user(PlannerInfo* root, const RelOptInfo* rel) {
#if PG_VERSION_NUM >= 160000
    (void)root;
    return rel->userid;
#else
    return planner_rt_fetch(rel->relid, root)->checkAsUser;
#endif
}

// Outer joins above a column do not matter below them. COMPAT(pg16): known since 16 (upstream
// 2489d76c49).
inline void forget_nulling(Var* var) {
#if PG_VERSION_NUM >= 160000
    var->varnullingrels = nullptr;
#else
    (void)var;
#endif
}

struct ForeignScanWish {
    PlannerInfo* root;
    RelOptInfo* rel;
    double rows;
    Cost startup;
    Cost total;
    Relids outer;
    ::List* carried;  // fdw_private
};

// Of a whole relation. COMPAT(pg17): takes the conditions that were pushed (upstream 9e9931d2bf).
// COMPAT(pg18): takes the number of disabled nodes (upstream e222534679).
inline ForeignPath* make_foreign_scan_path(const ForeignScanWish& wish) {
#if PG_VERSION_NUM >= 180000
    return create_foreignscan_path(wish.root, wish.rel, nullptr, wish.rows, 0, wish.startup,
                                   wish.total, NIL, wish.outer, nullptr, NIL, wish.carried);
#elif PG_VERSION_NUM >= 170000
    return create_foreignscan_path(wish.root, wish.rel, nullptr, wish.rows, wish.startup,
                                   wish.total, NIL, wish.outer, nullptr, NIL, wish.carried);
#else
    return create_foreignscan_path(wish.root, wish.rel, nullptr, wish.rows, wish.startup,
                                   wish.total, NIL, wish.outer, nullptr, wish.carried);
#endif
}

// COMPAT(pg18): nodes that are disabled are counted (upstream e222534679).
inline void count_disabled(Path* path, const Path* below) {
#if PG_VERSION_NUM >= 180000
    path->disabled_nodes = below->disabled_nodes;
#else
    (void)path;
    (void)below;
#endif
}

// All or an ERROR. COMPAT(pg16): raise errors themselves since 16 (upstream 20428d344a).
inline void write_file(BufFile* file, const char* bytes, size_t size) {
#if PG_VERSION_NUM >= 160000
    BufFileWrite(file, bytes, size);
#else
    BufFileWrite(file, const_cast<char*>(bytes), size);
#endif
}

inline void read_file(BufFile* file, void* bytes, size_t size) {
#if PG_VERSION_NUM >= 160000
    BufFileReadExact(file, bytes, size);
#else
    if (BufFileRead(file, bytes, size) == size) return;
    ereport(ERROR, (errcode_for_file_access(), errmsg("could not read a temporary file")));
#endif
}

// Whether columns look the same below and above the outer join that may make them NULL.
// COMPAT(pg16): not any more since 16 (upstream 2489d76c49).
#if PG_VERSION_NUM >= 160000
constexpr bool kOuterJoinsKeepColumns = false;
#else
constexpr bool kOuterJoinsKeepColumns = true;
#endif

// COMPAT(pg16): one function for all kinds of objects since 16 (upstream c727f511bd).
inline AclResult may_use_server(::Oid server) {
#if PG_VERSION_NUM >= 160000
    return object_aclcheck(ForeignServerRelationId, server, GetUserId(), ACL_USAGE);
#else
    return pg_foreign_server_aclcheck(server, GetUserId(), ACL_USAGE);
#endif
}

// As whom a statement writes; invalid for the user who asks. COMPAT(pg16): a function since 16
// (upstream 599b33b949).
inline ::Oid written_as(ResultRelInfo* info, EState* estate) {
#if PG_VERSION_NUM >= 160000
    return ExecGetResultRelCheckAsUser(info, estate);
#else
    if (info->ri_RootResultRelInfo != nullptr) info = info->ri_RootResultRelInfo;
    if (info->ri_RangeTableIndex == 0) return InvalidOid;
    return exec_rt_fetch(info->ri_RangeTableIndex, estate)->checkAsUser;
#endif
}

}  // namespace tandem::shell
