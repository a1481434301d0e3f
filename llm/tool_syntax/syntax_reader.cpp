#include "syntax_reader.h"

#include <baton/llm/grammar/json_layout.h>

#include <algorithm>
#include <cctype>

#include "call_openers.h"
#include "json_dump.h"
#include "parameter_value.h"

namespace baton::llm {
namespace {

constexpr std::size_t kMaxName = 200;

// The text that separates values from all possible continuations: their common prefix, not ending inside a tag.
std::string delimiter_of(const std::string& separator, const std::string& end) {
  std::string both(separator.begin(), std::mismatch(separator.begin(), separator.end(), end.begin(), end.end()).first);
  const auto at = both.rfind('<');
  if (at != std::string::npos && both.find('>', at) == std::string::npos) both.resize(at);
  while (!both.empty() && is_json_space(both.back())) both.pop_back();
  return both;
}

std::string leading_space(std::string_view text) {
  return std::string(text.begin(), std::find_if_not(text.begin(), text.end(), is_json_space));
}
std::string trailing_space(std::string_view text) {
  return std::string(std::find_if_not(text.rbegin(), text.rend(), is_json_space).base(), text.end());
}

// The characters that follow a literal value and cannot be a part of one.
std::string literal_stops(const ToolSyntax& syntax) {
  const auto& p = syntax.parameters;
  std::string stops = ",";
  for (const std::string* text : {&p.value_suffix, &p.separator, &syntax.call_suffix, &syntax.call_separator, &syntax.calls_suffix}) {
    const std::string_view word = trimmed(*text);
    if (!word.empty() && word.front() != kHole && !is_word(word.front()) && word.front() != '.') stops += word.front();
  }
  return stops;
}

}  // namespace

LiteralMatcher::LiteralMatcher(std::string_view literal) {
  bool hole = false;
  std::string text;
  const auto end_part = [&] {
    if (!text.empty() || hole) parts_.push_back({hole, std::exchange(text, {})});
  };
  for (const char c : literal) {
    if (c == kHole) {
      end_part();
      hole = true;
    } else if (!is_json_space(c)) {
      text += c;
    }
  }
  end_part();
}

LiteralMatcher::State LiteralMatcher::step(char c) {
  if (part_ == parts_.size()) return State::complete;
  if (is_json_space(c)) return State::more;
  const Part& part = parts_[part_];
  if (part.after_hole && at_ == 0) {
    if (hole_.size() >= kMaxHole) return State::failed;
    hole_ += c;
    if (!hole_.ends_with(part.text)) return State::more;
    at_ = part.text.size();
    hole_.clear();
  } else {
    if (c != part.text[at_]) return State::failed;
    ++at_;
  }
  if (at_ < part.text.size()) return State::more;
  at_ = 0;
  return ++part_ == parts_.size() ? State::complete : State::more;
}

SyntaxReader::SyntaxReader(const ToolSyntax& syntax, std::shared_ptr<const std::vector<ToolSpec>> tools)
    : syntax_(&syntax),
      tools_(std::move(tools)),
      literal_(syntax.parameters.quote_prefix, syntax.parameters.quote_suffix, literal_stops(syntax)) {
  const auto& p = syntax.parameters;
  for (const std::string* after : {&syntax.name_suffix, &p.prefix, &p.none}) {
    const std::string_view text = trimmed(*after);
    if (!text.empty()) name_stops_ += text.front() == kHole ? '<' : text.front();
  }
  if (syntax.has_json_arguments()) name_stops_ += '{';
  if (!p.quote_prefix.empty()) return;
  if (p.value_suffix.empty()) delimiter_ = delimiter_of(p.separator, syntax.call_suffix);
  if (delimiter_.empty() && p.value_suffix.empty()) return;
  separator_rest_ = p.separator.substr(delimiter_.size());
  end_rest_ = syntax.call_suffix.substr(delimiter_.size());
}

void SyntaxReader::reset() {
  where_ = Where::name;
  name_.clear();
  error_.clear();
  written_.clear();
  tool_ = nullptr;
  schema_.reset();
  closed_.reset();
  tail_.clear();
  arguments_ = Json::object();
  json_.reset();
}

SyntaxReader::State SyntaxReader::fail(std::string why) {
  error_ = std::move(why);
  return State::error;
}

SyntaxReader::State SyntaxReader::step(char c) {
  if (!closed_) return step_part(c);
  tail_ += c;
  const State state = step_part(c);
  return state == State::error && closed_ ? reopen() : state;
}

// The supposed end of a value turned out to be a part of it.
SyntaxReader::State SyntaxReader::reopen() {
  key_ = std::move(closed_->key);
  value_ = std::move(closed_->value);
  told_text_ = closed_->told_text;
  closed_.reset();
  error_.clear();
  value_ += trimmed(delimiter_);
  where_ = Where::raw_value;
  State state = State::more;
  for (const char c : std::exchange(tail_, {})) {
    state = step(c);
    if (state != State::more) break;
  }
  return state;
}

SyntaxReader::State SyntaxReader::step_part(char c) {
  switch (where_) {
    case Where::name:
      return step_name(c);
    case Where::opening:
      return step_opening(c);
    case Where::json:
      return step_json(c);
    case Where::key:
      return step_key(c);
    case Where::assign:
      return step_assign(c);
    case Where::raw_value:
      return step_raw_value(c);
    case Where::literal_value:
      if (literal_.step(c)) return State::more;
      if (auto value = read_literal(literal_.text(), syntax_->parameters.quote_prefix, syntax_->parameters.quote_suffix)) {
        end_value(std::move(*value));
        return step_after_value(c);
      }
      return fail("the value of " + key_ + " cannot be read");
    case Where::after_value:
      return step_after_value(c);
  }
  return State::error;
}

SyntaxReader::State SyntaxReader::step_name(char c) {
  if (name_.empty() && is_json_space(c)) return State::more;
  const bool stop = is_json_space(c) || name_stops_.find(c) != std::string::npos;
  const auto is_begun = [&](const ToolSpec& tool) {
    return tool.name.size() > name_.size() && tool.name[name_.size()] == c && tool.name.starts_with(name_);
  };
  if (!stop || std::any_of(tools_->begin(), tools_->end(), is_begun)) {
    if (name_.empty() && (c == '{' || c == '[' || c == '<' || c == '`' || c == '"')) return fail("no name follows");
    name_ += c;
    return name_.size() > kMaxName ? fail("the name is too long") : State::more;
  }
  if (name_.empty()) return fail("no name follows");
  const auto at = std::find_if(tools_->begin(), tools_->end(), [&](const ToolSpec& tool) { return tool.name == name_; });
  tool_ = at == tools_->end() ? nullptr : &*at;
  if (tool_ != nullptr && !syntax_->has_json_arguments()) {
    if (auto schema = schema_of(*tool_)) schema_ = std::move(*schema);
  }
  where_ = Where::opening;
  const auto& p = syntax_->parameters;
  first_.expect(syntax_->has_json_arguments() ? syntax_->name_suffix : p.prefix);
  end_.open = false;
  none_.expect(p.none);
  none_.open = !syntax_->has_json_arguments() && !none_.matcher.empty();
  return step_opening(c);
}

// The text between the name and the first parameter, or the JSON.
SyntaxReader::State SyntaxReader::step_opening(char c) {
  if (syntax_->has_json_arguments() && first_.matcher.empty()) {  // only white space
    where_ = Where::json;
    return step_json(c);
  }
  const auto first = first_.step(c), none = none_.step(c);
  if (!first_.open && !none_.open) return fail("its arguments do not begin as they should");
  if (first == LiteralMatcher::State::complete) {
    key_.clear();
    where_ = syntax_->has_json_arguments() ? Where::json : Where::key;
  } else if (none == LiteralMatcher::State::complete) {
    return complete(State::call);
  }
  return State::more;
}

SyntaxReader::State SyntaxReader::complete(State as) {
  keep_closed();
  if (!syntax_->has_json_arguments()) written_ += written_.empty() ? "{}" : "}";
  return as;
}

SyntaxReader::State SyntaxReader::step_json(char c) {
  if (json_.depth() == 0 && is_json_space(c)) return State::more;
  if (json_.depth() == 0 && c != '{') return fail("its arguments are no JSON object");
  switch (json_.step(c)) {
    case JsonScanner::State::more:
      return State::more;
    case JsonScanner::State::error:
      return fail(json_.error());
    case JsonScanner::State::complete:
      break;
  }
  arguments_ = Json::parse(json_.text(), nullptr, false);
  return arguments_.is_object() ? State::call : fail("a number, an escape or a character in its arguments is not JSON");
}

SyntaxReader::State SyntaxReader::step_key(char c) {
  // The end of a call may begin like a parameter ("<", or the bracket before it). If the continuation cannot begin a name, it is the end.
  if (key_.empty() && !is_json_space(c)) {
    const bool no_name = c != '_' && !std::isalnum(static_cast<unsigned char>(c));
    const auto step_if_end = [&](ExpectedText& text) {
      text.open = text.open && no_name && !text.matcher.empty();
      return text.step(c);
    };
    const auto none = step_if_end(none_), end = step_if_end(end_);
    if (none == LiteralMatcher::State::complete || end == LiteralMatcher::State::complete) return complete(State::call);
    if (none_.open || end_.open) {
      first_.open = separator_.open = false;
      where_ = none_.open ? Where::opening : Where::after_value;
      return State::more;
    }
  }
  const std::string_view assign = trimmed(syntax_->parameters.key_suffix);
  if (!assign.empty() && c == assign.front() && !key_.empty()) {
    while (!key_.empty() && is_json_space(key_.back())) key_.pop_back();
    assign_.expect(assign);
    text_assign_.expect(syntax_->parameters.text_key_suffix);
    text_assign_.open = !text_assign_.matcher.empty();
    where_ = Where::assign;
    return step(c);
  }
  if (key_.empty() && is_json_space(c)) return State::more;
  key_ += c;
  return key_.size() > kMaxName ? fail("a parameter's name is too long") : State::more;
}

SyntaxReader::State SyntaxReader::step_assign(char c) {
  const auto any = assign_.step(c), text = text_assign_.step(c);
  if (!assign_.open && !text_assign_.open) return fail("a parameter has no value");
  told_text_ = text == LiteralMatcher::State::complete;
  if (told_text_ || any == LiteralMatcher::State::complete) begin_value();
  return State::more;
}

// The text that closes the value of key_.
std::string SyntaxReader::value_end() const {
  std::string text;
  for (const char c : syntax_->parameters.value_suffix) text += c == kKeyHole ? key_ : std::string(1, c);
  return text;
}

void SyntaxReader::begin_value() {
  value_.clear();
  literal_.reset();
  raw_ = Raw::blank;
  const auto& p = syntax_->parameters;
  if (p.quote_prefix.empty() && !p.value_suffix.empty()) delimiter_ = value_end();
  where_ = delimiter_.empty() ? Where::literal_value : Where::raw_value;
}

// Whether a value with this first character is a list or an object, and not a string without quotes.
bool SyntaxReader::begins_json(char c) const {
  if (told_text_ || (c != '{' && c != '[')) return false;
  if (!syntax_->parameters.text_key_suffix.empty()) return true;
  if (!schema_) return false;
  const ParameterValues values = find_parameter(schema_->root(), key_).values;
  return values.others && values.strings && std::none_of(values.strings->begin(), values.strings->end(), [&](const std::string& text) {
           return trimmed(text).starts_with(c);
         });
}

SyntaxReader::State SyntaxReader::step_raw_value(char c) {
  value_ += c;
  if (raw_ == Raw::blank && !is_json_space(c)) raw_ = begins_json(c) ? Raw::json : Raw::text;
  if (raw_ == Raw::json) literal_.step(c);
  const std::string_view closing = trimmed(delimiter_);
  if (!value_.ends_with(closing) || literal_.in_string()) return State::more;
  value_.resize(value_.size() - closing.size());
  closed_ = Closed{key_, std::exchange(value_, {}), told_text_};
  tail_.clear();
  where_ = Where::after_value;
  separator_.expect(separator_rest_);
  end_.expect(end_rest_);
  return State::more;
}

void SyntaxReader::keep_closed() {
  if (!closed_) return;
  Closed closed = *std::exchange(closed_, std::nullopt);
  std::string& value = closed.value;
  // One line break on each side belongs to the syntax, if it has one.
  const std::string before = trailing_space(closed.told_text ? syntax_->parameters.text_key_suffix : syntax_->parameters.key_suffix),
                    behind = leading_space(delimiter_);
  if (!before.empty() && value.starts_with(before)) value.erase(0, before.size());
  if (!behind.empty() && value.ends_with(behind)) value.resize(value.size() - behind.size());
  static const SchemaNode kAnything;
  const Parameter parameter = find_parameter(schema_ ? schema_->root() : kAnything, closed.key);
  keep_value(closed.key, closed.told_text ? Json(read_text(parameter, std::move(value))) : read_parameter(parameter, std::move(value)));
}

void SyntaxReader::keep_value(const std::string& key, Json value) {
  written_ += (written_.empty() ? "{" : ",") + dumped(key) + ":" + dumped(value);
  arguments_[key] = std::move(value);
  key_.clear();
}

void SyntaxReader::end_value(Json value) {
  separator_.expect(value_end() + syntax_->parameters.separator);
  end_.expect(value_end() + syntax_->call_suffix);
  keep_value(key_, std::move(value));
  where_ = Where::after_value;
}

SyntaxReader::State SyntaxReader::step_after_value(char c) {
  if (end_.open && end_.matcher.empty() && !is_json_space(c) && !separator_.matcher.begun()) {
    auto begins = separator_.matcher;
    if (begins.step(c) == LiteralMatcher::State::failed) return complete(State::call_before);
  }
  const auto more = separator_.step(c);
  const auto end = end_.matcher.empty() ? LiteralMatcher::State::failed : end_.step(c);
  if (end == LiteralMatcher::State::complete) return complete(State::call);
  if (more == LiteralMatcher::State::complete) {
    keep_closed();
    where_ = Where::key;
  }
  if (!separator_.open && !end_.open) return fail("what follows the value of a parameter belongs to nothing");
  return State::more;
}

bool SyntaxReader::close() {
  const bool whole = where_ == Where::after_value || (where_ == Where::opening && none_.open && none_.matcher.begun());
  if (whole) complete(State::call);
  return whole;
}

}  // namespace baton::llm
