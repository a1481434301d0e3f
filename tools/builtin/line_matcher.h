#pragma once
// What search_files looks for. Internal to the folder.
#include <baton/tools/error.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace baton::tools {

// A plain text or a regular expression (PCRE2, with limits on its work: no pattern can hang).
class LineMatcher {
 public:
  // Errors name the position in the pattern.
  static Result<LineMatcher> make(const std::string& pattern, bool regex, bool ignore_case);
  LineMatcher(LineMatcher&&) noexcept;
  ~LineMatcher();

  enum class Match { no, yes, gave_up };
  Match match(std::string_view line) const;

 private:
  struct Impl;
  explicit LineMatcher(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// "*.cpp", "src/*.{h,cpp}", "**/test_?.py": '*' and '**' stand for any text, '?' for one character, braces for alternatives. A glob
// without '/' is held against the file's name, another against its path.
class Glob {
 public:
  static Result<Glob> make(const std::string& glob);
  bool matches(std::string_view path) const;

 private:
  std::vector<std::string> alternatives_;
  bool whole_path_ = false;
};

}  // namespace baton::tools
