// A daemon like `baton serve`, but for its model: what it says follows from the last message, so that checks know what to expect.
//   say WORDS          says them
//   slow N             N words, one every few milliseconds
//   call NAME {..}     calls a tool; several separated by " ; "
//   (after results)    "got: " and the results
// Tools: add(a, b); send(n), which writes its idempotency key to EFFECTS; wait(ms). Usage: scripted_daemon JOURNAL EFFECTS PORT [TOKEN]
#include <baton/agent/daemon.h>
#include <baton/agent/runtime/scripted_generator.h>
#include <malloc.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <mutex>
#include <thread>

namespace {

using namespace baton;
using agent::ScriptedAnswer;
using llm::Json;

std::vector<llm::ToolCall> calls_of(std::string text) {
  std::vector<llm::ToolCall> calls;
  while (!text.empty()) {
    const std::size_t end = text.find(" ; ");
    const std::string one = text.substr(0, end);
    const std::size_t space = one.find(' ');
    Json arguments = space == std::string::npos ? Json::object() : Json::parse(one.substr(space + 1), nullptr, false);
    calls.push_back({"", one.substr(0, space), std::move(arguments)});
    text = end == std::string::npos ? "" : text.substr(end + 3);
  }
  return calls;
}

ScriptedAnswer answer(const llm::ChatRequest& request) {
  const auto starts = [](const std::string& text, const char* word) { return text.rfind(word, 0) == 0; };
  const llm::Message& last = request.messages.back();
  ScriptedAnswer said;
  if (last.role == llm::Role::tool) {
    said.text = "got:";
    std::size_t first = request.messages.size();
    while (first > 0 && request.messages[first - 1].role == llm::Role::tool) --first;
    for (std::size_t i = first; i < request.messages.size(); ++i) said.text += " " + request.messages[i].content;
  } else if (starts(last.content, "say ")) {
    said.text = last.content.substr(4);
  } else if (starts(last.content, "slow ")) {
    const int n = std::atoi(last.content.c_str() + 5);
    for (int i = 0; i < n; ++i) said.text += "w" + std::to_string(1000 + i);  // five bytes: one piece each
    said.delay = std::chrono::milliseconds(5);
  } else if (starts(last.content, "call ")) {
    said.calls = calls_of(last.content.substr(5));
  } else {
    said.text = "you said: " + last.content;
  }
  return said;
}

tools::ToolSpec spec(const char* name, Json properties, tools::ToolTraits traits) {
  return {name, name, Json{{"type", "object"}, {"properties", std::move(properties)}}, traits};
}

void add_tools(tools::ToolSet& set, const std::string& effects) {
  const Json number = {{"type", "integer"}};
  set.add(spec("add", {{"a", number}, {"b", number}}, {}),
          [](const Json& a, tools::ToolContext&) { return tools::ToolResult::text(std::to_string(a.value("a", 0) + a.value("b", 0))); })
      .value();
  const auto write = [effects](const Json&, tools::ToolContext& context) {
    static std::mutex mutex;
    const std::scoped_lock lock(mutex);
    std::ofstream(effects, std::ios::app) << context.idempotency_key << std::endl;
    return tools::ToolResult::text("sent");
  };
  set.add(spec("send", {{"n", number}}, {.effect = tools::Effect::reads}), write).value();
  set.add(spec("ask_first", {{"n", number}}, {.effect = tools::Effect::sends}), write).value();
  set.add(spec("wait", {{"ms", number}}, {}),
          [](const Json& a, tools::ToolContext& context) {
            const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(a.value("ms", 10));
            while (std::chrono::steady_clock::now() < until && !context.stop.stop_requested())
              std::this_thread::sleep_for(std::chrono::milliseconds(1));
            return tools::ToolResult::text("waited");
          })
      .value();
}

std::stop_source g_stop;

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 128 * 1024);  // as `baton` does
#endif
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread([signals] {
    int signal = 0;
    sigwait(&signals, &signal);
    g_stop.request_stop();
  }).detach();
  agent::DaemonOptions options;
  options.journal = argv[1];
  options.server.port = static_cast<unsigned short>(std::atoi(argv[3]));
  options.after_tools = "";
  options.max_runs = 2048;
  options.shutdown_patience = std::chrono::milliseconds(500);
  if (argc > 4) options.server.token = argv[4];
  tools::ToolSet tools({.n_threads = 16, .max_queued = 4096});
  add_tools(tools, argv[2]);
  agent::ScriptedGenerator generator(answer);
  const auto served =
      agent::run_daemon(options, generator, tools, g_stop.get_token(), [](const std::string& url) { std::cout << url << std::endl; });
  if (!served) std::cerr << served.error().message << "\n";
  return served ? 0 : 1;
}
