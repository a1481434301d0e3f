#pragma once
// One message of the user's, to its answer. A call that waits for an approval ends a response, and what was said about it starts the next
// one: together they spend the budgets of one run, and a call that was refused is not asked for for ever.
#include <baton/agent/runtime/agent.h>

#include <functional>
#include <optional>

namespace baton::agent {

// The reason of an outcome: the model asked again for a call that had been refused.
inline constexpr const char* kRefusedTwice = "refused_twice";

struct MessageRun {
  // Starts a response and waits for its end.
  std::function<Result<RunOutcome>(RunRequest)> respond;
  // The answer to an mcp_approval_request (approval_answer); nothing: the user left, and the call goes on waiting.
  std::function<std::optional<Json>(const Json& request)> approve;
};

Json approval_answer(const Json& request, bool approve, const std::string& reason = "");

// `request` holds the message and the budgets of all its responses. Calls of its conversation that wait for an approval, also of an earlier
// process, are asked about first. After a refusal the next responses are without that tool. When the same call is refused a second time no
// further response is started: the outcome is incomplete, its reason kRefusedTwice. The outcome is the last response's; where the user
// left, required_input says what waits. Errors: of `respond`, io, and cancelled (the user left before the first response).
Result<RunOutcome> run_message(const tools::ToolSet& tools, memory::Journal& journal, const Clock& clock, RunRequest request,
                               const MessageRun& run);

}  // namespace baton::agent
