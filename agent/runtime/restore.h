#pragma once
// What a killed process leaves of a run: its journal holds every event that was shown, but an item only when it was finished. This makes
// items of the rest: text as far as it was written, calls with the result that their invocation has, or "outcome unknown".
#include <baton/agent/error.h>
#include <baton/memory/journal.h>

#include <string>

namespace baton::agent {

// Looks at the interrupted and failed runs of one conversation and commits the items that they lack; does nothing the second time. To be
// called before the conversation is continued, and by whoever shows it. True: there were such items.
Result<bool> keep_cut_items(memory::Journal& journal, const std::string& conversation_id);

}  // namespace baton::agent
