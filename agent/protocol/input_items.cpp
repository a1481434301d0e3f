// The input items of a request.
#include <baton/agent/core/items.h>
#include <baton/llm/tool_syntax/tool_name.h>
#include <baton/tools/read_json.h>

#include <optional>

#include "create_request.h"
#include "fields.h"
#include "request_limits.h"

namespace baton::agent::protocol {
namespace {

// Text of a message: a string, or parts of text; an empty or missing text is accepted, because models and servers produce it.
Parsed<Json> parse_content(const Json* content, const std::string& path, bool assistant, Notes& notes) {
  const char* type = assistant ? "output_text" : "input_text";
  const auto part_of = [&](const std::string& text) {
    Json part = {{"type", type}, {"text", text}};
    if (assistant) part["annotations"] = Json::array();
    return part;
  };
  if (!content) return Json::array({part_of("")});
  if (content->is_string()) return Json::array({part_of(content->get<std::string>())});
  if (!content->is_array()) return ApiError::invalid(path, "'" + path + "' must be a string or an array of parts", "invalid_type");
  if (auto error = more_than(kMaxParts, path, content->size(), "parts")) return *error;
  Json parts = Json::array();
  for (std::size_t i = 0; i < content->size(); ++i) {
    const std::string at = path + "[" + std::to_string(i) + "]";
    const Json& part = (*content)[i];
    if (part.is_string()) {  // neighbours become one part: each would be ten times as large as it arrived
      if (i > 0 && (*content)[i - 1].is_string()) {
        parts.back()["text"].get_ref<std::string&>() += part.get_ref<const std::string&>();
      } else {
        parts.push_back(part_of(part.get<std::string>()));
      }
      continue;
    }
    const std::string kind = string_of(part, "type");
    if (!part.is_object() || kind.find("image") != std::string::npos || kind.find("file") != std::string::npos ||
        kind.find("audio") != std::string::npos || kind.find("video") != std::string::npos || kind == "computer_screenshot")
      return ApiError::unsupported(at, "this model reads text only; send input_text parts");
    if (assistant && (kind == "thinking" || kind == "redacted_thinking" || kind == "reasoning" || kind == "reasoning_text")) {
      notes.ignore(at);  // reasoning of another model, beside its answer
      continue;
    }
    const auto text = part.find(kind == "refusal" ? "refusal" : "text");
    const bool is_text = kind == "input_text" || kind == "output_text" || kind == "text" || kind == "refusal" || kind == "summary_text" ||
                         (kind.empty() && text != part.end());
    if (!is_text || (text != part.end() && !text->is_string() && !text->is_null()))
      return ApiError::invalid(at, "'" + at + "' must be {\"type\": \"" + type + "\", \"text\": \"..\"}");
    parts.push_back(part_of(text != part.end() && text->is_string() ? text->get<std::string>() : ""));
  }
  return parts;
}

ApiError missing(const std::string& path, const char* key) {
  return ApiError::invalid(path + "." + key, "'" + path + "." + key + "' is missing");
}

// Calls of other servers' own tools that their clients ran: shell_call, computer_call, .. with their outputs. A model reads them as calls
// of a function of that name.
bool is_foreign_call(const std::string& type) {
  return type == "custom_tool_call" || type == "local_shell_call" || type == "shell_call" || type == "apply_patch_call" ||
         type == "computer_call";
}
bool is_foreign_output(const std::string& type) { return type.ends_with("_output") && is_foreign_call(type.substr(0, type.size() - 7)); }

// Work that other servers did by themselves: the answer beside it contains its result.
bool is_foreign_work(const std::string& type) {
  return type == "web_search_call" || type == "file_search_call" || type == "code_interpreter_call" || type == "image_generation_call" ||
         type == "tool_search_call" || type == "tool_search_output";
}

class ItemParser {
 public:
  // `argument_keys`: of the items of the request before this one; its own are added.
  ItemParser(const Json& item, std::string path, std::size_t& argument_keys, Notes& notes)
      : item_(item), fields_(item, path, notes), path_(std::move(path)), argument_keys_(argument_keys) {}

  Parsed<Json> parse() {
    if (fields_.error()) return *fields_.error();
    std::string type = fields_.string("type").value_or(item_.contains("role") ? "message" : "");
    fields_.any("id");
    fields_.any("status");
    fields_.skip_own();
    Parsed<Json> parsed = by_type(type);
    if (!parsed) return parsed;
    if (auto error = fields_.finish()) return *error;
    if (auto error = take_extensions(*parsed)) return *error;
    return parsed;
  }

 private:
  // Fields that Baton gave such an item; a client may send them back, and must not send anything else.
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

  // The arguments of a call, as a model wrote them. Returns nothing if they are not the text of a JSON object: the call was cut off, or
  // malformed. Returns an error if they exceed the limits.
  Parsed<std::optional<std::string>> arguments() {
    const std::string at = path_ + ".arguments";
    const Json* given = fields_.any("arguments");
    if (!given) return std::optional<std::string>("{}");
    std::string text = given->is_string() ? given->get<std::string>() : to_text(*given);
    if (text.find_first_not_of(" \t\r\n") == std::string::npos || text == "null") return std::optional<std::string>("{}");
    if (text.size() > kMaxArgumentBytes)
      return ApiError::invalid(
          at, "'" + at + "' has " + std::to_string(text.size()) + " bytes; at most " + std::to_string(kMaxArgumentBytes) + " are allowed");
    const auto read = tools::read_json(text, kArgumentLimits);
    if (!read && read.error().code == tools::errc::too_large) return ApiError::invalid(at, "'" + at + "': " + read.error().message);
    if (!read || !read->value.is_object()) return std::optional<std::string>();
    argument_keys_ += read->keys;
    if (argument_keys_ > kMaxArgumentKeys)
      return ApiError::invalid(at, "the arguments of all calls up to '" + at + "' have " + std::to_string(argument_keys_) +
                                       " keys; at most " + std::to_string(kMaxArgumentKeys) + " are allowed");
    return std::optional(std::move(text));
  }

  // Dropped, and told to the model as not run (core/messages.cpp).
  bool cut_off(const std::optional<std::string>& arguments) {
    const bool cut = !arguments || string_of(item_, "status") == "incomplete";
    if (cut) fields_.notes().ignore(path_);
    return cut;
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
    if (type == "compaction" || type == "compaction_summary") return compaction();
    if (is_foreign_call(type)) return foreign_call(type);
    if (is_foreign_output(type)) return function_call_output();
    if (type == "mcp_list_tools" || is_foreign_work(type)) return nothing_to_read(type);
    return ApiError::unsupported(
        path_,
        "items are message, function_call, function_call_output, mcp_call, mcp_approval_request, "
        "mcp_approval_response, mcp_list_tools, reasoning, compaction, item_reference, baton.retry_tool and calls of "
        "other servers' tools; not '" +
            type + "'");
  }

  Parsed<Json> message() {
    const std::string role = fields_.string("role").value_or("");
    if (role != "user" && role != "assistant" && role != "system" && role != "developer")
      return ApiError::invalid(path_ + ".role", "'" + path_ + ".role' must be user, assistant, system or developer");
    fields_.any("phase");
    auto content = parse_content(fields_.any("content"), path_ + ".content", role == "assistant", fields_.notes());
    if (!content) return content.error();
    for (const char* key : {"annotations", "name", "refusal"}) fields_.any(key);
    return Json{{"type", "message"}, {"role", role}, {"status", "completed"}, {"content", std::move(*content)}};
  }
  Parsed<Json> function_call() {
    const auto call_id = fields_.string("call_id", 256), name = fields_.string("name", llm::kMaxToolNameBytes);
    const auto name_space = fields_.string("namespace", llm::kMaxToolNameBytes);
    if (!call_id) return missing(path_, "call_id");
    if (!name) return missing(path_, "name");
    const auto text = arguments();
    if (!text) return text.error();
    Json item = {{"type", "function_call"}, {"call_id", *call_id}, {"name", *name}, {"arguments", text->value_or("{}")}};
    item["status"] = cut_off(*text) ? "incomplete" : "completed";
    if (name_space && !name_space->empty()) item["namespace"] = *name_space;
    return item;
  }
  Parsed<Json> function_call_output() {
    auto call_id = fields_.string("call_id", 256);
    if (!call_id && string_of(item_, "type") == "local_shell_call_output") call_id = fields_.string("id", 256);
    for (const char* key : {"name", "max_output_length", "acknowledged_safety_checks"}) fields_.any(key);
    if (!call_id) return missing(path_, "call_id");
    const Json* output = fields_.any("output");
    std::string text;
    if (output && output->is_array()) {
      const auto parts = parse_content(output, path_ + ".output", false, fields_.notes());
      if (!parts) return parts.error();
      for (const Json& part : *parts) text += string_of(part, "text");
    } else if (output) {
      if (string_of(*output, "type").find("screenshot") != std::string::npos)
        return ApiError::unsupported(path_ + ".output", "this model reads text only");
      text = output->is_string() ? output->get<std::string>() : to_text(*output);
    }
    return Json{{"type", "function_call_output"}, {"call_id", *call_id}, {"output", text}, {"status", "completed"}};
  }
  // {"type": "shell_call", "call_id", "action": {..}} as a call of the function "shell" with the action's members, and
  // {"type": "custom_tool_call", "call_id", "name", "input"} as one with the argument "input".
  Parsed<Json> foreign_call(const std::string& type) {
    const auto call_id = fields_.string("call_id", 256), name = fields_.string("name", llm::kMaxToolNameBytes);
    for (const char* key : {"input", "action", "operation", "pending_safety_checks", "environment", "namespace"}) fields_.any(key);
    if (!call_id) return missing(path_, "call_id");
    Json arguments = Json::object();
    for (const char* key : {"action", "operation"}) {
      if (const auto at = item_.find(key); at != item_.end() && at->is_object()) arguments = *at;
    }
    if (const auto at = item_.find("input"); at != item_.end()) arguments["input"] = *at;
    const Json call = {{"type", "function_call"},
                       {"call_id", *call_id},
                       {"name", name && !name->empty() ? *name : type.substr(0, type.size() - 5)},
                       {"arguments", to_text(arguments)},
                       {"status", string_of(item_, "status")}};
    return ItemParser(call, path_, argument_keys_, fields_.notes()).parse();
  }
  // The output of POST /v1/responses/compact. Only the server that wrote it can read another server's output.
  Parsed<Json> compaction() {
    const std::string text = fields_.string("encrypted_content", 1 << 20).value_or("");
    if (fields_.error()) return *fields_.error();
    if (!text.starts_with(kCompactionMark))
      return ApiError::unsupported(
          path_ + ".encrypted_content",
          "it stands for a conversation that only the server which made it can read; send the conversation's items");
    return Json{{"type", "message"},
                {"role", "user"},
                {"status", "completed"},
                {"content", Json::array({{{"type", "input_text"}, {"text", text.substr(kCompactionMark.size())}}})}};
  }
  Parsed<Json> nothing_to_read(const std::string& type) {
    if (type != "mcp_list_tools") fields_.notes().ignore(path_);
    fields_.skip_all();
    return Json{{"type", "mcp_list_tools"}};
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
  // Api::take_references replaces it by the item.
  Parsed<Json> reference() {
    const std::string id = string_of(item_, "id");
    if (id.empty()) return missing(path_, "id");
    return Json{{"type", "item_reference"}, {"id", id}};
  }
  // An item of an earlier output that a client replays: it keeps its id, which approvals refer to.
  Parsed<Json> daemon_call(const std::string& type) {
    const auto name = fields_.string("name", llm::kMaxToolNameBytes);
    for (const char* key : {"server_label", "output", "error", "approval_request_id"}) fields_.any(key);
    if (!name) return missing(path_, "name");
    const auto text = arguments();
    if (!text) return text.error();
    const bool cut = cut_off(*text);
    if (cut && type == "mcp_approval_request")
      return ApiError::invalid(path_ + ".arguments", "'" + path_ + ".arguments' must be the text of a JSON object");
    Json item = {
        {"id", string_of(item_, "id")}, {"type", type}, {"server_label", "baton"}, {"name", *name}, {"arguments", text->value_or("{}")}};
    item["baton.call_id"] = string_of(item_, "id");
    if (type == "mcp_approval_request") return item;
    const std::string status = string_of(item_, "status");
    item["status"] = cut ? "incomplete" : status.empty() ? "completed" : status;
    item["output"] = string_of(item_, "output");
    item["error"] = call_error();
    if (!string_of(item_, "approval_request_id").empty()) item["approval_request_id"] = string_of(item_, "approval_request_id");
    return item;
  }
  // Any JSON may be an error; the part that a model reads is kept, in Baton's own form of errors.
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

Parsed<std::vector<Json>> parse_input(const Json& input, const std::string& param, Notes& notes) {
  if (input.is_string()) return std::vector<Json>{user_message_item("", input.get<std::string>())};
  if (!input.is_array()) return ApiError::invalid(param, "'" + param + "' must be a string or an array of items", "invalid_type");
  if (auto error = more_than(kMaxItems, param, input.size(), "items")) return *error;
  std::vector<Json> items;
  std::size_t argument_keys = 0;
  for (std::size_t i = 0; i < input.size(); ++i) {
    Parsed<Json> item = ItemParser(input[i], param + "[" + std::to_string(i) + "]", argument_keys, notes).parse();
    if (!item) return item.error();
    items.push_back(std::move(*item));
  }
  return items;
}

}  // namespace baton::agent::protocol
