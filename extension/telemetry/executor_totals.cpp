#include "extension/shell/pg.h"

extern "C" {
#include "jit/jit.h"
#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"
#include "portability/instr_time.h"
}

#include "extension/telemetry/executor_totals.h"
#include "extension/telemetry/settings.h"
#include "extension/telemetry/shared.h"

namespace tandem::shell {

namespace {

bool worker_is_measured = false;
rusage worker_before;

bool count_workers(PlanState* node, void* argument) {
    if (node == nullptr) return false;
    telemetry::ParallelSection* sum = static_cast<telemetry::ParallelSection*>(argument);
    if (IsA(node, GatherState)) {
        sum->planned +=
            static_cast<uint32>(reinterpret_cast<const Gather*>(node->plan)->num_workers);
        sum->launched +=
            static_cast<uint32>(reinterpret_cast<const GatherState*>(node)->nworkers_launched);
    } else if (IsA(node, GatherMergeState)) {
        sum->planned +=
            static_cast<uint32>(reinterpret_cast<const GatherMerge*>(node->plan)->num_workers);
        sum->launched +=
            static_cast<uint32>(reinterpret_cast<const GatherMergeState*>(node)->nworkers_launched);
    }
    return walk_plan_states(node, count_workers, argument);
}

uint64 us(const instr_time& time) {
    return static_cast<uint64>(INSTR_TIME_GET_MICROSEC(time));
}

void add_jit(telemetry::JitSection* sum, const JitInstrumentation& jit) {
    sum->functions += jit.created_functions;
    sum->generation_us += us(jit.generation_counter);
    // COMPAT(pg17): counts deforming apart (upstream 5a3423ad8e).
#if PG_VERSION_NUM >= 170000
    sum->deform_us += us(jit.deform_counter);
#endif
    sum->inlining_us += us(jit.inlining_counter);
    sum->optimization_us += us(jit.optimization_counter);
    sum->emission_us += us(jit.emission_counter);
}

uint64 microseconds(const timeval& from, const timeval& to) {
    int64 passed = (to.tv_sec - from.tv_sec) * INT64CONST(1000000) + to.tv_usec - from.tv_usec;
    return passed > 0 ? static_cast<uint64>(passed) : 0;
}

}  // namespace

void take_executor_totals(OpenStatement* statement, QueryDesc* query) {
    const EState* estate = query->estate;
    if (query->plannedstmt->parallelModeNeeded && query->planstate != nullptr)
        count_workers(query->planstate, &statement->parallel);
    if (estate->es_jit != nullptr) add_jit(&statement->jit, estate->es_jit->instr);
    if (estate->es_jit_worker_instr != nullptr)
        add_jit(&statement->jit, *estate->es_jit_worker_instr);
}

void note_worker_start() {
    worker_is_measured = telemetry_on && telemetry_shared != nullptr;
    if (worker_is_measured) getrusage(RUSAGE_SELF, &worker_before);
}

void note_worker_end() {
    if (!worker_is_measured) return;
    worker_is_measured = false;
    telemetry::Ring* ring = ring_of_leader();
    if (ring == nullptr) return;
    rusage now;
    getrusage(RUSAGE_SELF, &now);
    ring->workers_user_us.fetch_add(microseconds(worker_before.ru_utime, now.ru_utime));
    ring->workers_system_us.fetch_add(microseconds(worker_before.ru_stime, now.ru_stime));
}

}  // namespace tandem::shell
