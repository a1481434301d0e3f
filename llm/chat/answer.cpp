#include "answer.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <random>
#include <utility>

namespace baton::llm {
namespace {

// Unique beyond this process, because conversations outlive it.
std::string new_call_id() {
  static const std::uint64_t process = (std::uint64_t{std::random_device()()} << 32) | std::random_device()();
  static std::atomic<std::uint32_t> count = 0;
  char id[40];
  std::snprintf(id, sizeof id, "call_%016llx%08x", static_cast<unsigned long long>(process), ++count);
  return id;
}

CallParserOptions parser_options(const ToolSyntax& syntax, const ChatRequest& request, const Prompt& prompt) {
  CallParserOptions options;
  if (request.turn.tool_choice.mode != ToolChoice::Mode::none) options.tools = request.tools;
  options.syntax = syntax;
  options.parallel = request.turn.parallel_tool_calls;
  options.starts_in_reasoning = prompt.starts_in_reasoning;
  options.new_call_id = new_call_id;
  return options;
}

// The end of the template's turns, if it is not a single token: a model then writes it in letters.
std::vector<std::string> spelled_end(const Tokenizer& tokenizer, const ToolSyntax& syntax, const ChatRequest& request) {
  if (!request.prompt.empty()) return {};  // plain text has no turns
  if (syntax.end_of_turn.empty() || syntax.end_of_turn == syntax.reasoning_close) return {};
  const auto id = tokenizer.find(syntax.end_of_turn);
  return id && tokenizer.is_special(*id) ? std::vector<std::string>() : std::vector{syntax.end_of_turn};
}

std::vector<std::string> all_stops(const ChatRequest& request, std::vector<std::string> more) {
  more.insert(more.end(), request.turn.stop.begin(), request.turn.stop.end());
  return more;
}

}  // namespace

Answer::Answer(const Tokenizer& tokenizer, const ToolSyntax& syntax, const ChatRequest& request, const Prompt& prompt, RawTokens raw,
               std::shared_ptr<CallConstraint> constraint, Sink sink)
    : tokenizer_(&tokenizer),
      syntax_(&syntax),
      detokenizer_(tokenizer),
      stops_(all_stops(request, spelled_end(tokenizer, syntax, request))),
      reasoning_stops_(spelled_end(tokenizer, syntax, request)),
      parser_(parser_options(syntax, request, prompt)),
      constraint_(std::move(constraint)),
      sink_(std::move(sink)),
      is_plain_text_(!request.prompt.empty()),
      wants_logprobs_(request.turn.logprobs),
      seed_(request.turn.sampling.seed.value_or(0)),
      raw_(std::move(raw)),
      forced_text_(prompt.forced_text),
      forced_ids_(prompt.forced_ids) {}

void Answer::give(std::vector<Delta>& deltas) {
  for (Delta& delta : deltas) {
    if (stopped()) break;
    std::string text;
    if (auto* thought = std::get_if<ReasoningDelta>(&delta)) {
      logprobs_.clear();  // tokens of reasoning and calls do not belong to the text
      reasoning_stops_.push(thought->text, text);
      give_reasoning(std::move(text));
      continue;
    }
    // A partial stop string ends where another kind of content begins.
    reasoning_stops_.flush(text);
    give_reasoning(std::exchange(text, {}));
    if (auto* said = std::get_if<TextDelta>(&delta)) {
      stops_.push(said->text, text);
      give_text(std::move(text));
    } else {
      stops_.flush(text);
      give_text(std::move(text));
      logprobs_.clear();
      give_call(delta);
    }
  }
  deltas.clear();
}

void Answer::give_text(std::string text) {
  if (text.empty()) return;
  shown_ += text;
  sink_(TextDelta{std::move(text), std::exchange(logprobs_, {})});
}

void Answer::give_reasoning(std::string text) {
  if (!text.empty()) sink_(ReasoningDelta{std::move(text)});
}

void Answer::give_call(Delta& delta) {
  if (auto* started = std::get_if<CallStarted>(&delta); started && constraint_) {
    started->fits = constraint_->holds_whole(started->name);
    started->confidence = constraint_->share().value_or(1.0f);
  }
  if (auto* finished = std::get_if<CallFinished>(&delta)) {
    ++n_calls_;
    if (constraint_ && constraint_->share()) finished->confidence = *constraint_->share();
  }
  sink_(std::move(delta));
}

bool Answer::take(const EngineEvent& event) {
  if (const auto* progress = std::get_if<EngineProgress>(&event)) {
    sink_(PrefillProgress{progress->done, progress->total});
  } else if (const auto* choice = std::get_if<Choice>(&event)) {
    if (!complete_) token(*choice);
  } else if (const auto* rewind = std::get_if<Rewind>(&event)) {
    if (!complete_) go_back(*rewind);
  } else {
    finish(std::get<EngineFinished>(event));
  }
  return complete_;
}

// Control tokens have no text for people, but in some models the tags of calls and reasoning are control tokens.
std::string Answer::text_of(std::int32_t id) {
  if (!tokenizer_->is_valid(id)) return detokenizer_.push(id);
  if (tokenizer_->ends_generation(id)) return {};
  if (tokenizer_->type(id) != TokenType::control) return detokenizer_.push(id);
  const std::string_view name = tokenizer_->text(id);
  return CallParser::is_tag(name) || syntax_->has_token(name) ? detokenizer_.flush() + std::string(name) : std::string();
}

void Answer::read(const std::string& text, float logprob, std::vector<Delta>& deltas) {
  if (!is_plain_text_) return parser_.push(text, logprob, deltas);
  if (!text.empty()) deltas.push_back(TextDelta{text});
}

void Answer::push(const std::string& text, float logprob) {
  std::vector<Delta> deltas;
  read(text, logprob, deltas);
  give(deltas);
  complete_ = parser_.done() || stopped();
}

void Answer::note_logprob(const Choice& choice) {
  const auto bytes = [&](std::int32_t id) { return tokenizer_->is_valid(id) ? tokenizer_->token_bytes(id) : std::string(); };
  TokenLogprob said{bytes(choice.id), choice.logprob, {}};
  for (const TokenProbability& other : choice.top) said.top.emplace_back(bytes(other.id), other.logprob);
  logprobs_.push_back(std::move(said));
}

// The beginning of the answer, which the prompt contains because a tool was required.
void Answer::begin() {
  if (std::exchange(started_, true)) return;
  for (const std::int32_t forced : forced_ids_) written_.push_back({forced, 0, {}});
  n_text_ = forced_text_.size();
  if (!forced_text_.empty()) push(forced_text_, 0);
}

void Answer::token(const Choice& choice) {
  const std::int32_t id = choice.id;
  begin();
  const std::string text = text_of(id);
  written_.push_back({id, n_text_, text});
  n_text_ += text.size();
  if (wants_logprobs_ && !(tokenizer_->is_valid(id) && tokenizer_->ends_generation(id))) note_logprob(choice);
  // All text written under the grammar becomes a call.
  if (constraint_ && constraint_->engaged()) parser_.certain(true);
  push(text, choice.logprob);
  look_at_call();
}

void Answer::look_at_call() {
  if (!constraint_ || complete_) return;
  constraint_->reported();
  const auto name = parser_.open_name();
  if (!name) return;
  CallConstraint::Candidate candidate{*name, std::nullopt};
  for (std::size_t i = forced_ids_.size(); i < written_.size() && written_[i].begin <= parser_.candidate_begin(); ++i) {
    if (written_[i].text.empty() || !parser_.can_drop_candidate(written_[i].begin)) continue;
    candidate.first_token = static_cast<int>(i - forced_ids_.size());
    break;
  }
  constraint_->look_at(candidate);
  parser_.certain(constraint_->engaged());
}

// The withdrawn text was not shown: it was held back, as a possible call.
void Answer::go_back(const Rewind& to) {
  begin();
  const std::size_t keep = forced_ids_.size() + static_cast<std::size_t>(to.keep);
  const std::size_t begin = keep < written_.size() ? written_[keep].begin : n_text_;
  if (parser_.n_calls() > 0) {
    if (parser_.in_own_form()) {
      for (const Written& token : written_) own_form_.push_back(token.id);
    }
    parser_.begin_list_again(begin);
    complete_ = false;
  } else {
    parser_.drop_candidate(begin);
  }
  written_.resize(std::min(keep, written_.size()));
  n_text_ = begin;
  logprobs_.clear();
  for (const std::int32_t id : to.then) {
    const std::string text = text_of(id);
    written_.push_back({id, n_text_, text});
    n_text_ += text.size();
    push(text, 0);
  }
  look_at_call();
}

// In bytes; null: the answer ended at a stop string, and is not simply a prefix of the written text.
std::optional<std::size_t> Answer::length() const {
  if (!stopped()) return complete_ ? parser_.length() : n_text_;
  std::string_view left = shown_;
  for (const Written& token : written_) {
    const std::size_t n = std::min(left.size(), token.text.size());
    if (token.text.compare(0, n, left, 0, n) != 0) return std::nullopt;
    left.remove_prefix(n);
  }
  return shown_.size();
}

// Keeps the tokens of the answer. If its end lies inside a token, with more than white space left of that token, or if calls were left out,
// no tokens have exactly this text, and the canonical form is used.
void Answer::keep_raw() {
  // Nothing was added to the call: a history has it in the template's form.
  if (n_calls_ == 1 && !own_form_.empty()) {
    raw_.ids = own_form_;
    return;
  }
  const auto end_of_answer = this->length();
  if (!end_of_answer) return;
  const std::size_t length = *end_of_answer;
  std::string_view rest;
  for (const Written& token : written_) {
    const std::size_t end = token.begin + token.text.size();
    if (token.begin >= length && end > length) break;
    raw_.ids.push_back(token.id);
    if (end > length) rest = std::string_view(token.text).substr(length - token.begin);
  }
  if (rest.find_first_not_of(" \t\r\n") != std::string_view::npos || parser_.left_out_calls()) raw_.ids.clear();
}

void Answer::finish(const EngineFinished& end) {
  const bool failed = end.reason == EngineFinished::Reason::error;
  const bool cut = !parser_.done() && end.reason != EngineFinished::Reason::stop_token;
  std::vector<Delta> deltas;
  if (!complete_) {
    read(detokenizer_.flush(), 0, deltas);
    give(deltas);
  }
  if (!stopped()) {
    parser_.finish(cut, deltas);
    give(deltas);
  }
  std::string tail;
  reasoning_stops_.flush(tail);
  give_reasoning(std::exchange(tail, {}));
  stops_.flush(tail);
  give_text(std::move(tail));
  complete_ = complete_ || parser_.done() || stopped();
  keep_raw();

  Finished finished;
  finished.usage = {end.prompt_tokens, end.cached_tokens, end.output_tokens, end.prefill_seconds, end.decode_seconds};
  finished.raw = std::move(raw_);
  finished.seed = seed_;
  if (!stopped()) finished.malformed_call = parser_.malformed();
  if (failed) {
    finished.reason = FinishReason::error;
    finished.error = end.error;
  } else if (!complete_ && end.reason == EngineFinished::Reason::cancelled) {
    finished.reason = FinishReason::cancelled;
  } else if (n_calls_ > 0) {
    finished.reason = FinishReason::tool_calls;
  } else if (!complete_ && end.reason == EngineFinished::Reason::length) {
    finished.reason = FinishReason::length;
  } else {
    finished.reason = FinishReason::stop;
  }
  complete_ = true;
  sink_(std::move(finished));
}

}  // namespace baton::llm
