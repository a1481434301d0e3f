#pragma once
// Holds the model to the grammar of calls from the moment it has begun one: up to the opening quote of the tool's name it writes as it
// likes. There the call is decided on: is it one, and in which form is it best written?
#include <baton/llm/engine/engine.h>
#include <baton/llm/tokenizer/tokenizer.h>

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "call_grammar.h"
#include "call_parser.h"
#include "drafter.h"
#include "grammar_vocabulary.h"

namespace baton::llm {

// A list of calls with its first one in it.
struct CallList {
  std::vector<std::int32_t> tokens;
  std::string before, since;  // their text up to the first byte of the first call's name, and from there on
  std::string owed;           // what the call ends with, where a token would say that and what follows in one
};
// call: {"name": .., "arguments": {..}}. Written over several lines, with four spaces: so small models write as many calls as are needed.
// The tokens end where those of a list that goes on and of one that ends part: a model that has to say a comma in a token of its own, when
// it has always seen it with the bracket, ends the list.
CallList begin_list(const Tokenizer& tokenizer, std::string_view call);

struct CallConstraintOptions {
  const Tokenizer* tokenizer = nullptr;  // outlives us; null: nothing is drafted
  float min_share = 0.5f;                // of share(): below it what looked like a call is taken back, and the model answers in words
  std::optional<float> min_share_again;  // of share() of a call behind those words; without it, every such call is taken back
  // A call that was written as a JSON object is put at the beginning of a list, as these tokens, and the model goes on there: behind an
  // object it stops, even where several calls are needed. One in the template's own form is, when the model ends its turn behind it. Called
  // on the engine's thread. Empty: the call is left as it is.
  std::function<CallList(std::string_view call)> list;
};

// The grammar of an answer's calls, which may still be in the making while the prompt is computed. Null: a schema could not be read, and
// the answer is held to nothing.
using CallGrammarFuture = std::shared_future<std::shared_ptr<CallGrammar>>;
CallGrammarFuture ready(std::shared_ptr<CallGrammar> grammar);

// On the engine's thread. Where a call begins before its grammar is there, the answer waits for that.
class CallConstraint final : public TokenConstraint {
 public:
  CallConstraint(std::shared_ptr<const GrammarVocabulary> vocabulary, CallGrammarFuture grammar, CallConstraintOptions options)
      : vocabulary_(std::move(vocabulary)), grammar_(std::move(grammar)), options_(std::move(options)) {
    if (options_.tokenizer) drafter_.emplace(*options_.tokenizer);
  }

  bool waiting() override;
  const TokenMask* mask() override;
  float min_share() const override;
  const TokenMask* narrowed(std::int32_t wanted) override;
  bool penalised() const override { return !engaged(); }
  void accept(const Choice& choice) override;
  std::optional<Rewind> rewind() override { return std::exchange(rewind_, std::nullopt); }
  std::vector<std::int32_t> draft() override;
  // The token that was accepted last was given to the answer.
  void reported();

  // Something is written under the grammar from now on. What is there already: up to the entry, and behind it.
  void begin_at(std::string_view entry, std::string_view before, std::string_view since);
  // A call's name has begun. `first_token`: of the answer's tokens, the one with which the candidate began; where it is not known, the
  // call cannot be taken back.
  struct Candidate {
    CallParser::OpenName name;
    std::optional<int> first_token;
  };
  void look_at(const Candidate& candidate);  // at once, or when the grammar is there

  // No call may be begun any more.
  void leave_alone() { left_alone_ = true; }
  const std::string& bytes(std::int32_t id) const { return vocabulary_->bytes(id); }

  bool engaged() const { return state_ != kDeadState; }
  // The share of probability that the names which were offered had when the last call was begun, times that with which it was opened where
  // the answer begins with it; nothing: it was not the model's choice.
  std::optional<float> share() const { return share_; }
  // Whether the arguments of this tool, written under the grammar, are valid.
  bool holds_whole(std::string_view tool) const;

 private:
  Grammar& grammar() { return *grammar_.get()->grammar; }  // once something is held to it
  static constexpr std::size_t kMaxListedCall = 4000;      // bytes; to compute a longer one once more would cost more than it may bring
  static constexpr int kMaxTakenBack = 8;                  // then no call can be begun any more
  static constexpr float kOnlyAsked = 2;                   // no share is as much: it is reported, and the mask not applied
  // Behind a call another one needs no confidence: there is nothing to say in words.
  float least_share() const {
    if (n_whole_ > 0) return 0;
    return n_taken_back_ > 0 ? options_.min_share_again.value_or(kOnlyAsked) : options_.min_share;
  }
  bool at_beginning() const { return at_beginning_ && !engaged() && !in_words_; }
  float opening() const;
  bool is_compiled() const;
  void take_back();
  void put_into_list(const std::string& call);

  std::shared_ptr<const GrammarVocabulary> vocabulary_;
  CallGrammarFuture grammar_;
  const CallConstraintOptions options_;
  std::optional<Drafter> drafter_;
  std::optional<float> share_;
  StateId state_ = kDeadState;
  TokenMask mask_;  // our own: other answers of the same step use the grammar too
  bool at_name_ = false;
  std::optional<std::string> call_;      // that may go on as a list: what was written from its name on
  std::optional<std::string> own_call_;  // the only one so far, in the template's own form
  bool call_is_whole_ = false;
  int n_whole_ = 0;  // calls, or lists of them
  bool left_alone_ = false;
  int n_taken_back_ = 0;
  bool in_words_ = false;  // a call was taken back: something else comes there
  // Until the answer has begun; with what probability it began with what may open a call; and the white space before that, in tokens.
  bool at_beginning_ = true;
  float opening_ = 1;
  int n_blank_ = 0;
  Candidate candidate_{};  // the last one
  struct Unread {
    Candidate candidate;
    std::string before, since;  // what its views were
  };
  std::optional<Unread> unread_;  // waits for the grammar
  std::optional<Rewind> rewind_;
  // What the model wanted to write and may, of a token that it may not: /", where only /" fits. Where no token says just this, it is owed.
  std::string owed_;
};

}  // namespace baton::llm
