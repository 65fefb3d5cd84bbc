// What the commands show: steps and progress on standard error, results on standard output.
//
// On a terminal a running step is one line that is redrawn, with a bar where the total is known;
// elsewhere each step is a plain line, and a long one repeats itself every ten seconds. With --json
// standard output holds one JSON value and nothing else. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/error.h"

namespace tandem::cli {

class Step {
  public:
    explicit Step(std::string name);
    // Ends the line: "done", or nothing more when finish() was called.
    ~Step();
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

    // Shows that it goes on; call it as often as you like. total 0: unknown.
    void update(uint64_t done = 0, uint64_t total = 0, const std::string& unit = "");
    void finish(const std::string& outcome);

  private:
    void draw(const std::string& text);
    std::string name_;
    std::chrono::steady_clock::time_point started_;
    std::chrono::steady_clock::time_point drawn_;
    bool open_ = true;
    bool terminal_;
};

// ", 450,000 rows/s, 4 s left" after `seconds`; empty as long as there is nothing to say.
std::string rate_text(uint64_t done, uint64_t total, const std::string& unit, double seconds);

// "3,000,000"
std::string with_thousands(uint64_t number);

// "1.23 s", "45 ms"
std::string duration_text(double milliseconds);

void print_line(const std::string& line);

// Message and advice to standard error; as JSON to standard output when asked for. Returns the
// exit code.
int report(const Error& error, bool json);

}  // namespace tandem::cli
