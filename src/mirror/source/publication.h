// Which tables are in the publication of a mirror: only such that the application can write to.
//
// Postgres refuses every UPDATE and DELETE of a published table whose rows it cannot identify. So a
// table is looked at (tandem.without_identity) before it goes in, and all are looked at again and
// again: one that failed, or lost its key, is taken out.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "postgres/client/connection.h"
#include "postgres/introspect/introspect.h"

namespace tandem::mirror {

// Before the publication is made: whether this role may publish the tables, which takes their
// owner's rights. kSourceUnfit otherwise; the message holds each way out as a statement to paste.
Status may_publish(postgres::Connection& connection, std::string_view publication,
                   std::span<const Oid> tables);

// A publication that somebody else has made carries all that a mirror needs: every kind of change,
// rows under the names of the partitions they lie in. kSourceUnfit with the statement that mends
// it.
Status check_publication(const postgres::PublicationInfo& publication);
// And all rows and columns of the table.
Status check_member(postgres::Connection& connection, std::string_view publication, Oid relid);

// Removes the publication of a mirror, unless it is somebody else's.
Status drop_publication(postgres::Connection& connection, std::string_view publication);

// Whether the publication has the table: named, or its schema, or all tables.
Result<bool> publishes(postgres::Connection& connection, std::string_view publication, Oid relid);

// Puts the table in. kNoReplicaIdentity or kSourceUnfit with the reason when it must stay out,
// kNotFound when there is none.
Status publish_table(postgres::Connection& connection, std::string_view publication, Oid relid);

// Tables that the source does not have any more are 'dropped' from then on; their rows stay in
// ClickHouse.
Status mark_dropped_tables(postgres::Connection& connection);

// Tables that were removed from their mirror and that ClickHouse has no more leave the catalog, as
// soon as a publication of ours does not have them.
Status forget_removed_tables(postgres::Connection& connection);

// One look at the tables of all mirrors. Those that failed are taken out; those that lost their key
// fail, and are taken out by the same transaction. A table whose lock somebody holds is left for
// the next look.
Status guard_publications(postgres::Connection& connection);

}  // namespace tandem::mirror
