#include "daemon/notify.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <string>

namespace tandem::daemon {
namespace {

TEST(notify, tells_who_listens_under_an_abstract_name) {
    std::string name = "@tandem-notify-test-" + std::to_string(getpid());
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    address.sun_path[0] = 0;
    auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    ASSERT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), size), 0);
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
    notify("READY=1\nSTATUS=2 mirrors");
    char text[64] = {};
    ssize_t length = recv(fd, text, sizeof text, MSG_DONTWAIT);
    EXPECT_EQ(std::string(text, length < 0 ? 0 : static_cast<size_t>(length)),
              "READY=1\nSTATUS=2 mirrors");
    close(fd);
}

TEST(notify, does_nothing_when_nobody_listens) {
    unsetenv("NOTIFY_SOCKET");
    notify("READY=1");
    for (const char* path : {"", "relative", "/nowhere/socket"}) {
        setenv("NOTIFY_SOCKET", path, 1);
        notify("READY=1");
    }
    setenv("NOTIFY_SOCKET", ("/" + std::string(300, 'x')).c_str(), 1);
    notify("READY=1");
    unsetenv("NOTIFY_SOCKET");
}

}  // namespace
}  // namespace tandem::daemon
