#pragma once
// Conversations longer than the context: builds the prompt of their last part, or the error if even that does not fit.
#include <baton/llm/chat/types.h>

#include "prompt.h"

namespace baton::llm {

// A prompt that does not fit is counted up to this many contexts, because its sender wants to know by how much it is too long.
inline constexpr int kCountedContexts = 4;

struct FittingPrompt {
  Prompt prompt;
  int n_left_out = 0;  // messages
};

// The prompt of the request, or, if it has too many tokens for a context of n_ctx, of the longest part that ChatRequest::may_begin_at
// allows and that leaves room for the answer: max_output_tokens, at most a quarter of the context. The time is proportional to the context,
// not to the conversation. Errors of PromptBuilder::build; errc::context_overflow has both figures.
Result<FittingPrompt> build_fitting(const PromptBuilder& builder, const ChatRequest& request, int n_ctx);

// Tokens of the request's prompt. errc::context_overflow if it has more than kCountedContexts; a longer prompt is not counted to its end.
Result<int> count_tokens(const PromptBuilder& builder, const ChatRequest& request, int n_ctx);

// "This model's maximum context length is 2048 tokens. However, the prompt has 3012 ..", the wording that clients search for.
Error context_overflow_error(int n_ctx, std::size_t n_tokens, bool at_least);

}  // namespace baton::llm
