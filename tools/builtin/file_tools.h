#pragma once
// The answers of list_directory, read_file and search_files. Internal to the folder; builtin.cpp registers the tools.
#include <baton/tools/tool.h>

#include <boost/describe.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "root_folder.h"

namespace baton::tools {

constexpr std::size_t kFileToolOutputBytes = 16 * 1024;  // each tool stops before this limit, and says how to continue

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

// One entry per line: "docs/" for a folder, "a.txt (120 bytes)", "l (link)".
ToolResult list_directory(const RootFolder& root, const ListDirectoryArguments& arguments);

// The unchanged lines, then "[lines 1 to 200 of 1234; go on with offset 201]" if there are more. Text only, files up to 64 MiB.
ToolResult read_file(const RootFolder& root, const ReadFileArguments& arguments);

// "path:line: text" for each line that contains `pattern`, folder by folder in the order of names. Links are not followed. .git, binary
// files and files over 8 MiB are left out, and the last line counts them.
ToolResult search_files(const RootFolder& root, const SearchFilesArguments& arguments, const ToolContext& context);

}  // namespace baton::tools
