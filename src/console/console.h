// Console: a small read-only HTTP page of the daemon, on 127.0.0.1 only.
//
//     GET /            what is mirrored, how far behind, as a page
//     GET /healthz     200 while Postgres answers
//     GET /metrics     Prometheus text
//     GET /api/status  JSON: the rows of tandem.mirrors, mirror_tables, mirror_lag
//
// It changes nothing and shows no data of the tables; whoever may connect to localhost may read it.
// At most four requests at a time, each with a connection of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

namespace tandem::console {

class Console {
  public:
    // Listens when it returns. kPortTaken when it cannot.
    static Result<std::unique_ptr<Console>> start(uint16_t port, std::string source);
    ~Console();
    Console(const Console&) = delete;
    Console& operator=(const Console&) = delete;

  private:
    struct State;
    explicit Console(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace tandem::console
