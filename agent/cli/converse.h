#pragma once
// One message of the user, run to its end: questions of the tools on the way are asked on the terminal.
#include <string>

#include "session.h"

namespace baton::agent::cli {

// Runs the message in that conversation (empty: a new one). First it asks about calls that wait for an approval, also those of an earlier
// process: yes, no, or always in this conversation. --yes approves all of them. Without a terminal to ask on they are refused, which the
// model is told (message_run.h). Ctrl-C cancels; at a question it leaves the call waiting.
Result<RunOutcome> converse(Session& session, const Globals& globals, const RunOptions& options, const std::string& message,
                            const std::string& conversation);

}  // namespace baton::agent::cli
