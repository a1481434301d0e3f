#pragma once
// What list_directory, read_file and search_files answer. Internal to the folder; builtin.cpp registers them.
#include <baton/tools/tool.h>

#include <boost/describe.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "root_folder.h"

namespace baton::tools {

constexpr std::size_t kFileToolOutputBytes = 16 * 1024;  // each tool stops by itself before it, and says how to go on

struct ListDirectoryArguments {
  std::optional<std::string> path;
};
BOOST_DESCRIBE_STRUCT(ListDirectoryArguments, (), (path))

struct ReadFileArguments {
  std::string path;
  std::optional<std::uint64_t> offset;  // the first line, from 1
  std::optional<std::uint64_t> limit;   // lines
};
BOOST_DESCRIBE_STRUCT(ReadFileArguments, (), (path, offset, limit))

struct SearchFilesArguments {
  std::string pattern;
  std::optional<std::string> path;
  std::optional<std::string> glob;
  std::optional<bool> regex;
  std::optional<bool> ignore_case;
  std::optional<std::uint64_t> max_results;
};
BOOST_DESCRIBE_STRUCT(SearchFilesArguments, (), (pattern, path, glob, regex, ignore_case, max_results))

// One entry a line: "docs/" for a folder, "a.txt (120 bytes)", "l (link)".
ToolResult list_directory(const RootFolder& root, const ListDirectoryArguments& arguments);

// The lines as they are, then "[lines 1 to 200 of 1234; go on with offset 201]" where there are more. Text only, files up to 64 MiB.
ToolResult read_file(const RootFolder& root, const ReadFileArguments& arguments);

// "path:line: text" for each line that holds `pattern`, folder by folder in the order of names. Links are not followed; .git, binary
// files and files over 8 MiB are left out, and what was left out is counted in the last line.
ToolResult search_files(const RootFolder& root, const SearchFilesArguments& arguments, const ToolContext& context);

}  // namespace baton::tools
