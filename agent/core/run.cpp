#include "run.h"

#include <algorithm>
#include <utility>

namespace baton::agent {
namespace {

// A model that cannot write a call in three attempts will not succeed in the fourth.
constexpr int kMaxMalformedTurns = 2;

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;  // clang 14 does not deduce aggregates by itself

std::string replace_all(std::string text, const std::string& what, const std::string& with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) text.replace(at, what.size(), with);
  return text;
}

// The nearest code of the protocol.
std::string protocol_error_code(const std::optional<llm::Error>& error) {
  using enum llm::errc;
  if (error && error->code == context_overflow) return "context_length_exceeded";
  const bool request = error && (error->code == invalid_argument || error->code == invalid_schema || error->code == invalid_template ||
                                 error->code == unsupported);
  return request ? "invalid_prompt" : "server_error";
}

}  // namespace

Run::Run(RunConfig config) : config_(std::move(config)), output_(config_.new_id) {}

// ---- events in

Actions Run::start(const std::string& user_text, const Moment& now) {
  return start(std::vector<Json>{user_message_item("", user_text)}, now);
}

Actions Run::start(std::vector<Json> input, const Moment& now) {
  if (state_ != State::ready) return {};
  started_ = now;
  output_.event("response.created", {{"response", response_json("in_progress", now)}});
  output_.event("response.in_progress", {{"response", response_json("in_progress", now)}});
  begin(input, now);
  return output_.take();
}

void Run::begin(const std::vector<Json>& input, const Moment& now) {
  std::vector<StoredItem> items = config_.history;
  for (Json item : input) {
    if (item.contains("baton.turn")) item["baton.from"] = "client";  // an output of an earlier run, sent again: not an output of this one
    output_.input_item(item);
    items.push_back({config_.response_id, item, {}});
  }
  recall(std::move(items));
  for (std::size_t i = 0; i < messages_.size(); ++i) {
    if (messages_[i].role == llm::Role::user) begins_at_ = i;
  }
  open_approved_calls(input);
  open_retried_calls(input);
  if (current_.calls.empty()) return begin_turn(now);
  state_ = State::calling;
  start_calls(now);
}

Actions Run::on_delta(llm::Delta delta, const Moment& now) {
  if (state_ != State::generating) return {};
  if (!config_.generate) {
    if (const auto* end = std::get_if<llm::Finished>(&delta)) end_warm_up(*end, now);
    return output_.take();
  }
  std::visit(Overloaded{
                 [&](const llm::PrefillProgress&) {},
                 [&](const llm::MessagesLeftOut& d) { take(d); },
                 [&](const llm::TextDelta& d) {
                   current_.text += d.text;
                   output_.write(Block::Kind::text, d.text, turn_, d.logprobs);
                 },
                 [&](const llm::ReasoningDelta& d) {
                   current_.reasoning += d.text;
                   output_.write(Block::Kind::reasoning, d.text, turn_);
                 },
                 [&](const llm::CallStarted& d) { take(d); },
                 [&](const llm::CallArguments& d) { take(d); },
                 [&](const llm::CallFinished& d) { take(d); },
                 [&](const llm::Finished& d) { end_generation(d, now); },
             },
             delta);
  return output_.take();
}

Actions Run::on_tool_progress(const std::string& call_id, double fraction, const std::string& message) {
  if (state_ != State::calling) return {};
  const auto call = std::find_if(current_.calls.begin(), current_.calls.end(), [&](const Call& c) { return c.call.id == call_id; });
  if (call == current_.calls.end() || call->phase != Call::Phase::running) return {};
  output_.call_progress(*call, std::clamp(fraction, 0.0, 1.0), message);
  return output_.take();
}

Actions Run::on_tool_finished(const std::string& call_id, const std::string& content, bool is_error, const Moment& now) {
  if (state_ != State::calling) return {};
  const auto call = std::find_if(current_.calls.begin(), current_.calls.end(), [&](const Call& c) { return c.call.id == call_id; });
  if (call == current_.calls.end() || call->phase != Call::Phase::running) return {};
  answer(*call, {content, is_error});
  start_calls(now);
  return output_.take();
}

Actions Run::steer(const std::string& steer_id, const std::vector<Json>& input, const Moment&) {
  if (finished() || state_ == State::ready) return {};
  steered_ = true;
  output_.event("response.steer.accepted",
                {{"steer", {{"id", steer_id}, {"previous_response_id", config_.response_id}}}, {"baton.input", input}});
  // An answer of text is cut off here; calls that are being written are run first, because their results belong to them.
  if (state_ == State::generating && current_.calls.empty() && !current_.interrupted) {
    current_.interrupted = true;
    output_.act(CancelGeneration{});
  }
  return output_.take();
}

Actions Run::on_tick(const Moment& now) {
  if (finished() || state_ == State::ready) return {};
  const std::int64_t spent = spent_ms(now);
  if (spent >= 2 * config_.budgets.max_milliseconds) return cut_off("incomplete", "max_milliseconds", now);
  if (spent >= config_.budgets.max_milliseconds && state_ == State::calling) {
    abandon_calls("cut off: the time of this run is used up");
    end_calls(now);
  }
  return output_.take();
}

Actions Run::cancel(const Moment& now) { return cut_off("cancelled", "cancelled", now); }
Actions Run::fail(const std::string& reason, const Moment& now) { return cut_off("failed", reason, now); }

Actions Run::cut_off(const std::string& status, const std::string& reason, const Moment& now) {
  if (finished() || state_ == State::ready) return {};
  if (state_ == State::generating) output_.act(CancelGeneration{});
  finish(status, reason, now);
  return output_.take();
}

// ---- a turn

void Run::begin_turn(const Moment& now) {
  if (steered_) return finish("incomplete", "steered", now);
  ++turn_;
  if (end_reason_.empty() && turn_ > config_.budgets.max_turns) end_reason_ = "max_turns";
  if (end_reason_.empty() && spent_ms(now) >= config_.budgets.max_milliseconds) end_reason_ = "max_milliseconds";
  if (!end_reason_.empty()) last_turn_ = true;
  if (usage_.output_tokens >= config_.budgets.max_output_tokens) return finish("incomplete", "max_output_tokens", now);
  current_ = {};
  current_.only_repeats = true;
  current_.wants_any_call = must_call();
  state_ = State::generating;
  llm::ChatRequest request = make_request();
  if (!config_.generate && request.messages.empty()) return finish("completed", "", now);  // there is no prompt yet that could be computed
  output_.act(StartGeneration{std::move(request)});
}

llm::ChatRequest Run::make_request() {
  llm::ChatRequest request;
  if (!config_.instructions.empty()) request.messages.push_back({.role = llm::Role::system, .content = config_.instructions});
  request.messages.insert(request.messages.end(), messages_.begin(), messages_.end());
  if (!config_.after_tools.empty() && results_to_use_ && !must_call()) {
    request.messages.push_back({.role = llm::Role::user, .content = replace_all(config_.after_tools, "{question}", question_)});
  }
  for (const llm::ToolSpec& tool : config_.tools) {
    if (config_.allowed_tools.empty() || config_.allowed_tools.contains(tool.name)) request.tools.push_back(tool);
  }
  request.format = config_.text_format.compiled;
  request.turn = config_.turn;
  if (called_ && config_.turn.tool_choice.mode != llm::ToolChoice::Mode::none) request.turn.tool_choice = {};
  if (last_turn_) request.turn.tool_choice = {.mode = llm::ToolChoice::Mode::none, .name = {}};
  request.turn.max_output_tokens = std::min(config_.turn.max_output_tokens, config_.budgets.max_output_tokens - usage_.output_tokens);
  request.client = config_.client;
  request.prompt = config_.prompt;
  if (config_.truncate) request.may_begin_at = turns_of(request);
  if (!config_.generate) {
    request.turn.max_output_tokens = 1;  // the minimum that computes the prompt
    request.format.reset();
    request.turn.tool_choice = {};
  }
  return request;
}

// The places where the turns of the conversation begin: each question of the user, up to the one that this run is about.
std::vector<std::size_t> Run::turns_of(const llm::ChatRequest& request) const {
  std::vector<std::size_t> turns;
  const std::size_t n_before = config_.instructions.empty() ? 0 : 1;
  for (std::size_t i = 0; i <= begins_at_ && n_before + i < request.messages.size(); ++i) {
    if (request.messages[n_before + i].role == llm::Role::user) turns.push_back(n_before + i);
  }
  return turns;
}

void Run::take(const llm::MessagesLeftOut& truncated) {
  n_left_out_ = truncated.n;
  output_.event("baton.truncated", {{"response_id", config_.response_id}, {"messages", n_left_out_}});
}

bool Run::must_call() const {
  using Mode = llm::ToolChoice::Mode;
  return !called_ && (config_.turn.tool_choice.mode == Mode::required || config_.turn.tool_choice.mode == Mode::named);
}

void Run::take(const llm::CallStarted& started) {
  // The journal and the history find a call by its id, so the id is made unique whatever the generator gives.
  const bool usable = !started.id.empty() && !call_ids_.contains(started.id);
  const std::string id = usable ? started.id : config_.new_id("call_");
  call_ids_.insert(id);
  Call call = output_.open_call(started.index, id, started.name, turn_);
  call.item.confidence = started.confidence;
  name_as_client_does(call);
  // Not shown before its kind is known: a client runs every function_call that it sees, and a call that does not fit its schema is answered
  // without asking the user.
  if (config_.client_tools.contains(started.name)) {
    call.item.kind = CallItem::Kind::client;
    if (started.fits && !last_turn_ && !may_be_repeated(started.name)) output_.show_call(call);
  } else if (!config_.ask_before.contains(started.name)) {
    output_.show_call(call);
  }
  current_.calls.push_back(std::move(call));
}

void Run::name_as_client_does(Call& call) const {
  const auto named = config_.namespaced.find(call.call.name);
  if (named == config_.namespaced.end()) return;
  call.item.name = named->second.name;
  call.item.name_space = named->second.name_space;
}

void Run::take(const llm::CallArguments& arguments) {
  Call* call = find_call(arguments.index);
  if (!call || call->phase != Call::Phase::writing) return;
  call->item.arguments += arguments.fragment;  // the arguments so far, if the call is cut off
  if (call->output_index >= 0) output_.call_arguments(*call, arguments.fragment);
}

void Run::take(const llm::CallFinished& finished) {
  Call* call = find_call(finished.index);
  if (!call || call->phase != Call::Phase::writing) return;
  call->phase = Call::Phase::written;
  call->call.name = call->item.name = finished.call.name;
  name_as_client_does(*call);
  call->item.confidence = finished.confidence;
  if (finished.call.arguments.is_object()) {
    call->call.arguments = finished.call.arguments;
  } else {
    call->malformed = "the arguments must be a JSON object, not " + to_text(finished.call.arguments);
  }
  call->item.arguments = to_text(call->call.arguments);
  if (call->output_index >= 0) output_.call_written(*call);
}

void Run::end_generation(const llm::Finished& end, const Moment& now) {
  usage_.prompt_tokens += end.usage.prompt_tokens;
  usage_.cached_tokens += end.usage.cached_tokens;
  usage_.output_tokens += end.usage.output_tokens;
  usage_.prefill_seconds += end.usage.prefill_seconds;
  usage_.decode_seconds += end.usage.decode_seconds;
  using Reason = llm::FinishReason;
  if (end.reason == Reason::length && !last_turn_) show_unwritten_calls();
  // Tokens of a call that was dropped would return as history without an answer.
  if (!drop_unwritten_calls()) current_.raw = end.raw;

  const bool whole = end.reason == Reason::stop || end.reason == Reason::tool_calls;
  if (whole && current_.calls.empty() && !output_.writing() && current_.text.empty() && current_.reasoning.empty()) {
    output_.write(Block::Kind::text, "", turn_);  // an empty answer is an answer
  }
  output_.close(whole ? "completed" : "incomplete", turn_, current_.calls.empty() ? current_.raw : llm::RawTokens{});
  if (end.reason == Reason::error) {
    error_code_ = protocol_error_code(end.error);
    return finish("failed", end.error ? end.error->message : "the generator failed without saying why", now);
  }
  if (end.reason == Reason::cancelled && !current_.interrupted) return finish("cancelled", "cancelled", now);
  output_.keep_turn();
  keep_turn_message();
  if (!current_.calls.empty()) {
    malformed_turns_ = 0;
    state_ = State::calling;
    if (current_.interrupted) abandon_calls("cut off: the user steered the run");
    return start_calls(now);
  }
  results_to_use_ = false;
  if (steered_ && end.reason == Reason::cancelled) return finish("incomplete", "steered", now);
  if (end.reason == Reason::length) return finish("incomplete", "max_output_tokens", now);
  if (const auto misfit = config_.why_misfits ? config_.why_misfits(current_.text) : std::nullopt) {
    error_code_ = "format_mismatch";
    return finish("failed", "the answer does not fit the format that was asked for: " + *misfit, now);
  }
  if (!end.malformed_call.empty() && !last_turn_) return ask_for_the_call_again(end.malformed_call, now);
  finish(end_reason_.empty() ? "completed" : "incomplete", end_reason_, now);
}

// The generated token is dropped. If the template cannot render the request yet, no prompt is computed; that is not a failure.
void Run::end_warm_up(const llm::Finished& end, const Moment& now) {
  usage_.prompt_tokens += end.usage.prompt_tokens;
  usage_.cached_tokens += end.usage.cached_tokens;
  usage_.prefill_seconds += end.usage.prefill_seconds;
  if (end.reason == llm::FinishReason::cancelled) return finish("cancelled", "cancelled", now);
  if (end.reason == llm::FinishReason::error && !(end.error && end.error->code == llm::errc::invalid_template)) {
    error_code_ = protocol_error_code(end.error);
    return finish("failed", end.error ? end.error->message : "the generator failed without saying why", now);
  }
  finish("completed", "", now);
}

// Shows the client the calls for which there was no room.
void Run::show_unwritten_calls() {
  for (Call& call : current_.calls) {
    if (call.phase == Call::Phase::writing && call.output_index < 0) output_.show_call(call);
  }
}

// Returns true if there were any.
bool Run::drop_unwritten_calls() {
  for (Call& call : current_.calls) {
    if (call.phase == Call::Phase::writing) output_.call_cut_off(call);
  }
  return std::erase_if(current_.calls, [](const Call& c) { return c.phase == Call::Phase::writing; }) > 0;
}

void Run::keep_turn_message() {
  if (current_.text.empty() && current_.reasoning.empty() && current_.calls.empty() && current_.interrupted)
    return;  // cut off before the first word
  llm::Message message{.role = llm::Role::assistant, .content = current_.text, .reasoning = current_.reasoning};
  for (const Call& call : current_.calls) message.tool_calls.push_back(call.call);
  if (!current_.raw.ids.empty()) message.raw = current_.raw;
  messages_.push_back(std::move(message));
}

void Run::ask_for_the_call_again(const std::string& malformed, const Moment& now) {
  if (++malformed_turns_ > kMaxMalformedTurns) return finish("incomplete", "malformed_call", now);
  const std::string hint = malformed + ". Write the call again as valid JSON" + (must_call() ? "." : ", or answer in plain words.");
  messages_.push_back({.role = llm::Role::user, .content = hint});
  output_.hint(hint);
  begin_turn(now);
}

// ---- the end

void Run::finish(const std::string& status, const std::string& reason, const Moment& now) {
  // Output that the user saw is kept, and every call has a result.
  if (state_ == State::generating) {
    drop_unwritten_calls();
    output_.close("incomplete", turn_);
  }
  output_.keep_turn();
  state_ = State::finished;
  abandon_calls("cut off: the run ended (" + reason + ")");
  keep_calls();

  Json response = response_json(status, now);
  response["output"] = output_.items();
  response["usage"] = usage_json();
  if (status == "failed") response["error"] = {{"code", error_code_}, {"message", reason}};
  if (status == "incomplete" || status == "cancelled") response["incomplete_details"] = {{"reason", reason}};
  // The protocol has no event for a cancelled response: its status says so.
  const std::string event = status == "completed" ? "response.completed" : status == "failed" ? "response.failed" : "response.incomplete";
  output_.event(event, {{"response", std::move(response)}});
  output_.act(FinishRun{status, reason, usage_json(), std::exchange(required_input_, Json::array())});
}

}  // namespace baton::agent
