#pragma once
// The config file, read strictly. An unknown key would otherwise leave a default in force; for `token-file` that means a daemon without a
// token. docs/operating.md has its rules.
#include <CLI/CLI.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace baton::agent::cli {

// Gives each option that the file names its value, as a default that the command line overrides: to be called before `app` parses. The keys
// at the top of the file are the options of `app`, those of a section the options of that command, whether it is the one that runs or not.
// Returns all errors of the file, each with file, line and remedy, in the order of the lines. `must_exist`: a missing file is an error as
// well.
std::vector<std::string> apply_config_file(CLI::App& app, const std::filesystem::path& file, bool must_exist);

}  // namespace baton::agent::cli
