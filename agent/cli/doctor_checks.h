#pragma once
// What `baton doctor` judges: whether the commands will find what they need.
#include <string>
#include <vector>

#include "cli.h"

namespace baton::agent::cli {

struct Check {
  enum class Status { ok, warning, problem } status = Status::ok;
  std::string what;    // config, home, models, journal, disk, token, port, model
  std::string text;    // what was found
  std::string remedy;  // what to do; empty when it is ok
};
const char* to_string(Check::Status status);

// Nothing is created or changed, but the port of `serve` is tried.
std::vector<Check> run_checks(const Globals& globals, const ServePlace& place);

}  // namespace baton::agent::cli
