// export_probe JOURNAL < conversations.json: runs scripted conversations into a journal, for tests/check/oracle/export.py. Each is {"user",
// "instructions", "tools": [names], "answers": [{"text", "reasoning", "calls": [{"name", "arguments"}]}]}; every tool answers with its
// arguments. Prints the events, one JSON object a line.
#include <baton/agent/core/items.h>
#include <baton/agent/generator/scripted_generator.h>
#include <baton/agent/runtime/agent.h>

#include <iostream>
#include <iterator>

namespace {

using namespace baton;
using Json = nlohmann::ordered_json;

std::vector<agent::ScriptedAnswer> script_of(const Json& answers) {
  std::vector<agent::ScriptedAnswer> script;
  for (const Json& answer : answers) {
    agent::ScriptedAnswer& one = script.emplace_back();
    one.text = answer.value("text", "");
    one.reasoning = answer.value("reasoning", "");
    for (const Json& call : answer.value("calls", Json::array())) one.calls.push_back({"", call["name"], call["arguments"]});
  }
  return script;
}

void add_tools(tools::ToolSet& set, const Json& names) {
  for (const Json& name : names) {
    tools::ToolSpec spec{name.get<std::string>(), "Echoes its arguments", {{"type", "object"}, {"properties", Json::object()}}, {}};
    const auto echo = [](const Json& arguments, tools::ToolContext&) {
      return arguments.contains("fail") ? tools::ToolResult::error("failed as asked") : tools::ToolResult::json(arguments);
    };
    set.add(std::move(spec), echo).value();
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: export_probe JOURNAL < conversations.json\n";
    return 2;
  }
  const std::string text(std::istreambuf_iterator<char>(std::cin), {});
  const Json conversations = Json::parse(text, nullptr, false);
  const auto journal = memory::Journal::open(argv[1]);
  if (conversations.is_discarded() || !journal) {
    std::cerr << (journal ? "standard input is not JSON" : journal.error().message) << "\n";
    return 1;
  }
  const agent::JournalClock clock(**journal);
  agent::RunObserver observer;
  observer.event = [](const memory::Event& event) {
    Json line = event.data;
    line["sequence_number"] = event.sequence_number;
    std::cout << line.dump() << "\n";
  };
  for (const Json& conversation : conversations) {
    tools::ToolSet set;
    add_tools(set, conversation["tools"]);
    agent::ScriptedGenerator generator(script_of(conversation["answers"]));
    agent::Agent agent(generator, set, **journal, clock);
    agent::RunRequest request;
    request.input = {baton::agent::user_message_item("", conversation["user"])};
    request.instructions = conversation["instructions"];
    agent.start(std::move(request), observer).value()->wait();
  }
  return 0;
}
