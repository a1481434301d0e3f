#pragma once
// Reads an answer while it is written: tokens become text, and text becomes deltas.
#include <baton/llm/call_parser/call_parser.h>
#include <baton/llm/chat/types.h>
#include <baton/llm/engine/engine.h>
#include <baton/llm/tokenizer/detokenizer.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace baton::llm {

struct AnswerReaderOptions {
  std::vector<ToolSpec> tools;           // the offered tools; empty: nothing is read as a call
  bool parallel = true;                  // false: the first call ends the answer
  bool starts_in_reasoning = false;      // the prompt ended with an open reasoning block
  bool is_plain_text = false;            // the answer is not searched for reasoning or calls
  std::vector<std::int32_t> forced_ids;  // the beginning of the answer, which the prompt contains because a tool was required
  std::string forced_text;
};

// One answer. Used on the engine's thread. It is fed by the constraint of the answer's calls if there is one (CallConstraint), and by
// Answer otherwise. Tokens that are pushed after the answer is complete are ignored.
class AnswerReader {
 public:
  // Both references must outlive this object.
  AnswerReader(const Tokenizer& tokenizer, const ToolSyntax& syntax, AnswerReaderOptions options);

  // certain: a grammar makes sure that the text becomes a call, so its arguments are output while they are written.
  void push(const Choice& choice, bool certain = false);
  // The withdrawn text either was held back as a possible call, or is the answer's only call, which is written once more in a list.
  void go_back(const Rewind& to);
  void finish(bool cut);  // cut: the model did not end the answer
  bool done() const { return parser_.done(); }

  std::vector<Delta> take() { return std::exchange(deltas_, {}); }  // the deltas since the last call
  const std::string& malformed() const { return parser_.malformed(); }

  // A call whose name has begun.
  struct Candidate {
    CallParser::OpenName name;
    // The index of the answer's token with which the candidate began; if it is unknown, the call cannot be withdrawn.
    std::optional<int> first_token;
  };
  std::optional<Candidate> candidate() const;
  void set_certain(bool certain) { parser_.certain(certain); }

  // The tokens of the answer, or, if it ended at a stop string, of the text shown before that. Empty: no tokens have exactly this text, or
  // calls were left out.
  std::vector<std::int32_t> raw_ids() const { return ids_until(done() ? parser_.length() : n_text_); }
  std::vector<std::int32_t> raw_ids_of(std::string_view shown) const;

 private:
  struct Written {
    std::int32_t id;
    std::size_t begin;  // of its text, in bytes of the answer
    std::string text;
  };
  void begin();
  void write(std::int32_t id, float logprob);
  void read(const std::string& text, float logprob);
  std::string text_of(std::int32_t id);
  std::vector<std::int32_t> ids_until(std::size_t length) const;

  const Tokenizer* tokenizer_;
  const ToolSyntax* syntax_;
  Detokenizer detokenizer_;
  CallParser parser_;
  const bool is_plain_text_;
  const std::vector<std::int32_t> forced_ids_;
  const std::string forced_text_;
  bool begun_ = false;
  std::vector<Written> written_;
  std::size_t n_text_ = 0;              // bytes of text so far
  std::vector<std::int32_t> own_form_;  // of an answer that was put into a list: its tokens before that, if they are in the template's form
  std::vector<Delta> deltas_;
};

}  // namespace baton::llm
