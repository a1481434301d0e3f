#include "syntax_derivation.h"

#include <baton/llm/tool_syntax/call_openers.h>
#include <baton/llm/tool_syntax/written_calls.h>

#include <tuple>

#include "call_rendering.h"
#include "syntax_deriver.h"
#include "text_diff.h"

namespace baton::llm {
namespace {

void add_reasoning(const Render& render, const TemplateAbilities& abilities, const std::string& source, ToolSyntax& syntax) {
  if (auto shown = reasoning_tags(CallRendering(render, abilities, false), syntax)) {
    std::tie(syntax.reasoning_open, syntax.reasoning_close) = std::move(*shown);
    return;
  }
  for (const auto& [open, close] : kReasoningTags) {
    if (source.find(open) == std::string::npos && source.find(close) == std::string::npos) continue;
    syntax.reasoning_open = open;
    syntax.reasoning_close = close;
    return;
  }
}

// The first tag after an answer's text that is not a mark of the text itself.
std::string end_of_turn(const CallRendering& rendering, const ToolSyntax& syntax) {
  const auto text = rendering.content();
  const auto at = text ? text->rfind(CallRendering::kContent) : std::string::npos;
  if (at == std::string::npos) return {};
  const std::string_view behind = trimmed(std::string_view(*text).substr(at + CallRendering::kContent.size()));
  std::string_view end = behind;
  for (const std::string& mark : syntax.text_marks) {
    if (end.starts_with(mark)) end = trimmed(end.substr(mark.size()));
  }
  if (end.empty()) end = behind;
  if (end.size() < 3 || (end.front() != '<' && end.front() != '[')) return {};
  const auto close = end.find(end.front() == '<' ? '>' : ']');
  return close == std::string_view::npos ? std::string() : std::string(end.substr(0, close + 1));
}

// OpenAI's harmony: channels instead of tags. A call in the template differs from a call written by the model, which begins with its
// channel. An answer has several messages; other families end their turns with the tag that ends each of these.
bool is_harmony(const std::string& source) {
  return source.find("<|channel|>") != std::string::npos && source.find("<|message|>") != std::string::npos;
}

ToolSyntax harmony(ToolSyntax syntax) {
  syntax.form = ToolSyntax::Form::text;
  syntax.why.clear();
  syntax.calls_prefix = "<|channel|>commentary to=functions.";
  syntax.name_suffix = std::string(1, kHole) + "<|message|>";
  syntax.call_suffix = "<|call|>";
  syntax.arguments = ToolSyntax::Arguments::json;
  syntax.call_separator = "<|start|>assistant<|channel|>commentary to=functions.";
  syntax.calls = ToolSyntax::Calls::several;
  syntax.calls_suffix.clear();
  syntax.reasoning_open = "<|channel|>analysis<|message|>";
  syntax.reasoning_close = "<|end|>";
  syntax.text_marks = {"<|start|>assistant", "<|channel|>final<|message|>", "<|channel|>commentary<|message|>", "<|constrain|>", "<|end|>",
                       "<|return|>"};
  syntax.end_of_turn = "<|return|>";
  syntax.end_of_call_turn = "<|call|>";
  syntax.end_of_message = "<|end|>";
  return syntax;
}

// Families whose templates describe tools and show their results, but have no place for calls: the calls that their models are trained to
// write.
ToolSyntax of_family(const Render& render, const TemplateAbilities& abilities, const std::string& source) {
  const auto has = [&](std::string_view text) { return source.find(text) != std::string::npos; };
  ToolSyntax syntax;
  if (has("<|tool_call|>")) {  // Granite 3: a list
    syntax.form = ToolSyntax::Form::json_list;
    syntax.calls_prefix = "<|tool_call|>";
  } else if (has("List of tools: ")) {  // LFM2: Python
    syntax.form = ToolSyntax::Form::text;
    syntax.calls_prefix = "<|tool_call_start|>[";
    syntax.call_suffix = ")";
    syntax.call_separator = ", ";
    syntax.calls = ToolSyntax::Calls::several;
    syntax.calls_suffix = "]<|tool_call_end|>";
    syntax.arguments = ToolSyntax::Arguments::parameters;
    syntax.parameters = {.prefix = "(",
                         .key_suffix = "=",
                         .text_key_suffix = "",
                         .value_suffix = "",
                         .separator = ", ",
                         .none = "()",
                         .quote_prefix = "\"",
                         .quote_suffix = "\"",
                         .yes = "True",
                         .no = "False",
                         .null = "None",
                         .structures = ToolSyntax::Parameters::Structures::literals};
  } else if (has("<tool_call>")) {  // Hermes and its successors, such as SmolLM3
    syntax.form = ToolSyntax::Form::json_object;
    syntax.calls_prefix = "<tool_call>\n";
    syntax.call_separator = "\n</tool_call>\n<tool_call>\n";
    syntax.calls = ToolSyntax::Calls::several;
    syntax.calls_suffix = "\n</tool_call>";
  } else {
    syntax.why = "the template does not show calls";
    return syntax;
  }
  add_results(CallRendering(render, abilities, false), syntax);
  return syntax;
}

}  // namespace

ToolSyntax derive_tool_syntax(const Render& render, TemplateAbilities& abilities, const std::string& source) {
  ToolSyntax syntax;
  if (abilities.results && !abilities.calls.shown) {
    syntax = of_family(render, abilities, source);
  } else if (abilities.results) {
    syntax = derive_from_renderings(CallRendering(render, abilities, false));
    // Kimi's ids are "functions.NAME:INDEX", and the template shows the name only there.
    if (syntax.form == ToolSyntax::Form::unknown) {
      ToolSyntax with_ids = derive_from_renderings(CallRendering(render, abilities, true));
      if (with_ids.form == ToolSyntax::Form::text) syntax = std::move(with_ids);
    }
  }
  if (is_harmony(source)) {
    return harmony(std::move(syntax));
  }
  if (syntax.form == ToolSyntax::Form::unknown) {
    const bool not_understood = abilities.results || abilities.tools.shown;
    const std::string why = !not_understood      ? "the template knows no tools"
                            : !abilities.results ? "the template shows tools, but not what they return"
                                                 : syntax.why;
    abilities.tools.shown = abilities.results = false;
    abilities.calls.shown = true;  // in the form of that description
    syntax = {};
    syntax.form = ToolSyntax::Form::json_object;  // the form that the prompt of conversation.h asks for
    syntax.call_separator = "\n";
    syntax.calls = ToolSyntax::Calls::several;
    syntax.not_understood = not_understood;
    syntax.why = why + ": Baton describes them";
  } else if (!abilities.tools.shown) {
    const Json arguments = {{"PARAMETER", "VALUE"}};
    abilities.example_of_call = joined(written_calls(syntax, {{"", "FUNCTION", arguments}}));
  }
  add_reasoning(render, abilities, source, syntax);
  syntax.end_of_turn = end_of_turn(CallRendering(render, abilities, false), syntax);
  return syntax;
}

}  // namespace baton::llm
