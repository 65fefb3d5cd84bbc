#include "stack/machine/account.h"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

namespace tandem::stack {
namespace {

std::optional<Account> look_up(const std::string& name) {
    std::array<char, 16384> buffer;
    passwd entry = {};
    passwd* found = nullptr;
    if (getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 ||
        found == nullptr)
        return std::nullopt;
    Account account{name, entry.pw_uid, entry.pw_gid, {}};
    int count = 64;
    account.groups.resize(static_cast<size_t>(count));
    if (getgrouplist(name.c_str(), account.gid, account.groups.data(), &count) < 0) count = 0;
    account.groups.resize(static_cast<size_t>(count));
    return account;
}

bool may_enter(const Account& account, const struct stat& info) {
    if (info.st_uid == account.uid) return (info.st_mode & S_IXUSR) != 0;
    bool member = info.st_gid == account.gid ||
                  std::find(account.groups.begin(), account.groups.end(), info.st_gid) !=
                      account.groups.end();
    if (member) return (info.st_mode & S_IXGRP) != 0;
    return (info.st_mode & S_IXOTH) != 0;
}

}  // namespace

Result<Account> find_account(const std::string& name) {
    std::optional<Account> account = look_up(name);
    if (!account) return Error(ErrorCode::kNotFound, "there is no user \"" + name + "\"");
    return *std::move(account);
}

Result<std::optional<Account>> service_account() {
    if (geteuid() != 0) return std::optional<Account>();
    for (const char* name : {"postgres", "nobody"})
        if (std::optional<Account> account = look_up(name)) return account;
    return Error(ErrorCode::kSourceUnfit,
                 "running as root, and neither user postgres nor nobody exists to run servers as");
}

std::optional<std::string> first_closed_directory(const Account& account, const std::string& path) {
    std::error_code ignored;
    std::filesystem::path walked = "/";
    for (const auto& part : std::filesystem::weakly_canonical(path, ignored)) {
        walked /= part;
        struct stat info = {};
        if (stat(walked.c_str(), &info) != 0) return std::nullopt;  // the rest is ours to create
        if (S_ISDIR(info.st_mode) && !may_enter(account, info)) return walked.string();
    }
    return std::nullopt;
}

Status become(const Account& account) {
    int death_signal = 0;
    prctl(PR_GET_PDEATHSIG, &death_signal);
    if (setgroups(account.groups.size(), account.groups.data()) != 0 ||
        setresgid(account.gid, account.gid, account.gid) != 0 ||
        setresuid(account.uid, account.uid, account.uid) != 0)
        return Error(ErrorCode::kInternal, "cannot become user " + account.name);
    // A change of user clears it.
    prctl(PR_SET_PDEATHSIG, death_signal);
    return {};
}

}  // namespace tandem::stack
