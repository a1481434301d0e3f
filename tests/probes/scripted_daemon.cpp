// A daemon like `baton serve` with a scripted model: its answer follows from the last message, so that checks know the result.
//   say WORDS          says them
//   slow N [MS]        N words, one every MS milliseconds (5)
//   fail               an error of the model's
//   call NAME {..}     calls a tool; several separated by " ; "
//   (after results)    "got: " and the results
// Tools: add(a, b); echo(text); send(n), and ask_first(n), which asks for approval: both append "KEY:N" to EFFECTS, KEY being the call's
// idempotency key; wait(ms); await(name), which waits until the file EFFECTS.NAME is there.
//
// Usage: scripted_daemon JOURNAL EFFECTS PORT [TOKEN] [--max-runs N] [--deny TOOL] [--shutdown-ms N] [--clock FILE]
// The clock file holds eight bytes, a number of seconds by which the wall clock is wrong; it may change at any time.
#include <baton/agent/daemon.h>
#include <baton/agent/generator/scripted_generator.h>
#include <malloc.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <mutex>
#include <string_view>
#include <thread>

#include "bytes_facts.h"

namespace {

const std::int64_t* g_clock_error_s = nullptr;  // of the clock file, mapped

}  // namespace

// Precedes the C library's symbol, so that every reader of the wall clock in this process sees it step, as when an administrator sets it.
// The monotonic clock is untouched.
extern "C" __attribute__((no_sanitize("address", "thread", "undefined"))) int clock_gettime(clockid_t id, timespec* time) noexcept {
  const long failed = syscall(SYS_clock_gettime, id, time);
  if (failed == 0 && id == CLOCK_REALTIME && g_clock_error_s) time->tv_sec += __atomic_load_n(g_clock_error_s, __ATOMIC_RELAXED);
  return static_cast<int>(failed);
}

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
  if (request.messages.empty()) return {.text = "and so on"};  // a text to be continued
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
    char* rest = nullptr;
    const long n = std::strtol(last.content.c_str() + 5, &rest, 10);
    for (long i = 0; i < n; ++i) said.text += "w" + std::to_string(1000 + i);  // five bytes: one piece each
    const long pause = std::strtol(rest, nullptr, 10);
    said.delay = std::chrono::milliseconds(pause > 0 ? pause : 5);
  } else if (last.content == "fail") {
    said.text = "this will not";
    said.error = llm::Error{llm::errc::invalid_argument, "the script fails here"};
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
  set.add(spec("echo", {{"text", {{"type", "string"}}}}, {}),
          [](const Json& a, tools::ToolContext&) { return tools::ToolResult::text(a.value("text", "")); })
      .value();
  const auto write = [effects](const Json& a, tools::ToolContext& context) {
    static std::mutex mutex;
    const std::scoped_lock lock(mutex);
    std::ofstream out(effects, std::ios::app);
    out << context.idempotency_key + ":" + a.value("n", Json(0)).dump() + "\n" << std::flush;
    return out ? tools::ToolResult::text("sent") : tools::ToolResult::error("the effect could not be written");
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
  set.add(spec("await", {{"name", {{"type", "string"}, {"pattern", "^[a-z0-9]+$"}}}}, {}),
          [effects](const Json& a, tools::ToolContext& context) {
            const std::filesystem::path file = effects + "." + a.value("name", "");
            while (!std::filesystem::exists(file) && !context.stop.stop_requested())
              std::this_thread::sleep_for(std::chrono::milliseconds(2));
            return tools::ToolResult::text("awaited");
          })
      .value();
}

// Returns false if the file cannot be mapped.
bool map_clock(const char* file) {
  const int descriptor = open(file, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  void* mapped = mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, descriptor, 0);
  close(descriptor);
  if (mapped == MAP_FAILED) return false;
  g_clock_error_s = static_cast<const std::int64_t*>(mapped);
  return true;
}

// Returns false if there is no such option.
bool read_option(std::string_view name, const char* value, agent::DaemonOptions& options) {
  if (name == "--max-runs") {
    options.max_runs = std::atoi(value);
  } else if (name == "--max-client-streams") {
    options.server.limits.client_streams = std::atoi(value);
  } else if (name == "--deny") {
    options.permissions.push_back(std::string(value) + "=deny");
  } else if (name == "--shutdown-ms") {
    options.shutdown_patience = std::chrono::milliseconds(std::atoi(value));
  } else if (name == "--clock") {
    return map_clock(value);
  } else {
    return false;
  }
  return true;
}

std::stop_source g_stop;

class Generator final : public agent::Generator {
 public:
  std::unique_ptr<agent::Generation> start(llm::ChatRequest request, Sink sink) override {
    return scripted_.start(std::move(request), std::move(sink));
  }
  std::string model_name() const override { return scripted_.model_name(); }
  const agent::ModelFacts* facts() const override { return &facts_; }

 private:
  agent::ScriptedGenerator scripted_{agent::ScriptedGenerator::Rule(answer)};
  tests::BytesFacts facts_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  spdlog::set_level(spdlog::level::err);  // the first line of stdout is the address, and the pipe has no reader afterwards
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
  spdlog::set_default_logger(spdlog::stderr_logger_mt("scripted_daemon"));  // stdout is for the address alone
  agent::DaemonOptions options;
  options.journal = argv[1];
  options.server.port = static_cast<unsigned short>(std::atoi(argv[3]));
  options.after_tools = "";
  options.max_runs = 2048;
  options.shutdown_patience = std::chrono::milliseconds(500);
  int next = 4;
  if (next < argc && std::string_view(argv[next]).substr(0, 2) != "--") options.server.token = argv[next++];
  for (; next + 1 < argc; next += 2) {
    if (read_option(argv[next], argv[next + 1], options)) continue;
    std::cerr << argv[next] << " " << argv[next + 1] << ": no such option, or its file cannot be read\n";
    return 2;
  }
  tools::ToolSet tools({.n_threads = 16, .max_queued = 4096});
  add_tools(tools, argv[2]);
  Generator generator;
  const auto served =
      agent::run_daemon(options, generator, tools, g_stop.get_token(), [](const std::string& url) { std::cout << url << std::endl; });
  if (!served) std::cerr << served.error().message << "\n";
  return served ? 0 : 1;
}
