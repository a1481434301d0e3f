#include "run.h"

#include <algorithm>
#include <utility>

#include "items.h"

namespace baton::agent {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

std::string call_key(const llm::ToolCall& call) { return call.name + "\n" + call.arguments.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string replace_all(std::string text, const std::string& what, const std::string& with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) text.replace(at, what.size(), with);
  return text;
}

}  // namespace

Run::Run(RunConfig config) : config_(std::move(config)), messages_(config_.history) {}

// ---- events in

Actions Run::start(const std::string& user_text, std::int64_t now) {
  started_ = now;
  emit("response.created", {{"response", response_json("in_progress")}});
  emit("response.in_progress", {{"response", response_json("in_progress")}});
  take_user_message(user_text);
  begin_turn(now);
  return take();
}

Actions Run::on_delta(llm::Delta delta, std::int64_t now) {
  if (state_ != State::generating) return {};
  std::visit(Overloaded{
                 [&](const llm::PrefillProgress&) {},
                 [&](const llm::TextDelta& d) { write_text(d.text); },
                 [&](const llm::ReasoningDelta& d) { write_reasoning(d.text); },
                 [&](const llm::CallStarted& d) { open_call(d); },
                 [&](const llm::CallArguments& d) {
                   if (calls_.empty()) return;
                   emit("response.mcp_call_arguments.delta", {{"item_id", calls_.back().item_id}, {"output_index", output_index_}, {"delta", d.fragment}});
                 },
                 [&](const llm::CallFinished& d) {
                   if (calls_.empty()) return;
                   Call& call = calls_.back();
                   call.call.name = d.call.name;
                   call.call.arguments = d.call.arguments;
                   call.confidence = d.confidence;
                   call.done = true;  // complete as written; what it answers comes later
                   emit("response.mcp_call_arguments.done",
                        {{"item_id", call.item_id}, {"output_index", output_index_}, {"arguments", d.call.arguments.dump()}});
                 },
                 [&](const llm::Finished& d) { end_generation(d, now); },
             },
             delta);
  return take();
}

Actions Run::on_tool_finished(const std::string& call_id, const std::string& content, bool is_error, std::int64_t now) {
  if (state_ != State::calling) return {};
  const auto call = std::find_if(calls_.begin(), calls_.end(), [&](const Call& c) { return c.call.id == call_id; });
  if (call == calls_.end() || call->done) return {};
  finish_call(*call, content, is_error);
  calls_done(now);
  return take();
}

Actions Run::on_user_message(const std::string& text, Delivery delivery, std::int64_t now) {
  if (finished()) return {};
  queued_.push_back(text);
  if (delivery == Delivery::interrupt && state_ == State::generating && !interrupted_) {
    interrupted_ = true;
    actions_.push_back(CancelGeneration{});
  } else if (delivery == Delivery::interrupt && state_ == State::calling) {
    abandon_calls("cancelled: the user sent another message");
    calls_done(now);
  }
  return take();
}

Actions Run::on_tick(std::int64_t now) {
  if (finished() || now - started_ < 2 * config_.budgets.max_milliseconds) return {};
  if (state_ == State::generating) actions_.push_back(CancelGeneration{});
  finish("incomplete", "max_milliseconds", now);
  return take();
}

Actions Run::cancel(std::int64_t now) {
  if (finished()) return {};
  if (state_ == State::generating) actions_.push_back(CancelGeneration{});
  finish("cancelled", "cancelled", now);
  return take();
}

Actions Run::fail(const std::string& reason, std::int64_t now) {
  if (finished()) return {};
  if (state_ == State::generating) actions_.push_back(CancelGeneration{});
  finish("failed", reason, now);
  return take();
}

// ---- a turn

void Run::begin_turn(std::int64_t now) {
  for (const std::string& text : std::exchange(queued_, {})) take_user_message(text);
  ++turn_;
  if (end_reason_.empty() && turn_ > config_.budgets.max_turns) end_reason_ = "max_turns";
  if (end_reason_.empty() && now - started_ > config_.budgets.max_milliseconds) end_reason_ = "max_milliseconds";
  if (!end_reason_.empty()) last_turn_ = true;
  if (usage_.output_tokens >= config_.budgets.max_output_tokens) return finish("incomplete", "max_output_tokens", now);
  text_.clear(), reasoning_.clear(), text_id_.clear(), reasoning_id_.clear();
  calls_.clear();
  raw_ = {};
  raw_kept_ = false;
  interrupted_ = false;
  state_ = State::generating;
  actions_.push_back(StartGeneration{make_request()});
}

llm::ChatRequest Run::make_request() {
  llm::ChatRequest request;
  if (!config_.instructions.empty()) request.messages.push_back({.role = llm::Role::system, .content = config_.instructions});
  request.messages.insert(request.messages.end(), messages_.begin(), messages_.end());
  if (!config_.after_tools.empty() && !messages_.empty() && messages_.back().role == llm::Role::tool) {
    request.messages.push_back({.role = llm::Role::user, .content = replace_all(config_.after_tools, "{question}", question_)});
  }
  request.tools = config_.tools;
  if (turn_ == 1) request.tool_choice = config_.tool_choice;
  if (last_turn_) request.tool_choice.mode = llm::ToolChoice::Mode::none;
  request.parallel_tool_calls = config_.parallel_tool_calls;
  request.sampling = config_.sampling;
  request.max_output_tokens = std::min(config_.max_output_tokens, config_.budgets.max_output_tokens - usage_.output_tokens);
  request.history = config_.history_form;
  return request;
}

void Run::take_user_message(const std::string& text) {
  question_ = text;
  messages_.push_back({.role = llm::Role::user, .content = text});
  const std::string id = config_.new_id("item_");
  actions_.push_back(KeepItem{id, user_message_item(id, text), text, {}});
}

void Run::write_text(const std::string& text) {
  close_reasoning();
  if (text_id_.empty()) {
    text_id_ = config_.new_id("item_");
    emit("response.output_item.added", {{"output_index", output_index_}, {"item", assistant_message_item(text_id_, "", turn_, "in_progress")}});
  }
  text_ += text;
  emit("response.output_text.delta", {{"item_id", text_id_}, {"output_index", output_index_}, {"content_index", 0}, {"delta", text}});
}

void Run::write_reasoning(const std::string& text) {
  if (reasoning_id_.empty()) {
    reasoning_id_ = config_.new_id("item_");
    emit("response.output_item.added", {{"output_index", output_index_}, {"item", reasoning_item(reasoning_id_, "", turn_)}});
  }
  reasoning_ += text;
  emit("response.reasoning_text.delta", {{"item_id", reasoning_id_}, {"output_index", output_index_}, {"content_index", 0}, {"delta", text}});
}

void Run::close_reasoning() {
  if (reasoning_id_.empty()) return;
  emit("response.reasoning_text.done", {{"item_id", reasoning_id_}, {"output_index", output_index_}, {"content_index", 0}, {"text", reasoning_}});
  const std::string id = std::exchange(reasoning_id_, "");
  keep(id, reasoning_item(id, reasoning_, turn_), "");
}

void Run::close_text(const std::string& status) {
  if (text_id_.empty()) return;
  emit("response.output_text.done", {{"item_id", text_id_}, {"output_index", output_index_}, {"content_index", 0}, {"text", text_}});
  const std::string id = std::exchange(text_id_, "");
  keep(id, assistant_message_item(id, text_, turn_, status), text_);
}

void Run::open_call(const llm::CallStarted& started) {
  close_reasoning();
  close_text("completed");
  Call call;
  call.item_id = config_.new_id("item_");
  call.call = {started.id.empty() ? config_.new_id("call_") : started.id, started.name, Json::object()};
  if (!calls_.empty()) ++output_index_;  // the items of a turn's calls are finished after all of them were written
  emit("response.output_item.added", {{"output_index", output_index_},
                                      {"item", call_item({call.item_id, call.call.id, call.call.name, Json::object(), nullptr, nullptr, turn_, 1})}});
  calls_.push_back(std::move(call));
}

void Run::end_generation(const llm::Finished& end, std::int64_t now) {
  raw_ = end.raw;
  usage_.prompt_tokens += end.usage.prompt_tokens;
  usage_.cached_tokens += end.usage.cached_tokens;
  usage_.output_tokens += end.usage.output_tokens;
  usage_.prefill_seconds += end.usage.prefill_seconds;
  usage_.decode_seconds += end.usage.decode_seconds;
  std::erase_if(calls_, [](const Call& c) { return !c.done; });  // cut off in the middle: it never was a call
  for (Call& call : calls_) call.done = false;
  if (end.reason == llm::FinishReason::error) {
    return finish("failed", end.error ? end.error->message : "the generator failed without saying why", now);
  }
  if (end.reason == llm::FinishReason::cancelled && !interrupted_) return finish("cancelled", "cancelled", now);
  close_reasoning();
  close_text(end.reason == llm::FinishReason::cancelled || end.reason == llm::FinishReason::length ? "incomplete" : "completed");
  keep_turn_message();
  if (!calls_.empty()) {
    state_ = State::calling;
    if (interrupted_) abandon_calls("cancelled: the user sent another message");
    return start_calls(now);
  }
  if (!queued_.empty()) return begin_turn(now);
  if (end.reason == llm::FinishReason::length) return finish("incomplete", "max_output_tokens", now);
  finish(end_reason_.empty() ? "completed" : "incomplete", end_reason_, now);
}

void Run::keep_turn_message() {
  llm::Message message{.role = llm::Role::assistant, .content = text_, .reasoning = reasoning_};
  for (const Call& call : calls_) message.tool_calls.push_back(call.call);
  if (!raw_.ids.empty()) message.raw = raw_;
  messages_.push_back(std::move(message));
}

// ---- calls

void Run::start_calls(std::int64_t now) {
  bool all_repeat = true;
  for (std::size_t i = 0; i < calls_.size(); ++i) {
    Call& call = calls_[i];
    if (call.done) continue;
    emit("response.mcp_call.in_progress", {{"item_id", call.item_id}, {"output_index", output_index_}});
    const std::string key = call_key(call.call);
    const auto same = std::find_if(calls_.begin(), calls_.begin() + static_cast<std::ptrdiff_t>(i), [&](const Call& c) { return call_key(c.call) == key; });
    if (same != calls_.begin() + static_cast<std::ptrdiff_t>(i)) {
      finish_call(call, "the same call as an earlier one of this answer: see its result", false);
    } else if (!answer_without_running(call)) {
      all_repeat = false;
      ++n_calls_;
      actions_.push_back(StartTool{call.call, config_.response_id + "/" + call.call.id});
    } else if (!earlier_calls_.contains(key)) {
      all_repeat = false;
    }
  }
  if (all_repeat) last_turn_ = true;
  calls_done(now);
}

bool Run::answer_without_running(Call& call) {
  if (const auto earlier = earlier_calls_.find(call_key(call.call)); earlier != earlier_calls_.end()) {
    finish_call(call, earlier->second.first, earlier->second.second);
    return true;
  }
  const auto known = std::find_if(config_.tools.begin(), config_.tools.end(), [&](const llm::ToolSpec& t) { return t.name == call.call.name; });
  if (known == config_.tools.end()) {
    std::string names;
    for (const llm::ToolSpec& tool : config_.tools) names += (names.empty() ? "" : ", ") + tool.name;
    finish_call(call, "there is no tool '" + call.call.name + "'; the tools are: " + (names.empty() ? "none" : names), true);
    return true;
  }
  if (n_calls_ >= config_.budgets.max_tool_calls) {
    finish_call(call, "not run: the budget of " + std::to_string(config_.budgets.max_tool_calls) + " tool calls is used up", true);
    end_reason_ = "max_tool_calls";
    return true;
  }
  return false;
}

void Run::finish_call(Call& call, const std::string& content, bool is_error) {
  call.done = true;
  call.is_error = is_error;
  call.result = content;
}

// The items and results go into the history in the order of the calls, whichever tool was first.
void Run::calls_done(std::int64_t now) {
  if (!std::all_of(calls_.begin(), calls_.end(), [](const Call& c) { return c.done; })) return;
  for (const Call& call : calls_) {
    earlier_calls_.try_emplace(call_key(call.call), call.result, call.is_error);
    CallItem item{call.item_id, call.call.id, call.call.name, call.call.arguments, nullptr, nullptr, turn_, call.confidence};
    (call.is_error ? item.error : item.output) = &call.result;
    emit(call.is_error ? "response.mcp_call.failed" : "response.mcp_call.completed", {{"item_id", call.item_id}, {"output_index", output_index_}});
    keep(call.item_id, call_item(item), call.call.name + " " + call.call.arguments.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n" + call.result);
    messages_.push_back({.role = llm::Role::tool, .content = call.result, .tool_call_id = call.call.id, .name = call.call.name});
  }
  calls_.clear();
  if (state_ == State::calling) begin_turn(now);
}

void Run::abandon_calls(const std::string& why) {
  for (Call& call : calls_) {
    if (call.done) continue;
    actions_.push_back(CancelTool{call.call.id});
    finish_call(call, why, true);
  }
}

// ---- out

void Run::emit(const std::string& type, Json data) {
  Json event = {{"type", type}};
  event.update(data);
  actions_.push_back(EmitEvent{type, std::move(event)});
}

void Run::keep(const std::string& id, Json content, std::string text) {
  llm::RawTokens raw;  // known since the end of the generation: text before a call is kept without them
  if (!raw_.ids.empty() && !std::exchange(raw_kept_, true)) raw = raw_;
  emit("response.output_item.done", {{"output_index", output_index_++}, {"item", content}});
  output_.push_back(content);
  actions_.push_back(KeepItem{id, std::move(content), std::move(text), std::move(raw)});
}

void Run::finish(const std::string& status, const std::string& reason, std::int64_t now) {
  // What the user saw stays, and every call has a result.
  if (state_ == State::generating) {
    close_reasoning();
    close_text("incomplete");
    std::erase_if(calls_, [](const Call& c) { return !c.done; });
  }
  state_ = State::finished;
  abandon_calls("not finished: the run ended (" + reason + ")");
  if (!calls_.empty()) calls_done(now);
  const std::string event = status == "completed" ? "response.completed" : status == "failed" ? "response.failed" : "response.incomplete";
  Json response = response_json(status);
  response["output"] = output_;
  if (status == "failed") response["error"] = {{"code", "server_error"}, {"message", reason}};
  if (status == "incomplete" || status == "cancelled") response["incomplete_details"] = {{"reason", reason}};
  const Json usage = {{"input_tokens", usage_.prompt_tokens},
                      {"input_tokens_details", {{"cached_tokens", usage_.cached_tokens}}},
                      {"output_tokens", usage_.output_tokens},
                      {"output_tokens_details", {{"reasoning_tokens", 0}}},
                      {"total_tokens", usage_.prompt_tokens + usage_.output_tokens},
                      {"baton.prefill_seconds", usage_.prefill_seconds},
                      {"baton.decode_seconds", usage_.decode_seconds},
                      {"baton.turns", turn_}};
  response["usage"] = usage;
  emit(event, {{"response", std::move(response)}});
  actions_.push_back(FinishRun{status, reason, usage});
}

Json Run::response_json(const std::string& status) const {
  Json response = {{"id", config_.response_id},
                   {"object", "response"},
                   {"created_at", started_ / 1000},
                   {"status", status},
                   {"model", config_.model},
                   {"output", Json::array()},
                   {"conversation", {{"id", config_.conversation_id}}},
                   {"previous_response_id", nullptr},
                   {"error", nullptr},
                   {"incomplete_details", nullptr}};
  if (!config_.parent_id.empty()) response["previous_response_id"] = config_.parent_id;
  return response;
}

}  // namespace baton::agent
