// Ownership of a mirror: one session writes, everybody before it writes nothing any more.
//
// A daemon that was stopped for a while, or cut off, does not know that another one has taken over.
// So the one that takes over shuts it out on both sides before it does anything else: in Postgres
// by the number of the owner, which every connection compares when it opens, and by ending the
// connections that are open; in ClickHouse by giving the tables other names (the era), because a
// statement that is under way there cannot be called back. docs/decisions/0005.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "mirror/session/catalog_store.h"

namespace tandem::mirror {

// First key of the advisory locks that are the leases; the second is the mirror's id.
inline constexpr int kLeaseClass = 7235;

struct Owner {
    int64_t number = 0;
    int64_t before = 0;  // number of the owner before this one
};

// Begin of the application name of every connection of the mirror's owner.
std::string session_name(int mirror_id, int64_t owner);

// Makes the next owner, provided that `lease_backend`, the backend of this daemon that holds the
// lease, still does (0: not asked for), and ends the connections of all owners before it.
// kLeaseLost when somebody else holds the lease by now.
Result<Owner> take_ownership(postgres::Connection& connection, int mirror_id, int lease_backend);

// Shuts out whoever runs the mirror, without taking its place.
Status fence_out(postgres::Connection& connection, int mirror_id);

// "boot id/pid namespace/pid/start": this process, and whether another one is known to be gone.
std::string this_process();
bool is_gone(const std::string& process);

}  // namespace tandem::mirror
