#include "api_file.h"

#include <baton/tools/http/http_url.h>
#include <baton/tools/near_names.h>
#include <baton/tools/read_json.h>

#include <algorithm>
#include <map>

#include "node_reader.h"

namespace baton::tools {
namespace {

constexpr int kMaxPages = 100;

// Half an escape would be completed by the first characters of an argument.
bool whole_escapes(std::string_view text) {
  const auto hex = [&](std::size_t i) {
    return i < text.size() && std::string_view("0123456789abcdefABCDEF").find(text[i]) != std::string_view::npos;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && !(hex(i + 1) && hex(i + 2))) return false;
  }
  return true;
}

class ApiFileReader : private NodeReader {
 public:
  explicit ApiFileReader(std::string file) : NodeReader(std::move(file)) {}

  Result<std::vector<ApiSpec>> read(const Json& root) {
    const Node top{root, ""};
    if (root.is_array()) {
      read_list(top, nullptr);
    } else if (root.is_object() && root.contains("tools")) {
      known_keys(top, {"tools", "defaults", "$schema", "$comment"});
      static const Json none = Json::object();
      const Node defaults = root.contains("defaults") ? top["defaults"] : Node{none, "/defaults"};
      if (is_object(defaults)) known_keys(defaults, {"headers", "auth", "retry", "limit", "timeout_seconds", "max_output_bytes"});
      if (!root["tools"].is_array()) wrong(top["tools"], "must be a list of tools");
      if (!any_wrong()) read_list(top["tools"], &defaults);
    } else if (root.is_object()) {
      read_tool(top, nullptr);
    } else {
      wrong(top, "must be an object (one tool), a list of tools, or {\"tools\": [..], \"defaults\": {..}}");
    }
    if (!any_wrong() && specs_.empty()) wrong(top, "holds no tool");
    if (any_wrong()) return Error{errc::invalid_argument, all_faults()};
    return std::move(specs_);
  }

 private:
  TextTemplate text_template(const Node& node) {
    if (!node.value.is_string() && !node.value.is_number() && !node.value.is_boolean()) {
      wrong(node, "must be a text, in which {name} is an argument");
      return {};
    }
    Result<TextTemplate> parsed = TextTemplate::parse(plain_text(node.value));
    if (!parsed) {
      wrong(node, parsed.error().message);
      return {};
    }
    for (const std::string& name : parsed->arguments()) check_parameter(node, name);
    return std::move(*parsed);
  }

  void check_parameter(const Node& node, const std::string& name) {
    used_.push_back(name);
    if (std::find(parameters_.begin(), parameters_.end(), name) != parameters_.end()) return;
    const std::vector<std::string> near = near_names(name, parameters_, 1);
    wrong(node, "{" + name + "} is not a parameter; " +
                    (parameters_.empty() ? "there are none"
                     : near.empty()      ? "they are " + listed(parameters_, "and")
                                         : "did you mean {" + near[0] + "}?"));
  }

  void read_list(const Node& list, const Node* defaults) {
    for (std::size_t i = 0; i < list.value.size(); ++i) read_tool(list[i], defaults);
  }

  void read_tool(const Node& node, const Node* defaults) {
    if (!is_object(node)) return;
    known_keys(node, {"name", "description", "parameters", "method", "url", "query", "headers", "body", "auth", "result", "pages", "retry",
                      "limit", "timeout_seconds", "max_output_bytes", "$schema", "$comment"});
    ApiSpec spec;
    spec.place = node.at;
    if (const std::string* name = text(node, "name", true)) spec.tool.name = *name;
    if (const std::string* description = text(node, "description", true)) spec.tool.description = *description;
    if (!spec.tool.name.empty() &&
        (spec.tool.name.size() > 64 || spec.tool.name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                                        "0123456789_-") != std::string::npos)) {
      wrong(node["name"], "must be 1 to 64 letters, digits, '_' or '-'");
    }
    read_parameters(node, spec);
    read_method(node, spec);
    read_url(node, spec);
    if (node.find("query") != nullptr) spec.query = fields(node["query"], FieldStyle::repeat);
    const Node* sources[] = {defaults, &node};
    for (const Node* source : sources) {
      if (source != nullptr) read_shared(*source, source == defaults, spec);
    }
    if (node.find("body") != nullptr) read_body(node["body"], spec);
    if (node.find("result") != nullptr) spec.result = path(node, "result", true).value_or(ApiPath());
    if (node.find("pages") != nullptr) read_pages(node["pages"], spec);
    for (const std::string& name : parameters_) {
      if (std::find(used_.begin(), used_.end(), name) == used_.end()) {
        wrong(node["parameters"], "'" + name + "' is not used: put {" + name + "} into url, query, headers or body, or remove it");
      }
    }
    specs_.push_back(std::move(spec));
  }

  void read_parameters(const Node& node, ApiSpec& spec) {
    parameters_.clear();
    used_.clear();
    spec.tool.parameters = Json{{"type", "object"}, {"properties", Json::object()}, {"required", Json::array()}};
    if (node.find("parameters") == nullptr) return;
    const Node schema = node["parameters"];
    if (!is_object(schema)) return;
    if (schema.value.value("type", Json()) != "object") return wrong(schema, "must be a JSON schema with \"type\": \"object\"");
    spec.tool.parameters = schema.value;
    if (schema.find("properties") == nullptr || !is_object(schema["properties"])) return;
    for (const auto& [name, property] : schema["properties"].value.items()) {
      if (name.empty() || name.find_first_of("{}") != std::string::npos)
        wrong(schema["properties"][name], "must not be empty or contain braces, because it is a parameter's name");
      parameters_.push_back(name);
    }
  }

  void read_method(const Node& node, ApiSpec& spec) {
    const std::string* name = text(node, "method", false);
    const std::optional<HttpMethod> method = name == nullptr ? HttpMethod::get : http_method(*name);
    if (!method) return wrong(node["method"], "must be GET, HEAD, POST, PUT, PATCH or DELETE");
    spec.method = *method;
    spec.tool.traits.effect = only_reads(*method) ? Effect::reads : Effect::sends;
    spec.tool.traits.idempotent = is_idempotent(*method);
    if (!is_idempotent(*method)) spec.retry.attempts = 1;
  }

  void read_url(const Node& node, ApiSpec& spec) {
    const std::string* url = text(node, "url", true);
    if (url == nullptr) return;
    const Node here = node["url"];
    if (url->find('#') != std::string::npos) return wrong(here, "must not have a '#'");
    const std::size_t scheme = url->find("://");
    const std::size_t end = scheme == std::string::npos ? std::string::npos : url->find_first_of("/?\\", scheme + 3);
    spec.origin = url->substr(0, end);
    if (spec.origin.find_first_of("{}") != std::string::npos) {
      return wrong(here, "must not have an argument in scheme, host or port: the file itself must name them");
    }
    if (const Result<HttpUrl> parsed = parse_http_url(spec.origin); !parsed) return wrong(here, parsed.error().message);
    std::string rest = end == std::string::npos ? "/" : url->substr(end);
    if (rest.front() != '/') rest.insert(rest.begin(), '/');
    spec.path = text_template({Json(rest), here.at});
    const Json required = spec.tool.parameters.value("required", Json::array());
    for (const std::string& name : spec.path.arguments()) {
      const bool there =
          std::find(required.begin(), required.end(), name) != required.end() ||
          (spec.tool.parameters["properties"].contains(name) && spec.tool.parameters["properties"][name].contains("default"));
      if (!there) wrong(here, "{" + name + "} is part of the url, so the parameter must be required (or have a default)");
    }
    for (const TextTemplate::Part& part : spec.path.parts()) {
      if (part.is_argument) continue;
      // The file itself must not do what an argument may not do either.
      if (("/" + part.text + "/").find("/../") != std::string::npos) wrong(here, "must not have '..' in its path");
      if (!whole_escapes(part.text)) wrong(here, "must have two hexadecimal digits after each '%'");
    }
    std::string sample = spec.origin;  // a fault in the text itself must not wait for the first call
    for (const TextTemplate::Part& part : spec.path.parts()) sample += part.is_argument ? "x" : part.text;
    if (const Result<HttpUrl> parsed = parse_http_url(sample); !parsed) wrong(here, parsed.error().message);
  }

  std::vector<ApiField> fields(const Node& node, FieldStyle otherwise) {
    std::vector<ApiField> all;
    if (!is_object(node)) return all;
    for (const auto& [name, value] : node.value.items()) {
      const Node entry = node[name];
      ApiField field{name, {}, otherwise};
      if (value.is_object()) {
        known_keys(entry, {"value", "style"});
        if (value.contains("value")) {
          field.value = text_template(entry["value"]);
        } else {
          wrong(entry, "lacks \"value\"");
        }
        if (const std::string* style = text(entry, "style", false)) field.style = style_of(entry["style"], *style);
      } else {
        field.value = text_template(entry);
      }
      all.push_back(std::move(field));
    }
    return all;
  }

  FieldStyle style_of(const Node& node, const std::string& name) {
    static const std::map<std::string, FieldStyle> styles = {
        {"repeat", FieldStyle::repeat},     {"comma", FieldStyle::comma}, {"space", FieldStyle::space}, {"pipe", FieldStyle::pipe},
        {"brackets", FieldStyle::brackets}, {"deep", FieldStyle::deep},   {"json", FieldStyle::json}};
    if (const auto it = styles.find(name); it != styles.end()) return it->second;
    wrong(node, "must be repeat, comma, space, pipe, brackets, deep or json");
    return FieldStyle::repeat;
  }

  // The members that are also allowed in the defaults.
  void read_shared(const Node& node, bool is_default, ApiSpec& spec) {
    if (node.find("headers") != nullptr) read_headers(node["headers"], spec);
    if (node.find("auth") != nullptr) {
      spec.auth.clear();
      const Node auth = node["auth"];
      if (auth.value.is_array()) {
        for (std::size_t i = 0; i < auth.value.size(); ++i) read_auth(auth[i], spec);
      } else {
        read_auth(auth, spec);
      }
    }
    if (node.find("retry") != nullptr && is_object(node["retry"])) read_retry(node["retry"], is_default, spec);
    if (node.find("limit") != nullptr && is_object(node["limit"])) {
      const Node limit = node["limit"];
      known_keys(limit, {"per_second", "per_minute"});
      spec.limit.per_second = integer(limit, "per_second", 0, 1, 10'000);
      spec.limit.per_minute = integer(limit, "per_minute", 0, 1, 100'000);
      spec.shares_limit = is_default;
    }
    spec.tool.traits.timeout = std::chrono::seconds(
        integer(node, "timeout_seconds",
                static_cast<int>(std::chrono::duration_cast<std::chrono::seconds>(spec.tool.traits.timeout).count()), 1, 3600));
    spec.tool.traits.max_output_bytes =
        static_cast<std::size_t>(integer(node, "max_output_bytes", static_cast<int>(spec.tool.traits.max_output_bytes), 256, 1 << 20));
  }

  void read_headers(const Node& node, ApiSpec& spec) {
    if (!is_object(node)) return;
    for (const auto& [name, value] : node.value.items()) {
      TextTemplate content = text_template(node[name]);
      // Checked with a valid value, so that any fault is in the name.
      if (const Result<void> ok = check_http_headers({{name, "x"}}); !ok) wrong(node[name], ok.error().message);
      const HttpHeaders probe = {{name, ""}};
      for (const char* secret : {"authorization", "proxy-authorization", "cookie"}) {
        if (find_header(probe, secret) != nullptr) {
          wrong(node[name], "must not be in the file, because it is a secret: use \"auth\" with the name of an environment variable");
        }
      }
      for (const TextTemplate::Part& part : content.parts()) {
        if (!part.is_argument && !check_http_headers({{"X", part.text}}))
          wrong(node[name], "holds a line break or another control character");
      }
      std::erase_if(spec.headers, [&](const auto& header) { return find_header(probe, header.first) != nullptr; });
      spec.headers.emplace_back(name, std::move(content));
    }
  }

  void read_auth(const Node& node, ApiSpec& spec) {
    if (!is_object(node)) return;
    known_keys(node, {"type", "env", "name"});
    const std::string* type = text(node, "type", true);
    const std::string* variable = text(node, "env", true);
    if (type == nullptr || variable == nullptr) return;
    static const std::map<std::string, ApiAuth::Kind> kinds = {{"bearer", ApiAuth::Kind::bearer},
                                                               {"basic", ApiAuth::Kind::basic},
                                                               {"header", ApiAuth::Kind::header},
                                                               {"query", ApiAuth::Kind::query}};
    const auto kind = kinds.find(*type);
    if (kind == kinds.end()) return wrong(node["type"], "must be bearer, basic, header or query");
    const bool named = kind->second == ApiAuth::Kind::header || kind->second == ApiAuth::Kind::query;
    const std::string* name = text(node, "name", named);
    if (!named && name != nullptr) return wrong(node["name"], "is allowed only with the types header and query");
    if (variable->find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") != std::string::npos) {
      return wrong(node["env"], "must be the name of an environment variable, not the secret itself");
    }
    if (kind->second == ApiAuth::Kind::header && name != nullptr) {
      if (const Result<void> ok = check_http_headers({{*name, "x"}}); !ok) return wrong(node["name"], ok.error().message);
    }
    spec.auth.push_back({kind->second, name == nullptr ? "" : *name, *variable});
  }

  void read_retry(const Node& node, bool is_default, ApiSpec& spec) {
    known_keys(node, {"attempts", "first_delay_ms", "max_delay_ms"});
    const int attempts = integer(node, "attempts", spec.retry.attempts, 1, 10);
    if (is_idempotent(spec.method)) {
      spec.retry.attempts = attempts;
    } else if (attempts > 1 && !is_default) {
      wrong(node["attempts"], std::string("must be 1: a second ") + name_of(spec.method) + " could do its work twice");
    }
    spec.retry.first_delay =
        std::chrono::milliseconds(integer(node, "first_delay_ms", static_cast<int>(spec.retry.first_delay.count()), 1, 60'000));
    spec.retry.max_delay =
        std::chrono::milliseconds(integer(node, "max_delay_ms", static_cast<int>(spec.retry.max_delay.count()), 1, 600'000));
  }

  void read_body(const Node& node, ApiSpec& spec) {
    if (!is_object(node)) return;
    known_keys(node, {"json", "form", "text", "type"});
    if (only_reads(spec.method)) return wrong(node, std::string("a ") + name_of(spec.method) + " request has no body");
    const int n_kinds = int(node.find("json") != nullptr) + int(node.find("form") != nullptr) + int(node.find("text") != nullptr);
    if (n_kinds != 1) return wrong(node, "must have one of \"json\", \"form\" and \"text\"");
    ApiBody& body = spec.body;
    if (node.find("json") != nullptr) {
      body.kind = ApiBody::Kind::json;
      body.content_type = "application/json";
      body.json = node["json"].value;
      check_json_template(node["json"]);
    } else if (node.find("form") != nullptr) {
      body.kind = ApiBody::Kind::form;
      body.content_type = "application/x-www-form-urlencoded";
      body.form = fields(node["form"], FieldStyle::deep);
    } else {
      body.kind = ApiBody::Kind::text;
      body.content_type = "text/plain; charset=utf-8";
      body.text = text_template(node["text"]);
    }
    if (const std::string* type = text(node, "type", false)) {
      body.content_type = *type;
      if (const Result<void> ok = check_http_headers({{"Content-Type", *type}}); !ok) wrong(node["type"], ok.error().message);
    }
  }

  void check_json_template(const Node& node) {
    if (node.value.is_string()) {
      text_template(node);
    } else if (node.value.is_object()) {
      for (const auto& [key, value] : node.value.items()) check_json_template(node[key]);
    } else if (node.value.is_array()) {
      for (std::size_t i = 0; i < node.value.size(); ++i) check_json_template(node[i]);
    }
  }

  void read_pages(const Node& node, ApiSpec& spec) {
    if (!is_object(node)) return;
    known_keys(node, {"by", "parameter", "next", "more", "items", "first", "max"});
    const std::string* by = text(node, "by", true);
    if (by == nullptr) return;
    using By = ApiPages::By;
    static const std::map<std::string, By> kinds = {
        {"cursor", By::cursor}, {"page", By::page}, {"offset", By::offset}, {"link", By::link}, {"url", By::url}};
    const auto kind = kinds.find(*by);
    if (kind == kinds.end()) return wrong(node["by"], "must be cursor, page, offset, link or url");
    if (spec.method != HttpMethod::get) return wrong(node, "is allowed only with GET");
    ApiPages pages;
    pages.by = kind->second;
    const bool numbered = pages.by == By::page || pages.by == By::offset;
    if (const std::string* parameter = text(node, "parameter", numbered || pages.by == By::cursor)) pages.parameter = *parameter;
    pages.next = path(node, "next", pages.by == By::cursor || pages.by == By::url);
    if (node.find("more") != nullptr) pages.more = path(node, "more", true);
    if (node.find("items") != nullptr) pages.items = path(node, "items", true);
    pages.first = integer(node, "first", pages.by == By::offset ? 0 : 1, 0, 1'000'000);
    pages.max = integer(node, "max", pages.max, 1, kMaxPages);
    spec.pages = std::move(pages);
  }

  std::vector<std::string> parameters_;  // of the tool that is being read
  std::vector<std::string> used_;
  std::vector<ApiSpec> specs_;
};

}  // namespace

Result<ApiPath> parse_api_path(std::string_view pointer) {
  ApiPath path;
  if (pointer.empty()) return path;
  if (pointer.front() != '/') return Error{errc::invalid_argument, "a JSON pointer begins with '/'"};
  std::string part;
  for (std::size_t i = 1; i < pointer.size(); ++i) {
    if (pointer[i] == '/') {
      path.push_back(std::move(part));
      part.clear();
    } else if (pointer[i] == '~' && i + 1 < pointer.size() && (pointer[i + 1] == '0' || pointer[i + 1] == '1')) {
      part += pointer[++i] == '0' ? '~' : '/';
    } else {
      part += pointer[i];
    }
  }
  path.push_back(std::move(part));
  return path;
}

Result<std::vector<ApiSpec>> read_api_file(std::string_view text, const std::string& file) {
  if (text.size() > kMaxApiFileBytes) {
    return Error{errc::too_large, file + ": is larger than " + std::to_string(kMaxApiFileBytes >> 20) + " MiB"};
  }
  const Result<ReadJson> root = read_json(text, kLimitsOfFile);
  if (!root) return Error{errc::invalid_argument, file + ": cannot be read as JSON: " + root.error().message};
  return ApiFileReader(file).read(root->value);
}

}  // namespace baton::tools
