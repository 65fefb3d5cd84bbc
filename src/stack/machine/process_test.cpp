#include "stack/machine/process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

namespace tandem::stack {
namespace {

TEST(process, returns_what_a_program_printed) {
    auto output = run_program({.arguments = {"/bin/echo", "hello"}}, std::chrono::seconds(10));
    ASSERT_TRUE(output.ok()) << output.error().to_string();
    EXPECT_EQ(*output, "hello\n");
}

TEST(process, says_which_program_could_not_be_started) {
    auto pid = spawn({.arguments = {"/nonexistent/program"}});
    ASSERT_FALSE(pid.ok());
    EXPECT_NE(pid.error().message().find("/nonexistent/program"), std::string::npos);
}

TEST(process, reports_a_failing_program_with_its_output) {
    auto output = run_program({.arguments = {"/bin/sh", "-c", "echo reason; exit 3"}},
                              std::chrono::seconds(10));
    ASSERT_FALSE(output.ok());
    EXPECT_NE(output.error().message().find("exited with code 3: reason"), std::string::npos);
}

TEST(process, kills_a_child_that_ignores_the_polite_signal) {
    auto pid = spawn({.arguments = {"/bin/sh", "-c", "trap '' TERM; sleep 100 & wait; wait"}});
    ASSERT_TRUE(pid.ok());
    int status = stop_child(*pid, SIGTERM, std::chrono::milliseconds(50));
    EXPECT_TRUE(WIFSIGNALED(status));
}

TEST(process, recognises_a_reused_pid_by_its_start_time) {
    std::optional<ProcessId> self = identify(getpid());
    ASSERT_TRUE(self);
    EXPECT_TRUE(is_running(*self));
    EXPECT_FALSE(is_running({self->pid, self->start_ticks + 1}));
}

TEST(process, drops_to_the_service_account_when_started_by_root) {
    auto account = service_account();
    ASSERT_TRUE(account.ok()) << account.error().to_string();
    auto output = run_program({.arguments = {"/usr/bin/id", "-u"}, .account = *account},
                              std::chrono::seconds(10));
    ASSERT_TRUE(output.ok()) << output.error().to_string();
    EXPECT_NE(*output, "0\n");
}

TEST(process, gives_the_child_no_descriptor_but_the_three) {
    auto output =
        run_program({.arguments = {"/bin/ls", "/proc/self/fd"}}, std::chrono::seconds(10));
    ASSERT_TRUE(output.ok()) << output.error().to_string();
    // The last is the folder that ls itself reads; one that was inherited would come before it.
    EXPECT_EQ(*output, "0\n1\n2\n3\n");
}

}  // namespace
}  // namespace tandem::stack
