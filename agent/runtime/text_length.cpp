#include "text_length.h"

#include <baton/agent/core/items.h>

#include <algorithm>

namespace baton::agent {
namespace {

constexpr std::size_t kLongText = 256 * 1024;  // bytes

std::string text_of(const Json& item) {
  const std::string type = string_of(item, "type");
  return type == "function_call_output" ? result_of_call_item(item) : type == "message" || type.empty() ? text_of_message(item) : "";
}

}  // namespace

Result<void> check_text_lengths(const RunRequest& request, const ModelFacts* facts) {
  if (!facts || request.truncate) return {};
  const auto n_ctx = static_cast<std::size_t>(facts->n_ctx());
  for (const Json& item : request.input) {
    const std::string text = text_of(item);
    if (text.size() < std::max(kLongText, n_ctx) || facts->tokenize(text, false, false, n_ctx)) continue;
    return Error{errc::context_overflow, "This model's maximum context length is " + std::to_string(n_ctx) +
                                             " tokens. However, a text of " + std::to_string(text.size()) + " bytes has more than " +
                                             std::to_string(n_ctx) + " tokens: shorten it, or start with a larger --ctx"};
  }
  return {};
}

}  // namespace baton::agent
