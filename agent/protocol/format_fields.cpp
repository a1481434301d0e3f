#include "format_fields.h"

#include <baton/agent/runtime/compile_format.h>

#include <algorithm>

namespace baton::agent::protocol {
namespace {

constexpr const char* kTypes = "text, json_object, json_schema, baton.regex and baton.grammar";

bool is_name(const std::string& name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

// name, description, schema, strict. The name is a label: llama.cpp's clients send none.
void read_schema(Fields& fields, Json& format) {
  const std::string name = fields.string("name").value_or("response");
  if (!is_name(name))
    fields.fail(ApiError::invalid(fields.path("name"), "'" + fields.path("name") + "' must be 1 to 64 letters, digits, _ or -"));
  format["name"] = name;
  if (const auto description = fields.string("description")) format["description"] = *description;
  const Json* schema = fields.any("schema");
  if (!schema) {
    fields.fail(ApiError::invalid(fields.path("schema"), "'" + fields.path("schema") + "' is missing", "missing_required_parameter"));
    return;
  }
  format["schema"] = *schema;
  format["strict"] = fields.boolean("strict").value_or(true);  // it is enforced either way
}

std::string required_text(Fields& fields, const char* key) {
  const auto text = fields.string(key);
  if (!text) fields.fail(ApiError::invalid(fields.path(key), "'" + fields.path(key) + "' is missing", "missing_required_parameter"));
  return text.value_or("");
}

// `part`: the client's place of the schema, pattern or grammar.
Parsed<TextFormat> compiled(Json json, const std::string& part) {
  TextFormat format{std::move(json)};
  const auto done = compile_format(format);
  if (done) return format;
  const std::string type = string_of(format.json, "type");
  const std::string code = type == "baton.regex" ? "invalid_regex" : type == "baton.grammar" ? "invalid_grammar" : "invalid_json_schema";
  return ApiError::invalid(part, "'" + part + "': " + done.error().message, code);
}

}  // namespace

Parsed<TextFormat> parse_text_format(const Json& value, const std::string& param, Notes& notes) {
  Fields fields(value, param, notes);
  Json format = {{"type", fields.string("type").value_or("")}};
  std::string part = param;
  // llama.cpp's server accepts a schema with either type.
  if (format["type"] == "json_schema" || (format["type"] == "json_object" && fields.any("schema"))) {
    format["type"] = "json_schema";
    part = fields.path("schema");
    read_schema(fields, format);
  } else if (format["type"] == "baton.regex") {
    part = fields.path("pattern");
    format["pattern"] = required_text(fields, "pattern");
  } else if (format["type"] == "baton.grammar") {
    part = fields.path("definition");
    format["syntax"] = fields.string("syntax").value_or("gbnf");
    if (format["syntax"] != "gbnf") fields.fail(ApiError::unsupported(fields.path("syntax"), "the only syntax is 'gbnf'"));
    format["definition"] = required_text(fields, "definition");
  } else if (format["type"] != "text" && format["type"] != "json_object") {
    fields.fail(ApiError::unsupported(fields.path("type"), std::string("the types are ") + kTypes));
  }
  if (const auto error = fields.finish()) return *error;
  return compiled(std::move(format), part);
}

Parsed<TextFormat> parse_response_format(const Json& value, const std::string& param, Notes& notes) {
  const bool nested = value.is_object() && value.value("type", Json()) == "json_schema" && !value.contains("schema");
  if (!nested) return parse_text_format(value, param, notes);
  Fields outer(value, param, notes);
  outer.any("type");
  const Json* inner = outer.any("json_schema");
  if (!inner) {
    outer.fail(
        ApiError::invalid(outer.path("json_schema"), "'" + outer.path("json_schema") + "' is missing", "missing_required_parameter"));
    return *outer.error();
  }
  Fields fields(*inner, outer.path("json_schema"), notes);
  Json format = {{"type", "json_schema"}};
  read_schema(fields, format);
  if (const auto error = fields.finish()) return *error;
  if (const auto error = outer.finish()) return *error;
  return compiled(std::move(format), fields.path("schema"));
}

namespace {

constexpr const char* kLocalNames[] = {"grammar",       "json_schema",    "guided_json",        "guided_regex",
                                       "guided_choice", "guided_grammar", "structured_outputs", "format"};

}  // namespace

std::span<const char* const> local_format_names() { return kLocalNames; }

void read_local_format(Fields& fields, TextFormat& format) {
  for (const char* key : {"guided_json", "guided_regex", "guided_choice", "guided_grammar", "structured_outputs", "format"})
    fields.unsupported(key, "send response_format, or text.format to /v1/responses", {"", Json::object()});
  std::optional<Json> wanted;
  std::string key;
  if (const auto grammar = fields.string("grammar"); grammar && !grammar->empty()) {
    key = "grammar";
    wanted = Json{{"type", "baton.grammar"}, {"syntax", "gbnf"}, {"definition", *grammar}};
  }
  if (const Json* schema = fields.any("json_schema")) {
    if (wanted) return fields.fail(ApiError::invalid("json_schema", "'json_schema' and 'grammar' exclude each other: send only one"));
    key = "json_schema";
    wanted = Json{{"type", "json_schema"}, {"name", "response"}, {"schema", *schema}, {"strict", true}};
  }
  if (!wanted) return;
  if (!format.is_plain())
    return fields.fail(ApiError::invalid(key, "'" + key + "' cannot be combined with another format of the answer: send only one"));
  auto read = compiled(std::move(*wanted), key);
  if (!read) return fields.fail(read.error());
  format = std::move(*read);
}

}  // namespace baton::agent::protocol
