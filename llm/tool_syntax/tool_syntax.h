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
  enum class Form {
    unknown,      // not derived
    json_object,  // open {"name": N, "arguments": {..}} between {..} close
    json_list,    // open [{"name": N, "arguments": {..}}, {..}] close
    text,         // open N ARGUMENTS end between N ARGUMENTS end close
  } form = Form::unknown;
  std::string why;              // why this is not the template's own syntax
  bool not_understood = false;  // although the template has a syntax

  std::string open;      // before the first call: its JSON, or its name
  std::string between;   // between two calls
  bool several = false;  // the template shows several calls in an answer
  std::string close;     // after the last call, before the end of the turn

  // JSON forms
  std::string name_key = "name", arguments_key = "arguments";
  std::string id_key;                   // empty: calls have no id in them
  std::vector<std::string> other_keys;  // without meaning for the call: a version, an index

  // Form::text
  std::string end;  // of each call, after its arguments
  bool json_arguments = true;
  std::string middle;  // between a name and its JSON arguments
  // Arguments as parameters: N first KEY assign VALUE value_end separator KEY assign VALUE value_end end; without parameters: N none.
  struct Parameters {
    std::string first, assign;
    std::string text_assign;  // before strings, if the syntax marks them as such; empty: the same
    std::string value_end;    // or, if the name closes its value: </KEY>
    std::string separator, none;
    std::string quote_open, quote_close;  // of strings; empty: they are written without quotes
    std::string yes = "true", no = "false", null = "null";
    bool json_values = true;  // lists and objects are JSON
  } parameters;

  std::string result_open, result_close;  // around a tool's result
  std::string reasoning_open = "<think>", reasoning_close = "</think>";
  std::string end_of_turn;              // the tag that ends an answer in the template: <|im_end|>; empty: not a tag
  std::string end_of_call_turn;         // the same for an answer that ends with a call, if it differs
  std::string end_of_message;           // the end of a message if an answer has several; it does not end the turn
  std::vector<std::string> text_marks;  // marks around plain text, which are not part of any answer

  bool parallel() const { return form == Form::json_list || several; }
  // Whether a token of this text belongs to calls or reasoning, whatever its type.
  bool has_token(std::string_view text) const;
};

// For people and programs: `baton inspect MODEL --json`. Holes are shown as "{id}".
Json to_json(const ToolSyntax& syntax);

}  // namespace baton::llm
