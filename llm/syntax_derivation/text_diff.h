#pragma once
// Compares the renderings of a template: their common parts and their differences.
#include <baton/llm/tool_syntax/tool_syntax.h>

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace baton::llm {

// Tags of reasoning: the opening tag in the template, and the closing one.
inline constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kReasoningTags = {{
    {"<think>", "</think>"},
    {"[THINK]", "[/THINK]"},
    {"<|START_THINKING|>", "<|END_THINKING|>"},
    {"<seed:think>", "</seed:think>"},
    {"<mm:think>", "</mm:think>"},
    {"<thinking>", "</thinking>"},
}};

// Removes the empty reasoning that some templates show before an answer.
std::string_view without_reasoning(std::string_view text);

// The common prefix, not ending inside a tag.
std::string common_beginning(std::string_view a, std::string_view b);
// The common suffix, not beginning inside a tag.
std::string common_end(std::string_view a, std::string_view b);

std::string replaced(std::string text, std::string_view word, char by);
// With holes in place of the ids of CallRendering.
std::string with_holes(std::string text);
// Both texts as one, with holes where they differ in a number; null: they differ in something else.
std::optional<std::string> with_number_holes(std::string_view a, std::string_view b);

using Range = std::pair<std::size_t, std::size_t>;  // begin, end
// The first JSON value at or after `from` that satisfies `wanted`.
std::optional<std::pair<Json, Range>> find_json(std::string_view text, std::size_t from, const std::function<bool(const Json&)>& wanted);

}  // namespace baton::llm
