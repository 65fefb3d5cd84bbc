// Which statement runs inside which, and how each ends: in good order, by an error, with the commit
// that follows it, with the process.
#pragma once

#include "extension/telemetry/statement.h"

namespace tandem::shell {

// Gives a new statement its place: number, level, whom it runs inside of. `number` 0: the next one.
void place_statement(OpenStatement* statement, uint32 number);
uint32 next_statement_number();

// What has to be as it was when a statement is left, however it is left.
struct Inside {
    uint32 number;
    uint8 level;
    OpenStatement* running;
    RouteNote* note;
};
Inside enter(OpenStatement* statement);
// The same for planning, which has a number and no statement yet.
Inside enter_planning(uint32 number, RouteNote* note);
void leave(const Inside& before);
bool is_inside_statement();
int nesting_level();

// In good order. The client's own statement that a commit follows at once waits for it.
void end_statement(OpenStatement* statement);
// In a PG_CATCH block, which goes on to throw the error on. Does not raise.
void fail_statement(OpenStatement* statement);
// Writes what waited for a commit that is over or does not come.
void flush_held();

void install_endings();

}  // namespace tandem::shell
