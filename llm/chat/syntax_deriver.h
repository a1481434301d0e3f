#pragma once
// A model's syntax of calls, from what its template makes of them: what is alike in all renderings belongs to the syntax.
#include <array>
#include <string_view>
#include <utility>

#include "call_rendering.h"
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

// Without the tags of reasoning, which no rendering tells. Form::unknown has its reason in `why`.
ToolSyntax derive_from_renderings(const CallRendering& rendering);

// What stands around a result.
void add_results(const CallRendering& rendering, ToolSyntax& syntax);

}  // namespace baton::llm
