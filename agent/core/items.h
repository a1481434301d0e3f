#pragma once
// Items of the protocol (OpenAI Responses), and the way back from a conversation's items to the messages that a model reads.
#include <baton/llm/chat/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace baton::agent {

using llm::Json;

// What stands in an item's place when a result is missing.
inline constexpr const char* kUnknownOutcome =
    "outcome unknown: the run was interrupted while this call was under way; it may or may not have had its effect";

Json user_message_item(const std::string& id, const std::string& text);
Json assistant_message_item(const std::string& id, const std::string& text, int turn, const std::string& status);
Json reasoning_item(const std::string& id, const std::string& text, int turn, const std::string& status);

// A call of a tool that Baton runs, as it is known so far.
struct CallItem {
  std::string id;       // of the item
  std::string call_id;  // of the call
  std::string name;
  std::string arguments;               // JSON text
  std::string status = "in_progress";  // completed, failed; incomplete: cut off before it was a call
  std::string result;                  // of a completed or failed one
  int turn = 0;
  double confidence = 1;
};
Json call_item(const CallItem& call);

// The text of what a call brought: its output, or its error. Empty while it runs.
std::string result_of_call_item(const Json& item);
bool call_item_failed(const Json& item);

// JSON text; invalid UTF-8 becomes U+FFFD.
std::string to_text(const Json& value);

// One stored item, as the journal gives it.
struct StoredItem {
  std::string response_id;
  Json content;
  llm::RawTokens raw;
};

// Messages of a conversation from its items. Items of one turn become one assistant message, followed by one tool message a call; a call
// without a result (the run was cut off) gets one that says that its outcome is unknown, so that every history is valid. Items that hold
// nothing a model could read are left out.
std::vector<llm::Message> messages_from_items(const std::vector<StoredItem>& items);

}  // namespace baton::agent
