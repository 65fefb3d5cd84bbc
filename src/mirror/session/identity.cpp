#include "mirror/session/identity.h"

namespace tandem::mirror {
namespace {

Verdict reload(ErrorCode code, std::string why) {
    return {Judgement::reload, code, std::move(why)};
}
Verdict refuse(ErrorCode code, std::string why) {
    return {Judgement::refuse, code, std::move(why)};
}

std::string describe(const StoredIdentity& identity) {
    return "database \"" + identity.database_name + "\" (oid " + std::to_string(identity.database) +
           ") of system " + identity.system;
}

// The catalog of this database was made anew; nobody else can have written there.
bool same_source(const StoredIdentity& identity, const SourceFacts& source) {
    return identity.system == source.system && identity.database == source.database;
}

std::optional<Verdict> judge_owner(const SourceFacts& source, const CatalogFacts& catalog,
                                   const TargetFacts& target) {
    if (target.other && !same_source(*target.other, source))
        return refuse(ErrorCode::kTargetTaken,
                      "the database in ClickHouse is written by " + describe(*target.other));
    if (catalog.renew) return std::nullopt;
    if (!catalog.system.empty() &&
        (catalog.system != source.system || catalog.database != source.database))
        return refuse(ErrorCode::kOtherCluster,
                      "the mirror was made for database oid " + std::to_string(catalog.database) +
                          " of system " + catalog.system + "; this is oid " +
                          std::to_string(source.database) + " of system " + source.system);
    if (target.mine && !same_source(*target.mine, source))
        return refuse(ErrorCode::kOtherCluster, "ClickHouse holds the tables of " +
                                                    describe(*target.mine) + "; this is oid " +
                                                    std::to_string(source.database) +
                                                    " of system " + source.system);
    return std::nullopt;
}

// Catalog and ClickHouse tell each other how far they are: who knows less is older.
std::optional<Verdict> judge_age(const CatalogFacts& catalog, const StoredIdentity& stored) {
    if (stored.epoch > catalog.epoch || stored.owner > catalog.owner ||
        stored.recorded > catalog.recorded)
        return reload(ErrorCode::kSourceRestored,
                      "schema tandem is older than ClickHouse: it has been restored from a copy");
    if (stored.epoch < catalog.epoch || stored.owner < catalog.owner_known ||
        stored.position < catalog.recorded)
        return reload(ErrorCode::kTargetRestored,
                      "ClickHouse is older than schema tandem: it has been restored from a copy");
    return std::nullopt;
}

std::optional<Verdict> judge_wal(const SourceFacts& source, const StoredIdentity& stored) {
    if (stored.timeline != source.timeline) {
        std::optional<Lsn> end;
        for (const SourceFacts::Ended& ended : source.history)
            if (ended.timeline == stored.timeline) end = ended.at;
        std::string timelines = "timeline " + std::to_string(stored.timeline) + ", now it is " +
                                std::to_string(source.timeline);
        if (!end)
            return reload(ErrorCode::kSourceRestored, "ClickHouse has the source of " + timelines +
                                                          ", which does not come from it");
        if (stored.position > *end)
            return reload(ErrorCode::kFailoverLost, "ClickHouse has the source of " + timelines +
                                                        ", up to " + to_string(stored.position) +
                                                        "; the promoted server had only " +
                                                        to_string(*end));
        if (!source.confirmed)
            return reload(ErrorCode::kFailoverLost,
                          "the promoted server has no replication slot (" + timelines + ")");
    }
    if (stored.position > source.end)
        return reload(ErrorCode::kSourceRestored, "ClickHouse has the source up to " +
                                                      to_string(stored.position) +
                                                      "; its WAL ends at " + to_string(source.end));
    if (source.confirmed && *source.confirmed > stored.promised)
        return reload(ErrorCode::kSlotAhead, "the slot stands at " + to_string(*source.confirmed) +
                                                 "; the mirror moved it no further than " +
                                                 to_string(stored.promised));
    return std::nullopt;
}

}  // namespace

Verdict judge(const SourceFacts& source, const CatalogFacts& catalog, const TargetFacts& target) {
    if (auto verdict = judge_owner(source, catalog, target)) return *verdict;
    if (catalog.renew || !catalog.begun) return {};
    if (!target.mine) {
        if (catalog.owner_known == 0) return {};  // as left by a version that wrote none
        return reload(ErrorCode::kTargetRestored,
                      "ClickHouse does not know the mirror any more: its tables are gone, or were "
                      "restored from a copy");
    }
    if (auto verdict = judge_age(catalog, *target.mine)) return *verdict;
    if (auto verdict = judge_wal(source, *target.mine)) return *verdict;
    return {};
}

}  // namespace tandem::mirror
