// tandem-clickhouse: runs the library libchdb.so as a ClickHouse server.
//
//     tandem-clickhouse --engine LIB --config FILE --ready FILE [--user NAME]
//
// The library is an interactive ClickHouse; told to start its listeners, it serves like a server
// for as long as its prompt waits. Design:
// 1. The prompt reads from a pseudo terminal nobody types on. A terminal is needed: without one the
//    engine aborts the process on malformed bytes from the network. NEVER write to the master: it
//    is an administrator's console.
// 2. All signals that end the server are blocked before the engine's threads exist and are waited
//    for by one thread, which closes the terminal; the prompt sees the hang-up and shuts down
//    orderly.
// 3. A second signal ends the process at once.
// 4. Privileges are dropped before the library is loaded, through a descriptor opened before, so
//    that no code of the engine ever runs as root, wherever the library lies.
// 5. Both ports, written to the ready file by the engine itself once both listeners stand, are the
//    sign that it serves.
//
// Exit codes: 0 stopped on a signal; 64 usage; 70 the engine returned unasked; 71 terminal;
// 72 library; 77 privileges; 128+n second signal.
#include <dlfcn.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int kUsage = 64;
constexpr int kEngineReturned = 70;
constexpr int kNoTerminal = 71;
constexpr int kNoLibrary = 72;
constexpr int kNoPrivileges = 77;

struct Arguments {
    std::string engine;
    std::string config;
    std::string ready;
    std::string user;
};

int complain(int code, const std::string& what) {
    std::fprintf(stderr, "tandem-clickhouse: %s\n", what.c_str());
    return code;
}

std::optional<Arguments> parse(int argc, char** argv) {
    Arguments arguments;
    for (int i = 1; i + 1 < argc; i += 2) {
        std::string name = argv[i];
        std::string value = argv[i + 1];
        if (name == "--engine")
            arguments.engine = value;
        else if (name == "--config")
            arguments.config = value;
        else if (name == "--ready")
            arguments.ready = value;
        else if (name == "--user")
            arguments.user = value;
        else
            return std::nullopt;
    }
    bool complete = argc % 2 == 1 && !arguments.engine.empty() && !arguments.config.empty() &&
                    !arguments.ready.empty();
    return complete ? std::optional(arguments) : std::nullopt;
}

bool drop_privileges(const std::string& name) {
    int death_signal = 0;
    prctl(PR_GET_PDEATHSIG, &death_signal);
    const passwd* entry = getpwnam(name.c_str());
    if (entry == nullptr) return false;
    if (initgroups(name.c_str(), entry->pw_gid) != 0 ||
        setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) != 0 ||
        setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) != 0)
        return false;
    // A change of user clears the death signal and closes /proc/self to us; both are wanted.
    prctl(PR_SET_PDEATHSIG, death_signal);
    prctl(PR_SET_DUMPABLE, 1);
    return true;
}

// Returns the master side, or -1; descriptor 0 is the slave side afterwards.
int open_terminal() {
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) return -1;
    char name[128];
    if (ptsname_r(master, name, sizeof name) != 0) return -1;
    int slave = open(name, O_RDWR | O_NOCTTY);
    if (slave < 0) return -1;
    termios settings = {};
    tcgetattr(slave, &settings);
    cfmakeraw(&settings);
    tcsetattr(slave, TCSANOW, &settings);
    if (dup2(slave, 0) < 0) return -1;
    if (slave > 2) close(slave);
    return master;
}

bool has_content(const std::string& path) {
    FILE* file = std::fopen(path.c_str(), "r");
    if (file == nullptr) return false;
    int first = std::fgetc(file);
    std::fclose(file);
    return first != EOF;
}

// As a ClickHouse string literal.
std::string quoted(const std::string& text) {
    std::string literal = "'";
    for (char c : text) {
        if (c == '\'' || c == '\\') literal += '\\';
        literal += c;
    }
    return literal + "'";
}

// The engine's command line: start both listeners, then write the ports, then a mark that all of
// this was tried.
std::vector<std::string> engine_arguments(const Arguments& arguments) {
    std::vector<std::string> result = {"clickhouse-local", "--config-file=" + arguments.config,
                                       "--interactive", "--disable_suggestion", "--progress=off"};
    const std::string queries[] = {
        "SYSTEM START LISTEN TCP", "SYSTEM START LISTEN HTTP",
        "SELECT getServerPort('tcp_port'), getServerPort('http_port') INTO OUTFILE " +
            quoted(arguments.ready + ".tmp") + " TRUNCATE FORMAT TSV",
        "SELECT 1 INTO OUTFILE " + quoted(arguments.ready + ".end") + " TRUNCATE FORMAT TSV"};
    for (const std::string& query : queries) {
        result.push_back("-q");
        result.push_back(query);
    }
    return result;
}

std::atomic<int> g_stopped_by = 0;

// Publishes the ready file when the engine is up, then waits for a signal and hangs up.
void watch(sigset_t signals, int master, const std::string& ready) {
    bool up = false;
    for (;;) {
        timespec tick = {0, 10'000'000};
        int received = up ? sigwaitinfo(&signals, nullptr) : sigtimedwait(&signals, nullptr, &tick);
        if (received > 0) {
            g_stopped_by = received;
            break;
        }
        if (up || !has_content(ready + ".end")) continue;
        unlink((ready + ".end").c_str());
        if (!has_content(ready + ".tmp")) {
            complain(0, "a listener did not start; is a port taken?");
            break;
        }
        std::rename((ready + ".tmp").c_str(), ready.c_str());
        up = true;
    }
    close(master);
    int second = 0;
    sigwait(&signals, &second);
    _exit(128 + second);
}

using RunFunction = void* (*)(int, char**);
using ErrorFunction = const char* (*)(void*);

int run(const Arguments& arguments) {
    // The engine's own SYSTEM SHUTDOWN signals its whole group, which must be ours alone.
    setpgid(0, 0);
    sigset_t signals;
    sigemptyset(&signals);
    for (int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, number);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    signal(SIGPIPE, SIG_IGN);

    int library_fd = open(arguments.engine.c_str(), O_RDONLY | O_CLOEXEC);
    if (library_fd < 0) return complain(kNoLibrary, arguments.engine + ": " + std::strerror(errno));
    if (!arguments.user.empty() && !drop_privileges(arguments.user))
        return complain(kNoPrivileges, "cannot become user " + arguments.user);
    std::string directory = arguments.ready.substr(0, arguments.ready.rfind('/'));
    if (chdir(directory.c_str()) != 0)
        return complain(kUsage, directory + ": " + std::strerror(errno));
    // The prompt keeps its history in the home directory.
    setenv("HOME", directory.c_str(), 1);
    // A missing configuration would be ignored and leave an open server.
    if (access(arguments.config.c_str(), R_OK) != 0)
        return complain(kUsage, arguments.config + ": " + std::strerror(errno));
    int master = open_terminal();
    if (master < 0)
        return complain(kNoTerminal, std::string("no pseudo terminal: ") + std::strerror(errno));

    std::string library_path = "/proc/self/fd/" + std::to_string(library_fd);
    void* library = dlopen(library_path.c_str(), RTLD_NOW | RTLD_GLOBAL);
    if (library == nullptr) return complain(kNoLibrary, dlerror());
    auto run_engine = reinterpret_cast<RunFunction>(dlsym(library, "chdb_query_cmdline"));
    auto error_of = reinterpret_cast<ErrorFunction>(dlsym(library, "chdb_result_error"));
    if (run_engine == nullptr || error_of == nullptr)
        return complain(kNoLibrary, arguments.engine + " is not a ClickHouse library");

    for (const char* suffix : {"", ".tmp", ".end"}) unlink((arguments.ready + suffix).c_str());
    std::vector<std::string> texts = engine_arguments(arguments);
    std::vector<char*> pointers;
    pointers.reserve(texts.size());
    for (std::string& text : texts) pointers.push_back(text.data());
    std::thread(watch, signals, master, arguments.ready).detach();

    void* result = run_engine(static_cast<int>(pointers.size()), pointers.data());
    const char* error = result == nullptr ? nullptr : error_of(result);
    if (error != nullptr) complain(0, error);
    unlink(arguments.ready.c_str());
    return error != nullptr || g_stopped_by == 0 ? kEngineReturned : 0;
}

}  // namespace

int main(int argc, char** argv) {
    std::optional<Arguments> arguments = parse(argc, argv);
    if (!arguments)
        return complain(kUsage,
                        "usage: tandem-clickhouse --engine LIB --config FILE --ready FILE "
                        "[--user NAME]");
    int code = run(*arguments);
    std::fflush(nullptr);
    // Skips the library's static destructors, which have nothing left to do and take long.
    _exit(code);
}
