#pragma once
// Builds a request from a tool's arguments. It is pure, so that hostile arguments are tested without a network.
#include "api_spec.h"

namespace baton::tools {

// The parts of a request before pages and secrets are added.
struct BuiltRequest {
  std::string url;                                         // origin and path, with the query that the path contained
  std::vector<std::pair<std::string, std::string>> query;  // values encoded, names not
  HttpHeaders headers;
  std::string body;

  void set_query(const std::string& name, const std::string& value);  // replaces the entries of that name
  std::string full_url() const;
};

// errc::invalid_argument: an argument that would leave its place (an empty or dotted path segment, a line break in a header) or that has no
// text form where one is needed. The message is for the model.
Result<BuiltRequest> build_request(const ApiSpec& spec, const Json& arguments);

}  // namespace baton::tools
