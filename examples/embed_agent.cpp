// An agent inside your own program: no server, no configuration. Usage: embed_agent MODEL.gguf [QUESTION]
#include <baton/agent/agent.h>

#include <iostream>

struct Stock {
  std::string item;
};
BOOST_DESCRIBE_STRUCT(Stock, (), (item))

int main(int argc, char** argv) {
  using namespace baton;
  tools::ToolSet tools;
  tools
      .add<Stock>("get_stock", "How many pieces of an item are in the store", {tools::field(&Stock::item, "name of the item")},
                  [](const Stock& stock) {
                    return tools::ToolResult::json({{"item", stock.item}, {"pieces", 42}});
                  })
      .value();

  auto agent = agent::LocalAgent::open({.model = {.model = argc > 1 ? argv[1] : "model.gguf"}}, tools);
  if (!agent) {
    std::cerr << agent.error().message << "\n";
    return 77;
  }
  agent::Callbacks show;
  show.text = [](std::string_view piece) { std::cout << piece << std::flush; };
  show.call = [](const std::string& name, const std::string& arguments) { std::cout << "-> " << name << arguments << "\n"; };
  show.result = [](const std::string&, const std::string& result, bool) { std::cout << "<- " << result << "\n"; };
  const auto answer = (*agent)->ask(argc > 2 ? argv[2] : "How many bicycles are in the store?", show);
  if (!answer) std::cerr << answer.error().message << "\n";
  return answer && answer->status == "completed" ? 0 : 1;
}
