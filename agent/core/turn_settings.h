#pragma once
// The settings of a turn as JSON: with them a run's record can be read, repeated and continued.
#include <baton/llm/chat/types.h>

namespace baton::agent {

// {"tool_choice": "auto" | .. | {"name": ".."}, "parallel_tool_calls", "max_output_tokens", "history", "sampling": {..}, "stop",
// "logprobs", "template_variables" if there are any}.
llm::Json turn_settings_json(const llm::TurnSettings& settings);

// The inverse. A missing member has its default, because older records may lack it; other members are ignored.
llm::TurnSettings turn_settings_from(const llm::Json& json);

}  // namespace baton::agent
