#pragma once
// Items of the protocol (OpenAI Responses), and the conversion of a conversation's items to the messages that a model reads.
#include <baton/llm/chat/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace baton::agent {

using llm::Json;

// Replaces a missing result in an item.
inline constexpr const char* kUnknownOutcome =
    "outcome unknown: the run was interrupted while this call was under way; it may or may not have had its effect";

// The model reads this if the user did not approve a call.
inline constexpr const char* kNotApproved = "not run: the user did not approve this call";

Json user_message_item(const std::string& id, const std::string& text);
Json assistant_message_item(const std::string& id, const std::string& text, int turn, const std::string& status);
Json reasoning_item(const std::string& id, const std::string& text, int turn, const std::string& status);

// A call, as far as it is known.
struct CallItem {
  enum class Kind {
    daemon,    // a tool that Baton runs: mcp_call
    client,    // a function of the client's: function_call
    approval,  // a tool that Baton runs when the user agrees: mcp_approval_request
  } kind = Kind::daemon;
  std::string id;       // of the item
  std::string call_id;  // of the call
  std::string name;
  std::string name_space = {};         // of a client's function that belongs to a namespace
  std::string arguments;               // JSON text
  std::string status = "in_progress";  // completed, failed; incomplete: cut off before the call was complete
  std::string result;                  // of a completed or failed one
  int turn = 0;
  double confidence = 1;
  std::string approval_request_id;  // of a daemon's call that the user has approved or refused
  std::int64_t expires_at = 0;      // of an approval: seconds since 1970, for people
  std::int64_t deadline_ms = 0;     // of an approval: Moment::steady_ms; it decides
};
Json call_item(const CallItem& call);

// The text of a call's result (mcp_call, function_call_output): its output, or its error. Empty while the call runs.
std::string result_of_call_item(const Json& item);
// All text of a message.
std::string text_of_message(const Json& item);
// For full-text search.
std::string search_text(const Json& item);
// The value of a string member; empty if there is none.
std::string string_of(const Json& item, const char* key);
int turn_of(const Json& item);  // 0: unknown
bool call_item_failed(const Json& item);

// JSON text; invalid UTF-8 becomes U+FFFD.
std::string to_text(const Json& value);

// One stored item, as the journal gives it.
struct StoredItem {
  std::string response_id;
  Json content;
  llm::RawTokens raw;
};

// Messages of a conversation from its items. Items of one turn become one assistant message, followed by one tool message a call, in the
// order of the calls, wherever its result is among the items; a call without a result (the run was cut off, the client never answered, the
// user did not approve) gets a result that says so, so that every history is valid. A call that was cut off (`incomplete`) becomes a
// sentence, and its result, if there is one, is left out. Calls may share an id: results belong to them in their order. Items without
// content for a model are left out.
std::vector<llm::Message> messages_from_items(const std::vector<StoredItem>& items);

// The sentence that the model reads instead of a call that was cut off before it was complete.
std::string told_as_not_run(const std::string& name);

// The calls of a conversation that wait for the client or the user.
struct OpenCalls {
  std::vector<Json> functions;  // function_call items without function_call_output
  std::vector<Json> approvals;  // mcp_approval_request items without mcp_approval_response
};
OpenCalls open_calls(const std::vector<StoredItem>& items);

}  // namespace baton::agent
