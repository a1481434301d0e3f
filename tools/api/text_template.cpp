#include "text_template.h"

namespace baton::tools {

Result<TextTemplate> TextTemplate::parse(std::string_view text) {
  const auto wrong = [&](const char* why) { return Error{errc::invalid_argument, "'" + std::string(text) + "' " + why}; };
  TextTemplate result;
  std::string literal;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c == '{' || c == '}') && i + 1 < text.size() && text[i + 1] == c) {
      literal += c;
      ++i;
    } else if (c == '}') {
      return wrong("has a '}' without a '{' before it (write }} for the character)");
    } else if (c == '{') {
      const std::size_t end = text.find_first_of("{}", i + 1);
      if (end == std::string_view::npos || text[end] == '{') return wrong("has a '{' without its '}' (write {{ for the character)");
      if (end == i + 1) return wrong("has {} without the name of a parameter");
      if (!literal.empty()) result.parts_.push_back({std::move(literal), false});
      literal.clear();
      result.parts_.push_back({std::string(text.substr(i + 1, end - i - 1)), true});
      i = end;
    } else {
      literal += c;
    }
  }
  if (!literal.empty()) result.parts_.push_back({std::move(literal), false});
  return result;
}

std::vector<std::string> TextTemplate::arguments() const {
  std::vector<std::string> names;
  for (const Part& part : parts_) {
    if (part.is_argument) names.push_back(part.text);
  }
  return names;
}

const std::string* TextTemplate::whole() const { return parts_.size() == 1 && parts_[0].is_argument ? &parts_[0].text : nullptr; }

std::string percent_encoded(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

std::string plain_text(const Json& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return value.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string text;
  for (const Json& item : value) text += (&item == &value[0] ? "" : ",") + plain_text(item);
  return text;
}

}  // namespace baton::tools
