#include "request_draft.h"

#include <baton/tools/api/text_template.h>
#include <baton/tools/http/http_client.h>
#include <baton/tools/text.h>

#include <algorithm>

namespace baton::tools::openapi {
namespace {

std::string place_of(const Json& parameter) { return text_at(parameter, "in") + " parameter '" + text_at(parameter, "name") + "'"; }

// Empty: the parameter cannot be sent.
std::string query_style(const Json& parameter, const Json& schema, bool json) {
  if (json) return "json";
  std::string style = text_at(parameter, "style");
  if (style.empty()) style = "form";
  if (style == "deepObject") return "deep";
  if (has_type(schema, "object")) return "";
  const bool explode = flag_at(parameter, "explode", style == "form");
  if (explode) return "repeat";
  return style == "spaceDelimited" ? "space" : style == "pipeDelimited" ? "pipe" : has_type(schema, "array") ? "comma" : "repeat";
}

// Whether the members of a body can be merged with the other parameters: small models fill in flat arguments better than nested ones.
bool can_be_flat(const Json& schema) {
  if (!at(schema, "properties").is_object() || at(schema, "properties").empty() || (schema.contains("type") && schema["type"] != "object"))
    return false;
  for (const char* key : {"anyOf", "oneOf", "allOf", "not", "if", "patternProperties", "minProperties", "maxProperties"}) {
    if (schema.contains(key)) return false;
  }
  return at(schema, "additionalProperties").is_null() || at(schema, "additionalProperties") == false;
}

}  // namespace

std::vector<const Json*> RequestDraft::all_parameters() const {
  std::vector<const Json*> all;
  for (const Json* source : {&at(*operation_.item, "parameters"), &at(*operation_.body, "parameters")}) {
    if (!source->is_array()) continue;
    for (const Json& written : *source) {
      const Json* parameter = resolved(document_, written);
      if (parameter == nullptr || !parameter->is_object()) {
        note_("a parameter whose reference does not resolve in this document is left out");
        continue;
      }
      // The operation's own parameters override the path's.
      std::erase_if(all, [&](const Json* other) { return place_of(*other) == place_of(*parameter); });
      all.push_back(parameter);
    }
  }
  return all;
}

std::string RequestDraft::add_argument(const std::string& name, Json schema, const std::string& about, bool required) {
  std::string plain = plain_name(name, false);
  const std::string argument = unique_name(plain.empty() ? "value" : plain, names_);
  if (std::string text = short_text(about, 300); !text.empty() && schema.is_object()) schema["description"] = std::move(text);
  properties_[argument] = std::move(schema);
  if (required) required_.push_back(argument);
  return argument;
}

void RequestDraft::add_parameters() {
  SchemaConverter converter(document_, note_);
  for (const Json* parameter : all_parameters()) add_parameter(*parameter, converter);
}

void RequestDraft::add_parameter(const Json& parameter, SchemaConverter& converter) {
  const std::string name = text_at(parameter, "name"), in = text_at(parameter, "in");
  const bool required = in == "path" || flag_at(parameter, "required", false);
  const auto give_up = [&](const std::string& why) {
    if (required) throw LeftOut{"its " + place_of(parameter) + " " + why};
    note_("the " + place_of(parameter) + " is left out: it " + why);
  };
  const Json& content = at(parameter, "content");
  const bool json = content.is_object() && !content.empty();
  Json schema = converter.convert(json ? at(*content.begin(), "schema").is_null() ? Json::object() : at(*content.begin(), "schema")
                                  : at(parameter, "schema").is_null() ? Json::object()
                                                                      : at(parameter, "schema"));
  const auto argument = [&] { return add_argument(name, schema, text_at(parameter, "description"), required); };
  if (name.empty()) {
    give_up("has no name");
  } else if (in == "path") {
    if (const std::string style = text_at(parameter, "style"); !style.empty() && style != "simple")
      give_up("has the style '" + style + "'");
    const std::string as = "{" + argument() + "}";
    const std::string written = "{" + name + "}";
    if (path_.find(written) == std::string::npos) throw LeftOut{"its path has no " + written};
    for (std::size_t i = 0; (i = path_.find(written, i)) != std::string::npos; i += as.size()) path_.replace(i, written.size(), as);
  } else if (in == "query") {
    const std::string style = query_style(parameter, schema, json);
    if (style.empty()) {
      give_up("is an object in a style that cannot be distinguished from other parameters");
    } else if (style == "repeat") {
      query_[name] = "{" + argument() + "}";
    } else {
      query_[name] = Json{{"value", "{" + argument() + "}"}, {"style", style}};
    }
  } else if (in == "header") {
    const std::string known = ascii_lower(name);
    if (known == "accept" || known == "content-type" || known == "authorization") return;  // as the specification says
    if (!check_http_headers({{name, "x"}}) || known == "cookie") {
      give_up("is not a header that a tool can set");
    } else {
      headers_[name] = "{" + argument() + "}";
    }
  } else {
    give_up("goes into a cookie");
  }
}

// Path parameters without a description are strings.
std::string RequestDraft::add_path() {
  if (path_.find('#') != std::string::npos) throw LeftOut{"its path has a '#'"};
  const Result<TextTemplate> path = TextTemplate::parse(path_);
  if (!path) throw LeftOut{"its path " + path.error().message};
  std::string text;
  for (const TextTemplate::Part& part : path->parts()) {
    if (!part.is_argument) {
      text += escaped(part.text);
      continue;
    }
    std::string name = part.text;
    if (!properties_.contains(name)) {
      note_("the document does not describe {" + name + "} of its path: the argument is a string");
      name = add_argument(name, Json{{"type", "string"}}, "", true);
    }
    text += "{" + name + "}";
  }
  return text.empty() || text.front() != '/' ? "/" + text : text;
}

Json RequestDraft::add_body() {
  const Json& written = at(*operation_.body, "requestBody");
  if (written.is_null()) return nullptr;
  const Json* body = resolved(document_, written);
  if (body == nullptr) throw LeftOut{"the reference of its body does not resolve in this document"};
  const bool required = flag_at(*body, "required", false);
  if (operation_.method == "GET" || operation_.method == "HEAD") {
    if (required) throw LeftOut{"it is a " + operation_.method + " request with a body"};
    note_("its body is left out: a " + operation_.method + " request has no body");
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
  if (json != nullptr) return json_body(*json, json_type, required);
  if (form != nullptr) return form_body(*form, required);
  if (text != nullptr) {
    return Json{{"text", "{" + add_argument("body", Json{{"type", "string"}}, "the body, as text", required) + "}"}};
  }
  if (required) throw LeftOut{"its body is of a type that is not supported: " + (types.empty() ? "none is given" : types)};
  note_("its body is left out, because its type is not supported: " + types);
  return nullptr;
}

Json RequestDraft::converted(const Json& media) const {
  SchemaConverter converter(document_, note_);
  const Json& schema = at(media, "schema");
  return schema.is_null() ? Json::object() : converter.convert(schema);
}

// Calls use(name, argument, schema) for each member.
template <class Use>
void RequestDraft::add_members(const Json& schema, bool required, Use use) {
  const Json& needed = at(schema, "required");
  for (const auto& [name, property] : schema["properties"].items()) {
    const bool needs = required && needed.is_array() && std::find(needed.begin(), needed.end(), name) != needed.end();
    const std::string plain = plain_name(name, false);
    const std::string argument =
        add_argument(names_.count(plain) != 0 ? "body_" + plain : name, property, text_at(property, "description"), needs);
    use(name, argument, property);
  }
}

Json RequestDraft::json_body(const Json& media, const std::string& type, bool required) {
  const Json schema = converted(media);
  Json body = Json::object();
  if (can_be_flat(schema)) {
    Json members = Json::object();
    add_members(schema, required,
                [&](const std::string& name, const std::string& argument, const Json&) { members[name] = "{" + argument + "}"; });
    body["json"] = std::move(members);
  } else {
    body["json"] =
        "{" + add_argument("body", schema, text_at(schema, "description").empty() ? "the body" : text_at(schema, "description"), required) +
        "}";
  }
  if (!type.empty()) body["type"] = type;
  return body;
}

Json RequestDraft::form_body(const Json& media, bool required) {
  const Json schema = converted(media);
  if (!at(schema, "properties").is_object() || at(schema, "properties").empty()) {
    if (required) throw LeftOut{"its form has no properties"};
    return nullptr;
  }
  if (!can_be_flat(schema)) note_("only the named properties of its form can be sent");
  Json form = Json::object();
  add_members(schema, required, [&](const std::string& name, const std::string& argument, const Json& property) {
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

}  // namespace baton::tools::openapi
