#pragma once
// The tools that come with Baton.
#include <baton/tools/registry.h>

#include <chrono>
#include <filesystem>
#include <functional>

namespace baton::tools {

struct BuiltinOptions {
  std::filesystem::path root{};  // the folder that list_directory, read_file and search_files see; empty: these three are left out
  std::function<std::chrono::system_clock::time_point()> now = std::chrono::system_clock::now;  // the clock of current_time
};

// Adds calculate, current_time and, with a root, list_directory, read_file, search_files. They only read, so all are idempotent. Errors:
// the root is not a folder that can be opened (errc::io), or a name is taken.
Result<void> add_builtin_tools(ToolSet& tools, const BuiltinOptions& options);

}  // namespace baton::tools
