// A tool made from a described struct: its JSON schema, a valid call, and two calls that the tool answers with an error.
#include <baton/tools/registry.h>

#include <boost/describe.hpp>
#include <future>
#include <iostream>
#include <optional>
#include <string>

namespace tools = baton::tools;

namespace {

enum class Unit { celsius, fahrenheit };
BOOST_DESCRIBE_ENUM(Unit, celsius, fahrenheit)

struct Weather {
  std::string city;
  std::optional<Unit> unit;
};
BOOST_DESCRIBE_STRUCT(Weather, (), (city, unit))

tools::ToolResult look_up(const Weather& weather) {
  const bool fahrenheit = weather.unit == Unit::fahrenheit;
  return tools::ToolResult::json({{"city", weather.city}, {"temperature", fahrenheit ? 70 : 21}, {"unit", fahrenheit ? "F" : "C"}});
}

// Runs one call and waits for its end. An agent does not wait: it continues when `done` is called.
tools::ToolResult call(tools::ToolSet& set, const std::string& name, tools::Json arguments) {
  auto ended = std::make_shared<std::promise<tools::ToolResult>>();
  tools::ToolCall request;
  request.name = name;
  request.arguments = std::move(arguments);
  set.start(std::move(request), [ended](tools::ToolResult result) { ended->set_value(std::move(result)); });
  return ended->get_future().get();
}

}  // namespace

int main() {
  tools::ToolSet set;
  const auto added = set.add<Weather>(
      "get_weather", "Current weather of a city",
      {tools::field(&Weather::city, "as a person writes it").max_length(80), tools::field(&Weather::unit, "default celsius")}, look_up);
  if (!added) {
    std::cerr << added.error().message << '\n';
    return 1;
  }
  std::cout << set.specs().front()->parameters.dump(2) << '\n';

  const tools::ToolResult good = call(set, "get_weather", {{"city", "Lisbon"}, {"unit", "fahrenheit"}});
  const tools::ToolResult bad_unit = call(set, "get_weather", {{"city", "Lisbon"}, {"unit", "kelvin"}});
  const tools::ToolResult unknown = call(set, "get_wether", {{"city", "Lisbon"}});
  std::cout << good.content << '\n' << bad_unit.content << '\n' << unknown.content << '\n';
  return !good.is_error && bad_unit.is_error && unknown.is_error ? 0 : 1;
}
