// The calls of a turn: which are run, what the others are answered, and what comes after them.
#include <algorithm>
#include <utility>

#include "run.h"

namespace baton::agent {
namespace {

std::string call_key(const llm::ToolCall& call) { return call.name + "\n" + to_text(call.arguments); }

std::string names_of(const std::vector<llm::ToolSpec>& tools) {
  std::string names;
  for (const llm::ToolSpec& tool : tools) names += (names.empty() ? "" : ", ") + tool.name;
  return names.empty() ? "none" : names;
}

}  // namespace

Call* Run::find_call(int index) {
  const auto call = std::find_if(calls_.begin(), calls_.end(), [&](const Call& c) { return c.index == index; });
  return call == calls_.end() ? nullptr : &*call;
}

// Starts or answers those that can be now; when none is left the turn is over.
void Run::start_calls(std::int64_t now) {
  for (Call& call : calls_) {
    if (call.phase == Call::Phase::running && !config_.parallel_tool_calls) return;
    if (call.phase != Call::Phase::written) continue;
    output_.call_started(call);
    if (std::optional<Answer> known = answer_without_running(call)) {
      answer(call, std::move(*known));
      continue;
    }
    call.phase = Call::Phase::running;
    call.counts = true;
    only_repeats_ = false;
    ++n_calls_;
    output_.act(StartTool{call.call, config_.response_id + "/" + call.call.id});
    if (!config_.parallel_tool_calls) return;
  }
  const bool all = std::all_of(calls_.begin(), calls_.end(), [](const Call& c) { return c.phase == Call::Phase::answered; });
  if (all) end_calls(now);
}

std::optional<Run::Answer> Run::answer_without_running(Call& call) {
  if (last_turn_) return Answer{"not run: this run makes no more calls", true};
  if (!call.malformed.empty()) {
    only_repeats_ = false;
    return Answer{call.malformed, true};
  }
  const std::string key = call_key(call.call);
  for (const Call& before : calls_) {
    if (&before == &call) break;
    if (call_key(before.call) == key)
      return Answer{"the same call as an earlier one of this answer; it is run once, see its result", false};
  }
  const auto earlier = earlier_calls_.find(key);
  if (earlier != earlier_calls_.end() && earlier->second.n_new == n_new_calls_) {
    Answer again = earlier->second.answer;
    again.content += "\n(The same call as before: it was not run again, this is its earlier result.)";
    return again;
  }
  only_repeats_ = false;
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
  return std::nullopt;
}

void Run::answer(Call& call, Answer answer) {
  call.phase = Call::Phase::answered;
  call.is_error = answer.is_error;
  call.item.status = answer.is_error ? "failed" : "completed";
  call.item.result = std::move(answer.content);
  output_.call_answered(call);
}

// Calls without a result get one that says why.
void Run::abandon_calls(const std::string& why) {
  for (Call& call : calls_) {
    if (call.phase == Call::Phase::answered) continue;
    const bool ran = call.phase == Call::Phase::running;
    if (ran) output_.act(CancelTool{call.call.id});
    call.counts = false;
    only_repeats_ = false;
    answer(call,
           {why + (ran ? "; the tool had been started, and may or may not have had its effect" : "; the tool was not started"), true});
  }
}

void Run::keep_calls() {
  for (const Call& call : calls_) {
    output_.keep_call(call, std::exchange(raw_, {}));
    messages_.push_back({.role = llm::Role::tool, .content = call.item.result, .tool_call_id = call.call.id, .name = call.call.name});
  }
}

void Run::end_calls(std::int64_t now) {
  results_to_use_ = std::none_of(calls_.begin(), calls_.end(), [](const Call& c) { return c.is_error; });
  for (const Call& call : calls_) {
    if (call.counts && !earlier_calls_.contains(call_key(call.call))) ++n_new_calls_;
  }
  for (const Call& call : calls_) {
    if (call.counts) earlier_calls_[call_key(call.call)] = {{call.item.result, call.is_error}, n_new_calls_};
  }
  keep_calls();
  calls_.clear();
  if (last_turn_) return finish("incomplete", end_reason_.empty() ? "repeated_calls" : end_reason_, now);
  repeating_turns_ = only_repeats_ ? repeating_turns_ + 1 : 0;
  if (repeating_turns_ >= config_.max_repeating_turns) last_turn_ = true;
  begin_turn(now);
}

}  // namespace baton::agent
