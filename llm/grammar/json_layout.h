#pragma once
// How the white space between the signs of a JSON text has been laid out so far, and how it will therefore go on.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::llm {

bool is_json_space(char c);

class JsonLayout {
 public:
  // What was written, in its order; the pieces may end anywhere. What comes before the JSON does no harm, unless it has brackets or quotes.
  void observe(std::string_view text);
  // The white space behind the last sign so far.
  std::string_view space() const { return space_; }
  // All of it that is to be expected before this sign, or before one that is not known: a line for each member where it was so before, and
  // otherwise a space behind commas and colons.
  std::string before(std::optional<char> next) const;

 private:
  std::string in_new_container() const;
  std::string before_closing() const;

  std::vector<std::string> open_;  // for each open bracket, the white space before its last member
  std::string colon_ = " ";
  std::optional<std::string> comma_;  // of those that stay on their line
  std::string space_;
  char last_ = 0;  // sign
  bool in_string_ = false, escaped_ = false;
};

}  // namespace baton::llm
