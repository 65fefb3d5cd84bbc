// What to do about an error: one function of the error and of the place where it was met.
//
// errors.def says of each code whether the same call may succeed later; here stands how far the
// consequences go. Nobody else looks at a code to decide whether to go on.
#pragma once

#include <cstdint>

#include "base/error.h"

namespace tandem {

enum class Place : uint8_t {
    daemon,         // catalog, extension, the control connection
    session,        // a mirror's session has ended
    prepare_table,  // a table on its way into a session
    relation,       // the stream describes a table
    apply_step,     // one step of a batch
    apply_batch,    // a batch as a whole, after its steps were refused for reasons of no table
    load_chunk,     // a piece of a table's initial load
};

enum class Action : uint8_t {
    again,         // wait, then the same once more
    end_session,   // start again from the last checkpoint
    restart_load,  // load the table from its start, as it is now
    fail_table,    // this table stops until a person has acted; the others go on
    stop,          // the mirror, or the daemon, stops until a person has acted
};

// `apply_step` gives fail_table or end_session; the latter is then a question for `apply_batch`.
Action action_for(const Error& error, Place place);

}  // namespace tandem
