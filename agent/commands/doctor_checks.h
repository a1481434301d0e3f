#pragma once
// The checks of `baton doctor`: whether the commands will find everything that they need.
#include <string>
#include <vector>

#include "cli.h"

namespace baton::agent::cli {

struct Check {
  enum class Status { ok, warning, problem } status = Status::ok;
  std::string what;    // config, home, models, journal, disk, token, port, model
  std::string text;    // the finding
  std::string remedy;  // the remedy; empty if it is ok
};
const char* to_string(Check::Status status);

// Nothing is created or changed, but the port of `serve` is bound for a moment.
std::vector<Check> run_checks(const Globals& globals, const ServePlace& place);

}  // namespace baton::agent::cli
