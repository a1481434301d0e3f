#include "items.h"

#include <algorithm>
#include <utility>

namespace baton::agent {
namespace {

std::string text_of_parts(const Json& parts) {
  if (parts.is_string()) return parts.get<std::string>();
  std::string text;
  if (!parts.is_array()) return text;
  for (const Json& part : parts) text += string_of(part, "text");
  return text;
}

Json mcp_call_item(const CallItem& call) {
  Json item = {{"id", call.id},
               {"type", "mcp_call"},
               {"server_label", "baton"},
               {"name", call.name},
               {"arguments", call.arguments},
               {"output", nullptr},
               {"error", nullptr},
               {"status", call.status},
               {"baton.call_id", call.call_id},
               {"baton.turn", call.turn},
               {"baton.confidence", call.confidence}};
  if (!call.approval_request_id.empty()) item["approval_request_id"] = call.approval_request_id;
  if (call.status == "completed") item["output"] = call.result;
  if (call.status == "failed") {
    item["error"] = {{"type", "mcp_tool_execution_error"}, {"content", Json::array({{{"type", "text"}, {"text", call.result}}})}};
  }
  return item;
}

Json approval_item(const CallItem& call) {
  return {{"id", call.id},
          {"type", "mcp_approval_request"},
          {"server_label", "baton"},
          {"name", call.name},
          {"arguments", call.arguments},
          {"baton.call_id", call.call_id},
          {"baton.turn", call.turn},
          {"baton.confidence", call.confidence},
          {"baton.expires_at", call.expires_at},
          {"baton.deadline_ms", call.deadline_ms}};
}

Json function_call_item(const CallItem& call) {
  Json item = {{"id", call.id},
               {"type", "function_call"},
               {"call_id", call.call_id},
               {"name", call.name},
               {"arguments", call.arguments},
               {"status", call.status},
               {"baton.turn", call.turn},
               {"baton.confidence", call.confidence}};
  if (!call.name_space.empty()) item["namespace"] = call.name_space;
  return item;
}

}  // namespace

std::string string_of(const Json& item, const char* key) {
  if (!item.is_object()) return "";
  const auto it = item.find(key);
  return it != item.end() && it->is_string() ? it->get<std::string>() : "";
}

std::string text_of_message(const Json& item) {
  if (!item.is_object()) return "";
  const auto content = item.find("content");
  return content == item.end() ? "" : text_of_parts(*content);
}

std::string to_text(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json user_message_item(const std::string& id, const std::string& text) {
  return {{"id", id},
          {"type", "message"},
          {"role", "user"},
          {"status", "completed"},
          {"content", Json::array({{{"type", "input_text"}, {"text", text}}})}};
}

Json assistant_message_item(const std::string& id, const std::string& text, int turn, const std::string& status) {
  Json content = Json::array();
  if (status != "in_progress") {
    content.push_back({{"type", "output_text"}, {"text", text}, {"annotations", Json::array()}, {"logprobs", Json::array()}});
  }
  return {{"id", id},          {"type", "message"}, {"role", "assistant"}, {"status", status}, {"content", std::move(content)},
          {"baton.turn", turn}};
}

Json reasoning_item(const std::string& id, const std::string& text, int turn, const std::string& status) {
  Json content = Json::array();
  if (status != "in_progress") content.push_back({{"type", "reasoning_text"}, {"text", text}});
  return {{"id", id},         {"type", "reasoning"}, {"summary", Json::array()}, {"content", std::move(content)},
          {"status", status}, {"baton.turn", turn}};
}

Json call_item(const CallItem& call) {
  switch (call.kind) {
    case CallItem::Kind::client:
      return function_call_item(call);
    case CallItem::Kind::approval:
      return approval_item(call);
    case CallItem::Kind::daemon:
      break;
  }
  return mcp_call_item(call);
}

std::string result_of_call_item(const Json& item) {
  if (!item.is_object()) return "";
  if (call_item_failed(item)) {
    const Json& error = item["error"];
    if (error.is_string()) return error.get<std::string>();
    if (error.is_object() && error.contains("content")) return text_of_parts(error["content"]);
    const std::string message = string_of(error, "message");
    return message.empty() ? to_text(error) : message;
  }
  const auto output = item.find("output");
  return output == item.end() ? "" : text_of_parts(*output);
}

bool call_item_failed(const Json& item) { return item.is_object() && item.contains("error") && !item["error"].is_null(); }

std::string search_text(const Json& item) {
  const std::string type = string_of(item, "type");
  if (type == "message") return text_of_message(item);
  if (type == "mcp_call") return string_of(item, "name") + " " + string_of(item, "arguments") + "\n" + result_of_call_item(item);
  if (type == "function_call" || type == "mcp_approval_request") return string_of(item, "name") + " " + string_of(item, "arguments");
  return type == "function_call_output" ? result_of_call_item(item) : "";
}

int turn_of(const Json& item) {
  const auto turn = item.find("baton.turn");
  return turn != item.end() && turn->is_number_integer() ? turn->get<int>() : 0;
}

}  // namespace baton::agent
