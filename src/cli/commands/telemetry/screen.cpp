#include "cli/commands/telemetry/screen.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdio>

#include "cli/commands/telemetry/grid.h"

namespace tandem::cli {
namespace {

void put(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

// Another screen, without a cursor; and back.
constexpr const char* kEnter = "\x1b[?1049h\x1b[?25l";
constexpr const char* kLeave = "\x1b[?25h\x1b[?1049l";

}  // namespace

bool is_interactive() {
    return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
}

Screen::Screen() {
    sigset_t signals;
    sigemptyset(&signals);
    for (int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
    sigprocmask(SIG_BLOCK, &signals, &signals_before_);
    signals_ = signalfd(-1, &signals, SFD_CLOEXEC);
    tcgetattr(STDIN_FILENO, &before_);
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    put(kEnter);
}

Screen::~Screen() {
    put(kLeave);
    tcsetattr(STDIN_FILENO, TCSANOW, &before_);
    if (signals_ >= 0) close(signals_);
    sigprocmask(SIG_SETMASK, &signals_before_, nullptr);
}

void Screen::draw(const std::vector<std::string>& lines) const {
    std::string text = "\x1b[H";
    size_t height = terminal_height();
    size_t width = terminal_width();
    for (size_t i = 0; i < lines.size() && i < height; ++i)
        text += (i == 0 ? "" : "\r\n") + cut_to_width(lines[i], width) + "\x1b[K";
    put(text + "\x1b[J");
}

char Screen::wait_for_key(std::chrono::milliseconds longest) const {
    pollfd waiting[2] = {{STDIN_FILENO, POLLIN, 0}, {signals_, POLLIN, 0}};
    if (poll(waiting, 2, static_cast<int>(longest.count())) <= 0) return kNone;
    if (waiting[1].revents != 0) return kEnd;
    char key = kEnd;  // the terminal has gone
    if (read(STDIN_FILENO, &key, 1) != 1) return kEnd;
    return key == '\0' ? '?' : key;
}

}  // namespace tandem::cli
