#include <baton/tools/text.h>
#include <fcntl.h>

#include <algorithm>

#include "file_tools.h"
#include "line_matcher.h"
#include "text_file.h"

namespace baton::tools {
namespace {

constexpr std::uint64_t kMaxSearchedBytes = 8u << 20;
constexpr std::uint64_t kMaxAllBytes = 512u << 20;
constexpr std::size_t kMaxFiles = 100'000;
constexpr int kMaxFolderDepth = 64;
constexpr std::size_t kMaxShownLine = 200;
constexpr std::uint64_t kDefaultResults = 50, kMaxResults = 500;
constexpr std::size_t kFoundTextBytes = kFileToolOutputBytes - 1024;  // the rest is for the sentences at the end

class Search {
 public:
  Search(LineMatcher& matcher, const Glob* glob, std::uint64_t max_results, const std::stop_token& stop)
      : matcher_(matcher), glob_(glob), max_results_(max_results), stop_(stop) {}

  // `folder` is open; `path` is "" for the root.
  void search_folder(int folder, const std::string& path, int depth);
  void search_file(int fd, const struct stat& info, const std::string& path);
  ToolResult result() &&;

 private:
  bool done() const {
    return n_results_ >= max_results_ || full_ || gave_up_searching_ || !out_of_work_at_.empty() || stop_.stop_requested();
  }

  LineMatcher& matcher_;
  const Glob* const glob_;
  const std::uint64_t max_results_;
  const std::stop_token stop_;
  std::string text_;
  std::uint64_t n_results_ = 0, n_files_ = 0, n_bytes_ = 0;
  std::uint64_t n_binary_ = 0, n_large_ = 0, n_unreadable_ = 0, n_hard_lines_ = 0;
  bool full_ = false;               // the output
  bool gave_up_searching_ = false;  // more files, bytes or levels than one search reads
  std::string out_of_work_at_;      // the line at which the pattern had taken all the work that one search may
};

void Search::search_folder(int folder, const std::string& path, int depth) {
  std::size_t n_all = 0;
  const auto entries = entries_of(folder, kMaxFiles, n_all);
  if (!entries) {
    ++n_unreadable_;
    return;
  }
  for (const FolderEntry& entry : *entries) {
    if (done()) return;
    if (entry.kind == FolderEntry::Kind::link || entry.kind == FolderEntry::Kind::other || entry.name == ".git") continue;
    const std::string below = path.empty() ? entry.name : path + "/" + entry.name;
    if (entry.kind == FolderEntry::Kind::file && glob_ != nullptr && !glob_->matches(below)) continue;
    if (++n_files_ > kMaxFiles || depth > kMaxFolderDepth) {
      gave_up_searching_ = true;
      return;
    }
    // O_NOFOLLOW and the open folder: an entry that has become a link since it was listed is not followed.
    const FileDescriptor fd(::openat(folder, entry.name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    struct stat info;
    if (fd.get() < 0 || ::fstat(fd.get(), &info) != 0) {
      ++n_unreadable_;
    } else if (S_ISDIR(info.st_mode)) {
      search_folder(fd.get(), below, depth + 1);
    } else {
      search_file(fd.get(), info, below);
    }
  }
}

void Search::search_file(int fd, const struct stat& info, const std::string& path) {
  if (!S_ISREG(info.st_mode)) return;
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (size > kMaxSearchedBytes) {
    ++n_large_;
    return;
  }
  n_bytes_ += size;
  if (n_bytes_ > kMaxAllBytes) {
    gave_up_searching_ = true;
    return;
  }
  std::string found;
  std::uint64_t n_found = 0;
  const Result<bool> is_text = for_each_line(fd, kMaxSearchedBytes, [&](std::uint64_t number, std::string_view line, bool) {
    const LineMatcher::Match match = matcher_.match(line);
    if (match == LineMatcher::Match::gave_up) ++n_hard_lines_;
    if (match == LineMatcher::Match::out_of_work) {
      out_of_work_at_ = shown_name(path) + ":" + std::to_string(number);
      return false;
    }
    if (match == LineMatcher::Match::yes) {
      const std::size_t shown = utf8_prefix(line, kMaxShownLine);
      found.append(shown_name(path)).append(":").append(std::to_string(number)).append(": ").append(line.substr(0, shown));
      found.append(shown < line.size() ? "...\n" : "\n");
      ++n_found;
    }
    return n_results_ + n_found < max_results_ && text_.size() + found.size() < kFoundTextBytes && !stop_.stop_requested();
  });
  if (!is_text) {
    ++n_unreadable_;
  } else if (!*is_text) {
    ++n_binary_;
  } else {
    text_ += found;
    n_results_ += n_found;
    full_ = text_.size() >= kFoundTextBytes;
  }
}

ToolResult Search::result() && {
  std::string notes;
  const auto note = [&](std::uint64_t n, const char* what) {
    if (n > 0) notes.append(notes.empty() ? "" : "; ").append(std::to_string(n)).append(what);
  };
  note(n_large_, " file(s) over 8 MiB were not searched");
  note(n_binary_, " binary file(s) were not searched");
  note(n_unreadable_, " file(s) or folder(s) could not be read");
  note(n_hard_lines_, " line(s) were too hard for the regular expression");
  if (full_ || n_results_ >= max_results_) note(n_results_, " matches are shown, there may be more: narrow the search");
  if (gave_up_searching_)
    notes.append(notes.empty() ? "" : "; ").append("the folder is too large to be searched as a whole: name a path or a glob");
  if (!out_of_work_at_.empty()) {
    notes.append(notes.empty() ? "" : "; ").append("the search stopped at ").append(out_of_work_at_);
    notes.append(" because the pattern takes too much work: name a path or a glob, or simplify the pattern");
  }
  if (stop_.stop_requested()) notes.append(notes.empty() ? "" : "; ").append("the search was stopped");
  if (n_results_ == 0) text_ = out_of_work_at_.empty() ? "no line matches\n" : "no line matches up to there\n";
  if (!notes.empty()) text_.append("[").append(notes).append("]\n");
  return ToolResult::text(std::move(text_));
}

}  // namespace

ToolResult search_files(const RootFolder& root, const SearchFilesArguments& arguments, const ToolContext& context) {
  auto matcher = LineMatcher::make(arguments.pattern, arguments.regex.value_or(false), arguments.ignore_case.value_or(false));
  if (!matcher) return ToolResult::error(matcher.error().message);
  std::optional<Glob> glob;
  if (arguments.glob && !arguments.glob->empty()) {
    Result<Glob> made = Glob::make(*arguments.glob);
    if (!made) return ToolResult::error(made.error().message);
    glob = std::move(*made);
  }
  const auto start = root.open_path(arguments.path.value_or("."));
  if (!start) return ToolResult::error(start.error().message);
  const std::uint64_t max_results = std::clamp<std::uint64_t>(arguments.max_results.value_or(kDefaultResults), 1, kMaxResults);
  Search search(*matcher, glob ? &*glob : nullptr, max_results, context.stop);
  if (S_ISDIR(start->info.st_mode)) {
    search.search_folder(start->fd.get(), start->path == "." ? "" : start->path, 0);
  } else {
    search.search_file(start->fd.get(), start->info, start->path);
  }
  return std::move(search).result();
}

}  // namespace baton::tools
