#pragma once
// A conversation that is longer than the context: the prompt of its end, and what is said where even that does not fit.
#include <baton/llm/chat/types.h>

#include "prompt.h"

namespace baton::llm {

// How far a prompt that does not fit is counted, in contexts: whoever sends it wants to know how much is too much.
inline constexpr int kCountedContexts = 4;

struct FittingPrompt {
  Prompt prompt;
  int n_left_out = 0;  // messages
};

// The prompt of the request, or, where that has too many tokens for a context of n_ctx, of the longest part that
// ChatRequest::may_begin_at allows and that leaves room for the answer: max_output_tokens, at most a quarter of the context. Takes time in
// proportion to the context, not to the conversation. Errors of PromptBuilder::build; errc::context_overflow has both figures.
Result<FittingPrompt> build_fitting(const PromptBuilder& builder, const ChatRequest& request, int n_ctx);

// Tokens of the request's prompt. errc::context_overflow where it has more than kCountedContexts: nothing longer is counted to its end.
Result<int> count_tokens(const PromptBuilder& builder, const ChatRequest& request, int n_ctx);

// "This model's maximum context length is 2048 tokens. However, the prompt has 3012 ..", as clients look for it.
Error context_overflow_error(int n_ctx, std::size_t n_tokens, bool at_least);

}  // namespace baton::llm
