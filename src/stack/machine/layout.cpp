#include "stack/machine/layout.h"

#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "stack/machine/files.h"

namespace tandem::stack {
namespace {

namespace fs = std::filesystem;

constexpr const char* kStore = "/var/lib/tandem";

// Makes `data` a link to a fresh directory that the account can reach.
Status link_to_store(const std::string& data) {
    TRY(make_directory(kStore, 0711));
    std::string suffix = TRY(random_password())
    .substr(0, 8);
    std::string name = fs::path(data).parent_path().filename().string();
    std::string store = std::string(kStore) + "/" + (name.empty() ? "root" : name) + "-" + suffix;
    TRY(make_directory(store, 0711));
    std::error_code failure;
    fs::create_directories(fs::path(data).parent_path(), failure);
    fs::create_symlink(store, data, failure);
    if (failure)
        return Error(ErrorCode::kIo, "cannot create the link " + data + ": " + failure.message());
    return {};
}

// A link whose store was deleted by hand is as good as none.
void forget_dangling_link(const std::string& data) {
    std::error_code failure;
    if (fs::is_symlink(fs::symlink_status(data, failure)) && !fs::exists(data, failure))
        fs::remove(data, failure);
}

}  // namespace

std::string Layout::socket() const {
    std::string directory = home + "/socket";
    constexpr size_t kNameMax = sizeof("/.s.PGSQL.65535.lock");
    return directory.size() + kNameMax < sizeof(sockaddr_un::sun_path) ? directory : "";
}

Result<Layout> create_layout(const std::string& data, const std::optional<Account>& account) {
    std::error_code failure;
    std::string wanted = fs::absolute(data, failure).lexically_normal().string();
    while (wanted.size() > 1 && wanted.ends_with('/')) wanted.pop_back();
    forget_dangling_link(wanted);
    if (!fs::exists(wanted, failure)) {
        bool closed = account && first_closed_directory(*account, wanted).has_value();
        if (closed)
            TRY(link_to_store(wanted));
        else
            TRY(make_directory(wanted, 0711));
    }
    Layout layout{fs::canonical(wanted, failure).string()};
    if (failure) return Error(ErrorCode::kIo, "cannot open " + wanted + ": " + failure.message());
    if (account) {
        if (auto closed = first_closed_directory(*account, layout.home))
            return Error(ErrorCode::kInvalidArgument,
                         "user " + account->name + ", whom servers run as, may not enter " +
                             *closed + "; choose another --data, or chmod o+x " + *closed);
    }
    TRY(make_directory(layout.home + "/log", 0700));
    TRY(make_directory(layout.home + "/run", 0700));
    TRY(make_directory(layout.daemon(), 0700, account));
    if (!layout.socket().empty()) TRY(make_directory(layout.socket(), 0711, account));
    return layout;
}

Result<Layout> find_layout(const std::string& data) {
    std::error_code failure;
    fs::path home = fs::canonical(data, failure);
    if (failure || !fs::exists(home / "run/settings.json", failure))
        return Error(ErrorCode::kNotFound,
                     "there is no stack in " + data + "; `tandem up` makes one");
    return Layout{home.string()};
}

}  // namespace tandem::stack
