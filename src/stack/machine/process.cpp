#include "stack/machine/process.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <thread>

#include "stack/machine/files.h"

namespace tandem::stack {
namespace {

// Everything the child needs between fork and exec, prepared before: after a fork in a process
// with threads only async-signal-safe calls are allowed.
struct Prepared {
    std::vector<char*> argv;
    std::vector<char*> envp;
    int input = -1;
    int output = -1;
    int failure_pipe[2] = {-1, -1};
    pid_t parent = 0;
};

[[noreturn]] void child_failed(int pipe, const char* step) {
    int saved = errno;
    std::array<char, 256> text = {};
    size_t length = 0;
    for (const char* from : {step, ": ", strerrordesc_np(saved)})
        while (from != nullptr && *from != '\0' && length < text.size()) text[length++] = *from++;
    ssize_t ignored = write(pipe, text.data(), length);
    static_cast<void>(ignored);
    _exit(127);
}

[[noreturn]] void run_child(const SpawnOptions& options, const Prepared& prepared) {
    int pipe = prepared.failure_pipe[1];
    sigset_t none;
    sigemptyset(&none);
    for (int signal_number = 1; signal_number < 32; ++signal_number) signal(signal_number, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    if (options.new_session ? setsid() < 0 : setpgid(0, 0) != 0) child_failed(pipe, "setpgid");
    if (dup2(prepared.input, 0) < 0 || dup2(prepared.output, 1) < 0 || dup2(prepared.output, 2) < 0)
        child_failed(pipe, "dup2");
    // Marks instead of closes, so that the failure pipe lives until exec.
    syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
    if (options.account) {
        const Account& account = *options.account;
        if (setgroups(account.groups.size(), account.groups.data()) != 0 ||
            setresgid(account.gid, account.gid, account.gid) != 0 ||
            setresuid(account.uid, account.uid, account.uid) != 0)
            child_failed(pipe, "cannot drop privileges");
    }
    if (chdir(options.directory.empty() ? "/" : options.directory.c_str()) != 0)
        child_failed(pipe, "chdir");
    umask(077);
    if (options.death_signal != 0) {
        // After the change of user, which clears it.
        prctl(PR_SET_PDEATHSIG, options.death_signal);
        if (getppid() != prepared.parent) _exit(126);
    }
    execve(prepared.argv[0], prepared.argv.data(), prepared.envp.data());
    child_failed(pipe, prepared.argv[0]);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> result;
    result.reserve(texts.size() + 1);
    for (std::string& text : texts) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

// Reads the child's complaint; an exec that worked closes the pipe without a word.
std::string read_complaint(int fd) {
    std::array<char, 512> buffer;
    ssize_t count = 0;
    do count = read(fd, buffer.data(), buffer.size());
    while (count < 0 && errno == EINTR);
    return count > 0 ? std::string(buffer.data(), static_cast<size_t>(count)) : std::string();
}

Result<pid_t> spawn_prepared(const SpawnOptions& options, Prepared& prepared) {
    if (pipe2(prepared.failure_pipe, O_CLOEXEC) != 0)
        return Error(ErrorCode::kIo, std::string("cannot make a pipe: ") + std::strerror(errno));
    prepared.parent = getpid();
    pid_t pid = fork();
    if (pid == 0) run_child(options, prepared);
    int saved = errno;
    close(prepared.failure_pipe[1]);
    std::string complaint = pid > 0 ? read_complaint(prepared.failure_pipe[0]) : "";
    close(prepared.failure_pipe[0]);
    if (pid < 0)
        return Error(ErrorCode::kServerStartFailed,
                     std::string("cannot fork: ") + std::strerror(saved));
    if (!complaint.empty()) {
        waitpid(pid, nullptr, 0);
        return Error(ErrorCode::kServerStartFailed, "cannot start a process: " + complaint);
    }
    return pid;
}

}  // namespace

Result<pid_t> spawn(const SpawnOptions& options) {
    Prepared prepared;
    std::vector<std::string> arguments = options.arguments;
    std::vector<std::string> environment = {"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8",
                                            "TZ=UTC"};
    for (const auto& [name, value] : options.environment) environment.push_back(name + "=" + value);
    prepared.argv = pointers(arguments);
    prepared.envp = pointers(environment);

    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int output = null;
    if (!options.output_path.empty())
        output = open(options.output_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    prepared.input = options.stdin_fd >= 0 ? options.stdin_fd : null;
    prepared.output = output;
    Result<pid_t> result =
        output < 0 || null < 0
            ? Result<pid_t>(Error(ErrorCode::kIo, "cannot open " + options.output_path + ": " +
                                                      std::strerror(errno)))
            : spawn_prepared(options, prepared);
    if (output >= 0 && output != null) close(output);
    if (null >= 0) close(null);
    return result;
}

std::optional<int> try_reap(pid_t pid) {
    int status = 0;
    pid_t ended = waitpid(pid, &status, WNOHANG);
    if (ended == pid) return status;
    // Not our child (any more): report it as ended when it is gone.
    if (ended < 0 && errno == ECHILD) return 0;
    return std::nullopt;
}

std::optional<int> wait_for_exit(pid_t pid, std::chrono::steady_clock::time_point deadline) {
    int handle = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
    for (;;) {
        if (std::optional<int> status = try_reap(pid)) {
            if (handle >= 0) close(handle);
            return status;
        }
        auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        if (left.count() <= 0) break;
        pollfd wait{handle, POLLIN, 0};
        // Without pidfds (an old kernel) this is a plain poll loop of 10 ms.
        poll(&wait, handle >= 0 ? 1 : 0, handle >= 0 ? static_cast<int>(left.count()) : 10);
    }
    if (handle >= 0) close(handle);
    return std::nullopt;
}

int stop_child(pid_t pid, int signal, std::chrono::milliseconds patience) {
    kill(pid, signal);
    kill(pid, SIGCONT);  // one that is stopped would not hear of it
    std::optional<int> status = wait_for_exit(pid, std::chrono::steady_clock::now() + patience);
    if (status) return *status;
    kill(pid, SIGKILL);
    int killed = 0;
    waitpid(pid, &killed, 0);
    return killed;
}

std::string describe_exit(int wait_status) {
    if (WIFEXITED(wait_status))
        return "exited with code " + std::to_string(WEXITSTATUS(wait_status));
    int signal_number = WTERMSIG(wait_status);
    const char* name = sigdescr_np(signal_number);
    return "killed by signal " + std::to_string(signal_number) + " (" +
           (name == nullptr ? "unknown" : name) + ")";
}

Result<std::string> run_program(SpawnOptions options, std::chrono::milliseconds timeout) {
    std::string path = (std::filesystem::temp_directory_path() / "tandem-run-XXXXXX").string();
    int fd = mkstemp(path.data());
    if (fd < 0) return Error(ErrorCode::kIo, "cannot create a temporary file in /tmp");
    close(fd);
    options.output_path = path;
    Result<pid_t> pid = spawn(options);
    std::optional<int> status;
    if (pid.ok()) {
        status = wait_for_exit(*pid, std::chrono::steady_clock::now() + timeout);
        if (!status) stop_child(*pid, SIGKILL, std::chrono::seconds(1));
    }
    Result<std::string> output = read_file(path);
    unlink(path.c_str());
    if (!pid.ok()) return std::move(pid).error();
    if (!status)
        return Error(ErrorCode::kTimeout, options.arguments[0] + " did not end within " +
                                              std::to_string(timeout.count()) + " ms");
    if (*status != 0)
        return Error(ErrorCode::kServerStartFailed, options.arguments[0] + " " +
                                                        describe_exit(*status) + ": " +
                                                        (output.ok() ? *output : ""));
    return output;
}

std::optional<ProcessId> identify(pid_t pid) {
    if (pid <= 0) return std::nullopt;
    Result<std::string> stat = read_file("/proc/" + std::to_string(pid) + "/stat");
    if (!stat.ok()) return std::nullopt;
    // The command name may hold anything, so fields are counted from the last parenthesis.
    size_t end = stat->rfind(')');
    if (end == std::string::npos) return std::nullopt;
    std::istringstream fields(stat->substr(end + 1));
    std::string field;
    ProcessId process{pid, 0};
    for (int number = 3; number <= 22 && fields >> field; ++number) {
        if (number == 3 && (field == "Z" || field == "X")) return std::nullopt;
        if (number == 22) process.start_ticks = std::strtoull(field.c_str(), nullptr, 10);
    }
    return process;
}

bool is_running(const ProcessId& process) {
    std::optional<ProcessId> now = identify(process.pid);
    return now && *now == process;
}

std::vector<pid_t> children_of(pid_t pid) {
    std::string directory = "/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid);
    std::vector<pid_t> children;
    Result<std::string> list = read_file(directory + "/children");
    if (!list.ok()) return children;
    std::istringstream numbers(*list);
    for (pid_t child = 0; numbers >> child;) children.push_back(child);
    return children;
}

std::string own_executable() {
    std::error_code failure;
    return std::filesystem::read_symlink("/proc/self/exe", failure).string();
}

std::string own_directory() {
    return std::filesystem::path(own_executable()).parent_path().string();
}

}  // namespace tandem::stack
