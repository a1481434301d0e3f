#include "openapi.h"

#include <baton/tools/text.h>

#include <baton/tools/http/http_url.h>
#include <baton/tools/near_names.h>
#include <baton/tools/read_json.h>

#include <algorithm>
#include <set>

#include "api_file.h"
#include "openapi_schema.h"

namespace baton::tools {
namespace {

constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxDescription = 400;
constexpr std::size_t kManyParameters = 30;

const Json kNothing;  // null

// A member, or null where there is none; never throws.
const Json& at(const Json& object, const std::string& key) {
  if (!object.is_object()) return kNothing;
  const auto it = object.find(key);
  return it == object.end() ? kNothing : *it;
}

// The same for a member that should be an object: an empty one if it is missing.
const Json& members_at(const Json& object, const std::string& key) {
  static const Json none = Json::object();
  const Json& value = at(object, key);
  return value.is_object() ? value : none;
}

std::string text_at(const Json& object, const std::string& key) {
  const Json& value = at(object, key);
  return value.is_string() ? value.get<std::string>() : "";
}

bool flag_at(const Json& object, const std::string& key, bool otherwise) {
  const Json& value = at(object, key);
  return value.is_boolean() ? value.get<bool>() : otherwise;
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

// "repos/list for:user" -> "repos_list_for_user"
std::string plain_name(std::string_view text, bool dashes) {
  std::string name;
  for (const char c : text) {
    if (is_letter(c) || c == '_' || (dashes && c == '-')) {
      name += c;
    } else if (!name.empty() && name.back() != '_') {
      name += '_';
    }
  }
  while (!name.empty() && name.back() == '_' && !text.ends_with('_')) name.pop_back();
  return name.substr(0, kMaxName);
}

// `name`, or `name` with a number after it if it is taken.
std::string unique_name(const std::string& name, std::set<std::string>& taken) {
  std::string unique = name;
  for (int n = 2; !taken.insert(unique).second; ++n) {
    const std::string number = "_" + std::to_string(n);
    unique = name.substr(0, kMaxName - number.size()) + number;
  }
  return unique;
}

std::string upper_name(const std::string& text) {
  std::string name = plain_name(text, false);
  std::transform(name.begin(), name.end(), name.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return name;
}

bool has_type(const Json& schema, const char* type) {
  const Json& types = at(schema, "type");
  return types == type || (types.is_array() && std::find(types.begin(), types.end(), type) != types.end());
}

// Braces have a meaning in the file format, so they are escaped.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '{' ? "{{" : c == '}' ? "}}" : std::string(1, c);
  return out;
}

struct Operation {
  std::string path;
  std::string method;  // upper case
  const Json* item;    // the path item
  const Json* body;    // the operation
  std::string id() const {
    const std::string own = text_at(*body, "operationId");
    return own.empty() ? method + " " + path : own;
  }
};

// The reason why an operation does not become a tool.
struct LeftOut {
  std::string reason;
};

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

  struct Draft {
    Json properties = Json::object();
    Json required = Json::array();
    std::set<std::string> names;
    Json query = Json::object(), headers = Json::object();
    std::string path;
  };

  Json tool_of(const Operation& operation) {
    Draft draft;
    draft.path = operation.path;
    Json tool{{"name", tool_name(operation)},
              {"description", description(operation)},
              {"parameters", nullptr},
              {"method", operation.method},
              {"url", ""}};
    add_parameters(operation, draft);
    const Json body = body_of(operation, draft);
    tool["url"] = server_of(operation) + template_path(draft);
    tool["parameters"] = Json{{"type", "object"}, {"properties", draft.properties}};
    if (!draft.required.empty()) tool["parameters"]["required"] = draft.required;
    if (!draft.query.empty()) tool["query"] = draft.query;
    if (!draft.headers.empty()) tool["headers"] = draft.headers;
    if (!body.is_null()) tool["body"] = body;
    if (Json auth = auth_of(operation); !auth.is_null()) tool["auth"] = std::move(auth);
    if (Json pages = pages_of(operation, draft); !pages.is_null()) tool["pages"] = std::move(pages);
    if (draft.properties.size() > kManyParameters) {
      note("it has " + std::to_string(draft.properties.size()) +
           " parameters: remove those that are not needed, because so many confuse small models");
    }
    return tool;
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

  // ---- parameters ----

  static std::string place_of(const Json& parameter) {
    return text_at(parameter, "in") + " parameter '" + text_at(parameter, "name") + "'";
  }

  std::vector<const Json*> parameters_of(const Operation& operation) {
    std::vector<const Json*> all;
    for (const Json* source : {&at(*operation.item, "parameters"), &at(*operation.body, "parameters")}) {
      if (!source->is_array()) continue;
      for (const Json& written : *source) {
        const Json* parameter = resolved(document_, written);
        if (parameter == nullptr || !parameter->is_object()) {
          note("a parameter whose reference does not resolve in this document is left out");
          continue;
        }
        // The operation's own parameters override the path's.
        std::erase_if(all, [&](const Json* other) { return place_of(*other) == place_of(*parameter); });
        all.push_back(parameter);
      }
    }
    return all;
  }

  std::string add_argument(Draft& draft, const std::string& name, Json schema, const std::string& about, bool required) {
    std::string plain = plain_name(name, false);
    const std::string argument = unique_name(plain.empty() ? "value" : plain, draft.names);
    if (std::string text = short_text(about, 300); !text.empty() && schema.is_object()) schema["description"] = std::move(text);
    draft.properties[argument] = std::move(schema);
    if (required) draft.required.push_back(argument);
    return argument;
  }

  void add_parameters(const Operation& operation, Draft& draft) {
    SchemaConverter converter(document_, [this](const std::string& text) { note(text); });
    for (const Json* parameter : parameters_of(operation)) {
      const std::string name = text_at(*parameter, "name"), in = text_at(*parameter, "in");
      const bool required = in == "path" || flag_at(*parameter, "required", false);
      const auto give_up = [&](const std::string& why) {
        if (required) throw LeftOut{"its " + place_of(*parameter) + " " + why};
        note("the " + place_of(*parameter) + " is left out: it " + why);
      };
      const Json& content = at(*parameter, "content");
      const bool json = content.is_object() && !content.empty();
      Json schema = converter.convert(json ? at(*content.begin(), "schema").is_null() ? Json::object() : at(*content.begin(), "schema")
                                      : at(*parameter, "schema").is_null() ? Json::object()
                                                                           : at(*parameter, "schema"));
      const auto argument = [&] { return add_argument(draft, name, schema, text_at(*parameter, "description"), required); };
      if (name.empty()) {
        give_up("has no name");
      } else if (in == "path") {
        if (const std::string style = text_at(*parameter, "style"); !style.empty() && style != "simple")
          give_up("has the style '" + style + "'");
        const std::string as = "{" + argument() + "}";
        const std::string written = "{" + name + "}";
        if (draft.path.find(written) == std::string::npos) throw LeftOut{"its path has no " + written};
        for (std::size_t i = 0; (i = draft.path.find(written, i)) != std::string::npos; i += as.size())
          draft.path.replace(i, written.size(), as);
      } else if (in == "query") {
        const std::string style = query_style(*parameter, schema, json);
        if (style.empty()) {
          give_up("is an object in a style that cannot be distinguished from other parameters");
        } else if (style == "repeat") {
          draft.query[name] = "{" + argument() + "}";
        } else {
          draft.query[name] = Json{{"value", "{" + argument() + "}"}, {"style", style}};
        }
      } else if (in == "header") {
        const std::string known = ascii_lower(name);
        if (known == "accept" || known == "content-type" || known == "authorization") continue;  // as the specification says
        if (!check_http_headers({{name, "x"}}) || known == "cookie") {
          give_up("is not a header that a tool can set");
        } else {
          draft.headers[name] = "{" + argument() + "}";
        }
      } else {
        give_up("goes into a cookie");
      }
    }
  }

  // Empty: the parameter cannot be sent.
  static std::string query_style(const Json& parameter, const Json& schema, bool json) {
    if (json) return "json";
    std::string style = text_at(parameter, "style");
    if (style.empty()) style = "form";
    if (style == "deepObject") return "deep";
    if (has_type(schema, "object")) return "";
    const bool explode = flag_at(parameter, "explode", style == "form");
    if (explode) return "repeat";
    return style == "spaceDelimited" ? "space" : style == "pipeDelimited" ? "pipe" : has_type(schema, "array") ? "comma" : "repeat";
  }

  // Path parameters without a description are strings.
  std::string template_path(Draft& draft) {
    if (draft.path.find('#') != std::string::npos) throw LeftOut{"its path has a '#'"};
    const Result<TextTemplate> path = TextTemplate::parse(draft.path);
    if (!path) throw LeftOut{"its path " + path.error().message};
    std::string text;
    for (const TextTemplate::Part& part : path->parts()) {
      if (!part.is_argument) {
        text += escaped(part.text);
        continue;
      }
      std::string name = part.text;
      if (!draft.properties.contains(name)) {
        note("the document does not describe {" + name + "} of its path: the argument is a string");
        name = add_argument(draft, name, Json{{"type", "string"}}, "", true);
      }
      text += "{" + name + "}";
    }
    return text.empty() || text.front() != '/' ? "/" + text : text;
  }

  // ---- body ----

  Json body_of(const Operation& operation, Draft& draft) {
    const Json& written = at(*operation.body, "requestBody");
    if (written.is_null()) return nullptr;
    const Json* body = resolved(document_, written);
    if (body == nullptr) throw LeftOut{"the reference of its body does not resolve in this document"};
    const bool required = flag_at(*body, "required", false);
    if (operation.method == "GET" || operation.method == "HEAD") {
      if (required) throw LeftOut{"it is a " + operation.method + " request with a body"};
      note("its body is left out: a " + operation.method + " request has no body");
      return nullptr;
    }
    const Json* json = nullptr;
    const Json* form = nullptr;
    const Json* text = nullptr;
    std::string json_type, types;
    for (const auto& [type, media] : members_at(*body, "content").items()) {
      const std::string plain = ascii_lower(type.substr(0, type.find(';')));
      types += (types.empty() ? "" : ", ") + type;
      if (json == nullptr && (plain == "application/json" || plain.ends_with("+json") || plain == "*/*")) {
        json = &media;
        json_type = plain.ends_with("+json") ? plain : "";
      }
      if (plain == "application/x-www-form-urlencoded") form = &media;
      if (plain == "text/plain") text = &media;
    }
    if (json != nullptr) return json_body(*json, json_type, required, draft);
    if (form != nullptr) return form_body(*form, required, draft);
    if (text != nullptr) {
      return Json{{"text", "{" + add_argument(draft, "body", Json{{"type", "string"}}, "the body, as text", required) + "}"}};
    }
    if (required) throw LeftOut{"its body is of a type that is not supported: " + (types.empty() ? "none is given" : types)};
    note("its body is left out, because its type is not supported: " + types);
    return nullptr;
  }

  Json converted(const Json& media) {
    SchemaConverter converter(document_, [this](const std::string& text) { note(text); });
    const Json& schema = at(media, "schema");
    return schema.is_null() ? Json::object() : converter.convert(schema);
  }

  // Whether the members of a body can be merged with the other parameters: small models fill in flat arguments better than nested ones.
  static bool can_be_flat(const Json& schema) {
    if (!at(schema, "properties").is_object() || at(schema, "properties").empty() ||
        (schema.contains("type") && schema["type"] != "object"))
      return false;
    for (const char* key : {"anyOf", "oneOf", "allOf", "not", "if", "patternProperties", "minProperties", "maxProperties"}) {
      if (schema.contains(key)) return false;
    }
    return at(schema, "additionalProperties").is_null() || at(schema, "additionalProperties") == false;
  }

  // Calls use(name, argument, schema) for each member.
  template <class Use>
  void add_members(const Json& schema, bool required, Draft& draft, Use use) {
    const Json& needed = at(schema, "required");
    for (const auto& [name, property] : schema["properties"].items()) {
      const bool needs = required && needed.is_array() && std::find(needed.begin(), needed.end(), name) != needed.end();
      const std::string plain = plain_name(name, false);
      const std::string argument =
          add_argument(draft, draft.names.count(plain) != 0 ? "body_" + plain : name, property, text_at(property, "description"), needs);
      use(name, argument, property);
    }
  }

  Json json_body(const Json& media, const std::string& type, bool required, Draft& draft) {
    const Json schema = converted(media);
    Json body = Json::object();
    if (can_be_flat(schema)) {
      Json members = Json::object();
      add_members(schema, required, draft,
                  [&](const std::string& name, const std::string& argument, const Json&) { members[name] = "{" + argument + "}"; });
      body["json"] = std::move(members);
    } else {
      body["json"] = "{" +
                     add_argument(draft, "body", schema,
                                  text_at(schema, "description").empty() ? "the body" : text_at(schema, "description"), required) +
                     "}";
    }
    if (!type.empty()) body["type"] = type;
    return body;
  }

  Json form_body(const Json& media, bool required, Draft& draft) {
    const Json schema = converted(media);
    if (!at(schema, "properties").is_object() || at(schema, "properties").empty()) {
      if (required) throw LeftOut{"its form has no properties"};
      return nullptr;
    }
    if (!can_be_flat(schema)) note("only the named properties of its form can be sent");
    Json form = Json::object();
    add_members(schema, required, draft, [&](const std::string& name, const std::string& argument, const Json& property) {
      const std::string style = text_at(at(at(media, "encoding"), name), "style");
      const bool list = has_type(property, "array") && !at(at(property, "items"), "properties").is_object();
      // API files encode forms as "deep" by default, which servers expect for objects, too.
      if (list && style != "deepObject") {
        form[name] = Json{{"value", "{" + argument + "}"}, {"style", "repeat"}};
      } else {
        form[name] = "{" + argument + "}";
      }
    });
    return Json{{"form", std::move(form)}};
  }

  // ---- server ----

  std::string server_of(const Operation& operation) const {
    std::string url = options_.server;
    if (url.empty()) {
      for (const Json* holder : {operation.body, operation.item, &document_}) {
        const Json& servers = at(*holder, "servers");
        if (!servers.is_array() || servers.empty()) continue;
        url = text_at(servers[0], "url");
        const Json& variables = at(servers[0], "variables");
        if (variables.is_object()) {
          for (const auto& [name, variable] : variables.items()) {
            const std::string written = "{" + name + "}", value = text_at(variable, "default");
            for (std::size_t i = 0; (i = url.find(written, i)) != std::string::npos; i += value.size())
              url.replace(i, written.size(), value);
          }
        }
        break;
      }
    }
    if (url.find("://") == std::string::npos) {
      const Result<HttpUrl> source = parse_http_url(options_.source);
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

  // ---- security ----

  Json auth_of(const Operation& operation) {
    const Json& own = at(*operation.body, "security");
    const Json& security = own.is_null() ? at(document_, "security") : own;
    if (!security.is_array() || security.empty()) return nullptr;
    std::string why;
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
        const Json* scheme = resolved(document_, at(at(at(document_, "components"), "securitySchemes"), name));
        Json auth = scheme == nullptr ? Json() : scheme_of(name, *scheme, variables);
        if (auth.is_null()) {
          failed = name;
          break;
        }
        schemes.push_back(std::move(auth));
      }
      if (failed.empty()) {
        for (OpenApiVariable& variable : variables) {
          const bool known =
              std::any_of(import_.variables.begin(), import_.variables.end(), [&](const auto& v) { return v.name == variable.name; });
          if (!known) import_.variables.push_back(std::move(variable));
        }
        return schemes.size() == 1 ? schemes[0] : schemes;
      }
      why += (why.empty() ? "" : ", ") + failed;
    }
    if (!anonymous) note("its security (" + why + ") is not supported: the tool sends no credentials");
    return nullptr;
  }

  // Null: not supported.
  Json scheme_of(const std::string& name, const Json& scheme, std::vector<OpenApiVariable>& variables) const {
    const std::string type = text_at(scheme, "type"), http = ascii_lower(text_at(scheme, "scheme")), in = text_at(scheme, "in");
    // The API's name without the usual last words.
    std::string prefix = upper_name(import_.title);
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

  void share_auth(Json& tools) {
    const Json first = tools[0].value("auth", Json());
    if (first.is_null()) return;
    for (const Json& tool : tools) {
      if (tool.value("auth", Json()) != first) return;
    }
    for (Json& tool : tools) tool.erase("auth");
    import_.file["defaults"] = Json{{"auth", first}};
  }

  // ---- pages ----

  Json pages_of(const Operation& operation, const Draft& draft) const {
    if (operation.method != "GET") return nullptr;
    const Json* response = nullptr;
    for (const char* status : {"200", "2XX", "default"}) {
      response = resolved(document_, at(at(*operation.body, "responses"), status));
      if (response != nullptr && response->is_object()) break;
    }
    if (response == nullptr || !response->is_object()) return nullptr;
    const Json* schema = nullptr;
    for (const auto& [type, media] : members_at(*response, "content").items()) {
      if (type.find("json") != std::string::npos && schema == nullptr) schema = resolved(document_, at(media, "schema"));
    }
    if (schema == nullptr) return nullptr;
    const std::string items = items_path(*schema);
    const bool list = has_type(*schema, "array");
    if (!list && items.empty()) return nullptr;
    Json pages = Json::object();
    for (const auto& [name, header] : members_at(*response, "headers").items()) {
      if (ascii_lower(name) == "link") pages["by"] = "link";
    }
    const Json& properties = members_at(*schema, "properties");
    if (pages.empty() && properties.contains("has_more") && draft.query.contains("starting_after")) {
      pages = Json{{"by", "cursor"}, {"parameter", "starting_after"}, {"next", items + "/-1/id"}, {"more", "/has_more"}};
    }
    for (const char* next : {"next_cursor", "nextCursor", "next_page_token", "nextPageToken"}) {
      for (const char* parameter : {"cursor", "page_token", "pageToken"}) {
        if (pages.empty() && properties.contains(next) && draft.query.contains(parameter)) {
          pages = Json{{"by", "cursor"}, {"parameter", parameter}, {"next", std::string("/") + next}};
        }
      }
    }
    if (pages.empty()) return nullptr;
    if (!list) pages["items"] = items;
    return pages;
  }

  // The path of the only list in an object; empty: there is none, or several.
  std::string items_path(const Json& schema) const {
    std::string path;
    const Json& properties = members_at(schema, "properties");
    for (const auto& [name, property] : properties.items()) {
      const Json* target = resolved(document_, property);
      if (target == nullptr || !has_type(*target, "array")) continue;
      if (!path.empty()) return "";
      path = "/" + name;
    }
    return path;
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
