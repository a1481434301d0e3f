#include "openapi.h"

#include <baton/tools/api/api_file.h>
#include <baton/tools/near_names.h>
#include <baton/tools/read_json.h>
#include <baton/tools/text.h>

#include <algorithm>
#include <set>

#include "document.h"
#include "pages.h"
#include "request_draft.h"
#include "schema.h"
#include "security.h"
#include "server.h"

namespace baton::tools {
namespace {

using namespace openapi;

constexpr std::size_t kMaxDescription = 400;
constexpr std::size_t kManyParameters = 30;

class Importer {
 public:
  Importer(const Json& document, const OpenApiOptions& options) : document_(document), options_(options) {}

  Result<OpenApiImport> run() {
    import_.title = text_at(at(document_, "info"), "title");
    find_operations();
    if (Result<void> ok = check_selection(); !ok) return ok.error();
    Json tools = Json::array();
    for (const Operation& operation : operations_) {
      if (!selected(operation)) continue;
      operation_ = operation.id();
      try {
        tools.push_back(checked(tool_of(operation)));
      } catch (const LeftOut& left_out) {
        import_.left_out.push_back({operation_, left_out.reason});
        std::erase_if(import_.notes, [&](const OpenApiNote& other) { return other.operation == operation_; });
      }
    }
    if (tools.empty()) {
      std::string why = operations_.empty() ? "it has no operations" : "none of its operations could become a tool";
      for (const OpenApiNote& note : import_.left_out) why += "\n  " + note.operation + ": " + note.text;
      return Error{errc::invalid_argument, why};
    }
    share_auth(tools);
    import_.file["tools"] = std::move(tools);
    return std::move(import_);
  }

 private:
  void note(const std::string& text) {
    const auto same = [&](const OpenApiNote& other) { return other.operation == operation_ && other.text == text; };
    if (std::none_of(import_.notes.begin(), import_.notes.end(), same)) import_.notes.push_back({operation_, text});
  }

  void find_operations() {
    for (const auto& [path, written] : members_at(document_, "paths").items()) {
      const Json* item = resolved(document_, written);
      if (item == nullptr || !item->is_object()) {
        import_.left_out.push_back({path, "its reference does not resolve in this document"});
        continue;
      }
      for (const char* method : {"get", "head", "post", "put", "patch", "delete"}) {
        const Json& body = at(*item, method);
        if (!body.is_object()) continue;
        std::string name = method;
        std::transform(name.begin(), name.end(), name.begin(), [](char c) { return static_cast<char>(c - 32); });
        operations_.push_back({path, name, item, &body});
      }
    }
  }

  bool selected(const Operation& operation) const {
    if (options_.tags.empty() && options_.operations.empty()) return true;
    const auto among = [](const std::vector<std::string>& names, const std::string& name) {
      return std::find(names.begin(), names.end(), name) != names.end();
    };
    if (among(options_.operations, operation.id())) return true;
    const Json& tags = at(*operation.body, "tags");
    return tags.is_array() && std::any_of(tags.begin(), tags.end(),
                                          [&](const Json& tag) { return tag.is_string() && among(options_.tags, tag.get<std::string>()); });
  }

  Result<void> check_selection() const {
    std::vector<std::string> tags, ids;
    for (const Operation& operation : operations_) {
      ids.push_back(operation.id());
      for (const Json& tag : at(*operation.body, "tags")) {
        if (tag.is_string() && std::find(tags.begin(), tags.end(), tag) == tags.end()) tags.push_back(tag.get<std::string>());
      }
    }
    const auto check = [](const char* what, const std::vector<std::string>& wanted, const std::vector<std::string>& known) -> Result<void> {
      for (const std::string& name : wanted) {
        if (std::find(known.begin(), known.end(), name) != known.end()) continue;
        std::vector<std::string> near = near_names(name, known, 3);
        if (near.empty()) near.assign(known.begin(), known.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(known.size(), 20)));
        return Error{errc::invalid_argument, "there is no " + std::string(what) + " '" + name + "' in the document" +
                                                 (near.empty() ? "" : "; the document has " + listed(near, "and"))};
      }
      return {};
    };
    if (Result<void> ok = check("tag", options_.tags, tags); !ok) return ok;
    return check("operation", options_.operations, ids);
  }

  // ---- one operation ----

  Json tool_of(const Operation& operation) {
    RequestDraft draft(document_, operation, [this](const std::string& text) { note(text); });
    Json tool{{"name", tool_name(operation)},
              {"description", description(operation)},
              {"parameters", nullptr},
              {"method", operation.method},
              {"url", ""}};
    draft.add_parameters();
    const Json body = draft.add_body();
    const std::string server = server_of(document_, operation, options_);
    tool["url"] = server + draft.add_path();
    tool["parameters"] = Json{{"type", "object"}, {"properties", draft.properties()}};
    if (!draft.required().empty()) tool["parameters"]["required"] = draft.required();
    if (!draft.query().empty()) tool["query"] = draft.query();
    if (!draft.headers().empty()) tool["headers"] = draft.headers();
    if (!body.is_null()) tool["body"] = body;
    if (Json auth = auth_of(operation); !auth.is_null()) tool["auth"] = std::move(auth);
    if (Json pages = pages_of(document_, operation, draft.query()); !pages.is_null()) tool["pages"] = std::move(pages);
    if (draft.properties().size() > kManyParameters) {
      note("it has " + std::to_string(draft.properties().size()) +
           " parameters: remove those that are not needed, because so many confuse small models");
    }
    return tool;
  }

  Json auth_of(const Operation& operation) {
    Security security = security_of(document_, import_.title, operation);
    if (!security.unsupported.empty()) note("its security (" + security.unsupported + ") is not supported: the tool sends no credentials");
    for (OpenApiVariable& variable : security.variables) {
      const bool known =
          std::any_of(import_.variables.begin(), import_.variables.end(), [&](const auto& v) { return v.name == variable.name; });
      if (!known) import_.variables.push_back(std::move(variable));
    }
    return security.auth;
  }

  std::string tool_name(const Operation& operation) {
    std::string name = plain_name(text_at(*operation.body, "operationId"), true);
    if (name.empty()) name = plain_name(ascii_lower(operation.method) + "_" + operation.path, true);
    return unique_name(name, tool_names_);
  }

  static std::string description(const Operation& operation) {
    const std::string summary = short_text(text_at(*operation.body, "summary"), kMaxDescription);
    const std::string longer = short_text(text_at(*operation.body, "description"), kMaxDescription);
    if (summary.empty()) return longer.empty() ? operation.method + " " + operation.path : longer;
    if (longer.empty() || longer == summary || longer.size() + summary.size() > kMaxDescription) return summary;
    return summary + (summary.back() == '.' ? " " : ". ") + longer;
  }

  // The final check: the parser of API files and the schema checker decide, whatever the document claims.
  Json checked(Json tool) {
    if (options_.check_schema) {
      Result<void> usable = options_.check_schema(tool["parameters"]);
      if (!usable) {
        without_patterns(tool["parameters"]);
        note("its patterns are left out: " + usable.error().message);
        usable = options_.check_schema(tool["parameters"]);
      }
      if (!usable) throw LeftOut{"its parameters cannot be checked: " + usable.error().message};
    }
    const Result<std::vector<ApiSpec>> read = read_api_file(tool.dump(-1, ' ', false, Json::error_handler_t::replace), operation_);
    if (!read) throw LeftOut{"it does not fit an API file: " + read.error().message};
    return tool;
  }

  static void without_patterns(Json& schema) {
    if (schema.is_object()) {
      if (at(schema, "pattern").is_string()) schema.erase("pattern");
      schema.erase("patternProperties");
    }
    if (schema.is_structured()) {
      for (Json& inner : schema) without_patterns(inner);
    }
  }

  void share_auth(Json& tools) {
    const Json first = tools[0].value("auth", Json());
    if (first.is_null()) return;
    for (const Json& tool : tools) {
      if (tool.value("auth", Json()) != first) return;
    }
    for (Json& tool : tools) tool.erase("auth");
    import_.file["defaults"] = Json{{"auth", first}};
  }

  const Json& document_;
  const OpenApiOptions& options_;
  OpenApiImport import_;
  std::vector<Operation> operations_;
  std::string operation_;  // the current operation
  std::set<std::string> tool_names_;
};

}  // namespace

Result<OpenApiImport> import_openapi(std::string_view text, const OpenApiOptions& options) {
  const std::size_t first = text.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (first == std::string_view::npos) return Error{errc::invalid_argument, "it is empty"};
  if (text[first] != '{') {
    return Error{errc::invalid_argument,
                 "it is not JSON. If it is YAML, convert it first (needs PyYAML):\n  python3 -c 'import json,sys,yaml; "
                 "json.dump(yaml.safe_load(sys.stdin), sys.stdout, default=str)' < openapi.yaml > openapi.json"};
  }
  const Result<ReadJson> read = read_json(text.substr(first), kLimitsOfFile);
  if (!read) return read.error();
  const Json& document = read->value;
  if (document.contains("swagger")) {
    return Error{errc::invalid_argument,
                 "it is Swagger " + text_at(document, "swagger") +
                     "; only OpenAPI 3.0 and 3.1 are supported: convert it first (converter.swagger.io, or npx swagger2openapi)"};
  }
  const std::string version = text_at(document, "openapi");
  if (version.rfind("3.0", 0) != 0 && version.rfind("3.1", 0) != 0) {
    return Error{errc::invalid_argument, version.empty() ? "it has no \"openapi\" version, so it is not an OpenAPI document"
                                                         : "it is OpenAPI " + version + "; only 3.0 and 3.1 are supported"};
  }
  return Importer(document, options).run();
}

Json report_of(const OpenApiImport& import) {
  const auto notes = [](const std::vector<OpenApiNote>& list) {
    Json all = Json::array();
    for (const OpenApiNote& note : list) all.push_back({{"operation", note.operation}, {"text", note.text}});
    return all;
  };
  Json report{{"title", import.title}, {"tools", Json::array()}, {"environment", Json::array()}};
  for (const Json& tool : import.file["tools"]) report["tools"].push_back(tool["name"]);
  for (const OpenApiVariable& variable : import.variables)
    report["environment"].push_back({{"name", variable.name}, {"meaning", variable.meaning}});
  report["left_out"] = notes(import.left_out);
  report["notes"] = notes(import.notes);
  return report;
}

}  // namespace baton::tools
