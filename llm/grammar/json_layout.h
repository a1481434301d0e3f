#pragma once
// The layout of white space between the tokens of a JSON text so far, and the layout expected for the rest.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::llm {

bool is_json_space(char c);

class JsonLayout {
 public:
  // Takes the written text, in order; the pieces may end anywhere. Text before the JSON does no harm unless it has brackets or quotes.
  void observe(std::string_view text);
  // The white space after the last token so far.
  std::string_view space() const { return space_; }
  // All white space that is expected before this token, or before an unknown one: a line for each member if it was so before, and otherwise
  // a space after commas and colons.
  std::string before(std::optional<char> next) const;

 private:
  std::string in_new_container() const;
  std::string before_closing() const;

  std::vector<std::string> open_;  // for each open bracket, the white space before its last member
  std::string colon_ = " ";
  std::optional<std::string> comma_;  // after commas that stay on their line
  std::string space_;
  char last_ = 0;  // sign
  bool in_string_ = false, escaped_ = false;
};

}  // namespace baton::llm
