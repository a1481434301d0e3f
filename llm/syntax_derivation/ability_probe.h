#pragma once
// Finds out what a chat template can show, by rendering small conversations with it.
#include <baton/llm/tool_syntax/template_input.h>

namespace baton::llm {

TemplateAbilities probe_abilities(const Render& render);

}  // namespace baton::llm
