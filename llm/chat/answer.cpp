#include "answer.h"

#include <utility>

namespace baton::llm {
namespace {

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

AnswerReaderOptions reader_options(const ChatRequest& request, const Prompt& prompt) {
  AnswerReaderOptions options;
  if (request.turn.tool_choice.mode != ToolChoice::Mode::none) options.tools = request.tools;
  options.parallel = request.turn.parallel_tool_calls;
  options.starts_in_reasoning = prompt.starts_in_reasoning;
  options.is_plain_text = !request.prompt.empty();
  options.forced_ids = prompt.forced_ids;
  options.forced_text = prompt.forced_text;
  return options;
}

Answer::Answer(const Tokenizer& tokenizer, const ToolSyntax& syntax, const ChatRequest& request, RawTokens raw,
               std::shared_ptr<AnswerReader> reader, std::shared_ptr<const CallConstraint> calls, Sink sink)
    : tokenizer_(&tokenizer),
      stops_(all_stops(request, spelled_end(tokenizer, syntax, request))),
      reasoning_stops_(spelled_end(tokenizer, syntax, request)),
      reader_(std::move(reader)),
      calls_(std::move(calls)),
      sink_(std::move(sink)),
      wants_logprobs_(request.turn.logprobs),
      seed_(request.turn.sampling.seed.value_or(0)),
      raw_(std::move(raw)) {}

void Answer::give(std::vector<Delta> deltas) {
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
  if (auto* started = std::get_if<CallStarted>(&delta); started && calls_) {
    started->fits = calls_->holds_whole(started->name);
    started->confidence = calls_->share().value_or(1.0f);
  }
  if (auto* finished = std::get_if<CallFinished>(&delta)) {
    ++n_calls_;
    if (calls_ && calls_->share()) finished->confidence = *calls_->share();
  }
  sink_(std::move(delta));
}

bool Answer::take(const EngineEvent& event) {
  if (const auto* progress = std::get_if<EngineProgress>(&event)) {
    sink_(PrefillProgress{progress->done, progress->total});
  } else if (const auto* choice = std::get_if<Choice>(&event)) {
    if (!complete_) token(*choice);
  } else if (std::holds_alternative<Rewind>(event)) {
    if (!complete_) go_back();
  } else {
    finish(std::get<EngineFinished>(event));
  }
  return complete_;
}

void Answer::note_logprob(const Choice& choice) {
  const auto bytes = [&](std::int32_t id) { return tokenizer_->is_valid(id) ? tokenizer_->token_bytes(id) : std::string(); };
  TokenLogprob said{bytes(choice.id), choice.logprob, {}};
  for (const TokenProbability& other : choice.top) said.top.emplace_back(bytes(other.id), other.logprob);
  logprobs_.push_back(std::move(said));
}

void Answer::token(const Choice& choice) {
  if (!calls_) reader_->push(choice);
  const std::int32_t id = choice.id;
  if (wants_logprobs_ && !(tokenizer_->is_valid(id) && tokenizer_->ends_generation(id))) note_logprob(choice);
  read();
}

// Only the constraint of calls rewinds, and it has told the reader.
void Answer::go_back() {
  logprobs_.clear();
  read();
}

void Answer::read() {
  give(reader_->take());
  complete_ = reader_->done() || stopped();
  if (complete_) keep_raw();  // at once, because the reader may be fed until the engine has stopped
}

void Answer::keep_raw() { raw_.ids = stopped() ? reader_->raw_ids_of(shown_) : reader_->raw_ids(); }

void Answer::finish(const EngineFinished& end) {
  const bool failed = end.reason == EngineFinished::Reason::error;
  const bool open = !complete_;
  if (open) {
    reader_->finish(end.reason != EngineFinished::Reason::stop_token);
    read();
  }
  std::string tail;
  reasoning_stops_.flush(tail);
  give_reasoning(std::exchange(tail, {}));
  stops_.flush(tail);
  give_text(std::move(tail));
  if (open) keep_raw();

  Finished finished;
  finished.usage = {end.prompt_tokens, end.cached_tokens, end.output_tokens, end.prefill_seconds, end.decode_seconds};
  finished.raw = std::move(raw_);
  finished.seed = seed_;
  if (!stopped()) finished.malformed_call = reader_->malformed();
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
