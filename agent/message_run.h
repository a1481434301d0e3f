#pragma once
// One message of the user, run to its answer. A call that waits for an approval ends a response, and the user's decision starts the next
// one: together they spend the budgets of one run, and the user is not asked again without end about a refused call.
#include <baton/agent/runtime/agent.h>

#include <functional>
#include <optional>

namespace baton::agent {

// The reason of an outcome: the model called again what had been refused.
inline constexpr const char* kRefusedTwice = "refused_twice";

struct MessageRun {
  // Starts a response and waits for its end.
  std::function<Result<RunOutcome>(RunRequest)> respond;
  // Returns the answer to an mcp_approval_request (approval_answer); nothing: the user left, and the call remains waiting.
  std::function<std::optional<Json>(const Json& request)> approve;
};

Json approval_answer(const Json& request, bool approve, const std::string& reason = "");

// `request` holds the message and the budgets of all its responses. Calls of its conversation that wait for an approval, also of an earlier
// process, are asked about first. After a refusal the next responses are without that tool. When the same call is refused a second time, no
// further response is started: the outcome is incomplete, its reason kRefusedTwice. The outcome is that of the last response; if the user
// left, required_input names the waiting calls. Errors: of `respond`, io, and cancelled (the user left before the first response).
Result<RunOutcome> run_message(const tools::ToolSet& tools, memory::Journal& journal, const Clock& clock, RunRequest request,
                               const MessageRun& run);

}  // namespace baton::agent
