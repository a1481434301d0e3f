#pragma once
// baton tools import
#include "cli.h"

namespace baton::agent::cli {

// Adds it to the command `tools`.
void add_import(CLI::App& tools, Chosen& chosen);

}  // namespace baton::agent::cli
