#include "mirror/session/ownership.h"

#include <unistd.h>

#include <array>
#include <fstream>

#include "base/back_off.h"
#include "sqltext/quote.h"

namespace tandem::mirror {
namespace {

using sqltext::pg_literal;

constexpr int kPolls = 500;
constexpr std::chrono::milliseconds kPoll{10};

std::string boot_id() {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string id;
    file >> id;
    return id;
}

std::string pid_namespace() {
    std::array<char, 64> link{};
    ssize_t size = readlink("/proc/self/ns/pid", link.data(), link.size());
    return size > 0 ? std::string(link.data(), static_cast<size_t>(size)) : "";
}

// When the process began, in ticks since the boot; empty when there is none, or only its remains.
std::string started(const std::string& pid) {
    std::ifstream file("/proc/" + pid + "/stat");
    std::string text;
    if (!std::getline(file, text)) return "";
    size_t at = text.rfind(") ");  // the name before it may hold anything
    if (at == std::string::npos || text[at + 2] == 'Z' || text[at + 2] == 'X') return "";
    std::string_view rest = std::string_view(text).substr(at + 2);
    for (int field = 3; field < 22 && !rest.empty(); ++field)  // starttime is the 22nd
        rest.remove_prefix(std::min(rest.find(' ') + 1, rest.size()));
    return std::string(rest.substr(0, rest.find(' ')));
}

std::string place() {
    return boot_id() + "/" + pid_namespace() + "/";
}

// Ends every session of the mirror but those of `owner`, and waits until they are gone.
Status end_others(postgres::Connection& connection, int mirror_id, int64_t owner) {
    std::string sessions =
        " FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND "
        "starts_with(application_name, " +
        pg_literal(session_name(mirror_id, 0).substr(0, session_name(mirror_id, 0).size() - 2)) +
        ") AND NOT starts_with(application_name, " + pg_literal(session_name(mirror_id, owner)) +
        ")";
    for (int i = 0; i < kPolls; ++i) {
        auto left =
            TRY(connection.query("SELECT count(*), count(pg_terminate_backend(pid))" + sessions));
        if (left.value(0, 0) == "0") return {};
        back_off(kPoll);
    }
    return Error(ErrorCode::kPostgresRetry, "connections of the mirror's last owner do not end");
}

}  // namespace

std::string session_name(int mirror_id, int64_t owner) {
    return "tandem mirror " + std::to_string(mirror_id) + "." + std::to_string(owner) + " ";
}

std::string this_process() {
    std::string pid = std::to_string(getpid());
    return place() + pid + "/" + started(pid);
}

bool is_gone(const std::string& process) {
    std::string here = place();
    if (process.size() <= here.size() || process.compare(0, here.size(), here) != 0) return false;
    std::string rest = process.substr(here.size());
    size_t slash = rest.find('/');
    return slash != std::string::npos && started(rest.substr(0, slash)) != rest.substr(slash + 1);
}

Result<Owner> take_ownership(postgres::Connection& connection, int mirror_id, int lease_backend) {
    std::string id = std::to_string(mirror_id);
    TRY(connection.execute("SET synchronous_commit = local"));
    TRY(connection.execute("BEGIN"));
    auto before = TRY(connection.query(
        "SELECT owner, coalesce(owner_process, '') FROM tandem.mirror WHERE mirror_id = " + id +
        " FOR UPDATE"));
    if (before.rows() == 0) return Error(ErrorCode::kNotFound, "the mirror is gone");
    Owner owner;
    owner.before = TRY(before.integer(0, 0));
    std::string process = before.text(0, 1);
    bool may_live = !process.empty() && process != this_process() && !is_gone(process);
    // Asked with the row locked: whoever gets the lease after this also raises the number after it.
    std::string holds =
        lease_backend == 0
            ? "true"
            : "EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = " +
                  std::to_string(kLeaseClass) + " AND objid = " + id +
                  " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                  " AND granted AND pid = " +
                  std::to_string(lease_backend) + ")";
    auto taken =
        TRY(connection.query("UPDATE tandem.mirror SET owner = owner + 1, owner_process = " +
                             pg_literal(this_process()) +
                             (may_live ? ", wanted_era = greatest(wanted_era, era) + 1" : "") +
                             " WHERE mirror_id = " + id + " AND " + holds + " RETURNING owner"));
    TRY(connection.execute("COMMIT"));
    if (taken.rows() == 0)
        return Error(ErrorCode::kLeaseLost, "another daemon holds the mirror's lease");
    owner.number = TRY(taken.integer(0, 0));
    TRY(end_others(connection, mirror_id, owner.number));
    return owner;
}

Status fence_out(postgres::Connection& connection, int mirror_id) {
    auto raised =
        TRY(connection.query("UPDATE tandem.mirror SET owner = owner + 1 WHERE "
                             "mirror_id = " +
                             std::to_string(mirror_id) + " RETURNING owner"));
    if (raised.rows() == 0) return {};
    return end_others(connection, mirror_id, TRY(raised.integer(0, 0)));
}

}  // namespace tandem::mirror
