#pragma once
// An agent inside another program: a model, tools and a journal, without a server. This program is built and run by tests/install:
//
//   #include <baton/agent/agent.h>
//
//   #include <iostream>
//
//   struct Weather {
//     std::string city;
//   };
//   BOOST_DESCRIBE_STRUCT(Weather, (), (city))
//
//   int main() {
//     baton::tools::ToolSet tools;
//     tools.add<Weather>("get_weather", "Current weather of a city", {}, [](const Weather& weather) {
//       return baton::tools::ToolResult::text("Sunny and 21 degrees Celsius in " + weather.city);
//     }).value();
//     auto agent = baton::agent::LocalAgent::open({.model = {.model = "qwen2.5-coder-0.5b-instruct"}}, tools).value();
//     agent->ask("What is the weather in Oslo?", {.text = [](std::string_view piece) { std::cout << piece; }}).value();
//   }
//
// examples/embed_agent.cpp handles the errors as well.
#include <baton/agent/error.h>
#include <baton/agent/model_settings.h>
#include <baton/llm/sampler/sampling_params.h>
#include <baton/tools/registry.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

namespace baton::agent {

struct LocalAgentOptions {
  ModelSettings model{};
  std::filesystem::path journal = ":memory:";  // the SQLite file that keeps every step; ":memory:" keeps nothing
  std::string instructions = "You are a helpful assistant. Use the tools when they help, then answer the user in plain words.";
  // Appended after tool results, for that answer only: small models need it to stop calling and answer. {question}: the user's message.
  std::string after_tools = "Using these results, answer my question in a plain sentence: {question}";
  float temperature = 0;  // 0: the most probable token
  int max_output_tokens = llm::kDefaultOutputTokens;
  int max_turns = 8;  // answers with tools before the last one, in total, including those after questions about a call
};

// Called on a thread of the agent, one call at a time. All may be empty.
struct Callbacks {
  std::function<void(std::string_view piece)> text{};
  std::function<void(const std::string& name, const std::string& arguments)> call{};  // arguments: JSON text
  std::function<void(const std::string& name, const std::string& result, bool is_error)> result{};
  // A tool that writes or sends wants to run. If empty, it may not run. If it may not run, the message is answered without that tool, and
  // the same call once more ends the answer (incomplete, refused_twice).
  std::function<bool(const std::string& name, const std::string& arguments)> approve{};
};

struct LocalAnswer {
  std::string text;    // of the last message
  std::string status;  // completed, incomplete, failed, cancelled
  std::string reason;  // why it is not completed
  std::string conversation_id;
};

// The tools outlive the agent. Any thread; several questions at a time in different conversations.
class LocalAgent {
 public:
  static Result<std::unique_ptr<LocalAgent>> open(LocalAgentOptions options, tools::ToolSet& tools);
  ~LocalAgent();

  // Blocks until the answer is complete. conversation_id: that of an earlier answer, to continue its conversation; empty: a new
  // conversation.
  Result<LocalAnswer> ask(const std::string& message, const Callbacks& callbacks = {}, const std::string& conversation_id = "",
                          std::stop_token stop = {});

 private:
  struct State;
  explicit LocalAgent(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace baton::agent
