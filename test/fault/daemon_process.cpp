#include "fault/daemon_process.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "base/back_off.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "control/reconciler.h"

namespace tandem::test {
namespace {

using std::chrono::milliseconds;

std::string environment(const char* name) {
    const char* text = std::getenv(name);
    return text == nullptr ? "" : text;
}

}  // namespace

int environment_number(const char* name, int otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::atoi(text);
}

int run_daemon_process() {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!set_failpoints(environment("TANDEM_FAILPOINTS")).ok()) return 64;
    signal(SIGPIPE, SIG_IGN);
    if (!environment("TANDEM_FAULT_LOG").empty())
        set_log_sink([](LogLevel, std::string_view module, std::string_view message) {
            std::fprintf(stderr, "[%d] %.*s: %.*s\n", getpid(), static_cast<int>(module.size()),
                         module.data(), static_cast<int>(message.size()), message.data());
        });
    control::ReconcilerOptions options;
    options.source = environment("FAULT_SOURCE");
    options.target.native_port = static_cast<uint16_t>(environment_number("FAULT_NATIVE", 0));
    options.target.http_port = static_cast<uint16_t>(environment_number("FAULT_HTTP", 0));
    options.target.user = environment("FAULT_USER");
    options.target.password = environment("FAULT_PASSWORD");
    options.limits.chunk_blocks = 16;  // many chunks, so that the load is hit as well
    options.limits.batch_bytes = size_t{1} << 20;
    // Folds as often as can be.
    options.limits.folding.grace = milliseconds(1000);
    options.limits.folding.generation_age = milliseconds(100);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::stop_source stop;
    std::thread([stop, signals]() mutable {
        int received = 0;
        sigwait(&signals, &received);
        stop.request_stop();
    }).detach();
    Status ended = control::Reconciler(options).run(stop.get_token());
    if (ended.ok()) _exit(1);
    std::fprintf(stderr, "daemon ended: %s\n", ended.error().to_string().c_str());
    _exit(2);
}

DaemonProcess::DaemonProcess(const test_support::TestPostgres& postgres,
                             const test_support::TestClickHouse& clickhouse)
    : addresses_{postgres.conninfo(), clickhouse.native_port(), clickhouse.http_port(),
                 clickhouse.user(), clickhouse.password()} {}

void DaemonProcess::start(const std::string& failpoints) {
    setenv("FAULT_SOURCE", addresses_.source.c_str(), 1);
    setenv("FAULT_NATIVE", std::to_string(addresses_.native_port).c_str(), 1);
    setenv("FAULT_HTTP", std::to_string(addresses_.http_port).c_str(), 1);
    setenv("FAULT_USER", addresses_.user.c_str(), 1);
    setenv("FAULT_PASSWORD", addresses_.password.c_str(), 1);
    setenv("TANDEM_FAILPOINTS", failpoints.c_str(), 1);
    char name[] = "fault_test";
    char flag[] = "--daemon";
    char* arguments[] = {name, flag, nullptr};
    ASSERT_EQ(posix_spawn(&pid_, "/proc/self/exe", nullptr, nullptr, arguments, environ), 0);
}

void DaemonProcess::kill_hard() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

milliseconds DaemonProcess::stop() {
    auto begun = std::chrono::steady_clock::now();
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
    return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begun);
}

void DaemonProcess::hang() {
    kill(pid_, SIGSTOP);
    EXPECT_TRUE(wait_until_hung());
}

void DaemonProcess::wake_up() {
    kill(pid_, SIGCONT);
}

bool DaemonProcess::wait_until_hung() const {
    for (int i = 0; i < 3000; ++i) {
        siginfo_t info{};
        if (waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WNOHANG | WNOWAIT) == 0 &&
            info.si_pid == pid_ && info.si_code == CLD_STOPPED)
            return true;
        back_off(milliseconds(10));
    }
    return false;
}

}  // namespace tandem::test
