#pragma once
// Converts OpenAPI 3.0 and 3.1 documents to API files (api_file.h), with a report of everything that could not be converted.
#include <baton/tools/tool.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::tools {

struct OpenApiOptions {
  std::vector<std::string> tags{};        // only operations with one of these ..
  std::vector<std::string> operations{};  // .. or with one of these ids; both empty: all operations
  std::string server{};                   // instead of the document's
  std::string source{};                   // where the document came from; a URL resolves a relative server
  // Whether a parameter schema can be used. If it cannot, it is tried without its patterns, then its operation is left out.
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
  std::vector<OpenApiNote> notes;          // of the converted operations: differences from the document
};

// errc::invalid_argument: not an OpenAPI 3 document (the message says what it is, and for YAML and Swagger 2.0 how to convert it), no
// server known, an unknown tag or operation, or no operation that could become a tool.
Result<OpenApiImport> import_openapi(std::string_view text, const OpenApiOptions& options);

// The report as JSON for scripts: title, tools, environment, left_out, notes.
Json report_of(const OpenApiImport& import);

}  // namespace baton::tools
