// A whole terminal that is drawn again and again, and the keys pressed meanwhile.
#pragma once

#include <termios.h>

#include <chrono>
#include <string>
#include <vector>

namespace tandem::cli {

// Takes the terminal over and gives it back as it was. SIGTERM, SIGINT and SIGHUP come as the key
// kEnd while it lives.
class Screen {
  public:
    static constexpr char kNone = '\0';
    static constexpr char kEnd = 'q';

    Screen();
    ~Screen();
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;

    void draw(const std::vector<std::string>& lines) const;
    // The next key, or kNone after a while.
    char wait_for_key(std::chrono::milliseconds longest) const;

  private:
    termios before_ = {};
    sigset_t signals_before_ = {};
    int signals_ = -1;
};

// Standard input and output are both a terminal.
bool is_interactive();

}  // namespace tandem::cli
