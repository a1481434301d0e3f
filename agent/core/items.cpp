#include "items.h"

#include <optional>

namespace baton::agent {
namespace {

constexpr const char* kUnknownOutcome =
    "outcome unknown: the run was interrupted while this call was under way; it may or may not have had its effect";

std::string text_of(const Json& item) {
  std::string text;
  const auto content = item.find("content");
  if (content == item.end()) return text;
  if (content->is_string()) return content->get<std::string>();
  if (!content->is_array()) return text;
  for (const Json& part : *content) {
    if (part.is_object()) text += part.value("text", "");
  }
  return text;
}

std::string string_or(const Json& item, const char* key, const std::string& otherwise) {
  const auto it = item.find(key);
  return it != item.end() && it->is_string() ? it->get<std::string>() : otherwise;
}

Json object_from(const std::string& text) {
  Json value = Json::parse(text, nullptr, false);
  return value.is_object() ? value : Json::object();
}

}  // namespace

Json user_message_item(const std::string& id, const std::string& text) {
  return {{"id", id}, {"type", "message"}, {"role", "user"}, {"status", "completed"},
          {"content", Json::array({{{"type", "input_text"}, {"text", text}}})}};
}

Json assistant_message_item(const std::string& id, const std::string& text, int turn, const std::string& status) {
  Json content = Json::array();
  if (status != "in_progress") content.push_back({{"type", "output_text"}, {"text", text}, {"annotations", Json::array()}});
  return {{"id", id}, {"type", "message"}, {"role", "assistant"}, {"status", status}, {"content", std::move(content)}, {"baton.turn", turn}};
}

Json reasoning_item(const std::string& id, const std::string& text, int turn) {
  Json content = Json::array();
  if (!text.empty()) content.push_back({{"type", "reasoning_text"}, {"text", text}});
  return {{"id", id}, {"type", "reasoning"}, {"summary", Json::array()}, {"content", std::move(content)}, {"baton.turn", turn}};
}

Json call_item(const CallItem& call) {
  Json item = {{"id", call.id},
               {"type", "mcp_call"},
               {"server_label", "baton"},
               {"name", call.name},
               {"arguments", call.arguments.dump(-1, ' ', false, Json::error_handler_t::replace)},
               {"output", nullptr},
               {"error", nullptr},
               {"status", call.error ? "failed" : call.output ? "completed" : "in_progress"},
               {"baton.call_id", call.call_id},
               {"baton.turn", call.turn},
               {"baton.confidence", call.confidence}};
  if (call.output) item["output"] = *call.output;
  if (call.error) item["error"] = *call.error;
  return item;
}

std::vector<llm::Message> messages_from_items(const std::vector<StoredItem>& items) {
  std::vector<llm::Message> messages, results;  // results of the assistant message that is being put together
  std::optional<std::pair<std::string, int>> open_turn;
  const auto close_turn = [&] {
    for (auto& result : results) messages.push_back(std::move(result));
    results.clear();
    open_turn.reset();
  };
  for (const StoredItem& item : items) {
    const std::string type = string_or(item.content, "type", "");
    if (type == "message" && string_or(item.content, "role", "") == "user") {
      close_turn();
      messages.push_back({.role = llm::Role::user, .content = text_of(item.content)});
      continue;
    }
    const std::pair<std::string, int> turn{item.response_id, item.content.value("baton.turn", 0)};
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
    } else if (type == "mcp_call") {
      const std::string call_id = string_or(item.content, "baton.call_id", string_or(item.content, "id", ""));
      const std::string name = string_or(item.content, "name", "");
      message.tool_calls.push_back({call_id, name, object_from(string_or(item.content, "arguments", "{}"))});
      const std::string output = string_or(item.content, "output", string_or(item.content, "error", kUnknownOutcome));
      results.push_back({.role = llm::Role::tool, .content = output, .tool_call_id = call_id, .name = name});
    }
  }
  close_turn();
  return messages;
}

}  // namespace baton::agent
