#pragma once
// How a model writes tool calls. It is derived from the model's own chat template by rendering conversations with words that occur nowhere
// else and looking at the text between them.
#include <baton/llm/chat/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace baton::llm {

// Represents, in the texts below, a part that differs in every call and has no meaning: an id, a running number.
constexpr char kHole = '\x1A';
// Represents the name of the parameter whose value it follows.
constexpr char kKeyHole = '\x19';

struct ToolSyntax {
  // P, S and X are calls_prefix, calls_suffix and call_separator; N is a tool's name.
  enum class Form {
    unknown,      // not derived
    json_object,  // P {"name": N, "arguments": {..}} X {..} S
    json_list,    // P [{"name": N, "arguments": {..}}, {..}] S
    text,         // P N ARGUMENTS call_suffix X N ARGUMENTS call_suffix S
  } form = Form::unknown;
  std::string why;              // why this is not the template's own syntax
  bool not_understood = false;  // although the template has a syntax

  std::string calls_prefix;                              // before the first call's JSON or name: "<tool_call>\n", "<tool_call>\n<function="
  std::string calls_suffix;                              // after the last call, before the end of the turn: "\n</tool_call>"
  std::string call_separator;                            // between two calls: "\n</tool_call>\n<tool_call>\n"
  enum class Calls { one, several } calls = Calls::one;  // that the template shows in an answer

  // JSON forms
  std::string name_key = "name", arguments_key = "arguments";
  std::string id_key;                   // empty: calls have no id in them
  std::vector<std::string> other_keys;  // without meaning for the call: a version, an index

  // Form::text
  std::string name_suffix;  // between a name and its JSON arguments: ">\n"
  std::string call_suffix;  // of each call, after its arguments: "</function>"
  enum class Arguments { json, parameters } arguments = Arguments::json;
  // Arguments as parameters: N prefix KEY key_suffix VALUE value_suffix separator KEY key_suffix VALUE value_suffix; without parameters:
  // N none.
  struct Parameters {
    std::string prefix;                      // before the first key: ">\n<parameter="
    std::string key_suffix;                  // ">\n"
    std::string text_key_suffix;             // before strings, if the syntax marks them as such; empty: the same
    std::string value_suffix;                // "\n</parameter>"; or, if the name closes its value: </KEY>
    std::string separator;                   // before every further key: "\n<parameter="
    std::string none;                        // ">\n"
    std::string quote_prefix, quote_suffix;  // of strings; empty: they are written without quotes
    std::string yes = "true", no = "false", null = "null";
    enum class Structures { json, literals } structures = Structures::json;  // lists and objects as values; literals: as Python writes them
  } parameters;

  std::string result_open, result_close;  // around a tool's result
  std::string reasoning_open = "<think>", reasoning_close = "</think>";
  std::string end_of_turn;              // the tag that ends an answer in the template: <|im_end|>; empty: not a tag
  std::string end_of_call_turn;         // the same for an answer that ends with a call, if it differs
  std::string end_of_message;           // the end of a message if an answer has several; it does not end the turn
  std::vector<std::string> text_marks;  // marks around plain text, which are not part of any answer

  bool has_several_calls() const { return calls == Calls::several; }
  bool has_json_arguments() const { return arguments == Arguments::json; }
  bool parallel() const { return form == Form::json_list || has_several_calls(); }
  // Whether a token of this text belongs to calls or reasoning, whatever its type.
  bool has_token(std::string_view text) const;
};

// For people and programs: `baton inspect MODEL --json`. Holes are shown as "{id}".
Json to_json(const ToolSyntax& syntax);

}  // namespace baton::llm
