// Whom a mirror mirrors: what source, slot, catalog and ClickHouse say about themselves, compared
// when a session starts.
//
// Every side can be set back, moved or copied behind the others' backs: a slot is advanced, a
// server restored or promoted, a ClickHouse directory put back. Each leaves a trace in what the
// others remember. Pure; docs/decisions/0005 says why each rule holds.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/lsn.h"
#include "mirror/store/stored_identity.h"

namespace tandem::mirror {

struct SourceFacts {
    std::string system;
    uint32_t timeline = 0;
    uint32_t database = 0;
    std::string database_name;
    Lsn end;  // of the WAL
    // Where the timelines before this one ended.
    struct Ended {
        uint32_t timeline = 0;
        Lsn at;
    };
    std::vector<Ended> history;
    std::optional<Lsn> confirmed;  // of the slot; nothing when there is none
};

struct CatalogFacts {
    std::string catalog;
    std::string system;  // empty: no session has looked yet
    uint32_t database = 0;
    int epoch = 0;
    int64_t owner = 0;        // of the session before this one
    int64_t owner_known = 0;  // the last that ClickHouse was told
    Lsn recorded;
    bool begun = false;  // some table has begun to load
    bool renew = false;  // a new slot and a new load are wanted anyway
};

enum class Judgement : uint8_t {
    go_on,
    reload,  // nothing in ClickHouse can be trusted: a new epoch, beside readers
    refuse,
};

struct Verdict {
    Judgement judgement = Judgement::go_on;
    ErrorCode code = ErrorCode::kInternal;
    std::string why;
};

Verdict judge(const SourceFacts& source, const CatalogFacts& catalog, const TargetFacts& target);

}  // namespace tandem::mirror
