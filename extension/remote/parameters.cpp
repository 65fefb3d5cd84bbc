#include "extension/shell/pg.h"

extern "C" {
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
}

#include "extension/remote/parameters.h"
#include "extension/remote/zones.h"
#include "extension/shell/memory.h"
#include "route/facade.h"

namespace tandem::shell {

namespace {

// What stands for a time zone is since when both sides agree on it; known before.
void evaluate_zone(Node* node, clickhouse::BoundParameter* value) {
    const char* zone = TextDatumGetCString(castNode(Const, node)->constvalue);
    int64* bytes = static_cast<int64*>(palloc(sizeof(int64)));
    *bytes = static_cast<int64>(pg_hton64(static_cast<uint64>(zone_since_known(zone))));
    value->type = INT8OID;
    value->typmod = -1;
    value->part = static_cast<uint8>(route::ConstantPart::kWhole);
    value->binary = reinterpret_cast<const char*>(bytes);
    value->size = sizeof(int64);
}

void evaluate_one(ExprContext* context, ExprState* expression, Node* node,
                  clickhouse::BoundParameter* value) {
    bool is_null;
    int32 typmod = exprTypmod(node);
    value->type = getBaseTypeAndTypmod(exprType(node), &typmod);
    value->typmod = typmod;
    if (value->part == static_cast<uint8>(route::ConstantPart::kZoneSince))
        return evaluate_zone(node, value);
    Datum datum = ExecEvalExprSwitchContext(expression, context, &is_null);
    value->binary = nullptr;
    if (is_null) return;
    Oid send;
    bool is_varlena;
    getTypeBinaryOutputInfo(value->type, &send, &is_varlena);
    bytea* bytes = sent_value(send, datum);
    value->binary = VARDATA_ANY(bytes);
    value->size = VARSIZE_ANY_EXHDR(bytes);
}

}  // namespace

bytea* sent_value(FmgrInfo* send, Datum value) {
    int client = pg_get_client_encoding();
    if (client == GetDatabaseEncoding()) return SendFunctionCall(send, value);
    bytea* volatile bytes = nullptr;
    SetClientEncoding(GetDatabaseEncoding());
    PG_TRY();
    { bytes = SendFunctionCall(send, value); }
    PG_FINALLY();
    { SetClientEncoding(client); }
    PG_END_TRY();
    return bytes;
}

bytea* sent_value(Oid send, Datum value) {
    FmgrInfo function;
    fmgr_info(send, &function);
    return sent_value(&function, value);
}

Parameters evaluate_parameters(const ParameterPlan& plan, PlanState* state) {
    PgList* states = ExecInitExprList(plan.expressions, state);
    Parameters all = {};
    all.count = static_cast<uint32>(list_length(plan.names));
    all.values = make_array<clickhouse::BoundParameter>(all.count);
    for (uint32 i = 0; i < all.count; ++i) {
        int at = static_cast<int>(i);
        clickhouse::BoundParameter* value = &all.values[i];
        value->name = text_of(strVal(list_nth(plan.names, at)));
        value->clickhouse_type = text_of(strVal(list_nth(plan.types, at)));
        value->part = static_cast<uint8>(list_nth_int(plan.parts, at));
        evaluate_one(state->ps_ExprContext, static_cast<ExprState*>(list_nth(states, at)),
                     static_cast<Node*>(list_nth(plan.expressions, at)), value);
    }
    return all;
}

}  // namespace tandem::shell
