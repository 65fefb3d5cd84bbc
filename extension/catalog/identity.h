// Whether a mirror in this database's catalog is a mirror of this database.
#pragma once

namespace tandem::shell {

// False in a copy of the mirrored database, where the catalog is a copy as well: its mirror's
// tables in ClickHouse are those of the original.
bool is_mirror_of_this_database(int mirror_id);

}  // namespace tandem::shell
