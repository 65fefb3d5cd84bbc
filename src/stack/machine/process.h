// Child processes: start one safely, see how it ended, stop it.
//
// spawn() may be called from any thread, but the death signal fires when the *thread* that called
// it ends: call it from one that lives as long as the child should. Arguments are visible to every
// user of the machine, so secrets never go there: children read them from files.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "stack/machine/account.h"

namespace tandem::stack {

struct SpawnOptions {
    std::vector<std::string> arguments = {};                            // [0] is the absolute path
    std::vector<std::pair<std::string, std::string>> environment = {};  // added to a minimal one
    std::optional<Account> account = {};                                // whom the child becomes
    int death_signal = 0;          // sent to the child when the calling thread ends; 0: none
    std::string output_path = {};  // stdout and stderr are appended there; empty: /dev/null
    std::string directory = {};    // working directory; empty: /
    int stdin_fd = -1;             // -1: /dev/null
    bool new_session = false;      // setsid: detached from the terminal and its signals
};

// Starts the program in its own process group with default signal handling and no inherited
// descriptors. kServerStartFailed when it cannot be executed.
Result<pid_t> spawn(const SpawnOptions& options);

// The wait status when the child has ended (and is now reaped), nothing while it runs.
std::optional<int> try_reap(pid_t pid);

// Waits for the end of a child; nothing when it still runs at the deadline.
std::optional<int> wait_for_exit(pid_t pid, std::chrono::steady_clock::time_point deadline);

// Sends `signal`, and SIGKILL when the child has not ended in time. Returns the wait status.
int stop_child(pid_t pid, int signal, std::chrono::milliseconds patience);

// "exited with code 3", "killed by signal 9 (Killed)".
std::string describe_exit(int wait_status);

// Runs a program to its end and returns what it printed (both streams, at most 1 MiB kept);
// a non-zero exit is kServerStartFailed with that output in the message.
Result<std::string> run_program(SpawnOptions options, std::chrono::milliseconds timeout);

// A process of any parentage. Its start time makes a reused pid recognisable.
struct ProcessId {
    pid_t pid = 0;
    uint64_t start_ticks = 0;
    bool operator==(const ProcessId&) const = default;
};
std::optional<ProcessId> identify(pid_t pid);  // nothing when no such process (or a zombie)
bool is_running(const ProcessId& process);
std::vector<pid_t> children_of(pid_t pid);

// The path of the running executable, and the directory it lies in.
std::string own_executable();
std::string own_directory();

}  // namespace tandem::stack
