// The heaps a table's rows lie in, as the SQL function tandem.heaps writes them.
#pragma once

namespace tandem::shell {

// "leaf/filenode ..." by leaf, of a partitioned table with the transactions that attached it; in
// the current memory context. The caller holds a lock on the table.
const char* heaps_of(Oid relid);

}  // namespace tandem::shell
