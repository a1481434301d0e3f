#pragma once
// A RunRequest, checked and turned into what a run is started with and what the journal keeps of it.
#include <string>
#include <vector>

#include "agent.h"

namespace baton::agent {

// The agent's tools that the model is told of, in the set's order, without those that are denied. errc::not_found names the one that is not
// there, errc::invalid_argument the one that is asked for and denied.
Result<std::vector<llm::ToolSpec>> offered_tools(const Agent& agent, const RunRequest& request);

// errc::invalid_argument names the field. `specs`: all tools, the client's included.
Result<void> check_request(const RunRequest& request, const std::vector<llm::ToolSpec>& specs);

// Whether there is anything to do: errc::invalid_argument.
Result<void> check_asks(const RunRequest& request);

// Whether it is too late to answer this mcp_approval_request.
bool approval_expired(const Json& request, const Moment& now);

// Whether the input answers calls of this history: errc::invalid_argument names the item. Takes time in proportion to the items.
Result<void> check_answers(const std::vector<StoredItem>& history, const std::vector<Json>& input, const Moment& now);

// The approvals that the input answers, without those whose calls are replayed with what they brought.
std::vector<std::string> answered_approvals(const std::vector<Json>& input);

// The names of the tools that the user approves of for the whole conversation.
std::vector<std::string> remembered_tools(const std::vector<StoredItem>& history, const std::vector<Json>& input);

// Without ids, model and history.
RunConfig config_from(const RunRequest& request, const std::vector<llm::ToolSpec>& specs);

// What is needed to understand the run, to repeat it, or to go on with it, and the way back.
Json request_json(const RunRequest& request, const std::vector<llm::ToolSpec>& specs);
RunRequest request_from_json(const Json& json);

// The first line of the first message that has one, shortened.
std::string title_of(const std::vector<Json>& input);

}  // namespace baton::agent
