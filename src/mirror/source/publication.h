// Which tables are in the publication of a mirror: only such that the application can write to.
//
// Postgres refuses every UPDATE and DELETE of a published table whose rows it cannot identify. So a
// table is looked at (tandem.without_identity) before it goes in, and all are looked at again and
// again: one that failed, or lost its key, is taken out.
#pragma once

#include <string_view>

#include "base/result.h"
#include "postgres/client/connection.h"

namespace tandem::mirror {

// Whether the publication has the table: named, or its schema, or all tables.
Result<bool> publishes(postgres::Connection& connection, std::string_view publication, Oid relid);

// Puts the table in. kNoReplicaIdentity or kSourceUnfit with the reason when it must stay out,
// kNotFound when there is none.
Status publish_table(postgres::Connection& connection, std::string_view publication, Oid relid);

// One look at the tables of all mirrors. Those that failed are taken out; those that lost their key
// fail, and are taken out by the same transaction. A table whose lock somebody holds is left for
// the next look.
Status guard_publications(postgres::Connection& connection);

}  // namespace tandem::mirror
