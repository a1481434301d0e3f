#pragma once
// The maximum lengths of a request's lists. Their entries are checked, copied and stored more than once, partly under locks that others
// wait for: without these limits, one body of 8 MiB could hold hundreds of thousands of the smallest entries. docs/operating.md lists them.
#include <baton/tools/read_json.h>

#include "api_error.h"

namespace baton::agent::protocol {

inline constexpr std::size_t kMaxItems = 10'000;       // of `input`; a chat's messages and tool calls count alike
inline constexpr std::size_t kMaxParts = 4096;         // of one item's content
inline constexpr std::size_t kMaxTools = 256;          // entries of `tools`, and of tool_choice's
inline constexpr std::size_t kMaxToolBytes = 1 << 20;  // of all functions together: name, description and schema
inline constexpr std::size_t kMaxToolFilter = 1024;    // names in allowed_tools or require_approval
inline constexpr std::size_t kMaxInclude = 32;         // OpenAI has 8 values
inline constexpr std::size_t kMaxStops = 64;           // OpenAI takes 4
inline constexpr std::size_t kMaxStopBytes = 1024;     // of one stop string
inline constexpr std::size_t kMaxLogitBias = 1024;     // tokens; each costs time with every token of the answer

// The arguments of one call. They are parsed again in every turn, in quadratic time in an object's keys.
inline constexpr tools::JsonLimits kArgumentLimits{.levels = 64, .keys_of_object = 1024, .keys = 100'000, .values = 200'000};
inline constexpr std::size_t kMaxArgumentBytes = 1 << 20;
inline constexpr std::size_t kMaxArgumentKeys = 100'000;  // of all calls of a request together

// "'stop' holds 65 strings; at most 64 are allowed", if it does.
inline std::optional<ApiError> more_than(std::size_t most, const std::string& param, std::size_t size, const char* of_what) {
  if (size <= most) return std::nullopt;
  return ApiError::invalid(
      param, "'" + param + "' holds " + std::to_string(size) + " " + of_what + "; at most " + std::to_string(most) + " are allowed");
}

}  // namespace baton::agent::protocol
