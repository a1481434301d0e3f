#include <baton/tools/text.h>

#include <algorithm>

#include "file_tools.h"
#include "text_file.h"

namespace baton::tools {
namespace {

constexpr std::size_t kMaxListed = 500;
constexpr std::uint64_t kMaxReadBytes = 64u << 20;
constexpr std::uint64_t kDefaultLines = 400;
constexpr std::size_t kReservedForNotes = 512;  // of the output, for the sentences at its end
constexpr std::size_t kReadTextBytes = kFileToolOutputBytes - kReservedForNotes;

std::string count_of(std::uint64_t n, const char* one) { return std::to_string(n) + " " + one + (n == 1 ? "" : "s"); }

}  // namespace

ToolResult list_directory(const RootFolder& root, const ListDirectoryArguments& arguments) {
  const auto folder = root.open_path(arguments.path.value_or("."));
  if (!folder) return ToolResult::error(folder.error().message);
  const std::string quoted = "'" + shown_name(folder->path) + "'";
  if (!S_ISDIR(folder->info.st_mode)) return ToolResult::error(quoted + " is not a folder; read_file reads files");
  std::size_t n_all = 0;
  const auto entries = entries_of(folder->fd.get(), kMaxListed, n_all);
  if (!entries) return ToolResult::error(quoted + ": " + entries.error().message);
  if (n_all == 0) return ToolResult::text("(the folder is empty)");
  std::string text;
  std::size_t n_shown = 0;
  for (const FolderEntry& entry : *entries) {
    std::string line = shown_name(entry.name);
    switch (entry.kind) {
      case FolderEntry::Kind::folder:
        line += "/";
        break;
      case FolderEntry::Kind::file:
        line += " (" + count_of(entry.size, "byte") + ")";
        break;
      case FolderEntry::Kind::link:
        line += " (link)";
        break;
      case FolderEntry::Kind::other:
        line += " (neither file nor folder)";
        break;
    }
    if (text.size() + line.size() > kReadTextBytes) break;
    text += line + "\n";
    ++n_shown;
  }
  if (n_all > n_shown) text += "[" + std::to_string(n_shown) + " of " + std::to_string(n_all) + " entries are shown]\n";
  return ToolResult::text(std::move(text));
}

ToolResult read_file(const RootFolder& root, const ReadFileArguments& arguments) {
  const auto file = root.open_path(arguments.path);
  if (!file) return ToolResult::error(file.error().message);
  const std::string quoted = "'" + shown_name(file->path) + "'";
  if (S_ISDIR(file->info.st_mode)) return ToolResult::error(quoted + " is a folder; list_directory shows what is in it");
  if (!S_ISREG(file->info.st_mode)) return ToolResult::error(quoted + " is no regular file (a device, pipe or socket) and is not read");
  const auto size = static_cast<std::uint64_t>(file->info.st_size);
  if (size > kMaxReadBytes) {
    return ToolResult::error(quoted + " has " + std::to_string(size) + " bytes; files up to " + std::to_string(kMaxReadBytes) +
                             " bytes are read. search_files finds lines in smaller ones");
  }
  const std::uint64_t first = std::max<std::uint64_t>(arguments.offset.value_or(1), 1);
  const std::uint64_t limit = std::max<std::uint64_t>(arguments.limit.value_or(kDefaultLines), 1);
  std::string text;
  std::uint64_t n_lines = 0, n_shown = 0;
  bool full = false, last_cut = false;
  const Result<bool> is_text = for_each_line(file->fd.get(), kMaxReadBytes, [&](std::uint64_t number, std::string_view line, bool cut) {
    n_lines = number;
    if (number < first || full || n_shown == limit) return true;  // counted to the end
    std::size_t n = line.size();
    if (text.size() + n + 1 > kReadTextBytes) {
      full = true;
      if (n_shown > 0) return true;
      n = utf8_prefix(line, kReadTextBytes - 1);  // the first line alone is too long
    }
    last_cut = cut || n < line.size();
    text.append(line.substr(0, n)).append("\n");
    ++n_shown;
    return true;
  });
  if (!is_text) return ToolResult::error(quoted + " cannot be read: " + is_text.error().message);
  if (!*is_text) return ToolResult::error(quoted + " is a binary file of " + count_of(size, "byte") + " and is not shown");
  if (n_lines == 0) return ToolResult::text("(the file is empty)");
  if (n_shown == 0) return ToolResult::error(quoted + " has only " + count_of(n_lines, "line") + "; offset was " + std::to_string(first));
  const std::uint64_t last = first + n_shown - 1;
  if (last_cut) text += "[line " + std::to_string(last) + " is longer and was cut]\n";
  if (last < n_lines) {
    text += "[lines " + std::to_string(first) + " to " + std::to_string(last) + " of " + std::to_string(n_lines) + "; go on with offset " +
            std::to_string(last + 1) + "]\n";
  } else if (first > 1) {
    text += "[lines " + std::to_string(first) + " to " + std::to_string(last) + ", the last]\n";
  }
  return ToolResult::text(std::move(text));
}

}  // namespace baton::tools
