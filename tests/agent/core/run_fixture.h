#pragma once
// A run stepped by hand: plays the model and the tools, and inspects the actions of the run.
#include <baton/agent/core/items.h>
#include <baton/agent/core/run.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace baton::agent {

inline llm::ToolCall call_of(const std::string& id, const std::string& name, Json arguments = Json::object()) {
  return {id, name, std::move(arguments)};
}

class StepByHand {
 public:
  explicit StepByHand(RunConfig config = {}) : run_(complete(std::move(config))) {}

  void start(const std::string& text = "question") { add(run_.start(text, moment())); }
  void start_with(std::vector<Json> input) { add(run_.start(std::move(input), moment())); }
  void resume(const Interrupted& left) { add(run_.resume(left, moment())); }
  void steer(const std::string& id, const std::string& text) { add(run_.steer(id, {user_message_item("", text)}, moment())); }
  void say(llm::Delta delta) { add(run_.on_delta(std::move(delta), moment())); }
  void text(const std::string& text) { add(run_.on_delta(llm::TextDelta{text}, moment())); }
  void reasoning(const std::string& text) { add(run_.on_delta(llm::ReasoningDelta{text}, moment())); }
  void open(int index, const llm::ToolCall& call) {
    add(run_.on_delta(llm::CallStarted{index, call.id, call.name}, moment()));
    add(run_.on_delta(llm::CallArguments{index, call.arguments.dump()}, moment()));
  }
  void call(int index, const llm::ToolCall& call) {
    open(index, call);
    add(run_.on_delta(llm::CallFinished{index, call, 0.5}, moment()));
  }
  void end(llm::Finished finished) { add(run_.on_delta(std::move(finished), moment())); }
  void end(llm::FinishReason reason, int tokens = 1) {
    llm::Finished finished;
    finished.reason = reason;
    finished.usage.output_tokens = tokens;
    finished.usage.prompt_tokens = 10;
    end(std::move(finished));
  }
  // A whole turn of calls.
  void calls(const std::vector<llm::ToolCall>& calls) {
    for (std::size_t i = 0; i < calls.size(); ++i) call(static_cast<int>(i), calls[i]);
    end(llm::FinishReason::tool_calls);
  }
  void answer(const std::string& words) {
    text(words);
    end(llm::FinishReason::stop);
  }
  void result(const std::string& id, const std::string& content, bool is_error = false) {
    add(run_.on_tool_finished(id, content, is_error, moment()));
  }
  void progress(const std::string& id, double fraction, const std::string& message) { add(run_.on_tool_progress(id, fraction, message)); }
  void tick() { add(run_.on_tick(moment())); }
  void cancel() { add(run_.cancel(moment())); }
  void fail(const std::string& reason) { add(run_.fail(reason, moment())); }

  const Run& run() const { return run_; }
  const Actions& all() const { return all_; }
  template <class T>
  std::vector<T> all_of() const {
    std::vector<T> found;
    for (const Action& action : all_) {
      if (const T* one = std::get_if<T>(&action)) found.push_back(*one);
    }
    return found;
  }
  int generations() const { return static_cast<int>(all_of<StartGeneration>().size()); }
  llm::ChatRequest request() const { return all_of<StartGeneration>().back().request; }  // of the last generation
  std::vector<std::string> started() const {
    std::vector<std::string> ids;
    for (const StartTool& start : all_of<StartTool>()) ids.push_back(start.call.id);
    return ids;
  }
  std::vector<Json> events(const std::string& type) const {
    std::vector<Json> found;
    for (const EmitEvent& event : all_of<EmitEvent>()) {
      if (event.type == type) found.push_back(event.data);
    }
    return found;
  }
  FinishRun finish() const {
    const auto found = all_of<FinishRun>();
    EXPECT_EQ(found.size(), 1u);
    return found.empty() ? FinishRun{} : found.front();
  }
  // The records that a process leaves behind if it is killed after this.
  Interrupted left_behind() const {
    Interrupted left;
    for (const EmitEvent& event : all_of<EmitEvent>()) left.events.push_back(event);
    for (const KeepItem& item : all_of<KeepItem>()) left.kept.push_back({"resp_1", item.content, item.raw});
    return left;
  }
  // The items of its conversation, in the form that the next run gets.
  std::vector<StoredItem> kept_items() const { return left_behind().kept; }
  // The messages that a later run would read.
  std::vector<llm::Message> kept_messages() const {
    std::vector<StoredItem> stored;
    for (const KeepItem& item : all_of<KeepItem>()) stored.push_back({"resp_1", item.content, item.raw});
    return messages_from_items(stored);
  }

  std::int64_t now = 1'000'000;  // on the steady clock
  std::int64_t wall_step = 0;    // the amount by which the wall clock was set forward

 private:
  static RunConfig complete(RunConfig config) {
    config.response_id = "resp_1";
    config.conversation_id = "conv_1";
    config.model = "by hand";
    if (config.tools.empty()) {
      for (const char* name : {"add", "time", "wait"}) config.tools.push_back({name, "", {{"type", "object"}}});
    }
    static int n = 0;  // unique over the lives of a run
    config.new_id = [](const std::string& prefix) { return prefix + std::to_string(++n); };
    return config;
  }
  Moment moment() const { return {now + wall_step, now}; }
  void add(Actions actions) {
    for (Action& action : actions) all_.push_back(std::move(action));
  }

  Run run_;
  Actions all_;
};

// Every call has exactly one result, right after the message that holds it, in the order of the calls; ids are unique; a tool message
// answers a call.
inline void expect_valid_history(const std::vector<llm::Message>& messages) {
  std::set<std::string> ids;
  for (std::size_t i = 0; i < messages.size();) {
    const llm::Message& message = messages[i++];
    ASSERT_NE(message.role, llm::Role::tool) << "a result of no call: " << message.tool_call_id;
    for (const llm::ToolCall& call : message.tool_calls) {
      EXPECT_TRUE(ids.insert(call.id).second) << call.id << " twice";
      EXPECT_TRUE(call.arguments.is_object());
      ASSERT_LT(i, messages.size()) << call.id << " has no result";
      EXPECT_EQ(messages[i].role, llm::Role::tool);
      EXPECT_EQ(messages[i].tool_call_id, call.id);
      EXPECT_EQ(messages[i].name, call.name);
      EXPECT_FALSE(messages[i].content.empty());
      ++i;
    }
  }
}

// Clients refuse any other stream: items are added and done at their own places, content goes to open items, one terminal event ends all.
inline void expect_valid_events(const Actions& actions) {
  std::map<int, std::string> open, done, abandoned;
  int terminal = 0;
  for (const Action& action : actions) {
    const auto* event = std::get_if<EmitEvent>(&action);
    if (!event) continue;
    EXPECT_EQ(terminal, 0) << event->type << " after the end";
    EXPECT_EQ(event->data["type"], event->type);
    if (event->type == "response.completed" || event->type == "response.failed" || event->type == "response.incomplete") ++terminal;
    if (!event->data.contains("output_index")) continue;
    const int index = event->data["output_index"].get<int>();
    if (event->type == "response.output_item.added") {
      EXPECT_EQ(index, static_cast<int>(open.size() + done.size() + abandoned.size()));
      open[index] = event->data["item"]["id"].get<std::string>();
    } else if (event->type == "response.output_item.done") {
      EXPECT_EQ(open[index], event->data["item"]["id"]);
      done[index] = open[index];
      open.erase(index);
    } else if (event->type == "baton.output_item.abandoned") {
      EXPECT_EQ(done[index], event->data["item_id"]);
      abandoned[index] = done[index];
      done.erase(index);
    } else {
      EXPECT_TRUE(open.contains(index)) << event->type;
      EXPECT_EQ(open[index], event->data["item_id"]) << event->type;
    }
  }
  if (terminal == 0) return;
  EXPECT_EQ(terminal, 1);
  EXPECT_TRUE(open.empty()) << "an item never ended";
  ASSERT_TRUE(std::holds_alternative<FinishRun>(actions.back()));
  const auto* last = std::get_if<EmitEvent>(&actions[actions.size() - 2]);
  ASSERT_NE(last, nullptr);
  std::vector<std::string> output;
  for (const Json& item : last->data["response"]["output"]) output.push_back(item["id"].get<std::string>());
  std::vector<std::string> expected;
  for (const auto& [index, id] : done) expected.push_back(id);
  EXPECT_EQ(output, expected);
}

}  // namespace baton::agent
