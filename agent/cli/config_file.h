#pragma once
// The config file, read strictly: a key that is not known would otherwise leave a default in force, which for `token-file` means a daemon
// that is open. docs/operating.md has its rules.
#include <CLI/CLI.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace baton::agent::cli {

// Gives each option that the file names its value, as a default that the command line overrides: to be called before `app` parses. The
// keys at the top of the file are the options of `app`, those of a section the options of that command, whether it is the one that runs
// or not. Returns everything that is wrong with the file, each with file, line and what to do, in the order of the lines. `must_exist`: a
// file that is not there is wrong as well.
std::vector<std::string> apply_config_file(CLI::App& app, const std::filesystem::path& file, bool must_exist);

}  // namespace baton::agent::cli
