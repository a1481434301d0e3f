#pragma once
// One message of the user's, to its end: what the tools ask the user on the way is asked on the terminal.
#include <string>

#include "session.h"

namespace baton::agent::cli {

// Runs the message in that conversation (empty: a new one). Calls that wait for an approval, also of an earlier process, are asked about
// first: yes, no, or always in this conversation; --yes approves all of them, and where nobody can be asked they are refused, which the
// model is told (message_run.h). Ctrl-C cancels; at a question it leaves the call waiting.
Result<RunOutcome> converse(Session& session, const Globals& globals, const RunOptions& options, const std::string& message,
                            const std::string& conversation);

}  // namespace baton::agent::cli
