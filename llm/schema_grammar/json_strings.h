#pragma once
// JSON strings: a character is written as itself or escaped, in any form that RFC 8259 allows (\n, \/, \u00e9, \u00E9, surrogate pairs). A
// model that has read an escape writes it again, and must not be led to another character by it.
#include <map>
#include <string>
#include <vector>

#include <baton/llm/grammar/automaton.h>
#include <baton/llm/grammar/characters.h>

namespace baton::llm {

// Adds strings to one automaton. The escapes after a backslash are a rule for each set of characters, shared by all its strings.
class JsonStrings {
 public:
  explicit JsonStrings(Automaton& out) : out_(out) {}

  // Adds edges from `from` to `to` for one of these characters in any form; counted once in the frame's counter, however many bytes it
  // takes.
  void characters(NodeId from, NodeId to, const CodePoints& characters, const Count& count);

  // A string with its quotes, of this length in characters.
  NodeId any(const Count& length, NodeId next);
  // The same, but none of these texts, in any form.
  NodeId any_except(const std::vector<std::string>& texts, NodeId next);

  // One of these JSON texts (from write_json), letter by letter. Only characters that some JSON writers escape, such as those beyond ASCII,
  // may be escaped. Elsewhere there is only one continuation, which is known before a model has chosen it.
  NodeId listed(std::vector<std::string> json_texts, NodeId next);

  // The rule for one of these characters after a backslash; kDead if none can be escaped.
  NodeId escape(const CodePoints& characters);

 private:
  NodeId open_escape(NodeId from);  // the node after a backslash
  void close_escape(NodeId opened, const CodePoints& characters, NodeId to);

  Automaton& out_;
  std::map<CodePoints, NodeId> escapes_;
};

}  // namespace baton::llm
