// A reconciler in a process of its own, so that a test can kill it or stop it. The process is the
// test's own program, called as `PROGRAM --daemon`: its main() has to lead there.
#pragma once

#include <sys/types.h>

#include <string>

#include "support/servers.h"

namespace tandem::test {

// What main() calls for `--daemon`; never returns 0.
int run_daemon_process();

int environment_number(const char* name, int otherwise);

struct DaemonAddresses {
    std::string source;  // connection string
    uint16_t native_port = 0;
    uint16_t http_port = 0;
    std::string user, password;
};

class DaemonProcess {
  public:
    DaemonProcess(const test_support::TestPostgres& postgres,
                  const test_support::TestClickHouse& clickhouse);
    explicit DaemonProcess(DaemonAddresses addresses) : addresses_(std::move(addresses)) {}
    ~DaemonProcess() { kill_hard(); }
    DaemonProcess(const DaemonProcess&) = delete;
    DaemonProcess& operator=(const DaemonProcess&) = delete;

    DaemonAddresses& addresses() { return addresses_; }
    void start(const std::string& failpoints = "");
    // Also reaps it when it killed itself at a failpoint.
    void kill_hard();
    // Orderly. The time it took.
    std::chrono::milliseconds stop();
    void hang();
    void wake_up();
    // Waits until it has stopped itself at a failpoint; false after a while.
    bool wait_until_hung() const;

  private:
    DaemonAddresses addresses_;
    pid_t pid_ = -1;
};

}  // namespace tandem::test
