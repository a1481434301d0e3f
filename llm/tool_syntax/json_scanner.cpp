#include "json_scanner.h"

#include <baton/llm/grammar/json_layout.h>

#include <array>
#include <nlohmann/json.hpp>

namespace baton::llm {
namespace {

std::string shown(char c) {
  static constexpr char kHex[] = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  if (byte > 0x20 && byte < 0x7f) return std::string("'") + c + "'";
  return std::string("byte 0x") + kHex[byte >> 4] + kHex[byte & 15];
}

}  // namespace

void JsonScanner::reset() { *this = JsonScanner(); }

JsonScanner::State JsonScanner::fail(char c, std::string_view expected) {
  error_ = shown(c) + " after " + std::to_string(n_ - 1) + " bytes, where " + std::string(expected) + " must stand";
  return State::error;
}

JsonScanner::State JsonScanner::step(char c) {
  ++n_;
  event_ = Event::none;
  switch (where_) {
    case Where::string:
      return step_string(c);
    case Where::literal:
      return step_literal(c);
    default:
      break;
  }
  if (is_json_space(c)) return State::more;
  switch (where_) {
    case Where::key:
      return step_key(c);
    case Where::colon:
      if (c != ':') return fail(c, "':'");
      text_ += ':';
      where_ = Where::value;
      return State::more;
    case Where::after_value:
      return step_after_value(c);
    default:
      return step_value(c);
  }
}

void JsonScanner::put_comma() {
  if (comma_) text_ += ',';
  comma_ = false;
  empty_ = false;
}

void JsonScanner::begin_element() {
  const bool outermost = is_list_ ? depth() == 1 : depth() == 0;
  if (outermost) elements_.push_back({n_ - 1, n_});
}

JsonScanner::State JsonScanner::open(char c) {
  if (depth() == kMaxDepth) return fail(c, "no deeper nesting than " + std::to_string(kMaxDepth));
  if (where_ == Where::start) is_list_ = c == '[';
  if (depth() > 0 || !is_list_) begin_element();
  put_comma();
  text_ += c;
  stack_ += c;
  empty_ = true;
  where_ = c == '{' ? Where::key : Where::value;
  return State::more;
}

JsonScanner::State JsonScanner::shut(char c) {
  comma_ = false;
  empty_ = false;
  text_ += c;
  stack_.pop_back();
  where_ = Where::after_value;
  if (!elements_.empty() && depth() == (is_list_ ? 1u : 0u)) elements_.back().end = n_;
  return stack_.empty() ? State::complete : State::more;
}

JsonScanner::State JsonScanner::step_value(char c) {
  if (c == '{' || c == '[') return open(c);
  if (where_ == Where::start) return fail(c, "'{' or '['");
  if (c == ']' && stack_.back() == '[' && (empty_ || comma_)) return shut(c);
  if (c == '"') {
    begin_element();
    put_comma();
    text_ += c;
    string_begin_ = text_.size();
    string_is_key_ = false;
    where_ = Where::string;
    return State::more;
  }
  static constexpr std::string_view kFirst = "-0123456789tfnTFN";
  if (kFirst.find(c) == std::string_view::npos) return fail(c, "a value");
  begin_element();
  put_comma();
  literal_ = c;
  where_ = Where::literal;
  return State::more;
}

JsonScanner::State JsonScanner::step_key(char c) {
  if (c == '}') return shut(c);
  // A doubled opening brace. Its second closing brace is skipped as a stray one after the value.
  const bool outermost = depth() == (is_list_ ? 2u : 1u);
  if (c == '{' && outermost && empty_) {
    empty_ = false;
    return State::more;
  }
  if (c != '"') return fail(c, "a key in double quotes or '}'");
  put_comma();
  text_ += c;
  string_begin_ = text_.size();
  string_is_key_ = true;
  where_ = Where::string;
  return State::more;
}

JsonScanner::State JsonScanner::step_after_value(char c) {
  const bool in_list = stack_.back() == '[';
  if (c == ',') {
    comma_ = true;
    where_ = in_list ? Where::value : Where::key;
    return State::more;
  }
  if (c == (in_list ? ']' : '}')) return shut(c);
  if (c == '}' && depth() == 1) return State::more;  // one too many after a list's element
  return fail(c, in_list ? "',' or ']'" : "',' or '}'");
}

JsonScanner::State JsonScanner::step_string(char c) {
  static constexpr char kHex[] = "0123456789abcdef";
  if (escape_) {
    escape_ = false;
    if (c == '\'') {
      text_.back() = c;
      return State::more;
    }
    static constexpr std::string_view kEscapes = "\"\\/bfnrtu";
    if (kEscapes.find(c) == std::string_view::npos) return fail(c, "one of \"\\/bfnrtu (an escape in a string)");
    text_ += c;
    return State::more;
  }
  if (c == '"') {
    string_end_ = text_.size();
    text_ += c;
    where_ = string_is_key_ ? Where::colon : Where::after_value;
    event_ = string_is_key_ ? Event::key : Event::string;
    if (is_list_ && depth() == 1) elements_.back().end = n_;
    return State::more;
  }
  const auto byte = static_cast<unsigned char>(c);
  if (byte < 0x20) {
    text_ += "\\u00";
    text_ += kHex[byte >> 4];
    text_ += kHex[byte & 15];
    return State::more;
  }
  escape_ = c == '\\';
  text_ += c;
  return State::more;
}

bool JsonScanner::end_literal() {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kWords = {
      {{"true", "true"}, {"false", "false"}, {"null", "null"}, {"True", "true"}, {"False", "false"}, {"None", "null"}}};
  where_ = Where::after_value;
  if (is_list_ && depth() == 1) elements_.back().end = n_;
  for (const auto& [written, meant] : kWords) {
    if (literal_ != written) continue;
    text_ += meant;
    return true;
  }
  const char first = literal_.front();
  if (first != '-' && (first < '0' || first > '9')) return false;
  const auto number = nlohmann::json::parse(literal_, nullptr, false);
  text_ += number.is_number() ? number.dump() : literal_;
  return true;
}

JsonScanner::State JsonScanner::step_literal(char c) {
  const bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' || c == '-' || c == '.';
  if (word) {
    literal_ += c;
    return State::more;
  }
  if (!end_literal()) return fail(c, "true, false, null or a number");
  return is_json_space(c) ? State::more : step_after_value(c);
}

bool JsonScanner::close() {
  if (depth() != 1) return false;
  if (where_ == Where::literal && !end_literal()) return false;
  if (where_ != Where::after_value) return false;
  shut(stack_.back() == '[' ? ']' : '}');
  return true;
}

}  // namespace baton::llm
