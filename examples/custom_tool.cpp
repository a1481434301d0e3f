// A daemon with your own tool and all options of `baton serve`. Usage: custom_tool --port 8377
#include <baton/agent/cli/serve.h>

using namespace baton;

struct Stock {
  std::string item;
};
BOOST_DESCRIBE_STRUCT(Stock, (), (item))

int main(int argc, char** argv) {
  tools::ToolSet tools;
  tools
      .add<Stock>("get_stock", "How many pieces of an item are in the store", {tools::field(&Stock::item, "name of the item")},
                  [](const Stock& stock) {
                    return tools::ToolResult::json({{"item", stock.item}, {"pieces", 42}});
                  })
      .value();
  return agent::cli::serve(tools, argc, argv);
}
