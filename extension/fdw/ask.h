// Questions to a foreign server beside scans: answers that are texts, and statements without any.
#pragma once

#include "extension/remote/remote.h"

namespace tandem::shell {

struct Question {
    const CatalogTarget* target;
    const char* database;
    const char* sql;
    int columns;  // all String
    tandem::List<clickhouse::BoundParameter> parameters = {};
};

// Raises what goes wrong. In the current memory context, as is what it needs.
RemoteRun* ask_server(const Question& question);
// False at the end. The texts live until the run's context goes.
bool next_answer(RemoteRun* run, int columns, const char** texts);
// Runs a statement that returns no rows, or whose rows nobody wants.
void tell_server(const Question& question);
// The same; false when it fails.
bool try_to_tell_server(const Question& question, Failure* failure);
// In quotes, as ClickHouse reads texts.
const char* quoted_text(const char* text);

}  // namespace tandem::shell
