#include "server.h"

#include <baton/tools/http/http_url.h>

namespace baton::tools::openapi {

std::string server_of(const Json& document, const Operation& operation, const OpenApiOptions& options) {
  std::string url = options.server;
  if (url.empty()) {
    for (const Json* holder : {operation.body, operation.item, &document}) {
      const Json& servers = at(*holder, "servers");
      if (!servers.is_array() || servers.empty()) continue;
      url = text_at(servers[0], "url");
      const Json& variables = at(servers[0], "variables");
      if (variables.is_object()) {
        for (const auto& [name, variable] : variables.items()) {
          const std::string written = "{" + name + "}", value = text_at(variable, "default");
          for (std::size_t i = 0; (i = url.find(written, i)) != std::string::npos; i += value.size()) url.replace(i, written.size(), value);
        }
      }
      break;
    }
  }
  if (url.find("://") == std::string::npos) {
    const Result<HttpUrl> source = parse_http_url(options.source);
    const Result<HttpUrl> absolute = source ? resolve_redirect(*source, url.empty() ? "/" : url) : Error{errc::invalid_argument, ""};
    if (!absolute) {
      throw LeftOut{(url.empty() ? "the document names no server" : "the document names only the relative server '" + url + "'") +
                    ": give one with --server"};
    }
    url = absolute->text;
  }
  if (const Result<HttpUrl> parsed = parse_http_url(url); !parsed) throw LeftOut{"its server: " + parsed.error().message};
  while (!url.empty() && url.back() == '/') url.pop_back();
  return escaped(url);
}

}  // namespace baton::tools::openapi
