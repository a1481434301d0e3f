#pragma once
// Constrains the model to the grammar of calls from the moment it begins one: up to the opening quote of the tool's name it writes freely.
// At that point two things are decided: whether this is a call, and which form is best for it.
#include <baton/llm/engine/engine.h>
#include <baton/llm/tokenizer/tokenizer.h>

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "answer_reader.h"
#include "call_grammar.h"
#include "drafter.h"
#include "grammar_vocabulary.h"

namespace baton::llm {

// A list of calls that contains its first call.
struct CallList {
  std::vector<std::int32_t> tokens;
  std::string before, since;  // the text up to the first byte of the first call's name, and the text from there on
  std::string owed;           // the end of the call, if one token would contain both it and the following text
};
// call: {"name": .., "arguments": {..}}. The list is written over several lines, with four spaces, because small models then write as many
// calls as are needed. The tokens end where those of a list that continues and of one that ends diverge. A model that must write a comma in
// a token of its own, but has always seen it in one token with the bracket, ends the list.
CallList begin_list(const Tokenizer& tokenizer, std::string_view call);

struct CallConstraintOptions {
  const Tokenizer* tokenizer = nullptr;  // must outlive this object
  float min_share = 0.5f;                // minimum share(): below it, the candidate call is withdrawn, and the model answers in words
  // A call that was written as a JSON object is rewritten as the first element of a list, with these tokens, and the model continues there:
  // after a single object it stops, even if several calls are needed. A call in the template's own form is rewritten when the model ends
  // its turn after it. Called on the engine's thread. Empty: the call is left unchanged.
  std::function<CallList(std::string_view call)> list;
};

// The grammar of an answer's calls, which may still be compiling while the prompt is computed. Null: a schema could not be read, and the
// answer is not constrained.
using CallGrammarFuture = std::shared_future<std::shared_ptr<CallGrammar>>;
CallGrammarFuture ready(std::shared_ptr<CallGrammar> grammar);

// Used on the engine's thread. It feeds the reader with every token that stays and every rewind, and the reader tells it where a call
// begins. If a call begins before its grammar is ready, the answer waits for the grammar; whoever makes the grammar calls Engine::wake().
class CallConstraint final : public TokenConstraint {
 public:
  CallConstraint(std::shared_ptr<const GrammarVocabulary> vocabulary, CallGrammarFuture grammar, std::shared_ptr<AnswerReader> reader,
                 CallConstraintOptions options)
      : vocabulary_(std::move(vocabulary)),
        grammar_(std::move(grammar)),
        reader_(std::move(reader)),
        options_(std::move(options)),
        drafter_(*options_.tokenizer) {}

  bool waiting() override;
  const TokenMask* mask() override;
  float min_share() const override;
  const TokenMask* refined(std::int32_t wanted) override;
  bool penalised() const override { return !in_call(); }
  std::optional<Rewind> accept(const Choice& choice) override;
  std::vector<std::int32_t> draft() override;
  // Like accept(), for a token that was chosen under another constraint's mask.
  std::optional<Rewind> read(const Choice& choice);

  // Text is written under the grammar from now on. The arguments are the text so far: the entry, the text before it, and the text after it.
  void begin_at(std::string_view entry, std::string_view before, std::string_view since);
  // No further call may begin.
  void leave_alone() { left_alone_ = true; }
  const std::string& bytes(std::int32_t id) const { return vocabulary_->bytes(id); }

  bool in_call() const { return state_ != kDeadState; }
  // The share of probability of the offered names when the last call began, times the probability of opening the call if the answer begins
  // with it. Null: the call was not the model's choice.
  std::optional<float> share() const { return share_; }
  // Whether the arguments of this tool, written under the grammar, are valid.
  bool holds_whole(std::string_view tool) const;

 private:
  Grammar& grammar() { return *grammar_.get()->grammar; }  // only after something is constrained by it
  static constexpr std::size_t kMaxListedCall = 4000;      // bytes; computing a longer call once more would cost more than it gains
  static constexpr int kMaxTakenBack = 8;                  // after that, no call may begin
  static constexpr float kOnlyAsked = 2;                   // no share is this high: it is reported, and the mask not applied
  // After a call, another one needs no confidence, because words are not an alternative there. After a withdrawn call, none is confident
  // enough: words that name a tool make a model sure of its name, whatever was asked.
  float least_share() const {
    if (n_whole_ > 0) return 0;
    return n_taken_back_ > 0 ? kOnlyAsked : options_.min_share;
  }
  bool at_beginning() const { return at_beginning_ && !in_call() && !in_words_; }
  float opening() const;
  bool is_compiled() const;
  std::optional<Rewind> follow(const Choice& choice);
  Rewind go_back(Rewind to);
  void look_for_call();
  void begin_call(const AnswerReader::Candidate& candidate);
  std::optional<Rewind> take_back();
  std::optional<Rewind> list_call();
  std::optional<Rewind> put_into_list(const std::string& call);

  std::shared_ptr<const GrammarVocabulary> vocabulary_;
  CallGrammarFuture grammar_;
  std::shared_ptr<AnswerReader> reader_;
  const CallConstraintOptions options_;
  Drafter drafter_;
  std::optional<float> share_;
  StateId state_ = kDeadState;
  TokenMask mask_;  // our own, because other answers of the same step use the grammar too
  bool at_name_ = false;
  std::optional<std::string> call_;      // the call that may continue as a list: its text from the name on
  std::optional<std::string> own_call_;  // the only call so far, in the template's own form
  bool call_is_whole_ = false;
  int n_whole_ = 0;  // calls, or lists of them
  bool left_alone_ = false;
  int n_taken_back_ = 0;
  bool in_words_ = false;  // a call was withdrawn: words come in its place
  // Valid until the answer has begun: whether it is at its beginning, the probability with which it began with a possible call opener, and
  // the number of white-space tokens before that.
  bool at_beginning_ = true;
  float opening_ = 1;
  int n_blank_ = 0;
  AnswerReader::Candidate candidate_{};  // the last candidate, without its texts
  bool waits_for_grammar_ = false;       // a call has begun
  // The allowed part of a forbidden token that the model chose. If no token has exactly this text, it is owed.
  std::string owed_;
};

}  // namespace baton::llm
