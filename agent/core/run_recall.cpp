// Earlier calls and their results, by which a repeated call is recognised: those of this run, and those of the client's functions, whose
// results come with the request that starts a run.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "run.h"

namespace baton::agent {
namespace {

bool from_runtime(const Json& item) { return string_of(item, "baton.from") == "runtime"; }

bool is_question(const StoredItem& item) { return string_of(item.content, "role") == "user" && !from_runtime(item.content); }

bool is_cut(const Json& item) { return string_of(item, "status") == "incomplete"; }

// The ids of calls that were cut off before they were complete. They never ran, so an output that a client sends for one is not a result.
std::set<std::string> cut_calls(const std::vector<StoredItem>& items) {
  std::set<std::string> ids;
  for (const StoredItem& item : items) {
    if (string_of(item.content, "type") != "function_call") continue;
    if (is_cut(item.content)) {
      ids.insert(string_of(item.content, "call_id"));
    } else {
      ids.erase(string_of(item.content, "call_id"));  // ids may occur again
    }
  }
  return ids;
}

// With results without an error: of the client's functions, or of the daemon's tools in a run that was killed.
bool ends_with_results(const std::vector<StoredItem>& items, const std::set<std::string>& cut) {
  bool found = false;
  for (auto item = items.rbegin(); item != items.rend(); ++item) {
    const std::string type = string_of(item->content, "type");
    if (type == "function_call_output" || type == "mcp_call") {
      if (from_runtime(item->content) || call_item_failed(item->content)) return false;
      found = found || (!is_cut(item->content) && !cut.contains(string_of(item->content, "call_id")));
    } else if (type != "function_call") {
      break;
    }
  }
  return found;
}

}  // namespace

std::string Run::call_key(const llm::ToolCall& call) { return call.name + "\n" + to_text(call.arguments); }

// The calls of one turn ran side by side: each counts as answered after all the others, so that a repetition of any is recognised.
void Run::remember_calls(std::vector<std::pair<llm::ToolCall, Answer>> calls, bool of_client) {
  for (const auto& [call, answer] : calls) n_new_calls_ += earlier_calls_.contains(call_key(call)) ? 0 : 1;
  for (auto& [call, answer] : calls) {
    const auto [earlier, is_new] = earlier_calls_.try_emplace(call_key(call));
    const bool changes = of_client && !is_new && earlier->second.answer.content != answer.content;
    earlier->second = {std::move(answer), n_new_calls_, changes};
  }
}

// `items`: the whole conversation.
void Run::recall(std::vector<StoredItem> items) {
  for (StoredItem& item : items) name_as_model_does(item.content);
  messages_ = messages_from_items(items);
  for (const llm::Message& message : messages_) {
    for (const llm::ToolCall& call : message.tool_calls) call_ids_.insert(call.id);
  }
  const auto question = std::find_if(items.rbegin(), items.rend(), is_question);
  if (question != items.rend()) question_ = text_of_message(question->content);
  const std::set<std::string> cut = cut_calls(items);
  std::map<std::string, llm::ToolCall> calls;
  std::vector<std::pair<llm::ToolCall, Answer>> together;  // results that arrived together: of one turn
  for (auto item = question.base(); item != items.end(); ++item) {
    const Json& content = item->content;
    const std::string type = string_of(content, "type"), call_id = string_of(content, "call_id"), name = string_of(content, "name");
    if (type != "function_call_output") remember_calls(std::exchange(together, {}), true);
    if (type == "function_call" && config_.client_tools.contains(name) && !is_cut(content))
      calls[call_id] = {call_id, name, Json::parse(string_of(content, "arguments"), nullptr, false)};
    const bool is_result = type == "function_call_output" && !from_runtime(content) && !cut.contains(call_id);
    const auto call = is_result ? calls.find(call_id) : calls.end();
    if (call != calls.end()) together.push_back({call->second, {result_of_call_item(content), false}});
  }
  remember_calls(std::move(together), true);
  results_to_use_ = ends_with_results(items, cut);
}

// The model knows a function of a namespace by another name if the client's name is not unique.
void Run::name_as_model_does(Json& item) const {
  const std::string name_space = string_of(item, "namespace");
  if (name_space.empty()) return;
  for (const auto& [name, shown] : config_.namespaced) {
    if (shown.name_space == name_space && shown.name == string_of(item, "name")) {
      item["name"] = name;
      return;
    }
  }
}

// Whether a call would give the same result as the earlier one of the same name and arguments.
bool Run::is_repeat_of(const Earlier& earlier) const { return earlier.n_new == n_new_calls_ && !earlier.changes; }

std::optional<Run::Answer> Run::earlier_answer(const llm::ToolCall& call) const {
  const auto earlier = earlier_calls_.find(call_key(call));
  if (earlier == earlier_calls_.end() || !is_repeat_of(earlier->second)) return std::nullopt;
  Answer again = earlier->second.answer;
  again.content += "\n(The same call as before: it was not run again, this is its earlier result.)";
  return again;
}

bool Run::may_be_repeated(const std::string& name) const {
  return !current_.wants_any_call && std::any_of(earlier_calls_.begin(), earlier_calls_.end(), [&](const auto& earlier) {
    return is_repeat_of(earlier.second) && earlier.first.starts_with(name + "\n");
  });
}

}  // namespace baton::agent
