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

#include "shell/compat.h"

namespace tandem::shell {
// Postgres' names win over those of namespace tandem; the core's are tandem::List and so on.
using ::List;
using ::Oid;
using PgList = ::List;
}  // namespace tandem::shell
