// In the backend's own memory: no lock, nothing shared, and a query that another session has found
// too narrow costs this one a single extra run in Postgres.
#include "extension/shell/pg.h"

extern "C" {
#include "common/hashfn.h"
#include "utils/plancache.h"
}

#include "extension/route/narrow.h"

namespace tandem::shell {
namespace {

// The newest ones; what is forgotten is found out again.
constexpr uint32 kRemembered = 256;
uint64 remembered[kRemembered];
uint32 noted = 0;

uint64 hash_of(const char* sql, size_t length) {
    return hash_bytes_extended(reinterpret_cast<const unsigned char*>(sql),
                               static_cast<int>(length), 0);
}

}  // namespace

bool is_too_narrow(const char* sql, size_t length) {
    if (noted == 0) return false;
    uint64 hash = hash_of(sql, length);
    for (uint32 i = 0; i < Min(noted, kRemembered); ++i)
        if (remembered[i] == hash) return true;
    return false;
}

void note_too_narrow(const char* sql) {
    size_t length = strlen(sql);
    if (is_too_narrow(sql, length)) return;
    remembered[noted++ % kRemembered] = hash_of(sql, length);
    ResetPlanCache();
}

}  // namespace tandem::shell
