#include "tool_set.h"

#include <baton/llm/json_schema/json_schema.h>
#include <baton/tools/api/api_tools.h>
#include <baton/tools/builtin/builtin.h>
#include <baton/tools/web/http_request.h>

#include <baton/agent/terminal/print.h>

namespace baton::agent::cli {

void add_tool_options(CLI::App& app, Globals& globals) {
  app.add_option("--allow-host", globals.allow_hosts,
                 "Offer http_request for this host: api.example.com, *.example.com, host:port; private addresses only as "
                 "address, range or localhost (may be repeated)")
      ->allow_extra_args(false);
  app.add_option("--api", globals.api_files, "Offer the tools of this API file (docs/tools.md; may be repeated)")->allow_extra_args(false);
  app.add_flag("--allow-send", globals.allow_send, "Let http_request send: POST, PUT, PATCH and DELETE");
}

namespace {

Result<void> add_api_file(tools::ToolSet& set, const Globals& globals, const std::filesystem::path& file) {
  const Result<std::string> text = read_text_file(file);
  if (!text) return text.error();
  tools::ApiOptions options;
  options.environment = globals.environment;
  options.allow_hosts = globals.allow_hosts;
  options.accepts = [&file](const tools::ToolSpec& spec) {
    const auto schema = llm::Schema::parse(spec.parameters);
    if (!schema) print_error("{}: the tool '{}' is left out: its parameters: {}\n", file.string(), spec.name, schema.error().message);
    return schema.has_value();
  };
  if (const auto added = tools::add_api_tools(set, *text, file.string(), options); !added) {
    return Error{errc::invalid_argument, added.error().message};
  }
  return {};
}

}  // namespace

Result<void> add_tools_of_options(tools::ToolSet& set, const Globals& globals, const std::string& root) {
  tools::BuiltinOptions builtin;
  builtin.root = root;
  tools::HttpRequestOptions http;
  http.allow_hosts = globals.allow_hosts;
  http.allow_send = globals.allow_send;
  if (const auto added = tools::add_builtin_tools(set, builtin); !added) return Error{errc::invalid_argument, added.error().message};
  if (const auto added = tools::add_http_request(set, http); !added) return Error{errc::invalid_argument, added.error().message};
  for (const std::filesystem::path& file : globals.api_files) {
    if (Result<void> added = add_api_file(set, globals, file); !added) return added;
  }
  return {};
}

Result<std::unique_ptr<tools::ToolSet>> make_tool_set(const Globals& globals, const std::string& root) {
  auto set = std::make_unique<tools::ToolSet>();
  if (Result<void> added = add_tools_of_options(*set, globals, root); !added) return added.error();
  return set;
}

}  // namespace baton::agent::cli
