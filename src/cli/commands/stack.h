// tandem up, down, status, doctor, sql: the stack as a whole.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/commands/mirror.h"
#include "cli/options.h"
#include "postgres/client/connection.h"
#include "stack/machine/layout.h"
#include "stack/supervisor/settings.h"

namespace tandem::cli {

// Starts or attaches what is not running yet and waits until it is ready. Running already is ok.
Result<stack::Layout> bring_up(Options& options);

Status up(Options options);
Status down(Options options);
Status status(Options options);
// Fails when a check failed; prints all of them, with the statements that mend what is missing.
Status doctor(Options options, const MirrorRequest& request);
// Replaces this process by psql, connected to the stack's Postgres; `arguments` go to psql. With
// print_environment it prints, as JSON, the variables any libpq program needs; none is a secret.
Status sql(Options options, const std::vector<std::string>& arguments, bool print_environment);
// The process that `up` leaves behind.
Status supervise(Options options);

// Those of the stack, or of the servers that the options name when there is none.
Result<stack::Settings> known_settings(const Options& options);

// A connection to the Postgres of the options: --postgres, or the stack's own.
Result<postgres::Connection> connect_source(Options& options);

}  // namespace tandem::cli
