#include "literal_value.h"

#include <baton/llm/grammar/json_layout.h>

#include <algorithm>

#include "call_openers.h"

namespace baton::llm {
namespace {

constexpr std::size_t kMaxDepth = 64;

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' || c == '+';
}

// A control character as a JSON escape.
std::string control_escape(char c) {
  const std::string quoted = Json(std::string(1, c)).dump();
  return quoted.substr(1, quoted.size() - 2);
}

class Reader {
 public:
  Reader(std::string_view text, const std::string& quote_open, const std::string& quote_close)
      : rest_(text), quote_open_(quote_open), quote_close_(quote_close) {}

  std::optional<Json> whole() {
    auto value = read(0);
    skip();
    return value && rest_.empty() ? value : std::nullopt;
  }

 private:
  void skip() {
    while (!rest_.empty() && is_json_space(rest_.front())) rest_.remove_prefix(1);
  }
  bool take(std::string_view what) {
    skip();
    if (what.empty() || !rest_.starts_with(what)) return false;
    rest_.remove_prefix(what.size());
    return true;
  }

  std::optional<Json> read(std::size_t depth) {
    if (depth > kMaxDepth) return std::nullopt;
    skip();
    if (rest_.empty()) return std::nullopt;
    if (auto text = string()) return Json(*text);
    if (take("[")) return list("]", depth);
    if (take("(")) return list(")", depth);
    if (take("{")) return object(depth);
    return word();
  }

  std::optional<std::string> string() {
    if (quote_open_.size() > 1 && take(quote_open_)) {
      const auto end = rest_.find(quote_close_);
      if (end == std::string_view::npos) return std::nullopt;
      std::string text(rest_.substr(0, end));
      rest_.remove_prefix(end + quote_close_.size());
      return text;
    }
    skip();
    if (rest_.empty() || (rest_.front() != '"' && rest_.front() != '\'')) return std::nullopt;
    const char quote = rest_.front();
    std::string json = "\"";  // as JSON text
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      const char c = rest_[i];
      if (c == quote) {
        rest_.remove_prefix(i + 1);
        const Json value = Json::parse(json + "\"", nullptr, false);
        return value.is_string() ? std::optional(value.get<std::string>()) : std::nullopt;
      }
      if (c == '\\' && i + 1 < rest_.size()) {
        const char next = rest_[++i];
        json += next == '\'' ? std::string("'") : std::string{'\\', next};
      } else if (c == '"') {
        json += "\\\"";
      } else if (static_cast<unsigned char>(c) < 0x20) {
        json += control_escape(c);
      } else {
        json += c;
      }
    }
    return std::nullopt;
  }

  std::optional<Json> list(std::string_view end, std::size_t depth) {
    Json values = Json::array();
    while (!take(end)) {
      if (!values.empty() && !take(",")) return std::nullopt;
      if (!values.empty() && take(end)) break;
      auto value = read(depth + 1);
      if (!value) return std::nullopt;
      values.push_back(std::move(*value));
    }
    return values;
  }

  std::optional<Json> object(std::size_t depth) {
    Json members = Json::object();
    while (!take("}")) {
      if (!members.empty() && !take(",")) return std::nullopt;
      if (!members.empty() && take("}")) break;
      std::optional<std::string> key = string();
      if (!key) key = name();
      if (!key || !take(":")) return std::nullopt;
      auto value = read(depth + 1);
      if (!value) return std::nullopt;
      members[*key] = std::move(*value);
    }
    return members;
  }

  std::optional<std::string> name() {
    skip();
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_name);
    std::string text(rest_.begin(), end);
    rest_.remove_prefix(text.size());
    return text.empty() ? std::nullopt : std::optional(std::move(text));
  }

  std::optional<Json> word() {
    const auto text = name();
    if (!text) return std::nullopt;
    if (*text == "true" || *text == "True") return Json(true);
    if (*text == "false" || *text == "False") return Json(false);
    if (*text == "null" || *text == "None") return Json(nullptr);
    Json number = Json::parse(*text, nullptr, false);
    return number.is_number() ? std::optional(std::move(number)) : std::nullopt;
  }

  std::string_view rest_;
  const std::string &quote_open_, &quote_close_;
};

}  // namespace

void LiteralScanner::reset() {
  text_.clear();
  closing_.clear();
  depth_ = string_begin_ = 0;
  escape_ = false;
  blank_ = true;
}

bool LiteralScanner::step(char c) {
  if (!closing_.empty()) {
    text_ += c;
    if (std::exchange(escape_, c == '\\' && !escape_ && closing_.size() == 1)) return true;
    if (text_.size() - string_begin_ >= closing_.size() && text_.ends_with(closing_)) closing_.clear();
    return true;
  }
  const bool behind = !blank_ && (is_json_space(c) || stops_.find(c) != std::string::npos);
  if (depth_ == 0 && (behind || c == ')' || c == ']' || c == '}')) return false;
  blank_ = blank_ && is_json_space(c);
  text_ += c;
  if (c == '(' || c == '[' || c == '{') ++depth_;
  if (c == ')' || c == ']' || c == '}') --depth_;
  if (quote_open_.size() > 1 && text_.ends_with(quote_open_)) {
    closing_ = quote_close_;
  } else if ((c == '"' || c == '\'') &&
             (quote_open_.size() == 1 || quote_open_.find(c) == std::string::npos)) {  // a quote may be a part of such a word
    closing_ = c;
  }
  string_begin_ = text_.size();
  return true;
}

std::string in_single_quotes(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '\'') {
      out += {'\\', c};
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += control_escape(c);
    } else {
      out += c;
    }
  }
  return out;
}

std::optional<Json> read_literal(std::string_view text, const std::string& quote_open, const std::string& quote_close) {
  return Reader(text, quote_open, quote_close).whole();
}

}  // namespace baton::llm
