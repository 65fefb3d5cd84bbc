// From the top down: what can be a piece as it is becomes one; else what it groups, else the
// queries inside, else its FROM with the conditions that ship. A piece is any closed query that is
// routable by itself, and is translated as such; the rest is planned by Postgres over readers of
// the pieces, and may read nothing but those and what is surely of the same moment.
#include "extension/shell/pg.h"

extern "C" {
#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/planner.h"
}

#include "extension/route/facts.h"
#include "extension/route/pieces.h"
#include "extension/route/plan.h"
#include "extension/route/rest.h"
#include "extension/route/split.h"
#include "extension/route/translation.h"
#include "extension/shell/memory.h"
#include "extension/shell/settings.h"
#include "extension/shell/subtransaction.h"

namespace tandem::shell {

namespace {

// Each is a connection of its own; a session has eight.
constexpr int kPiecesMax = 6;
// Queries that are translated for one statement.
constexpr int kAttemptsMax = 32;
// Results of pieces are so many times fewer than the rows that are read for them.
constexpr double kReduction = 4;

struct Splitter {
    const QueryToSplit* query;
    PgList* pieces;  // PlannedPiece
    int attempts;
    bool any_float_order;
};

::Query* copy_of(const ::Query* query) {
    return static_cast<::Query*>(copyObjectImpl(query));
}

bool ships(Splitter* splitter, const ::Query* query, Translated* translated) {
    if (++splitter->attempts > kAttemptsMax) return false;
    TranslationWish wish = {copy_of(query), splitter->query->parameters, splitter->query->local,
                            splitter->any_float_order, false};
    Failure ignored = {};
    return translate_query(wish, translated, &ignored);
}

// All are asked of one server; the position that their mirrors have in common is for the decision.
bool of_one_server(const PlannedPiece* a, const PlannedPiece* b) {
    auto first = [](const PlannedPiece* piece) {
        return static_cast<const CatalogTable*>(linitial(piece->tree->tables));
    };
    return first(a)->foreign == nullptr && first(b)->foreign == nullptr &&
           first(a)->target_id == first(b)->target_id;
}

bool fits_the_others(const Splitter* splitter, const PlannedPiece* piece) {
    if (splitter->pieces == NIL) return true;
    return list_length(splitter->pieces) < kPiecesMax &&
           of_one_server(piece, static_cast<PlannedPiece*>(linitial(splitter->pieces)));
}

bool is_reduced(const route::cost::Facts& facts) {
    return facts.result_rows * kReduction <= facts.scanned_rows;
}

PlannedStmt* plan_here(const ::Query* query, int cursor_options, ParamListInfo parameters) {
    ::Query* copy = copy_of(query);
    copy->queryId = 0;  // nobody's statement
    return standard_planner(copy, "", cursor_options, parameters);
}

enum class Wanted { kAnything, kFewRows };

// What reads the piece; nullptr when the query cannot be one.
::Query* as_piece(Splitter* splitter, const ::Query* query, Wanted wanted) {
    Translated translated = {};
    if (!is_closed(query) || !ships(splitter, query, &translated)) return nullptr;
    PlannedPiece* piece = make<PlannedPiece>();
    piece->tree = translated.tree;
    piece->translation = translated.result;
    if (!fits_the_others(splitter, piece)) return nullptr;
    piece->local = plan_here(query, 0, splitter->query->parameters);
    if (wanted == Wanted::kFewRows && !is_reduced(gather_facts(*piece))) return nullptr;
    piece->name = psprintf("piece %d", list_length(splitter->pieces) + 1);
    splitter->pieces = lappend(splitter->pieces, piece);
    return reader_of(query, piece->name, piece->local->planTree->plan_rows);
}

bool cover(Splitter* splitter, ::Query** place);

bool cover_sublink(Node* node, void* context);

// Every table that is read inside is read by a piece, or may be read here.
bool cover_inside(Splitter* splitter, ::Query* query) {
    ListCell* cell;
    foreach (cell, query->rtable) {
        RangeTblEntry* rte = lfirst_node(RangeTblEntry, cell);
        if (!may_be_read_here(rte)) return false;
        if (rte->rtekind == RTE_SUBQUERY && !cover(splitter, &rte->subquery)) return false;
    }
    foreach (cell, query->cteList) {
        CommonTableExpr* cte = lfirst_node(CommonTableExpr, cell);
        ::Query* inside = castNode(Query, cte->ctequery);
        if (!cover(splitter, &inside)) return false;
        cte->ctequery = reinterpret_cast<Node*>(inside);
    }
    return !query_tree_walker(
        query, as_walker(cover_sublink), splitter,
        QTW_IGNORE_RT_SUBQUERIES | QTW_IGNORE_CTE_SUBQUERIES | QTW_IGNORE_JOINALIASES);
}

// EXISTS asks for one row.
void want_one_row(SubLink* link, ::Query* query) {
    if (link->subLinkType != EXISTS_SUBLINK || query->limitCount != nullptr) return;
    query->limitCount = reinterpret_cast<Node*>(
        makeConst(INT8OID, -1, InvalidOid, sizeof(int64), Int64GetDatum(1), false, true));
}

// True, which ends the walk, when it is not covered.
bool cover_sublink(Node* node, void* context) {
    if (node == nullptr) return false;
    if (IsA(node, SubLink)) {
        SubLink* link = reinterpret_cast<SubLink*>(node);
        ::Query* inside = castNode(Query, link->subselect);
        if (reads_tables(inside)) want_one_row(link, inside);
        if (!cover(static_cast<Splitter*>(context), &inside)) return true;
        link->subselect = reinterpret_cast<Node*>(inside);
        return cover_sublink(link->testexpr, context);
    }
    return expression_tree_walker(node, as_walker(cover_sublink), context);
}

// The whole statement is undone with the copy that it is made in.
bool cover_copy(Splitter* splitter, ::Query** place, ::Query* made) {
    int before = list_length(splitter->pieces);
    if (made != nullptr && cover_inside(splitter, made)) {
        *place = made;
        return true;
    }
    splitter->pieces = list_truncate(splitter->pieces, before);
    return false;
}

bool cover_groups(Splitter* splitter, ::Query** place, bool having_above) {
    ::Query* above = over_groups(*place, having_above);
    if (above == nullptr) return false;
    int before = list_length(splitter->pieces);
    ::Query* reader = as_piece(splitter, subquery_of(above), Wanted::kAnything);
    if (reader == nullptr) return false;
    subquery_of(above) = reader;
    if (cover_copy(splitter, place, above)) return true;
    splitter->pieces = list_truncate(splitter->pieces, before);
    return false;
}

// The conditions that ship, found one by one unless all do.
bool cover_rows(Splitter* splitter, ::Query** place) {
    int count = condition_count(*place);
    Translated ignored = {};
    Bitmapset* below = count > 0 ? bms_add_range(nullptr, 0, count - 1) : nullptr;
    ::Query* above = over_rows(*place, below);
    if (above == nullptr) return false;
    if (!ships(splitter, subquery_of(above), &ignored)) {
        below = nullptr;
        for (int i = 0; i < count && count > 1; ++i) {
            Bitmapset* more = bms_add_member(bms_copy(below), i);
            ::Query* tried = over_rows(*place, more);
            if (tried != nullptr && ships(splitter, subquery_of(tried), &ignored)) below = more;
        }
        above = over_rows(*place, below);
    }
    int before = list_length(splitter->pieces);
    ::Query* reader =
        above == nullptr ? nullptr : as_piece(splitter, subquery_of(above), Wanted::kFewRows);
    if (reader == nullptr) return false;
    subquery_of(above) = reader;
    if (cover_copy(splitter, place, above)) return true;
    splitter->pieces = list_truncate(splitter->pieces, before);
    return false;
}

bool cover_parts(Splitter* splitter, ::Query** place) {
    bool has_having = *place != nullptr && (*place)->havingQual != nullptr;
    return cover_groups(splitter, place, false) ||
           (has_having && cover_groups(splitter, place, true)) ||
           cover_copy(splitter, place, copy_of(*place)) || cover_rows(splitter, place);
}

bool cover(Splitter* splitter, ::Query** place) {
    check_stack_depth();
    if (!reads_tables(*place)) return true;
    if ((*place)->rowMarks != NIL || (*place)->hasForUpdate || (*place)->commandType != CMD_SELECT)
        return false;
    ::Query* reader = as_piece(splitter, *place, Wanted::kAnything);
    if (reader == nullptr) return cover_parts(splitter, place);
    *place = reader;
    return true;
}

// A table that neither a piece nor the rest can read.
bool find_hopeless(Node* node, void* context) {
    if (node == nullptr) return false;
    if (IsA(node, RangeTblEntry)) {
        const RangeTblEntry* rte = reinterpret_cast<RangeTblEntry*>(node);
        return !may_be_read_here(rte) && !is_mirrored(rte->relid);
    }
    if (IsA(node, Query))
        return query_tree_walker(reinterpret_cast<::Query*>(node), as_walker(find_hopeless),
                                 context, QTW_EXAMINE_RTES_BEFORE);
    return expression_tree_walker(node, as_walker(find_hopeless), context);
}

struct Attempt {
    const QueryToSplit* query;
    const Failure* why;
    route::cost::Facts* facts;
    PlannedStmt* made;
    Failure rest;  // why the rest may not run here, where all else fits
};

void split(void* argument) {
    Attempt* attempt = static_cast<Attempt*>(argument);
    const QueryToSplit& query = *attempt->query;
    Splitter splitter = {&query, NIL, 0, any_float_order_wanted()};
    ::Query* rest = copy_of(query.query);
    if (find_hopeless(reinterpret_cast<Node*>(rest), nullptr)) return;
    if (!cover_parts(&splitter, &rest) || splitter.pieces == NIL) return;
    Failure failure = {};
    bool any_order = false;
    if (!rest_may_run_here(rest, splitter.any_float_order, &any_order, &attempt->rest)) return;
    attempt->rest = {};
    // Two answers could not be compared.
    if (route_mode_wanted() == kRouteVerify &&
        contain_volatile_functions(reinterpret_cast<Node*>(rest)))
        return;
    int options = query.cursor_options & ~(CURSOR_OPT_PARALLEL_OK | CURSOR_OPT_SCROLL);
    PlannedStmt* plan = plan_here(rest, options, query.parameters);
    if (!reads_only_here(plan)) return;
    *attempt->facts = sum_of_facts(query.local, splitter.pieces, plan);
    if (!is_reduced(*attempt->facts)) return;
    PartlyRouted parts = {query.local, splitter.pieces, plan, any_order, attempt->why};
    attempt->made = make_partly_routed_plan(parts, query.cursor_options, &failure);
}

}  // namespace

bool may_be_split(const ::Query* query, const Failure& why) {
    static const char* const kHopeless[] = {"encoding",         "too_deep",    "no_table",
                                            "only_partitioned", "inheritance", "not_select"};
    for (const char* code : kHopeless)
        if (strcmp(why.code, code) == 0) return false;
    // Errors of pieces could not be dropped.
    if (IsInParallelMode()) return false;
    return list_length(query->rtable) > 0 || query->hasSubLinks;
}

PlannedStmt* plan_in_pieces(const QueryToSplit& query, Failure* why, route::cost::Facts* facts) {
    Attempt attempt = {&query, why, facts, nullptr, {}};
    ErrorData* error = run_in_subtransaction(split, &attempt);
    if (error != nullptr) return nullptr;
    if (attempt.made == nullptr && attempt.rest.code[0] != '\0')
        copy_text(why->message, sizeof why->message,
                  psprintf("%s; nor are parts of it, since %s (%s)", why->message,
                           attempt.rest.message, attempt.rest.code));
    return attempt.made;
}

}  // namespace tandem::shell
