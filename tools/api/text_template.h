#pragma once
// "/users/{id}/posts": text with places for arguments. Each argument is encoded for its place, so that it cannot leave it.
#include <baton/tools/tool.h>

#include <string>
#include <string_view>
#include <vector>

namespace baton::tools {

class TextTemplate {
 public:
  struct Part {
    std::string text;  // literal text, or an argument's name
    bool is_argument = false;
  };

  TextTemplate() = default;
  // {name} is an argument, {{ and }} are braces. errc::invalid_argument: a brace without its other half, {}.
  static Result<TextTemplate> parse(std::string_view text);

  const std::vector<Part>& parts() const { return parts_; }
  std::vector<std::string> arguments() const;  // in order, possibly more than once
  const std::string* whole() const;            // the argument's name if the template consists of it alone; null otherwise

 private:
  std::vector<Part> parts_;
};

// Everything but letters, digits and -._~ as %XX: fit for a path segment, a query or a form.
std::string percent_encoded(std::string_view text);

// The text of a JSON value other than an object: strings without quotes, an array's items with commas between; null: "".
std::string plain_text(const Json& value);

}  // namespace baton::tools
