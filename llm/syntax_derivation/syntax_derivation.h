#pragma once
// Derives a model's syntax of tool calls from its chat template.
#include <baton/llm/tool_syntax/template_input.h>
#include <baton/llm/tool_syntax/tool_syntax.h>

#include <string>

namespace baton::llm {

// source: the template's source, in which one convention is recognised that renderings do not show. If its calls are not understood,
// `abilities` loses its tools: Baton then describes them and asks for the JSON that it reads, as for a template without tools. If it has
// calls but no place for tools, Baton describes the tools and asks for such calls.
ToolSyntax derive_tool_syntax(const Render& render, TemplateAbilities& abilities, const std::string& source);

}  // namespace baton::llm
