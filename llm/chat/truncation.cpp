#include "truncation.h"

#include <algorithm>

namespace baton::llm {
namespace {

// Removes the messages before `begin`, except system messages.
ChatRequest cut(const ChatRequest& request, std::size_t begin) {
  ChatRequest rest = request;
  rest.messages.clear();
  for (std::size_t i = 0; i < request.messages.size(); ++i) {
    if (i >= begin || request.messages[i].role == Role::system) rest.messages.push_back(request.messages[i]);
  }
  return rest;
}

Error overflow_of(const PromptBuilder& builder, const ChatRequest& request, int n_ctx) {
  const Result<int> counted = count_tokens(builder, request, n_ctx);
  return counted ? context_overflow_error(n_ctx, static_cast<std::size_t>(*counted), false) : counted.error();
}

}  // namespace

Result<int> count_tokens(const PromptBuilder& builder, const ChatRequest& request, int n_ctx) {
  const auto counted = builder.build(request, kCountedContexts * n_ctx);
  if (counted) return static_cast<int>(counted->ids.size());
  if (counted.error().code != errc::context_overflow) return counted.error();
  return context_overflow_error(n_ctx, static_cast<std::size_t>(kCountedContexts) * static_cast<std::size_t>(n_ctx), true);
}

Error context_overflow_error(int n_ctx, std::size_t n_tokens, bool at_least) {
  return {errc::context_overflow, "This model's maximum context length is " + std::to_string(n_ctx) + " tokens. However, the prompt has " +
                                      (at_least ? "at least " : "") + std::to_string(n_tokens) +
                                      " tokens, and the answer needs one at least: shorten the conversation, or start with a larger --ctx"};
}

Result<FittingPrompt> build_fitting(const PromptBuilder& builder, const ChatRequest& request, int n_ctx) {
  auto whole = builder.build(request, n_ctx);
  if (whole || whole.error().code != errc::context_overflow) {
    if (!whole) return whole.error();
    return FittingPrompt{std::move(*whole), 0};
  }
  const std::vector<std::size_t>& points = request.may_begin_at;
  if (points.empty()) return overflow_of(builder, request, n_ctx);

  const int reserve = std::min(request.turn.max_output_tokens, n_ctx / 4);
  std::optional<FittingPrompt> best;
  std::optional<Error> failure;
  const auto fits = [&](std::size_t point, int within) {
    const ChatRequest rest = cut(request, points[point]);
    auto prompt = builder.build(rest, within);
    if (!prompt && prompt.error().code != errc::context_overflow) failure = prompt.error();
    if (!prompt) return false;
    best = FittingPrompt{std::move(*prompt), static_cast<int>(request.messages.size() - rest.messages.size())};
    return true;
  };
  // Searches from the end, in steps that double, so that nothing much longer than the context is ever rendered; then between the last two.
  const std::size_t last = points.size() - 1;
  std::size_t shortest = last, longer = 0;  // the first fits; a prompt that begins at or before the second does not
  if (!fits(last, n_ctx - reserve + 1)) {
    if (failure) return *failure;
    if (fits(last, n_ctx)) return std::move(*best);
    return failure ? *failure : overflow_of(builder, cut(request, points[last]), n_ctx);
  }
  bool bounded = false;
  for (std::size_t step = 1; shortest > 0 && !bounded; step *= 2) {
    const std::size_t next = shortest > step ? shortest - step : 0;
    if (fits(next, n_ctx - reserve + 1)) {
      shortest = next;
    } else {
      longer = next;
      bounded = true;
    }
  }
  while (bounded && shortest - longer > 1) {
    const std::size_t middle = longer + (shortest - longer) / 2;
    (fits(middle, n_ctx - reserve + 1) ? shortest : longer) = middle;
  }
  return std::move(*best);
}

}  // namespace baton::llm
