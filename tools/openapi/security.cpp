#include "security.h"

#include <baton/tools/text.h>

#include "schema.h"

namespace baton::tools::openapi {
namespace {

// Null: not supported.
Json scheme_of(const std::string& title, const std::string& name, const Json& scheme, std::vector<OpenApiVariable>& variables) {
  const std::string type = text_at(scheme, "type"), http = ascii_lower(text_at(scheme, "scheme")), in = text_at(scheme, "in");
  // The API's name without the usual last words.
  std::string prefix = upper_name(title);
  for (const char* word : {"_OPENAPI_3_0", "_OPENAPI_3_1", "_REST_API", "_OPENAPI", "_API", "_V3"}) {
    if (prefix.ends_with(word)) prefix.resize(prefix.size() - std::string_view(word).size());
  }
  const std::string own = upper_name(name);
  const std::string variable = (prefix.empty() || own.rfind(prefix, 0) == 0 ? own : prefix.substr(0, 40) + "_" + own).substr(0, 80);
  const auto as = [&](Json auth, const std::string& meaning) {
    auth["env"] = variable;
    variables.push_back({variable, meaning});
    return auth;
  };
  if (type == "http" && http == "bearer") return as({{"type", "bearer"}}, "the bearer token");
  if (type == "http" && http == "basic") return as({{"type", "basic"}}, "user:password");
  if (type == "oauth2" || type == "openIdConnect")
    return as({{"type", "bearer"}}, "an access token of " + type + ", which you must obtain yourself");
  if (type == "apiKey" && (in == "header" || in == "query")) {
    return as({{"type", in}, {"name", text_at(scheme, "name")}}, "the API key (" + in + " " + text_at(scheme, "name") + ")");
  }
  return nullptr;
}

}  // namespace

Security security_of(const Json& document, const std::string& title, const Operation& operation) {
  const Json& own = at(*operation.body, "security");
  const Json& security = own.is_null() ? at(document, "security") : own;
  if (!security.is_array() || security.empty()) return {};
  std::string unsupported;
  bool anonymous = false;
  for (const Json& alternative : security) {
    if (!alternative.is_object()) continue;
    if (alternative.empty()) {
      anonymous = true;
      continue;
    }
    Json schemes = Json::array();
    std::vector<OpenApiVariable> variables;
    std::string failed;
    for (const auto& [name, scopes] : alternative.items()) {
      const Json* scheme = resolved(document, at(at(at(document, "components"), "securitySchemes"), name));
      Json auth = scheme == nullptr ? Json() : scheme_of(title, name, *scheme, variables);
      if (auth.is_null()) {
        failed = name;
        break;
      }
      schemes.push_back(std::move(auth));
    }
    if (failed.empty()) return {schemes.size() == 1 ? schemes[0] : schemes, std::move(variables), ""};
    unsupported += (unsupported.empty() ? "" : ", ") + failed;
  }
  return {nullptr, {}, anonymous ? "" : unsupported};
}

}  // namespace baton::tools::openapi
