#pragma once
// http_request: a URL of the model's choice, on a host of the user's.
#include <baton/tools/http/http_client.h>
#include <baton/tools/registry.h>

#include <memory>
#include <string>
#include <vector>

namespace baton::tools {

struct HttpRequestOptions {
  // What may be reached, as AddressPolicy::only reads it; empty: the tool is not added.
  std::vector<std::string> allow_hosts{};
  // Also POST, PUT, PATCH and DELETE. The tool's effect is `sends` then, `reads` without.
  bool allow_send = false;
  HttpOptions http{};  // its policy is set from allow_hosts
};

// Adds http_request. It answers with status, type and size in the first line and the body after an empty one; a long body is cut, and a
// binary one only named. A status of 400 or more is an error to the model. Sending methods carry the call's Idempotency-Key.
// errc::invalid_argument: an entry of allow_hosts that names no host.
Result<void> add_http_request(ToolSet& tools, const HttpRequestOptions& options);

}  // namespace baton::tools
