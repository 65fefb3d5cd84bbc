// tandem verify: proof that both sides hold the same, row by row and value by value.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/options.h"

namespace tandem::cli {

struct VerifyRequest {
    std::string mirror = {};               // empty: all
    std::vector<std::string> tables = {};  // empty: all of the mirror
    int rounds = 5;                        // a row must differ in each of them, while writers go on
    bool repair = false;                   // rows that differ are written again
};

// kVerificationFailed, after printing what differs, when the sides differ or a table is not live.
Status verify(Options options, const VerifyRequest& request);

}  // namespace tandem::cli
