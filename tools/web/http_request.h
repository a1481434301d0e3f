#pragma once
// The tool http_request: a URL chosen by the model, on a host allowed by the user.
#include <baton/tools/http/http_client.h>
#include <baton/tools/registry.h>

#include <memory>
#include <string>
#include <vector>

namespace baton::tools {

struct HttpRequestOptions {
  // The hosts that may be reached, as AddressPolicy::only reads them; empty: the tool is not added.
  std::vector<std::string> allow_hosts{};
  // Also allows POST, PUT, PATCH and DELETE. The tool's effect is then `sends`, otherwise `reads`.
  bool allow_send = false;
  HttpOptions http{};  // its policy is set from allow_hosts
};

// Adds http_request. It answers with status, type and size in the first line and the body after an empty line; a long body is cut, and a
// binary body is only mentioned. A status of 400 or more is an error to the model. Sending methods carry the call's Idempotency-Key.
// errc::invalid_argument: an entry of allow_hosts that is not a host.
Result<void> add_http_request(ToolSet& tools, const HttpRequestOptions& options);

}  // namespace baton::tools
