#pragma once
// What the renderings of a template have in common, and in what they differ.
#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "tool_syntax.h"

namespace baton::llm {

// Tags of reasoning, by the opening one that a template has in it.
inline constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kReasoningTags = {{
    {"<think>", "</think>"},
    {"[THINK]", "[/THINK]"},
    {"<|START_THINKING|>", "<|END_THINKING|>"},
    {"<seed:think>", "</seed:think>"},
    {"<mm:think>", "</mm:think>"},
    {"<thinking>", "</thinking>"},
}};

// The reasoning that some templates show as empty before an answer is cut off.
std::string_view without_reasoning(std::string_view text);

// As far as both begin alike, but not into the middle of a tag.
std::string common_beginning(std::string_view a, std::string_view b);
// As far as both end alike, but not from the middle of a tag.
std::string common_end(std::string_view a, std::string_view b);

std::string replaced(std::string text, std::string_view word, char by);
// With holes for the ids of CallRendering.
std::string with_holes(std::string text);
// Both at once, with holes where they differ in a number; nothing: they differ in something else.
std::optional<std::string> with_number_holes(std::string_view a, std::string_view b);

using Range = std::pair<std::size_t, std::size_t>;  // begin, end
// The first JSON at or after `from` that is `wanted`.
std::optional<std::pair<Json, Range>> find_json(std::string_view text, std::size_t from, const std::function<bool(const Json&)>& wanted);

}  // namespace baton::llm
