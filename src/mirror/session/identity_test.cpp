#include "mirror/session/identity.h"

#include <gtest/gtest.h>

#include <functional>

namespace tandem::mirror {
namespace {

struct World {
    SourceFacts source;
    CatalogFacts catalog;
    TargetFacts target;
};

// A mirror that has run for a while, and everything as it left it.
World undisturbed() {
    World world;
    world.source = {.system = "7001",
                    .timeline = 2,
                    .database = 5,
                    .database_name = "d",
                    .end = Lsn{5000},
                    .history = {{1, Lsn{1000}}},
                    .confirmed = Lsn{4000}};
    world.catalog = {.catalog = "c",
                     .system = "7001",
                     .database = 5,
                     .epoch = 3,
                     .owner = 9,
                     .owner_known = 9,
                     .recorded = Lsn{3000},
                     .begun = true};
    StoredIdentity stored;
    stored.catalog = "c";
    stored.mirror = 1;
    stored.system = "7001";
    stored.timeline = 2;
    stored.database = 5;
    stored.database_name = "d";
    stored.epoch = 3;
    stored.owner = 9;
    stored.position = Lsn{3900};
    stored.promised = Lsn{4500};
    stored.recorded = Lsn{2000};
    world.target.mine = stored;
    return world;
}

struct Case {
    const char* name;
    std::function<void(World&)> disturb;
    Judgement judgement;
    ErrorCode code;
};

const Case kCases[] = {
    {"nothing happened", [](World&) {}, Judgement::go_on, ErrorCode::kInternal},
    {"the slot is behind after a crash of the source",
     [](World& w) { w.source.confirmed = Lsn{100}; }, Judgement::go_on, ErrorCode::kInternal},
    {"the daemon died before ClickHouse knew of it", [](World& w) { w.catalog.owner = 12; },
     Judgement::go_on, ErrorCode::kInternal},
    {"nothing is loaded yet",
     [](World& w) {
         w.catalog.begun = false;
         w.source.confirmed = Lsn{99999};
     },
     Judgement::go_on, ErrorCode::kInternal},
    {"a failover lost nothing",
     [](World& w) {
         w.source.timeline = 3;
         w.source.history.push_back({2, Lsn{3900}});
     },
     Judgement::go_on, ErrorCode::kInternal},
    {"the slot was advanced", [](World& w) { w.source.confirmed = Lsn{4501}; }, Judgement::reload,
     ErrorCode::kSlotAhead},
    {"the WAL ends before", [](World& w) { w.source.end = Lsn{3899}; }, Judgement::reload,
     ErrorCode::kSourceRestored},
    {"the source has forgotten an owner", [](World& w) { w.catalog.owner = 8; }, Judgement::reload,
     ErrorCode::kSourceRestored},
    {"the source has forgotten a position", [](World& w) { w.catalog.recorded = Lsn{1999}; },
     Judgement::reload, ErrorCode::kSourceRestored},
    {"the source has forgotten an epoch", [](World& w) { w.catalog.epoch = 2; }, Judgement::reload,
     ErrorCode::kSourceRestored},
    {"ClickHouse has forgotten an owner", [](World& w) { w.target.mine->owner = 8; },
     Judgement::reload, ErrorCode::kTargetRestored},
    {"ClickHouse has forgotten a position", [](World& w) { w.target.mine->position = Lsn{2999}; },
     Judgement::reload, ErrorCode::kTargetRestored},
    {"ClickHouse has forgotten everything", [](World& w) { w.target.mine.reset(); },
     Judgement::reload, ErrorCode::kTargetRestored},
    {"a failover lost what ClickHouse has",
     [](World& w) {
         w.source.timeline = 3;
         w.source.history.push_back({2, Lsn{3899}});
     },
     Judgement::reload, ErrorCode::kFailoverLost},
    {"a failover lost the slot",
     [](World& w) {
         w.source.timeline = 3;
         w.source.history.push_back({2, Lsn{4000}});
         w.source.confirmed.reset();
     },
     Judgement::reload, ErrorCode::kFailoverLost},
    {"another branch of history",
     [](World& w) {
         w.source.timeline = 4;
         w.source.history = {{1, Lsn{1000}}, {3, Lsn{1500}}};
     },
     Judgement::reload, ErrorCode::kSourceRestored},
    {"another cluster", [](World& w) { w.source.system = "7002"; }, Judgement::refuse,
     ErrorCode::kOtherCluster},
    {"another database of the cluster", [](World& w) { w.source.database = 6; }, Judgement::refuse,
     ErrorCode::kOtherCluster},
    {"another cluster on purpose",
     [](World& w) {
         w.source.system = "7002";
         w.catalog.renew = true;
     },
     Judgement::go_on, ErrorCode::kInternal},
    {"somebody else writes there",
     [](World& w) {
         w.target.other = w.target.mine;
         w.target.other->catalog = "x";
         w.target.other->database = 6;
         w.target.mine.reset();
         w.catalog.begun = false;
     },
     Judgement::refuse, ErrorCode::kTargetTaken},
    {"the catalog of the same database was made anew",
     [](World& w) {
         w.target.other = w.target.mine;
         w.target.other->catalog = "x";
         w.target.mine.reset();
         w.catalog.begun = false;
         w.catalog.system = "";
         w.catalog.owner_known = 0;
     },
     Judgement::go_on, ErrorCode::kInternal},
};

TEST(mirror_identity, tells_what_has_happened_behind_its_back) {
    for (const Case& one : kCases) {
        World world = undisturbed();
        one.disturb(world);
        Verdict verdict = judge(world.source, world.catalog, world.target);
        EXPECT_EQ(verdict.judgement, one.judgement) << one.name << ": " << verdict.why;
        if (one.judgement != Judgement::go_on) {
            EXPECT_EQ(verdict.code, one.code) << one.name << ": " << verdict.why;
            EXPECT_FALSE(verdict.why.empty()) << one.name;
        }
    }
}

}  // namespace
}  // namespace tandem::mirror
