// The calls of a turn: those that are run, the answers to the others, and the next step after them.
#include <algorithm>
#include <utility>

#include "run.h"

namespace baton::agent {
namespace {

// For a required call: a model that was refused three times will not succeed in the fourth.
constexpr int kMaxRefusedTurns = 3;

std::string names_of(const std::vector<llm::ToolSpec>& tools) {
  std::string names;
  for (const llm::ToolSpec& tool : tools) names += (names.empty() ? "" : ", ") + tool.name;
  return names.empty() ? "none" : names;
}

}  // namespace

Call* Run::find_call(int index) {
  const auto call = std::find_if(current_.calls.begin(), current_.calls.end(), [&](const Call& c) { return c.index == index; });
  return call == current_.calls.end() ? nullptr : &*call;
}

// The user has approved these calls; those that were refused have their answer in the history. A client that replays a conversation sends
// the approval together with the call's result: such a call has run.
void Run::open_approved_calls(const std::vector<Json>& input) {
  std::set<std::string> ran;
  std::map<std::string, const Json*> requests;
  for (const StoredItem& item : config_.history) {
    ran.insert(string_of(item.content, "approval_request_id"));
    if (string_of(item.content, "type") == "mcp_approval_request") requests.emplace(string_of(item.content, "id"), &item.content);
  }
  for (const Json& item : input) {
    if (string_of(item, "type") == "mcp_call") ran.insert(string_of(item, "approval_request_id"));
    if (string_of(item, "type") == "mcp_approval_request") requests.emplace(string_of(item, "id"), &item);
  }
  for (const Json& item : input) {
    if (string_of(item, "type") != "mcp_approval_response" || !item.value("approve", false)) continue;
    const std::string id = string_of(item, "approval_request_id");
    if (!ran.insert(id).second) continue;
    const auto asked = requests.find(id);
    if (asked == requests.end()) continue;
    const Json& request = *asked->second;
    Call call =
        output_.open_call(static_cast<int>(current_.calls.size()), string_of(request, "baton.call_id"), string_of(request, "name"), turn_);
    call.item.approval_request_id = id;
    call.item.arguments = string_of(request, "arguments");
    call.call.arguments = Json::parse(call.item.arguments, nullptr, false);
    if (!call.call.arguments.is_object()) call.malformed = "the arguments are no JSON object any more";
    call.phase = Call::Phase::written;
    current_.calls.push_back(std::move(call));
  }
}

// The same call once more, as a new one: the record of the old call stays unchanged.
void Run::open_retried_calls(const std::vector<Json>& input) {
  llm::Message again{.role = llm::Role::assistant};
  const auto is_retry = [](const Json& item) { return string_of(item, "type") == "baton.retry_tool"; };
  if (std::none_of(input.begin(), input.end(), is_retry)) return;
  std::map<std::string, const Json*> earlier;
  for (const StoredItem& item : config_.history) earlier.emplace(string_of(item.content, "id"), &item.content);
  for (const Json& item : input) {
    if (!is_retry(item)) continue;
    const auto at = earlier.find(string_of(item, "item_id"));
    if (at == earlier.end()) continue;
    const Json& failed = *at->second;
    Call call = output_.open_call(static_cast<int>(current_.calls.size()), config_.new_id("call_"), string_of(failed, "name"), turn_);
    call.item.arguments = string_of(failed, "arguments");
    call.call.arguments = Json::parse(call.item.arguments, nullptr, false);
    if (!call.call.arguments.is_object()) call.malformed = "the arguments are no JSON object any more";
    call.phase = Call::Phase::written;
    call_ids_.insert(call.call.id);
    again.tool_calls.push_back(call.call);
    current_.calls.push_back(std::move(call));
  }
  if (!again.tool_calls.empty()) messages_.push_back(std::move(again));
}

// Starts, answers or hands over the calls that are ready; when none is left the turn is over.
void Run::start_calls(const Moment& now) {
  for (Call& call : current_.calls) {
    if (call.phase == Call::Phase::running && !config_.turn.parallel_tool_calls) return;
    if (call.phase != Call::Phase::written) continue;
    if (call.item.kind == CallItem::Kind::client) {
      hand_over(call);
      continue;
    }
    std::optional<Answer> known = answer_without_running(call);
    if (!known && asks_before(call)) {
      call.item.kind = CallItem::Kind::approval;
      call.item.expires_at = (now.wall_ms + config_.approval_lifetime_ms) / 1000;
      call.item.deadline_ms = now.steady_ms + config_.approval_lifetime_ms;
      called_ = true;
      call.phase = Call::Phase::waiting;
      output_.show_call(call);
      output_.call_handed_over(call);
      continue;
    }
    if (call.output_index < 0) {
      output_.show_call(call);
      output_.call_written(call);
    }
    output_.call_started(call);
    if (known) {
      answer(call, std::move(*known));
      continue;
    }
    call.counts = true;
    called_ = called_ || turn_ > 0;  // not by one that the user had approved before
    current_.only_repeats = false;
    ++n_calls_;
    start_tool(call);
    if (!config_.turn.parallel_tool_calls) return;
  }
  const bool all = std::all_of(current_.calls.begin(), current_.calls.end(),
                               [](const Call& c) { return c.phase == Call::Phase::answered || c.phase == Call::Phase::waiting; });
  if (all) end_calls(now);
}

void Run::start_tool(Call& call) {
  call.phase = Call::Phase::running;
  // The key belongs to the call, so a call that waited for its approval has the same one in every response that could run it.
  const std::string& owner = call.item.approval_request_id.empty() ? config_.response_id : call.item.approval_request_id;
  output_.act(StartTool{call.call, owner + "/" + call.call.id});
}

// The client sees only calls that it can run; the others are answered to the model.
void Run::hand_over(Call& call) {
  if (const std::optional<std::string> why = why_refused(call)) {
    current_.only_repeats = current_.only_repeats && !refused_calls_.insert(call_key(call.call)).second;
    return answer(call, {*why, true});
  }
  if (last_turn_) return answer(call, {"not run: this run makes no more calls", true});
  if (std::optional<Answer> known = current_.wants_any_call ? std::nullopt : earlier_answer(call.call))
    return answer(call, std::move(*known));
  current_.only_repeats = false;
  called_ = true;
  call.phase = Call::Phase::waiting;
  if (call.output_index < 0) {
    output_.show_call(call);
    output_.call_arguments(call, call.item.arguments);
    output_.call_written(call);
  }
  output_.call_handed_over(call);
}

bool Run::asks_before(const Call& call) const {
  return call.item.approval_request_id.empty() && config_.ask_before.contains(call.call.name);
}

std::optional<std::string> Run::why_refused(const Call& call) const {
  if (!call.malformed.empty()) return call.malformed;
  return config_.why_refused ? config_.why_refused(call.call) : std::nullopt;
}

std::optional<Run::Answer> Run::answer_without_running(Call& call) {
  if (last_turn_) return Answer{"not run: this run makes no more calls", true};
  if (!call.malformed.empty()) {
    current_.only_repeats = false;
    return Answer{call.malformed, true};
  }
  const std::string key = call_key(call.call);
  for (const Call& before : current_.calls) {
    if (&before == &call) break;
    if (call_key(before.call) == key)
      return Answer{"the same call as an earlier one of this answer; it is run once, see its result", false};
  }
  if (std::optional<Answer> earlier = earlier_answer(call.call)) return earlier;
  current_.only_repeats = false;
  const auto known =
      std::find_if(config_.tools.begin(), config_.tools.end(), [&](const llm::ToolSpec& t) { return t.name == call.call.name; });
  if (known == config_.tools.end()) {
    call.counts = true;
    return Answer{"there is no tool '" + call.call.name + "'; the tools are: " + names_of(config_.tools), true};
  }
  if (n_calls_ >= config_.budgets.max_tool_calls) {
    end_reason_ = "max_tool_calls";
    return Answer{"not run: the budget of " + std::to_string(config_.budgets.max_tool_calls) + " tool calls is used up", true};
  }
  if (std::optional<std::string> why = why_refused(call)) {
    call.counts = true;
    return Answer{std::move(*why), true};
  }
  return std::nullopt;
}

void Run::answer(Call& call, Answer answer) {
  call.phase = Call::Phase::answered;
  call.is_error = answer.is_error;
  call.item.status = answer.is_error ? "failed" : "completed";
  call.item.result = std::move(answer.content);
  if (call.item.kind != CallItem::Kind::client) return output_.call_answered(call);
  output_.call_cut_off(call);  // it was shown, and the client cannot run it
}

// Calls without a result get one that says why.
void Run::abandon_calls(const std::string& why) {
  for (Call& call : current_.calls) {
    if (call.phase == Call::Phase::answered || call.phase == Call::Phase::waiting) continue;
    if (call.output_index < 0 && call.item.kind == CallItem::Kind::daemon) output_.show_call(call);
    const bool ran = call.phase == Call::Phase::running;
    if (ran) output_.act(CancelTool{call.call.id});
    call.counts = false;
    current_.only_repeats = false;
    answer(call,
           {why + (ran ? "; the tool had been started, and may or may not have had its effect" : "; the tool was not started"), true});
  }
}

void Run::keep_calls() {
  for (const Call& call : current_.calls) {
    output_.keep_call(call, std::exchange(current_.raw, {}));
    if (call.phase == Call::Phase::waiting) continue;
    if (call.item.kind == CallItem::Kind::client) {
      output_.input_item(
          {{"type", "function_call_output"}, {"call_id", call.call.id}, {"output", call.item.result}, {"baton.from", "runtime"}});
    }
    // A call that was approved, or was running in a killed process, already has its place in the history.
    const auto place = std::find_if(messages_.rbegin(), messages_.rend(),
                                    [&](const llm::Message& m) { return m.role == llm::Role::tool && m.tool_call_id == call.call.id; });
    if (place != messages_.rend()) {
      place->content = call.item.result;
    } else {
      messages_.push_back({.role = llm::Role::tool, .content = call.item.result, .tool_call_id = call.call.id, .name = call.call.name});
    }
  }
}

Json Run::required_input() const {
  Json required = Json::array();
  for (const Call& call : current_.calls) {
    if (call.phase != Call::Phase::waiting) continue;
    if (call.item.kind == CallItem::Kind::client) {
      required.push_back({{"type", "function_call_output"}, {"call_id", call.call.id}, {"name", call.item.name}});
    } else {
      required.push_back({{"type", "mcp_approval_response"}, {"approval_request_id", call.item.id}});
    }
  }
  return required;
}

void Run::end_calls(const Moment& now) {
  results_to_use_ = std::none_of(current_.calls.begin(), current_.calls.end(), [](const Call& c) { return c.is_error; });
  for (const Call& call : current_.calls) {
    if (call.counts && !earlier_calls_.contains(call_key(call.call))) ++n_new_calls_;
  }
  for (const Call& call : current_.calls) {
    if (call.counts) earlier_calls_[call_key(call.call)] = {{call.item.result, call.is_error}, n_new_calls_};
  }
  keep_calls();
  required_input_ = required_input();
  current_.calls.clear();
  if (!required_input_.empty()) return finish("completed", "", now);
  if (last_turn_) return finish("incomplete", end_reason_.empty() ? "repeated_calls" : end_reason_, now);
  repeating_turns_ = current_.only_repeats ? repeating_turns_ + 1 : 0;
  const bool gives_up = must_call() && ++refused_turns_ >= kMaxRefusedTurns;
  if (repeating_turns_ >= config_.max_repeating_turns || gives_up) {
    last_turn_ = true;
    if (must_call() && end_reason_.empty()) end_reason_ = "malformed_call";  // not the requested call
  }
  begin_turn(now);
}

}  // namespace baton::agent
