#include "written_calls.h"

#include "json_dump.h"
#include "literal_value.h"

#include <algorithm>
#include <utility>

namespace baton::llm {
namespace {

class CallWriter {
 public:
  explicit CallWriter(const ToolSyntax& syntax) : syntax_(syntax), p_(syntax.parameters) {}

  std::vector<Span> write(const std::vector<ToolCall>& calls) {
    const bool list = syntax_.form == ToolSyntax::Form::json_list, text = syntax_.form == ToolSyntax::Form::text;
    word(syntax_.calls_prefix);
    if (list) data("[");
    for (std::size_t i = 0; i < calls.size(); ++i) {
      if (i > 0) list ? data(", ") : word(syntax_.call_separator);
      text ? text_call(calls[i]) : data(dumped(Json{{syntax_.name_key, calls[i].name}, {syntax_.arguments_key, calls[i].arguments}}));
    }
    if (list) data("]");
    word(syntax_.calls_suffix);
    return std::move(spans_);
  }

 private:
  void word(std::string text) {
    std::replace(text.begin(), text.end(), kHole, '0');
    if (!text.empty()) spans_.push_back({std::move(text), true});
  }
  void data(std::string text) {
    if (!text.empty()) spans_.push_back({std::move(text), false});
  }

  void text_call(const ToolCall& call) {
    data(call.name);
    if (syntax_.has_json_arguments()) {
      word(syntax_.name_suffix);
      data(dumped(call.arguments));
    } else if (call.arguments.empty()) {
      return word(p_.none);  // including its end
    } else {
      bool first = true;
      for (const auto& [key, value] : call.arguments.items()) {
        word(std::exchange(first, false) ? p_.prefix : p_.separator);
        data(key);
        parameter(value);
        value_end(key);
      }
    }
    word(syntax_.call_suffix);
  }

  void parameter(const Json& value) {
    const bool raw = value.is_string() && p_.quote_prefix != "\"";
    word(value.is_string() && !p_.text_key_suffix.empty() ? p_.text_key_suffix : p_.key_suffix);
    if (raw) {
      word(p_.quote_prefix);
      data(p_.quote_prefix == "'" ? in_single_quotes(value.get<std::string>()) : value.get<std::string>());
      word(p_.quote_suffix);
    } else {
      data(in_words(value));
    }
  }

  std::string in_words(const Json& value) const {
    if (value.is_boolean()) return value.get<bool>() ? p_.yes : p_.no;
    if (value.is_null()) return p_.null;
    if (p_.structures == ToolSyntax::Parameters::Structures::json || !value.is_structured()) return dumped(value);
    std::string text;
    for (const auto& [key, element] : value.items())
      text += (text.empty() ? "" : ", ") + (value.is_object() ? dumped(key) + ": " : std::string()) + in_words(element);
    return value.is_object() ? "{" + text + "}" : "[" + text + "]";
  }

  void value_end(const std::string& key) {
    std::string_view rest = p_.value_suffix;
    for (auto hole = rest.find(kKeyHole); hole != std::string_view::npos; hole = rest.find(kKeyHole)) {
      word(std::string(rest.substr(0, hole)));
      data(key);
      rest.remove_prefix(hole + 1);
    }
    word(std::string(rest));
  }

  const ToolSyntax& syntax_;
  const ToolSyntax::Parameters& p_;
  std::vector<Span> spans_;
};

}  // namespace

std::vector<Span> written_calls(const ToolSyntax& syntax, const std::vector<ToolCall>& calls) { return CallWriter(syntax).write(calls); }

}  // namespace baton::llm
