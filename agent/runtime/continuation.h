#pragma once
// The conversation that a request continues, as one snapshot of the journal has it.
#include <string>
#include <vector>

#include "agent.h"

namespace baton::agent {

struct Continuation {
  memory::Conversation conversation;  // that the new response belongs to
  std::string parent_id;              // the response it continues; empty: none
  std::vector<StoredItem> history;
  std::vector<std::string> allowed_tools;
  std::vector<Json> steering;  // messages that were sent to the parent and not taken yet: they come before the input
  // The conversation is a copy that is not in the journal yet: of this one, up to and including this item. Empty: it is not a copy.
  std::string copy_of, last_item;

  bool titled = false;  // its title was set just now
  bool is_new = false;  // the conversation is not in the journal yet, and is not a copy

  // Puts the conversation into the batch, with its preconditions: if it is continued in place, the parent must still be its last response
  // and none may be under way. Otherwise the batch is refused with memory::errc::overtaken.
  void put_into(memory::Batch& batch) const;
};

// Errors: not_found (the conversation), previous_not_found, busy.
Result<Continuation> find_continuation(memory::Journal& journal, const RunRequest& request);

}  // namespace baton::agent
