#pragma once
// The program's log, on stderr: "2026-11-30T14:17:11.123Z info message", or one JSON object a line.
#include <string>
#include <vector>

namespace baton::agent::cli {

const std::vector<std::string>& log_levels();  // the values of --log-level

// From now on spdlog writes in this form. Control characters in quoted text are made visible, and a newline in it does not begin a line of
// the log.
void set_up_log(const std::string& level, bool json);

}  // namespace baton::agent::cli
