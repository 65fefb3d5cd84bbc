#include "cli/terminal.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace tandem::cli {
namespace {

constexpr int kBarWidth = 28;
constexpr std::chrono::milliseconds kRedrawAfter(100);
constexpr std::chrono::seconds kRepeatAfter(10);

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::string bar(uint64_t done, uint64_t total) {
    auto filled = static_cast<int>(std::min<uint64_t>(kBarWidth, done * kBarWidth / total));
    std::string text = "[";
    for (int i = 0; i < kBarWidth; ++i) text += i < filled ? '#' : '.';
    return text + "]";
}

}  // namespace

std::string rate_text(uint64_t done, uint64_t total, const std::string& unit, double seconds) {
    if (done == 0 || seconds < 1) return "";
    double rate = static_cast<double>(done) / seconds;
    std::string text = ", ";
    text.append(with_thousands(static_cast<uint64_t>(rate))).append(" ").append(unit).append("/s");
    if (done >= total) return text;
    auto left = static_cast<uint64_t>(static_cast<double>(total - done) / rate) + 1;
    text.append(", ").append(std::to_string(left)).append(" s left");
    return text;
}

Step::Step(std::string name)
    : name_(std::move(name)),
      started_(std::chrono::steady_clock::now()),
      drawn_(started_),
      terminal_(isatty(STDERR_FILENO) == 1) {
    std::fprintf(stderr, terminal_ ? "%s ..." : "%s ...\n", name_.c_str());
}

Step::~Step() {
    if (open_) finish("done");
}

void Step::draw(const std::string& text) {
    std::fprintf(stderr, terminal_ ? "\r\x1b[K%s" : "%s\n", text.c_str());
    drawn_ = std::chrono::steady_clock::now();
}

void Step::update(uint64_t done, uint64_t total, const std::string& unit) {
    auto since = std::chrono::steady_clock::now() - drawn_;
    if (since < (terminal_ ? std::chrono::steady_clock::duration(kRedrawAfter)
                           : std::chrono::steady_clock::duration(kRepeatAfter)))
        return;
    std::string text = name_ + " ";
    if (total > 0) {
        if (terminal_) text += bar(done, total) + " ";
        text += with_thousands(done) + " of " + with_thousands(total) + " " + unit + " ";
    }
    double seconds = seconds_since(started_);
    text += "(" + std::to_string(static_cast<int>(seconds)) + " s";
    draw(text + rate_text(done, total, unit, seconds) + ")");
}

void Step::finish(const std::string& outcome) {
    if (!open_) return;
    open_ = false;
    double seconds = seconds_since(started_);
    std::string text = name_ + ": " + outcome;
    if (seconds >= 1) text += " (" + duration_text(seconds * 1000) + ")";
    if (terminal_)
        std::fprintf(stderr, "\r\x1b[K%s\n", text.c_str());
    else
        std::fprintf(stderr, "%s\n", text.c_str());
}

std::string with_thousands(uint64_t number) {
    std::string digits = std::to_string(number);
    for (auto at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3)
        digits.insert(static_cast<size_t>(at), 1, ',');
    return digits;
}

std::string duration_text(double milliseconds) {
    char text[64];
    if (milliseconds >= 1000)
        std::snprintf(text, sizeof text, "%.2f s", milliseconds / 1000);
    else
        std::snprintf(text, sizeof text, "%.1f ms", milliseconds);
    return text;
}

void print_line(const std::string& line) {
    std::printf("%s\n", line.c_str());
}

int report(const Error& error, bool json) {
    const ErrorInfo& info = error.info();
    if (json) {
        nlohmann::json object = {{"error",
                                  {{"code", info.code},
                                   {"message", error.message()},
                                   {"sqlstate", error.sqlstate()},
                                   {"advice", info.advice}}}};
        print_line(object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    }
    std::fprintf(stderr, "tandem: %s [%s]\n        %s\n", error.message().c_str(),
                 std::string(info.code).c_str(), std::string(info.advice).c_str());
    return info.exit_code;
}

}  // namespace tandem::cli
