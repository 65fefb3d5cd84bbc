// SchemaGuard: finds tables whose DDL the stream does not tell of, and has it followed.
//
// Logical replication says nothing of a table until a row of it changes, and nothing at all of rows
// that were rewritten, attached or truncated with a partition. So the catalog is looked at every
// now and then (tandem.changed_tables). A difference counts only when the stream has passed the
// position it was seen at: until then it may be on its way. Then
//   * rows that only moved (VACUUM FULL) are noted where they lie now;
//   * rewritten rows are loaded again, beside whoever reads; of a partitioned table only the
//     leaves that came, went or were rewritten: a message in the WAL says at which place the mirror
//     takes note of that;
//   * other columns are announced to the stream by a message in the WAL, made under a lock that
//     keeps them as they are: at its position the table has exactly the columns it names.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "base/lsn.h"
#include "base/result.h"
#include "postgres/client/connection.h"

namespace tandem::mirror {

class SchemaGuard {
  public:
    // One look at the tables of all mirrors. Does nothing on a standby.
    Status look(postgres::Connection& connection);
    // Something was seen of late: another look soon will find that the stream has passed it.
    bool pressing() const;

  private:
    struct Sighting {
        std::string seen;
        Lsn at;
        int announced = 0;
        int looks = 0;
    };
    struct Changed;

    static Status announce_leaves(postgres::Connection& connection, const std::string& where);
    static Status announce_columns(postgres::Connection& connection, const std::string& table,
                                   const std::string& where);
    static Result<bool> only_moved(postgres::Connection& connection, const Changed& table);
    Status act(postgres::Connection& connection, const Changed& table, Sighting& sighting);

    std::map<std::pair<int, uint32_t>, Sighting> sightings_;  // by mirror and relid
    unsigned looks_ = 0;
};

// What an announcement says, and reads: "shape:<relid>:<digest of the columns>".
struct Announcement {
    Oid relid;
    std::string_view digest;
};
bool parse_announcement(std::string_view content, Announcement* announcement);

// "leaf:<relid>:<leaf>:<part of the table or not>". A leaf that is part of it is loaded, whatever
// was known of it.
struct LeafAnnouncement {
    Oid relid;
    Oid leaf;
    bool part = false;
};
bool parse_announcement(std::string_view content, LeafAnnouncement* announcement);

}  // namespace tandem::mirror
