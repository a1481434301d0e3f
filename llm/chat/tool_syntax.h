#pragma once
// How a model writes tool calls: learned from its own chat template, by rendering conversations with words that occur nowhere else and
// looking at what stands between them.
#include <baton/llm/chat/types.h>

#include <string>
#include <vector>

#include "conversation.h"

namespace baton::llm {

// Stands in the texts below for what is different in every call and says nothing: an id, a running number.
constexpr char kHole = '\x1A';
// Stands for the name of the parameter whose value it follows.
constexpr char kKeyHole = '\x19';

struct ToolSyntax {
  enum class Form {
    unknown,      // not derived
    json_object,  // open {"name": N, "arguments": {..}} between {..} close
    json_list,    // open [{"name": N, "arguments": {..}}, {..}] close
    text,         // open N ARGUMENTS end between N ARGUMENTS end close
  } form = Form::unknown;
  std::string why;              // it is not the template's own
  bool not_understood = false;  // although the template has one

  std::string open;      // before the first call: its JSON, or its name
  std::string between;   // between two calls
  bool several = false;  // the template shows several calls in an answer
  std::string close;     // after the last call, before the end of the turn

  // JSON forms
  std::string name_key = "name", arguments_key = "arguments";
  std::string id_key;                   // empty: calls have no id in them
  std::vector<std::string> other_keys;  // that say nothing of a call: a version, an index

  // Form::text
  std::string end;  // of each call, behind its arguments
  bool json_arguments = true;
  std::string middle;  // between a name and its JSON arguments
  // Arguments as parameters: N first KEY assign VALUE value_end separator KEY assign VALUE value_end end; without any: N none.
  struct Parameters {
    std::string first, assign;
    std::string text_assign;  // before strings, where it says that they are some; empty: the same
    std::string value_end;    // where the name closes its value: </KEY>
    std::string separator, none;
    std::string quote_open, quote_close;  // of strings; empty: they stand there as they are
    std::string yes = "true", no = "false", null = "null";
    bool json_values = true;  // lists and objects are JSON
  } parameters;

  std::string result_open, result_close;  // around what a tool returned
  std::string reasoning_open = "<think>", reasoning_close = "</think>";
  std::string end_of_turn;              // with what the template ends an answer, where that is a tag: <|im_end|>; else empty
  std::string end_of_call_turn;         // the same of an answer that ends with a call, where that is another tag
  std::string end_of_message;           // with what a message ends where an answer is several; it does not end the turn
  std::vector<std::string> text_marks;  // what stands around plain text, and belongs to nobody's answer

  bool parallel() const { return form == Form::json_list || several; }
  // Whether a token of this text is a part of calls or of reasoning, whatever its type is.
  bool has_token(std::string_view text) const;
};

// source: of the template, where a convention is recognised that no rendering tells. Where its calls are not understood, `abilities` loses
// its tools: Baton then describes them, and asks for the JSON that it reads, as it does for a template that knows none. Where it has calls
// but no place for tools, Baton describes those and asks for such calls.
ToolSyntax derive_tool_syntax(const Render& render, TemplateAbilities& abilities, const std::string& source);

// For people and programs: `baton inspect MODEL --json`. Holes are shown as "{id}".
Json to_json(const ToolSyntax& syntax);

}  // namespace baton::llm
