// What became of each query over mirrored tables, and what its runs have taught about either side;
// read as tandem.route_stats.
//
// By query id, user and database. In shared memory when the module is preloaded, else for this
// backend alone. A fixed number of queries is kept, the ones seen last; what is forgotten is learnt
// again.
#pragma once

#include "route/cost/facade.h"

namespace tandem::shell {

void request_shared_query_stats();

// Of the session's user and database.
struct QueryKey {
    uint64 query_id;
    Oid user;
    Oid database;
};

QueryKey query_key(uint64 query_id);

// What is expected of a query's next run.
struct Prospect {
    route::cost::Learnt learnt;
    route::cost::Estimate estimate;
    route::cost::Choice choice;
};

// `may_wait`: it has to be fresh. Without `use_learnt` it is judged as a query never seen before.
struct ProspectOptions {
    bool may_wait;
    bool use_learnt;
};

// Looks only, for EXPLAIN.
Prospect prospect_of(const QueryKey& key, const route::cost::Facts& facts, ProspectOptions options);
// The same for a run that begins now and goes where the choice says.
Prospect choose_side(const QueryKey& key, const route::cost::Facts& facts, ProspectOptions options);

struct RunRecord {
    route::cost::Side side;
    double ms;       // of wall time, without the wait
    double wait_ms;  // for freshness
    uint64 rows_returned;
    uint64 rows_read;
    bool learn;  // it went to its end and nothing else took the time
    bool again;  // see cost::Choice
};

void note_run(const QueryKey& key, const route::cost::Facts& facts, const RunRecord& record);
// A run that failed or was given up after `ms`.
struct RunInVain {
    route::cost::Side side;
    double ms;
    bool again;
};
void note_run_in_vain(const QueryKey& key, const route::cost::Facts& facts, const RunInVain& run);
// Why it stays in Postgres, when it is planned or when it runs.
void note_refused(const QueryKey& key, const char* code);
void note_freshness_wait(double ms);

}  // namespace tandem::shell
