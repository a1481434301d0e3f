#include "tool_set.h"

#include <baton/tools/builtin/builtin.h>
#include <baton/tools/web/http_request.h>

namespace baton::agent::cli {

void add_tool_options(CLI::App& app, Globals& globals) {
  app.add_option("--allow-host", globals.allow_hosts,
                 "Offer http_request for this host: api.example.com, *.example.com, host:port; private addresses only as "
                 "address, range or localhost (may be repeated)")
      ->allow_extra_args(false);
  app.add_flag("--allow-send", globals.allow_send, "Let http_request send: POST, PUT, PATCH and DELETE");
}

Result<std::unique_ptr<tools::ToolSet>> make_tool_set(const Globals& globals, const std::string& root) {
  auto set = std::make_unique<tools::ToolSet>();
  tools::BuiltinOptions builtin;
  builtin.root = root;
  tools::HttpRequestOptions http;
  http.allow_hosts = globals.allow_hosts;
  http.allow_send = globals.allow_send;
  if (const auto added = tools::add_builtin_tools(*set, builtin); !added) return Error{errc::invalid_argument, added.error().message};
  if (const auto added = tools::add_http_request(*set, http); !added) return Error{errc::invalid_argument, added.error().message};
  return set;
}

}  // namespace baton::agent::cli
