#pragma once
// The contents of a Batch until the writer writes it.
#include "journal.h"

#include <variant>

namespace baton::memory {

struct Spent {
  std::string response_id;
  std::int64_t ms = 0;
};
struct AnswerApproval {
  std::string approval_id, response_id;
};
struct RemoveConversation {
  std::string id;
};
struct RemoveResponse {
  std::string id;
};
struct RemoveItem {
  std::string id;
};
struct AllowTool {
  std::string conversation_id, tool;
};
struct ForkConversation {
  std::string from;
  std::string last_item;  // empty: all items
  Conversation to;
};
struct SetMetadata {
  std::string conversation_id;
  Json metadata;
};
struct Rate {
  std::string response_id, rating, note;
};
// Ends a response that is still open and still belongs to this owner; otherwise errc::not_found.
struct EndAbandoned {
  std::string response_id;
  std::int64_t owner = 0;
};
struct ExpectIdle {
  std::string conversation_id, last_response_id;
};
// Refuses the batch if one of these exists already.
struct ExpectNew {
  std::string conversation_id;
  std::vector<std::string> response_ids;
};
using Write = std::variant<Conversation, Response, Item, Event, ToolInvocation, Claim, AllowTool, Spent, AnswerApproval, RemoveConversation,
                           RemoveResponse, RemoveItem, ForkConversation, SetMetadata, Rate, EndAbandoned, ExpectIdle, ExpectNew>;

struct Batch::Impl {
  std::vector<Write> writes;
};

}  // namespace baton::memory
