#pragma once
// OpenAPI 3.0 and 3.1 documents become API files (api_file.h), with a report of all that could not be carried over.
#include <baton/tools/tool.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::tools {

struct OpenApiOptions {
  std::vector<std::string> tags{};        // only operations with one of these ..
  std::vector<std::string> operations{};  // .. or with one of these ids; both empty: all
  std::string server{};                   // instead of the document's
  std::string source{};                   // where the document came from; a URL resolves a relative server
  // Whether a parameter schema can be used. One that cannot is tried without its patterns, then its operation is left out.
  std::function<Result<void>(const Json& schema)> check_schema{};
};

struct OpenApiNote {
  std::string operation;  // its id, or "GET /path"; empty: the whole document
  std::string text;
};

struct OpenApiVariable {
  std::string name;     // of the environment
  std::string meaning;  // for a person
};

struct OpenApiImport {
  std::string title;
  Json file = Json::object();              // {"defaults": .., "tools": [..]}
  std::vector<OpenApiVariable> variables;  // to be set before the tools are used
  std::vector<OpenApiNote> left_out;       // operations that did not become tools, and why
  std::vector<OpenApiNote> notes;          // of those that did: what differs from the document
};

// errc::invalid_argument: not such a document (what it is is said, YAML and Swagger 2.0 with the way out), no server known, a tag or
// operation that is not there, or nothing that could become a tool.
Result<OpenApiImport> import_openapi(std::string_view text, const OpenApiOptions& options);

// For scripts: title, tools, environment, left_out, notes.
Json report_of(const OpenApiImport& import);

}  // namespace baton::tools
