#include "items.h"

#include <optional>
#include <utility>

namespace baton::agent {
namespace {

std::string string_or(const Json& item, const char* key, const std::string& otherwise) {
  if (!item.is_object()) return otherwise;
  const auto it = item.find(key);
  return it != item.end() && it->is_string() ? it->get<std::string>() : otherwise;
}

std::string text_of_parts(const Json& parts) {
  if (parts.is_string()) return parts.get<std::string>();
  std::string text;
  if (!parts.is_array()) return text;
  for (const Json& part : parts) text += string_or(part, "text", "");
  return text;
}

std::string text_of(const Json& item) {
  const auto content = item.find("content");
  return content == item.end() ? "" : text_of_parts(*content);
}

int turn_of(const Json& item) {
  const auto it = item.find("baton.turn");
  return it != item.end() && it->is_number_integer() ? it->get<int>() : 0;
}

Json object_from(const std::string& text) {
  Json value = Json::parse(text, nullptr, false);
  return value.is_object() ? value : Json::object();
}

}  // namespace

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
  if (call.status == "completed") item["output"] = call.result;
  if (call.status == "failed") {
    item["error"] = {{"type", "mcp_tool_execution_error"}, {"content", Json::array({{{"type", "text"}, {"text", call.result}}})}};
  }
  return item;
}

std::string result_of_call_item(const Json& item) {
  if (!item.is_object()) return "";
  if (call_item_failed(item)) {
    const Json& error = item["error"];
    if (error.is_string()) return error.get<std::string>();
    if (error.is_object() && error.contains("content")) return text_of_parts(error["content"]);
    return string_or(error, "message", to_text(error));
  }
  return string_or(item, "output", "");
}

bool call_item_failed(const Json& item) { return item.is_object() && item.contains("error") && !item["error"].is_null(); }

std::vector<llm::Message> messages_from_items(const std::vector<StoredItem>& items) {
  std::vector<llm::Message> messages, results;  // results of the assistant message that is being put together
  std::optional<std::pair<std::string, int>> open_turn;
  const auto close_turn = [&] {
    for (auto& result : results) messages.push_back(std::move(result));
    results.clear();
    open_turn.reset();
  };
  for (const StoredItem& item : items) {
    if (!item.content.is_object()) continue;
    const std::string type = string_or(item.content, "type", "");
    const bool incomplete = string_or(item.content, "status", "") == "incomplete";
    if (type == "message" && string_or(item.content, "role", "") == "user") {
      close_turn();
      messages.push_back({.role = llm::Role::user, .content = text_of(item.content)});
      continue;
    }
    if ((type != "message" && type != "reasoning" && type != "mcp_call") || (type == "mcp_call" && incomplete)) continue;
    const std::pair<std::string, int> turn{item.response_id, turn_of(item.content)};
    if (open_turn != turn) {
      close_turn();
      open_turn = turn;
      messages.push_back({.role = llm::Role::assistant});
    }
    llm::Message& message = messages.back();
    if (!item.raw.ids.empty()) message.raw = item.raw;
    if (type == "reasoning") {
      message.reasoning += text_of(item.content);
    } else if (type == "message") {
      message.content += text_of(item.content);
    } else {
      const std::string call_id = string_or(item.content, "baton.call_id", string_or(item.content, "id", ""));
      const std::string name = string_or(item.content, "name", "");
      message.tool_calls.push_back({call_id, name, object_from(string_or(item.content, "arguments", "{}"))});
      const std::string status = string_or(item.content, "status", "");
      const std::string result = status == "in_progress" ? kUnknownOutcome : result_of_call_item(item.content);
      results.push_back({.role = llm::Role::tool, .content = result, .tool_call_id = call_id, .name = name});
    }
  }
  close_turn();
  return messages;
}

}  // namespace baton::agent
