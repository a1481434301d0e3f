#pragma once
// The patterns of search_files. Internal to the folder.
#include <baton/tools/error.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace baton::tools {

// A plain text or a regular expression (PCRE2). A unit of work is one part of the expression tried at one place, or some dozens of bytes
// that it ran over; a second is some tens of millions of units. One line takes at most kLineWork, all lines together at most the work given
// to make(), so that neither a pattern nor a file can delay a search for long.
class LineMatcher {
 public:
  static constexpr std::uint64_t kLineWork = 1'500'000;
  static constexpr std::uint64_t kAllWork = 30'000'000;

  // Errors name the position in the pattern.
  static Result<LineMatcher> make(const std::string& pattern, bool regex, bool ignore_case, std::uint64_t work = kAllWork);
  LineMatcher(LineMatcher&&) noexcept;
  ~LineMatcher();

  enum class Match {
    no,
    yes,
    gave_up,     // on this line
    out_of_work  // on this line and all that follow
  };
  Match match(std::string_view line);
  std::uint64_t work_left() const;

 private:
  struct Impl;
  explicit LineMatcher(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// "*.cpp", "src/*.{h,cpp}", "**/test_?.py": '*' and '**' match any text, '?' one character, braces alternatives. A glob without '/' is
// matched against the file's name, any other against its path.
class Glob {
 public:
  static Result<Glob> make(const std::string& glob);
  bool matches(std::string_view path) const;

 private:
  std::vector<std::string> alternatives_;
  bool whole_path_ = false;
};

}  // namespace baton::tools
