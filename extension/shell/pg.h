// Postgres' headers for shell files: included first, before anything else.
//
// Shell files are C++ compiled without exceptions. Every local in them is trivially destructible,
// because Postgres leaves their frames by longjmp. No containers and no smart pointers of the
// standard library.
#pragma once

extern "C" {
#include "postgres.h"

#include "fmgr.h"
#include "nodes/pg_list.h"
}

// What shell files may use of the standard library: nothing that owns memory.
#include <bit>
#include <climits>
#include <cstdint>
#include <new>
#include <string_view>
#include <type_traits>

#include "extension/shell/compat.h"

// A destructor would be skipped by longjmp, so these do not even compile (test/compile).
#pragma GCC poison vector deque unordered_map unordered_set unique_ptr shared_ptr
#pragma GCC poison make_unique make_shared

namespace tandem::shell {
// Postgres' names win over those of namespace tandem; the core's are tandem::List and so on.
using ::List;
using ::Oid;
using PgList = ::List;
}  // namespace tandem::shell
