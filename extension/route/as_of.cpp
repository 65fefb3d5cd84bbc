#include "extension/shell/pg.h"

extern "C" {
#include "access/xlog.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/pg_lsn.h"
#include "utils/timestamp.h"
}

#include "extension/catalog/catalog.h"
#include "extension/route/as_of.h"
#include "extension/shell/settings.h"
#include "extension/tree/query_tree.h"

namespace tandem::shell {

namespace {

// Which value of the setting the position is of; 0: none.
uint64 resolved_change = 0;
XLogRecPtr resolved = InvalidXLogRecPtr;

struct Parsing {
    const char* text;
    TimestampTz at;
};

void parse_time(void* argument) {
    Parsing* parsing = static_cast<Parsing*>(argument);
    parsing->at =
        DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in, CStringGetDatum(parsing->text),
                                                ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

bool position_at(const char* text, XLogRecPtr* position, Failure* failure) {
    Parsing parsing = {text, 0};
    parse_time(&parsing);  // the error says what is wrong with it
    if (parsing.at > GetCurrentTimestamp()) {
        set_failure(failure, "as_of_ahead", "tandem.as_of lies in the future", "");
        return false;
    }
    uint64 found = 0;
    if (!find_moment(parsing.at, &found)) {
        set_failure(failure, "as_of_gone", psprintf("what was committed by %s is not known", text),
                    "Moments are noted while a mirror runs, and for a day.");
        return false;
    }
    *position = found;
    return true;
}

ProcessUtility_hook_type previous_utility = nullptr;

void refuse_copy_of_table(const PlannedStmt* statement) {
    if (!IsA(statement->utilityStmt, CopyStmt)) return;
    const CopyStmt* copy = reinterpret_cast<const CopyStmt*>(statement->utilityStmt);
    if (copy->is_from || copy->relation == nullptr) return;
    Failure failure = {};
    set_failure(&failure, "as_of_statement", "COPY of a table reads the present",
                "COPY (SELECT ...) TO reads the past.");
    raise_as_of(failure);
}

void utility(PlannedStmt* statement, const char* text, bool read_only_tree,
             ProcessUtilityContext context, ParamListInfo parameters, QueryEnvironment* environment,
             DestReceiver* receiver, QueryCompletion* completion) {
    if (unlikely(as_of_wanted())) refuse_copy_of_table(statement);
    ProcessUtility_hook_type next =
        previous_utility != nullptr ? previous_utility : standard_ProcessUtility;
    next(statement, text, read_only_tree, context, parameters, environment, receiver, completion);
}

}  // namespace

void install_copy_hook() {
    previous_utility = ProcessUtility_hook;
    ProcessUtility_hook = utility;
}

bool as_of_position(XLogRecPtr* position, Failure* failure) {
    if (resolved_change != as_of_change) {
        bool bad = false;
        XLogRecPtr found = pg_lsn_in_internal(as_of, &bad);
        if (bad && !position_at(as_of, &found, failure)) return false;
        if (found == InvalidXLogRecPtr) {
            set_failure(failure, "as_of_gone", "0/0 is no position of the WAL", "");
            return false;
        }
        resolved = found;
        resolved_change = as_of_change;
    }
    *position = resolved;
    if (!RecoveryInProgress() && resolved > GetXLogInsertRecPtr()) {
        set_failure(failure, "as_of_ahead", "tandem.as_of lies behind the end of the WAL", "");
        return false;
    }
    return true;
}

void raise_as_of(const Failure& failure) {
    ereport(ERROR, (errcode(MAKE_SQLSTATE('T', 'D', '0', '1', '4')),
                    errmsg("the statement cannot be answered as of %s (%s): %s", as_of,
                           failure.code, failure.message),
                    failure.advice[0] == '\0' ? errhint("RESET tandem.as_of to read the present.")
                                              : errhint("%s", failure.advice)));
    pg_unreachable();
}

}  // namespace tandem::shell
