#pragma once
// The program's log, on stderr: "2026-11-30T14:17:11.123Z info message", or one JSON object a line.
#include <string>
#include <vector>

namespace baton::agent::cli {

const std::vector<std::string>& log_levels();  // the values of --log-level

// From now on spdlog writes so. What a message quotes of others is made visible, and a newline in it begins no line of its own.
void set_up_log(const std::string& level, bool json);

}  // namespace baton::agent::cli
