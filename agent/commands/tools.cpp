// baton tools: the tools that a run is offered.
#include <baton/llm/json_schema/json_schema.h>

#include <condition_variable>
#include <mutex>

#include <baton/agent/terminal/print.h>
#include "import.h"
#include "tool_set.h"
#include "tools_check.h"

namespace baton::agent::cli {
namespace {

using tools::Json;

int list(const Globals& globals, const std::string& root, bool json) {
  // Nothing is called here, so no secret is needed.
  Globals without_secrets = globals;
  without_secrets.environment = [](const std::string&) { return std::optional<std::string>("none"); };
  const auto set = make_tool_set(without_secrets, root);
  if (!set) return fail(set.error().message);
  for (const tools::ToolSpec* spec : (*set)->specs()) {
    const std::string effect = spec->traits.effect == tools::Effect::reads    ? "reads"
                               : spec->traits.effect == tools::Effect::writes ? "writes"
                                                                              : "sends";
    if (json) {
      const Json tool{{"name", spec->name}, {"description", spec->description}, {"effect", effect}, {"parameters", spec->parameters}};
      print_json(tool);
      continue;
    }
    print("{}: {}{}\n", spec->name, spec->description, spec->traits.effect == tools::Effect::reads ? "" : " (" + effect + ")");
    if (!spec->parameters.contains("properties")) continue;
    for (const auto& [name, schema] : spec->parameters["properties"].items()) print("  {:12} {}\n", name, schema.dump());
  }
  if (root.empty() && !json) print("With --root FOLDER also: list_directory, read_file, search_files.\n");
  if (globals.allow_hosts.empty() && !json) print("With --allow-host HOST also: http_request.\n");
  return 0;
}

int call(const Globals& globals, const std::string& root, const std::string& name, const std::string& arguments) {
  const auto set = make_tool_set(globals, root);
  if (!set) return fail(set.error().message);
  const tools::Tool* tool = (*set)->find(name);
  if (!tool) return fail("there is no tool '" + name + "'; `baton tools` lists the tools");
  Json object = Json::parse(arguments, nullptr, false);
  if (!object.is_object()) return fail("the arguments must be a JSON object, e.g. '{\"expression\": \"1+1\"}'");
  const auto schema = llm::Schema::parse(tool->spec().parameters);
  if (!schema) return fail(schema.error().message);
  if (const auto valid = schema->check(object); !valid) return fail(valid.error().message);

  std::mutex mutex;
  std::condition_variable done;
  std::optional<tools::ToolResult> result;
  tools::ToolCall one;
  one.name = name;
  one.arguments = std::move(object);
  (*set)->start(std::move(one), [&](tools::ToolResult r) {
    std::scoped_lock lock(mutex);
    result = std::move(r);
    done.notify_one();
  });
  std::unique_lock lock(mutex);
  done.wait(lock, [&] { return result.has_value(); });
  if (result->is_error) return fail(result->content);
  print("{}\n", Lines{result->content});
  return 0;
}

}  // namespace

void add_tools(CLI::App& app, const Globals& globals, Chosen& chosen) {
  struct Arguments {
    std::string root, name, arguments = "{}";
    bool json = false;
  };
  auto* command = app.add_subcommand("tools", "List the tools that a run is offered; with a name: call one");
  auto a = std::make_shared<Arguments>();
  command->add_option("NAME", a->name, "Call this tool");
  command->add_option("ARGUMENTS", a->arguments, "Its arguments, a JSON object");
  command->add_option("--root", a->root, "The folder that the file tools may read")->check(CLI::ExistingDirectory);
  command->add_flag("--json", a->json, "List the tools as JSON lines, with their schemas");
  add_import(*command, chosen);
  add_tools_check(*command, globals, chosen);
  command->callback([&chosen, &globals, a, command] {
    if (!command->get_subcommands().empty()) return;  // a subcommand has set the action
    chosen = [&globals, a] { return a->name.empty() ? list(globals, a->root, a->json) : call(globals, a->root, a->name, a->arguments); };
  });
}

}  // namespace baton::agent::cli
