#pragma once
// A killed process leaves a run incomplete: its journal holds every event that was shown, but an item only if it was finished. This makes
// items of the rest: text as far as it was written, calls with the result of their invocation, or "outcome unknown".
#include <baton/agent/error.h>
#include <baton/memory/journal.h>

#include <string>

namespace baton::agent {

// Reads the interrupted and failed runs of one conversation and commits the items that they lack; does nothing the second time. To be
// called before the conversation is continued or shown. True: there were such items.
Result<bool> keep_cut_items(memory::Journal& journal, const std::string& conversation_id);

}  // namespace baton::agent
