#pragma once
// The engine: token ids in, a stream of token ids out. It owns one thread, which runs all requests in ragged batches, and the KV cache,
// from which a request takes whatever prefix an earlier one has already computed.
#include <baton/llm/error.h>
#include <baton/llm/model/model.h>
#include <baton/llm/sampler/sampler.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

namespace baton::llm {

// The answer goes back: of its tokens the first `keep` stay, and these follow them as if they had been chosen.
struct Rewind {
  int keep = 0;
  std::vector<std::int32_t> then;
};

// Narrows what may be written next. Used on the engine thread only.
class TokenConstraint : public TokenNarrower {
 public:
  // What comes next is not known yet: a grammar is being compiled. The request sits out this step, and the others go on. Not asked between
  // the tokens of a draft: whoever drafts knows.
  virtual bool waiting() { return false; }
  virtual const TokenMask* mask() = 0;  // of the next token, at least one bit set; null: anything
  // The model's own probability of what the mask allows is reported (Choice::allowed_share), and where it is less than this the mask is not
  // applied to this token. Negative: it is not asked for.
  virtual float min_share() const { return -1; }
  const TokenMask* narrowed(std::int32_t) override { return nullptr; }
  virtual void accept(const Choice& choice) = 0;  // this token was chosen
  // Asked after accept(), and once more after the token was reported. Set after accept(): the token is taken back unreported.
  virtual std::optional<Rewind> rewind() { return std::nullopt; }
  // Tokens that are likely to be chosen next. They are computed along with the last one; each is still chosen as if it had not been named
  // here, under its own mask, and what was chosen otherwise costs what was computed behind it, no more.
  virtual std::vector<std::int32_t> draft() { return {}; }
};

struct EngineRequest {
  std::vector<std::int32_t> prompt;  // at least one token, each in [0, n_vocab)
  SamplingParams sampling;
  int max_output_tokens = 1024;
  std::vector<std::int32_t> stop_tokens;        // each ends the answer, and is reported as its last token
  std::shared_ptr<TokenConstraint> constraint;  // may be null
  std::string client;                           // who asks; the requests of one client share its part of the places of a batch
};

struct EngineProgress {  // the prompt is being computed
  int done = 0;
  int total = 0;
  int cached = 0;  // of these, the ones whose keys and values were still there
};
struct EngineFinished {
  enum class Reason { stop_token, length, cancelled, error } reason = Reason::stop_token;
  int prompt_tokens = 0;
  int cached_tokens = 0;
  int output_tokens = 0;
  double prefill_seconds = 0;
  double decode_seconds = 0;
  std::optional<Error> error;
};
// Any number of EngineProgress, then any number of Choice (one a token) and Rewind (of the tokens reported so far), then exactly one
// EngineFinished.
using EngineEvent = std::variant<EngineProgress, Choice, Rewind, EngineFinished>;

struct EngineOptions {
  // Requests that share a batch. Clients share the places: one that is alone may use them all, and gives some back, without losing what was
  // computed, as soon as another comes. Where more clients than places ask, they take turns. The requests of one client are served in the
  // order of their arrival.
  int max_parallel = 4;
  int prefill_chunk = 256;  // prompt tokens a step, at most; fewer where they take long (step_times.h). Clients take turns
  int max_draft = 16;       // tokens that are computed before they are chosen, an answer and a step; 0: none
};

struct EngineStats {
  std::int64_t prompt_tokens = 0;  // asked for
  std::int64_t cached_tokens = 0;  // of these, not computed again
  std::int64_t output_tokens = 0;
  std::int64_t drafted_tokens = 0;   // computed before they were chosen (TokenConstraint::draft)
  std::int64_t accepted_tokens = 0;  // of these, the ones that were chosen
  std::int64_t steps = 0;            // forward passes
  std::int64_t pauses = 0;           // requests that gave back their place before they had ended, to continue later
  int active = 0;
  int waiting = 0;
  int pages_total = 0;
  int pages_free = 0;  // not counting those that only hold old prefixes
};

// A request on its way. Destroying it cancels the request; after the destructor returned the sink is not called again.
// Must not be destroyed by the sink itself.
class EngineStream {
 public:
  virtual ~EngineStream() = default;
  virtual void cancel() = 0;  // any thread; the stream still ends with EngineFinished{cancelled}
};

class Engine {
 public:
  using Sink = std::function<void(EngineEvent)>;

  // The model is used by the engine's thread alone from now on.
  Engine(std::unique_ptr<Model> model, EngineOptions options);
  ~Engine();  // cancels what runs

  // Any thread; never blocks. The sink runs on the engine's thread and must not block. A request that can never be served (a prompt
  // longer than the context, a token outside the vocabulary) ends with an error that says so with both figures.
  std::unique_ptr<EngineStream> submit(EngineRequest request, Sink sink);

  EngineStats stats() const;   // any thread
  int n_ctx() const;           // tokens
  const Model& model() const;  // its constant properties: any thread

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace baton::llm
