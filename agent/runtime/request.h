#pragma once
// A RunRequest, checked and turned into what a run is started with and what the journal keeps of it.
#include <string>
#include <vector>

#include "agent.h"

namespace baton::agent {

// The tools that the model is told of, in the set's order. errc::not_found names the one that is not there.
Result<std::vector<llm::ToolSpec>> offered_tools(const tools::ToolSet& set, const RunRequest& request);

// errc::invalid_argument names the field.
Result<void> check_request(const RunRequest& request, const std::vector<llm::ToolSpec>& specs);

// Without ids, model and history.
RunConfig config_from(const RunRequest& request, const std::vector<llm::ToolSpec>& specs);

// What is needed to understand the run or to repeat it.
Json request_json(const RunRequest& request, const std::vector<llm::ToolSpec>& specs);

// The first line of a message that has one, shortened.
std::string title_of(const std::string& text);

}  // namespace baton::agent
