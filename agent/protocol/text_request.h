#pragma once
// The body of a completion without a conversation: a prompt that the model continues literally.
#include <baton/agent/generator/generator.h>

#include "completion_request.h"
#include "create_request.h"

namespace baton::agent::protocol {

inline constexpr std::size_t kMaxChoices = 64;            // prompts times n
inline constexpr std::size_t kMaxPromptTokens = 1 << 20;  // of one prompt; no known context is larger

// `facts`: of the model; null: no model could continue a text. `prompt` is a text, token ids, or a list of either.
Parsed<CompletionRequest> parse_text(const Json& body, const Offer& offer, const ModelFacts* facts, Notes& notes);

// A list of token ids of the model: [1, 2, 3]. `param`: its name, for errors.
Parsed<std::vector<std::int32_t>> parse_tokens(const Json& list, const std::string& param, const ModelFacts& facts);

}  // namespace baton::agent::protocol
