#pragma once
// Strings as JSON has them: a character stands for itself or is escaped, in any way that RFC 8259 allows (\n, \/, \u00e9, \u00E9, surrogate
// pairs). A model that has read an escape writes it again, and must not be led to another character by it.
#include <map>
#include <string>
#include <vector>

#include "automaton.h"
#include "characters.h"

namespace baton::llm {

// Lays strings into one automaton. What may follow a backslash is a rule for each set of characters, which all its strings share.
class JsonStrings {
 public:
  explicit JsonStrings(Automaton& out) : out_(out) {}

  // From `from`, one of these characters in any writing, to `to`; counted once in the frame's counter, however many bytes it takes.
  void characters(NodeId from, NodeId to, const CodePoints& characters, const Count& count);

  // A string with its quotes, of so many characters.
  NodeId any(const Count& length, NodeId next);
  // The same, but none of these texts, however they are written.
  NodeId any_except(const std::vector<std::string>& texts, NodeId next);

  // One of these JSON texts (write_json's), letter by letter. Only characters that some writers of JSON escape, such as those beyond ASCII,
  // may be escaped: elsewhere there is one way on, which is known before a model has chosen it.
  NodeId listed(std::vector<std::string> json_texts, NodeId next);

  // The rule: one of them as what follows a backslash; kDead where there is none.
  NodeId escape(const CodePoints& characters);

 private:
  NodeId open_escape(NodeId from);  // the node after a backslash
  void close_escape(NodeId opened, const CodePoints& characters, NodeId to);

  Automaton& out_;
  std::map<CodePoints, NodeId> escapes_;
};

}  // namespace baton::llm
