#pragma once
// Items of the protocol (OpenAI Responses), and the way back from a conversation's items to the messages that a model reads.
#include <baton/llm/chat/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace baton::agent {

using llm::Json;

Json user_message_item(const std::string& id, const std::string& text);
Json assistant_message_item(const std::string& id, const std::string& text, int turn, const std::string& status);
Json reasoning_item(const std::string& id, const std::string& text, int turn);

// A call of a tool that Baton runs. output and error: null until it ended.
struct CallItem {
  std::string id;       // of the item
  std::string call_id;  // of the call
  std::string name;
  Json arguments;
  const std::string* output = nullptr;
  const std::string* error = nullptr;
  int turn = 0;
  double confidence = 1;
};
Json call_item(const CallItem& call);

// One stored item, as the journal gives it.
struct StoredItem {
  std::string response_id;
  Json content;
  llm::RawTokens raw;
};

// Messages of a conversation from its items. Items of one turn become one assistant message, followed by one tool message a call; a call
// without a result (the run was cut off) gets one that says that its outcome is unknown, so that every history is valid.
std::vector<llm::Message> messages_from_items(const std::vector<StoredItem>& items);

}  // namespace baton::agent
