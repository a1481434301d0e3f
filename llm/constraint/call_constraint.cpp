#include "call_constraint.h"

#include <baton/llm/tool_syntax/call_openers.h>
#include <baton/llm/tool_syntax/json_dump.h>

#include <algorithm>

namespace baton::llm {

CallGrammarFuture ready(std::shared_ptr<CallGrammar> grammar) {
  std::promise<std::shared_ptr<CallGrammar>> promise;
  promise.set_value(std::move(grammar));
  return promise.get_future().share();
}

bool CallConstraint::is_compiled() const { return grammar_.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }

bool CallConstraint::waiting() {
  if (!waits_for_grammar_) return false;
  if (!is_compiled()) return true;
  waits_for_grammar_ = false;
  look_for_call();
  return false;
}

const TokenMask* CallConstraint::mask() {
  if (in_words_ || at_beginning()) return &vocabulary_->words();
  if (!in_call()) return nullptr;
  mask_ = owed_.empty() ? grammar().mask(state_) : grammar().along(state_, owed_);
  return &mask_;
}

// The names alone are not enough: a model that has begun a call is often confident of a name, even for a question that no tool answers.
float CallConstraint::opening() const {
  const bool begins_the_answer = candidate_.first_token && *candidate_.first_token <= n_blank_;
  return begins_the_answer ? opening_ : 1;
}

float CallConstraint::min_share() const {
  if (at_name_) return least_share() > 0 ? least_share() / opening() : 0;
  return at_beginning() ? kOnlyAsked : -1;
}

const TokenMask* CallConstraint::refined(std::int32_t wanted) {
  if (!in_call() || !owed_.empty()) return nullptr;
  const std::string& bytes = vocabulary_->bytes(wanted);
  if (bytes.empty()) return nullptr;
  owed_ = grammar().writable(state_, bytes);
  return owed_.empty() ? nullptr : &grammar().along(state_, owed_);
}

std::optional<Rewind> CallConstraint::accept(const Choice& choice) {
  std::optional<Rewind> withdrawn = follow(choice);
  return withdrawn ? go_back(std::move(*withdrawn)) : read(choice);
}

std::optional<Rewind> CallConstraint::read(const Choice& choice) {
  reader_->push(choice, in_call());
  if (reader_->done()) return std::nullopt;
  if (!options_.tokenizer->ends_generation(choice.id)) {
    if (std::optional<Rewind> to_list = list_call()) return go_back(std::move(*to_list));
  }
  look_for_call();
  return std::nullopt;
}

Rewind CallConstraint::go_back(Rewind to) {
  reader_->go_back(to);
  look_for_call();
  return to;
}

void CallConstraint::look_for_call() {
  const auto candidate = reader_->candidate();
  if (!candidate) return;
  if (!in_call() && !left_alone_) begin_call(*candidate);
  reader_->set_certain(in_call());
}

// Follows the token in the grammar. Returns a rewind if the token is withdrawn.
std::optional<Rewind> CallConstraint::follow(const Choice& choice) {
  const bool blank = after_marks(vocabulary_->bytes(choice.id)).empty();  // a call may still follow
  if (at_beginning()) {
    opening_ = 1 - choice.allowed_share;
    at_beginning_ = blank;
    n_blank_ += blank;
  }
  if (!blank && n_taken_back_ < kMaxTakenBack) in_words_ = false;
  if (own_call_ && !in_call() && options_.tokenizer->ends_generation(choice.id))
    return put_into_list(*std::exchange(own_call_, std::nullopt));
  if (!in_call()) return std::nullopt;
  if (std::exchange(at_name_, false)) {
    share_ = choice.allowed_share * opening();
    if (*share_ < least_share()) return take_back();
    const bool object = candidate_.name.place == CallParser::OpenName::Place::object && !candidate_.name.quotable;
    if (object && candidate_.first_token && options_.list) call_.emplace();
  }
  const std::string& bytes = vocabulary_->bytes(choice.id);
  owed_.erase(0, std::min(bytes.size(), owed_.size()));
  state_ = grammar().step(state_, bytes);
  if (call_) *call_ += bytes;
  drafter_.observe(bytes);
  // The value is complete: the text after it is free, and so is the next call's beginning.
  if (state_ != kDeadState && grammar().accepts(state_)) {
    n_whole_ += !candidate_.name.quotable;  // words may follow, which make it an example
    call_is_whole_ = call_.has_value();
    state_ = kDeadState;
  }
  if (state_ == kDeadState) owed_.clear();
  return std::nullopt;
}

std::vector<std::int32_t> CallConstraint::draft() {
  if (!in_call() || !owed_.empty()) return {};
  return drafter_.draft(grammar(), state_);
}

// After the token that completes a call: the call is rewritten in a list at once, or if the model ends its turn after it, or not at all.
std::optional<Rewind> CallConstraint::list_call() {
  if (!std::exchange(call_is_whole_, false)) return std::nullopt;
  // The part of the last token that comes after the call does not belong to it.
  const std::string call = "{\"name\": \"" + call_->substr(0, call_->rfind('}') + 1);
  call_.reset();
  if (!candidate_.name.own_form) return put_into_list(call);
  if (n_whole_ == 1) own_call_ = call;
  return std::nullopt;
}

std::optional<Rewind> CallConstraint::put_into_list(const std::string& call) {
  if (call.size() > kMaxListedCall) return std::nullopt;
  CallList list = options_.list(call);
  if (list.tokens.empty()) return std::nullopt;
  begin_at(call_entry::kList, list.before, list.since);
  owed_ = list.owed;
  return Rewind{*candidate_.first_token, std::move(list.tokens)};
}

// It was not a call, or not an intended one: rewinds to where it began, and continues in words. If that is impossible, the token stays as
// it was chosen, without the mask.
std::optional<Rewind> CallConstraint::take_back() {
  state_ = kDeadState;
  owed_.clear();
  if (!candidate_.first_token || n_taken_back_ == kMaxTakenBack) return std::nullopt;
  ++n_taken_back_;
  in_words_ = true;
  return Rewind{*candidate_.first_token, {}};
}

void CallConstraint::begin_at(std::string_view entry, std::string_view before, std::string_view since) {
  state_ = grammar().step(grammar().start(), std::string(entry) + std::string(since));
  drafter_.begin(before);
  drafter_.observe(since);
}

void CallConstraint::begin_call(const AnswerReader::Candidate& candidate) {
  waits_for_grammar_ = !is_compiled();
  if (waits_for_grammar_) return;
  if (!grammar_.get()) return;
  using Place = CallParser::OpenName::Place;
  const auto place = candidate.name.place;
  begin_at(place == Place::object ? call_entry::kObject
           : place == Place::list ? call_entry::kList
                                  : call_entry::kOwn,
           candidate.name.before, candidate.name.since);
  if (in_call() && grammar().accepts(state_)) state_ = kDeadState;
  if (!in_call()) return;
  own_call_.reset();
  candidate_ = candidate;
  candidate_.name.before = candidate_.name.since = {};
  at_name_ = candidate.name.since.empty();
}

namespace {

// A line for each member, as by nlohmann's dump(4), but lists of plain values stay on one line, as models write them.
void lay_out(const Json& value, std::size_t indent, std::string& out) {
  const bool plain = std::none_of(value.begin(), value.end(), [](const Json& element) { return element.is_structured(); });
  if (!value.is_structured() || value.empty()) {
    out += dumped(value);
    return;
  }
  const std::string line = value.is_array() && plain ? "" : "\n" + std::string(indent + 4, ' ');
  out += value.is_array() ? '[' : '{';
  bool first = true;
  for (const auto& [key, member] : value.items()) {
    if (!std::exchange(first, false)) out += line.empty() ? ", " : ",";
    out += line;
    if (value.is_object()) out += dumped(Json(key)) + ": ";
    lay_out(member, indent + 4, out);
  }
  if (!line.empty()) out += "\n" + std::string(indent, ' ');
  out += value.is_array() ? ']' : '}';
}

}  // namespace

CallList begin_list(const Tokenizer& tokenizer, std::string_view call) {
  const Json written = Json::parse(call, nullptr, false);
  if (!written.is_object()) return {};
  std::string text;
  lay_out(Json::array({written}), 0, text);
  text.resize(text.rfind("\n]"));
  text = "```json\n" + text;
  const std::string key = "\"name\": \"";
  const std::size_t name = text.find(key) + key.size();
  std::vector<std::int32_t> tokens = tokenizer.encode(text + ",\n    {");
  const std::vector<std::int32_t> ended = tokenizer.encode(text + "\n]");
  tokens.erase(std::mismatch(tokens.begin(), tokens.end(), ended.begin(), ended.end()).first, tokens.end());
  const std::string said = tokenizer.decode_bytes(tokens);
  if (said.size() < name || !text.starts_with(said)) return {};
  return {std::move(tokens), text.substr(0, name), said.substr(name), text.substr(said.size())};
}

bool CallConstraint::holds_whole(std::string_view tool) const {
  if (!is_compiled()) return false;
  const CallGrammar* const compiled = grammar_.get().get();
  return compiled && std::find(compiled->whole.begin(), compiled->whole.end(), tool) != compiled->whole.end();
}

}  // namespace baton::llm
