// The daemon's WebSocket with an echo instead of the protocol: every text message is returned unchanged, as suites of conformance cases
// expect. Usage: websocket_echo
#include <baton/agent/generator/scripted_generator.h>
#include <baton/agent/server/server.h>
#include <spdlog/spdlog.h>

#include <iostream>

namespace {

using namespace baton;
using namespace baton::agent::api;
using baton::agent::server::Server;

class Echo final : public MessageHandler {
 public:
  explicit Echo(std::weak_ptr<MessageSink> sink) : sink_(std::move(sink)) {}
  void on_message(const std::string& text) override {
    if (const auto sink = sink_.lock()) sink->send({std::make_shared<const std::string>(text)});
  }

 private:
  std::weak_ptr<MessageSink> sink_;
};

}  // namespace

int main() {
  spdlog::set_level(spdlog::level::off);  // the pipe has no reader: a full one would block the server
  tools::ToolSet tools;
  agent::ScriptedGenerator generator([](const llm::ChatRequest&) { return agent::ScriptedAnswer{}; });
  auto journal = memory::Journal::open(":memory:").value();
  const agent::JournalClock clock(*journal);
  agent::Agent agent(generator, tools, *journal, clock, {});
  agent::RunHub hub(agent, *journal);
  Api api(hub, agent, *journal, {});
  ServerConfig config;
  config.port = 0;
  config.limits.message_bytes = config.limits.output_queue_bytes = 64 << 20;  // the suite's longest message has 16 MiB
  auto server =
      Server::start(config, api, [](std::weak_ptr<MessageSink> sink, const Post&) { return std::make_shared<Echo>(std::move(sink)); });
  if (!server) {
    std::cerr << server.error().message << "\n";
    return 1;
  }
  std::cout << (*server)->url() << std::endl;
  std::cin.get();  // until standard input is closed
  return 0;
}
