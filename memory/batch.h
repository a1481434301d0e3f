#pragma once
// What a Batch holds until the writer writes it.
#include "journal.h"

#include <variant>

namespace baton::memory {

struct RemoveConversation {
  std::string id;
};
using Write = std::variant<Conversation, Response, Item, Event, ToolInvocation, RemoveConversation>;

struct Batch::Impl {
  std::vector<Write> writes;
};

}  // namespace baton::memory
