#pragma once
// From a tool's arguments to its request: pure, so that what hostile arguments can do is tested without a network.
#include "api_spec.h"

namespace baton::tools {

// The parts of a request before pages and secrets are added.
struct BuiltRequest {
  std::string url;                                         // origin and path, with a query that stood in the path
  std::vector<std::pair<std::string, std::string>> query;  // values encoded, names not
  HttpHeaders headers;
  std::string body;

  void set_query(const std::string& name, const std::string& value);  // instead of what had that name
  std::string full_url() const;
};

// errc::invalid_argument: an argument that would leave its place (an empty or dotted path segment, a line break in a header) or that has
// no text where one is needed; the message is for the model.
Result<BuiltRequest> build_request(const ApiSpec& spec, const Json& arguments);

}  // namespace baton::tools
