#pragma once
// The tools of a run: those that are built in, and those that the user's options add.
#include <baton/tools/registry.h>

#include <memory>
#include <string>

#include "cli.h"

namespace baton::agent::cli {

// Options that may be before or after any command and in the config file: --allow-host, --allow-send, --api.
void add_tool_options(CLI::App& app, Globals& globals);

// `root`: the folder of the file tools; empty: without them.
Result<std::unique_ptr<tools::ToolSet>> make_tool_set(const Globals& globals, const std::string& root);
// The same, added to an existing set.
Result<void> add_tools_of_options(tools::ToolSet& set, const Globals& globals, const std::string& root);

}  // namespace baton::agent::cli
