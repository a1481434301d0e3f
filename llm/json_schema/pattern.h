#pragma once
// Regular expressions of schemas: ECMAScript's syntax as far as PCRE2 has the same meaning; other features are refused by name. \d \w \s
// are ASCII, `.` and classes match whole code points, matches may begin anywhere (ECMA-262; JSON Schema 2020-12, section 6.4).
#include <baton/llm/error.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace baton::llm {

class Pattern {
 public:
  static constexpr std::size_t kMaxLength = 16 * 1024;  // bytes

  // The error's message is only the reason; the caller knows the place of the pattern.
  static Result<std::shared_ptr<const Pattern>> compile(const std::string& source);
  ~Pattern();
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  enum class Answer { no, yes, too_expensive };
  // False: it is too large for PCRE2, and the numbers of repetitions are not checked.
  bool is_whole() const { return whole_; }
  // Subtracts its cost from `steps`; too_expensive if they do not suffice, or if one attempt exceeds the limits. Any thread.
  Answer search(std::string_view text, std::size_t& steps) const;

 private:
  Pattern(void* code, bool anchored, bool whole) : code_(code), anchored_(anchored), whole_(whole) {}
  void* code_;  // pcre2_code
  bool anchored_, whole_;
};

}  // namespace baton::llm
