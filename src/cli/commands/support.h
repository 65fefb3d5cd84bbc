// tandem support: one text file with what somebody who helps needs to see, without secrets.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/options.h"

namespace tandem::cli {

// Writes the file (default: tandem-support.txt in the working directory) and says what is in it.
// What cannot be read is noted in it, not an error: it is asked for when something is broken.
Status support(Options options, const std::string& path);

// `text` without the secrets, and without passwords in URLs and connection strings.
std::string redacted(std::string text, const std::vector<std::string>& secrets);

}  // namespace tandem::cli
