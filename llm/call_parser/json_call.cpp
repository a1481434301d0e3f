#include "json_call.h"

#include <algorithm>
#include <utility>

namespace baton::llm {

void JsonCall::begin(const Place& place) {
  place_ = place;
  key_.clear();
  name_.clear();
  scanner_.reset();
  name_at_.reset();
  arguments_at_.reset();
  arguments_end_ = 0;
  n_output_ = std::exchange(n_skipped_, 0);
}

JsonCall::State JsonCall::step(char c, bool certain) {
  const auto state = scanner_.step(c);
  if (state == JsonScanner::State::error) return State::broken;
  note(c, certain && !place_.quotable);
  if (state == JsonScanner::State::complete) return State::complete;
  return may_be_call(c) ? State::more : State::other;
}

bool JsonCall::is_offered(std::string_view name) const {
  return std::any_of(tools_->begin(), tools_->end(), [&](const ToolSpec& tool) { return tool.name == name; });
}

std::optional<std::string_view> JsonCall::since_name() const {
  if (!name_at_) return std::nullopt;
  return std::string_view(scanner_.text()).substr(*name_at_);
}

// Notes where the name and the arguments of the current element begin and end. If it is certain that the element is a call, they are
// output. Called before may_be_call(), so key_ is still the key before this byte.
void JsonCall::note(char c, bool certain) {
  const std::size_t depth = scanner_.depth(), size = scanner_.text().size();
  if (depth < element_depth()) {  // between elements: one may just have ended
    if (output_->call_is_started() && arguments_end_ > 0) {
      const std::string_view written = std::string_view(scanner_.text()).substr(*arguments_at_, arguments_end_ - *arguments_at_);
      const JsonScanner::Range range = scanner_.elements().back();
      output_->finish_call(name_, Json::parse(written, nullptr, false), place_.own_form,
                           {place_.begin + range.begin, place_.begin + range.end});
      ++n_output_;
    }
    name_at_.reset();
    arguments_at_.reset();
    arguments_end_ = 0;
    return;
  }
  if (scanner_.is_list() && depth == element_depth() && c == '{') name_.clear();
  const bool value_begins = scanner_.event() == JsonScanner::Event::none && !key_.empty();
  if (depth == element_depth() && c == '"' && value_begins && !name_at_ && keys_->is_name(key_)) name_at_ = size;
  if (depth == element_depth() + 1 && c == '{' && value_begins && !arguments_at_ && keys_->is_arguments(key_)) arguments_at_ = size - 1;
  if (depth == element_depth() && c == '}' && arguments_at_ && arguments_end_ == 0) arguments_end_ = size;
  const bool next = scanner_.elements().size() == n_output_ + 1;  // in order, because an element before it may be held back
  if (!certain || !next || !arguments_at_ || name_.empty()) return;
  if (!output_->call_is_started()) output_->start_call(name_);
  const std::size_t end = arguments_end_ > 0 ? arguments_end_ : size;
  output_->give_arguments(std::string_view(scanner_.text()).substr(*arguments_at_, end - *arguments_at_));
}

// Whether the value so far may still be a call or a list of calls.
bool JsonCall::may_be_call(char c) {
  if (!place_.tagged && scanner_.is_list() && scanner_.depth() == 1) {
    static constexpr std::string_view kBetweenCalls = "[]{}, \t\r\n";
    return kBetweenCalls.find(c) != std::string_view::npos;
  }
  if (scanner_.depth() != element_depth()) return true;
  if (scanner_.event() == JsonScanner::Event::key) {
    key_ = scanner_.string();
    return place_.tagged || keys_->is_any(key_);
  }
  if (scanner_.event() != JsonScanner::Event::string || !keys_->is_name(key_)) return true;
  if (name_.empty()) name_ = scanner_.string();
  return place_.tagged || is_offered(scanner_.string());
}

JsonCall::Calls JsonCall::read() const {
  const Json value = Json::parse(scanner_.text(), nullptr, false);
  if (value.is_discarded()) return {State::broken, "a number, an escape or a character in it is not JSON", {}};
  Calls found;
  for (const Json& element : value.is_array() ? value : Json::array({value})) {
    found.calls.push_back(read_call(element, place_.tagged, *keys_));
    const CallShape& call = found.calls.back();
    if (call.kind != CallShape::Kind::not_a_call && !place_.tagged && !is_offered(call.name)) return {State::other, "", {}};
    if (call.kind == CallShape::Kind::malformed) return {State::broken, call.why, {}};
    if (call.kind == CallShape::Kind::not_a_call) {
      if (!place_.tagged) return {State::other, "", {}};
      return {State::broken, "it lacks a name, or has other keys", {}};
    }
  }
  if (found.calls.empty()) found.state = State::other;
  return found;
}

bool JsonCall::put(std::vector<CallShape> calls, bool parallel) {
  const auto& ranges = scanner_.elements();
  for (std::size_t i = n_output_; i < calls.size(); ++i) {
    if (output_->n_calls() > 0 && !parallel) return false;
    output_->finish_call(std::move(calls[i].name), std::move(calls[i].arguments), place_.own_form,
                         {place_.begin + ranges[i].begin, place_.begin + ranges[i].end});
  }
  return true;
}

}  // namespace baton::llm
