#include "builtin.h"

#include <utility>

#include "calculate.h"
#include "current_time.h"
#include "file_tools.h"

namespace baton::tools {
namespace {

constexpr ToolTraits kQuick{.idempotent = true, .timeout = std::chrono::seconds(5)};
constexpr ToolTraits kFiles{.idempotent = true, .timeout = std::chrono::seconds(20), .max_output_bytes = kFileToolOutputBytes};

struct CalculateArguments {
  std::string expression;
};
BOOST_DESCRIBE_STRUCT(CalculateArguments, (), (expression))

struct CurrentTimeArguments {
  std::optional<std::string> timezone;
};
BOOST_DESCRIBE_STRUCT(CurrentTimeArguments, (), (timezone))

Result<void> add_quick_tools(ToolSet& tools, const BuiltinOptions& options) {
  Result<void> added = tools.add<CalculateArguments>(
      "calculate", "Calculates an arithmetic expression exactly.",
      {field(&CalculateArguments::expression, "for example 17.5% of 2340, (3 + 4)^2 / 7, sqrt(2), round(10/3, 2)")
           .min_length(1)
           .max_length(1000)},
      [](const CalculateArguments& arguments) {
        Result<std::string> value = calculate(arguments.expression);
        if (!value) return ToolResult::error(value.error().message);
        return ToolResult::text(std::move(*value));
      },
      kQuick);
  if (!added) return added;
  return tools.add<CurrentTimeArguments>(
      "current_time", "Tells the current date and time in a time zone.",
      {field(&CurrentTimeArguments::timezone, "IANA name such as Asia/Tokyo; the local zone when left out").max_length(100)},
      [now = options.now](const CurrentTimeArguments& arguments) {
        const Result<Json> time = current_time(arguments.timezone.value_or(""), now());
        return time ? ToolResult::json(*time) : ToolResult::error(time.error().message);
      },
      kQuick);
}

Result<void> add_file_tools(ToolSet& tools, const std::shared_ptr<const RootFolder>& root) {
  Result<void> added = tools.add<ListDirectoryArguments>(
      "list_directory", "Lists the files and folders in a folder.",
      {field(&ListDirectoryArguments::path, "folder relative to the root folder; . is the root folder itself").max_length(4096)},
      [root](const ListDirectoryArguments& arguments) { return list_directory(*root, arguments); }, kFiles);
  if (!added) return added;
  added = tools.add<ReadFileArguments>(
      "read_file", "Reads a text file.",
      {field(&ReadFileArguments::path, "file relative to the root folder").min_length(1).max_length(4096),
       field(&ReadFileArguments::offset, "first line to read, from 1").min(1),
       field(&ReadFileArguments::limit, "how many lines to read, 400 when left out").min(1)},
      [root](const ReadFileArguments& arguments) { return read_file(*root, arguments); }, kFiles);
  if (!added) return added;
  return tools.add<SearchFilesArguments>(
      "search_files", "Finds lines that contain a text in all files of a folder.",
      {field(&SearchFilesArguments::pattern, "text to find").min_length(1).max_length(1000),
       field(&SearchFilesArguments::path, "folder or file to search; the root when left out").max_length(4096),
       field(&SearchFilesArguments::glob, "only files that match, for example *.py").max_length(200),
       field(&SearchFilesArguments::regex, "true: pattern is a regular expression"),
       field(&SearchFilesArguments::ignore_case, "true: upper and lower case are the same"),
       field(&SearchFilesArguments::max_results, "at most this many lines, 50 when left out").min(1).max(500)},
      [root](const SearchFilesArguments& arguments, ToolContext& context) { return search_files(*root, arguments, context); }, kFiles);
}

}  // namespace

Result<void> add_builtin_tools(ToolSet& tools, const BuiltinOptions& options) {
  std::shared_ptr<const RootFolder> root;
  if (!options.root.empty()) {
    Result<RootFolder> opened = RootFolder::open(options.root);
    if (!opened) return opened.error();
    root = std::make_shared<const RootFolder>(std::move(*opened));
  }
  if (Result<void> added = add_quick_tools(tools, options); !added) return added;
  return root == nullptr ? Result<void>() : add_file_tools(tools, root);
}

}  // namespace baton::tools
