#pragma once
// A RunRequest is checked and converted to the configuration of a run and to the journal's record of it.
#include <string>
#include <vector>

#include "agent.h"

namespace baton::agent {

// The agent's tools that the model is offered, in the set's order, without those that are denied. errc::not_found names an unknown tool,
// errc::invalid_argument one that is requested but denied.
Result<std::vector<llm::ToolSpec>> offered_tools(const Agent& agent, const RunRequest& request);

// errc::invalid_argument names the field. `specs`: all tools, including the client's.
Result<void> check_request(const RunRequest& request, const std::vector<llm::ToolSpec>& specs);

// Whether the request asks for anything: errc::invalid_argument.
Result<void> check_asks(const RunRequest& request);

// Whether it is too late to answer this mcp_approval_request.
bool approval_expired(const Json& request, const Moment& now);

// Whether the input answers calls of this history: errc::invalid_argument names the item. Takes time in proportion to the items.
Result<void> check_answers(const std::vector<StoredItem>& history, const std::vector<Json>& input, const Moment& now);

// The approvals that the input answers, without those whose calls are replayed together with their results.
std::vector<std::string> answered_approvals(const std::vector<Json>& input);

// The names of the tools that the user has approved for the whole conversation.
std::vector<std::string> remembered_tools(const std::vector<StoredItem>& history, const std::vector<Json>& input);

// Without ids, model and history. errc::invalid_argument: the text format cannot be compiled.
Result<RunConfig> config_from(const RunRequest& request, const std::vector<llm::ToolSpec>& specs);

// Everything that is needed to understand the run, to repeat it, or to continue it; and the inverse.
Json request_json(const RunRequest& request, const std::vector<llm::ToolSpec>& specs);
RunRequest request_from_json(const Json& json);

// The first line of the first message that has one, shortened.
std::string title_of(const std::vector<Json>& input);

}  // namespace baton::agent
