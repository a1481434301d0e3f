#pragma once
// baton tools check
#include "cli.h"

namespace baton::agent::cli {

// Adds it to the command `tools`.
void add_tools_check(CLI::App& tools, const Globals& globals, Chosen& chosen);

}  // namespace baton::agent::cli
