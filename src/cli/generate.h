// Man pages and shell completion, written from the very definition that parses the command line.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace tandem::cli {

// roff of tandem(1): every command with its options.
std::string man_page(const CLI::App& app, const std::string& version);

// A script for bash, zsh or fish to source; empty for another shell.
std::string completion(const CLI::App& app, const std::string& shell);

}  // namespace tandem::cli
