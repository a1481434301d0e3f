// The input items of a request.
#include <baton/agent/core/items.h>
#include <baton/llm/chat/tool_name.h>
#include <baton/tools/read_json.h>

#include <optional>

#include "create_request.h"
#include "fields.h"
#include "request_limits.h"

namespace baton::agent::server {
namespace {

// Text of a message: a string, or parts of text.
Parsed<Json> parse_content(const Json* content, const std::string& path, bool assistant) {
  const char* type = assistant ? "output_text" : "input_text";
  const auto part_of = [&](const std::string& text) {
    Json part = {{"type", type}, {"text", text}};
    if (assistant) part["annotations"] = Json::array();
    return part;
  };
  if (!content) return ApiError::invalid(path, "'" + path + "' is missing");
  if (content->is_string()) return Json::array({part_of(content->get<std::string>())});
  if (!content->is_array()) return ApiError::invalid(path, "'" + path + "' must be a string or an array of parts", "invalid_type");
  if (auto error = more_than(kMaxParts, path, content->size(), "parts")) return *error;
  Json parts = Json::array();
  for (std::size_t i = 0; i < content->size(); ++i) {
    const std::string at = path + "[" + std::to_string(i) + "]";
    const Json& part = (*content)[i];
    const std::string kind = string_of(part, "type");
    if (kind == "input_image" || kind == "input_file" || kind == "input_audio" || kind == "image_url")
      return ApiError::unsupported(at, "this model reads text only; send input_text parts");
    if (kind == "refusal" && part.contains("refusal") && part["refusal"].is_string()) {
      parts.push_back(part_of(part["refusal"].get<std::string>()));
      continue;
    }
    if ((kind != "input_text" && kind != "output_text" && kind != "text") || !part.contains("text") || !part["text"].is_string())
      return ApiError::invalid(at, "'" + at + "' must be {\"type\": \"" + type + "\", \"text\": \"..\"}");
    parts.push_back(part_of(part["text"].get<std::string>()));
  }
  return parts;
}

ApiError missing(const std::string& path, const char* key) {
  return ApiError::invalid(path + "." + key, "'" + path + "." + key + "' is missing");
}

class ItemParser {
 public:
  // `argument_keys`: of the items of the request before this one; its own are added.
  ItemParser(const Json& item, std::string path, std::size_t& argument_keys)
      : item_(item), fields_(item, path), path_(std::move(path)), argument_keys_(argument_keys) {}

  Parsed<Json> parse() {
    if (auto error = fields_.error(); error && !item_.is_object()) return *error;
    std::string type = fields_.string("type").value_or(item_.contains("role") ? "message" : "");
    fields_.any("id");
    fields_.any("status");
    fields_.skip_own();
    Parsed<Json> parsed = by_type(type);
    if (!parsed) return parsed;
    if (auto error = fields_.error()) return *error;
    if (auto error = take_extensions(*parsed)) return *error;
    return parsed;
  }

 private:
  // What we gave such an item ourselves; a client may send it back, and must not send anything else.
  std::optional<ApiError> take_extensions(Json& parsed) {
    const auto take = [&](const char* name, bool (Json::*right)() const, const char* wanted) -> std::optional<ApiError> {
      const auto value = item_.find(name);
      if (value == item_.end() || value->is_null()) return std::nullopt;
      if (!((*value).*right)())
        return ApiError::invalid(path_ + "." + name, "'" + path_ + "." + name + "' must be " + wanted, "invalid_type");
      parsed[name] = *value;
      return std::nullopt;
    };
    if (auto error = take("baton.turn", &Json::is_number_integer, "an integer")) return error;
    if (auto error = take("baton.expires_at", &Json::is_number_integer, "an integer")) return error;
    if (auto error = take("baton.deadline_ms", &Json::is_number_integer, "an integer")) return error;
    if (auto error = take("baton.call_id", &Json::is_string, "a string")) return error;
    if (auto error = take("baton.remember", &Json::is_boolean, "true or false")) return error;
    return take("baton.confidence", &Json::is_number, "a number");
  }

  // The text of a call's arguments; an error, unless it is a JSON object.
  Parsed<std::string> arguments() {
    const std::string at = path_ + ".arguments";
    const auto text = fields_.string("arguments");
    if (!text && !string_of(item_, "arguments").empty()) return *fields_.error();  // too long
    if (!text) return ApiError::invalid(at, "'" + at + "' must be the text of a JSON object");
    const auto read = tools::read_json(*text, kArgumentLimits);
    if (!read && read.error().code == tools::errc::too_large) return ApiError::invalid(at, "'" + at + "': " + read.error().message);
    if (!read || !read->value.is_object()) return ApiError::invalid(at, "'" + at + "' must be the text of a JSON object");
    argument_keys_ += read->keys;
    if (argument_keys_ > kMaxArgumentKeys)
      return ApiError::invalid(at, "the arguments of all calls up to '" + at + "' have " + std::to_string(argument_keys_) +
                                       " keys, more than " + std::to_string(kMaxArgumentKeys));
    return *text;
  }

  Parsed<Json> by_type(const std::string& type) {
    if (type == "message") return message();
    if (type == "function_call") return function_call();
    if (type == "function_call_output") return function_call_output();
    if (type == "mcp_approval_response") return approval_response();
    if (type == "mcp_approval_request" || type == "mcp_call") return daemon_call(type);
    if (type == "reasoning") return reasoning();
    if (type == "baton.retry_tool") return retry();
    if (type == "item_reference") return reference();
    if (type == "mcp_list_tools") {  // says nothing that a model reads
      for (const char* key : {"server_label", "tools", "error"}) fields_.any(key);
      return Json{{"type", type}};
    }
    return ApiError::unsupported(path_,
                                 "items are message, function_call, function_call_output, mcp_call, mcp_approval_request, "
                                 "mcp_approval_response, mcp_list_tools, reasoning, item_reference and baton.retry_tool; not '" +
                                     type + "'");
  }

  Parsed<Json> message() {
    const std::string role = fields_.string("role").value_or("");
    if (role != "user" && role != "assistant" && role != "system" && role != "developer")
      return ApiError::invalid(path_ + ".role", "'" + path_ + ".role' must be user, assistant, system or developer");
    fields_.any("phase");
    auto content = parse_content(fields_.any("content"), path_ + ".content", role == "assistant");
    if (!content) return content.error();
    return Json{{"type", "message"}, {"role", role}, {"status", "completed"}, {"content", std::move(*content)}};
  }
  Parsed<Json> function_call() {
    const auto call_id = fields_.string("call_id", 256), name = fields_.string("name", llm::kMaxToolNameBytes);
    fields_.any("namespace");
    if (!call_id) return missing(path_, "call_id");
    if (!name) return missing(path_, "name");
    const auto text = arguments();
    if (!text) return text.error();
    return Json{{"type", "function_call"}, {"call_id", *call_id}, {"name", *name}, {"arguments", *text}, {"status", "completed"}};
  }
  Parsed<Json> function_call_output() {
    const auto call_id = fields_.string("call_id", 256);
    fields_.any("name");
    const Json* output = fields_.any("output");
    if (!call_id) return missing(path_, "call_id");
    if (!output) return missing(path_, "output");
    std::string text;
    if (output->is_string()) {
      text = output->get<std::string>();
    } else {
      const auto parts = parse_content(output, path_ + ".output", false);
      if (!parts) return parts.error();
      for (const Json& part : *parts) text += string_of(part, "text");
    }
    return Json{{"type", "function_call_output"}, {"call_id", *call_id}, {"output", text}, {"status", "completed"}};
  }
  Parsed<Json> approval_response() {
    const auto id = fields_.string("approval_request_id", 256);
    const auto approve = fields_.boolean("approve");
    const auto reason = fields_.string("reason");
    if (!id) return missing(path_, "approval_request_id");
    if (!approve) return missing(path_, "approve");
    Json item = {{"type", "mcp_approval_response"}, {"approval_request_id", *id}, {"approve", *approve}};
    if (reason) item["reason"] = *reason;
    return item;
  }
  Parsed<Json> retry() {
    const auto id = fields_.string("item_id", 256);
    if (!id) return missing(path_, "item_id");
    return Json{{"type", "baton.retry_tool"}, {"item_id", *id}};
  }
  // Api::take_references puts the item in its place.
  Parsed<Json> reference() {
    const std::string id = string_of(item_, "id");
    if (id.empty()) return missing(path_, "id");
    return Json{{"type", "item_reference"}, {"id", id}};
  }
  // What a client replays of an earlier output: it keeps its id, which approvals refer to.
  Parsed<Json> daemon_call(const std::string& type) {
    const auto name = fields_.string("name", llm::kMaxToolNameBytes);
    for (const char* key : {"server_label", "output", "error", "approval_request_id"}) fields_.any(key);
    if (!name) return missing(path_, "name");
    const auto text = arguments();
    if (!text) return text.error();
    Json item = {{"id", string_of(item_, "id")}, {"type", type}, {"server_label", "baton"}, {"name", *name}, {"arguments", *text}};
    item["baton.call_id"] = string_of(item_, "id");
    if (type == "mcp_approval_request") return item;
    const std::string status = string_of(item_, "status");
    item["status"] = status.empty() ? "completed" : status;
    item["output"] = string_of(item_, "output");
    item["error"] = call_error();
    if (!string_of(item_, "approval_request_id").empty()) item["approval_request_id"] = string_of(item_, "approval_request_id");
    return item;
  }
  // Any JSON may be an error; what is kept of it is what a model reads, in the form that we give errors ourselves.
  Json call_error() const {
    if (!call_item_failed(item_)) return nullptr;
    if (item_["error"].is_string()) return item_["error"];
    return {{"type", "mcp_tool_execution_error"}, {"content", Json::array({{{"type", "text"}, {"text", result_of_call_item(item_)}}})}};
  }
  Parsed<Json> reasoning() {
    for (const char* key : {"summary", "encrypted_content"}) fields_.any(key);
    const Json* content = fields_.array("content");
    Json item = {{"type", "reasoning"}, {"summary", Json::array()}, {"content", Json::array()}};
    if (!content) return item;
    if (auto error = more_than(kMaxParts, path_ + ".content", content->size(), "parts")) return *error;
    for (const Json& part : *content) {
      if (!string_of(part, "text").empty()) item["content"].push_back({{"type", "reasoning_text"}, {"text", string_of(part, "text")}});
    }
    return item;
  }

  const Json& item_;
  Fields fields_;
  const std::string path_;
  std::size_t& argument_keys_;
};

}  // namespace

Parsed<std::vector<Json>> parse_input(const Json& input, const std::string& param) {
  if (input.is_string()) return std::vector<Json>{user_message_item("", input.get<std::string>())};
  if (!input.is_array()) return ApiError::invalid(param, "'" + param + "' must be a string or an array of items", "invalid_type");
  if (auto error = more_than(kMaxItems, param, input.size(), "items")) return *error;
  std::vector<Json> items;
  std::size_t argument_keys = 0;
  for (std::size_t i = 0; i < input.size(); ++i) {
    Parsed<Json> item = ItemParser(input[i], param + "[" + std::to_string(i) + "]", argument_keys).parse();
    if (!item) return item.error();
    items.push_back(std::move(*item));
  }
  return items;
}

}  // namespace baton::agent::server
