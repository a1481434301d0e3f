#pragma once
// The engine: token ids in, a stream of token ids out. It owns one thread, which runs all requests in ragged batches, and the KV cache,
// from which a request reuses any prefix that an earlier one has already computed.
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

// The answer is rewound: its first `keep` tokens stay, and these tokens follow them as if they had been chosen.
struct Rewind {
  int keep = 0;
  std::vector<std::int32_t> then;
};

// Restricts the next token. Used on the engine thread only.
class TokenConstraint : public MaskRefinement {
 public:
  // The next mask is not known yet, because a grammar is being compiled. The request sits out this step, and the others continue. When that
  // has changed, Engine::wake() must be called. Not called between the tokens of a draft: an object that drafts knows its mask.
  virtual bool waiting() { return false; }
  virtual const TokenMask* mask() = 0;  // for the next token, at least one bit set; null: anything
  // The model's own probability of the allowed tokens is reported (Choice::allowed_share), and if it is less than this, the mask is not
  // applied to this token. Negative: the probability is not needed.
  virtual float min_share() const { return -1; }
  const TokenMask* refined(std::int32_t) override { return nullptr; }
  // This token was chosen. Null: it is kept, and reported. Otherwise it is not reported, and the answer is rewound.
  virtual std::optional<Rewind> accept(const Choice& choice) = 0;
  // Tokens that are likely to be chosen next. They are computed along with the last one; each is still chosen as without a draft, under its
  // own mask. A wrong draft costs only the tokens computed after it.
  virtual std::vector<std::int32_t> draft() { return {}; }
};

struct EngineRequest {
  std::vector<std::int32_t> prompt;  // at least one token, each in [0, n_vocab)
  SamplingParams sampling;
  int max_output_tokens = kDefaultOutputTokens;
  std::vector<std::int32_t> stop_tokens;        // each ends the answer and is reported as its last token
  std::shared_ptr<TokenConstraint> constraint;  // may be null
  std::string client;                           // the requesting client; its requests share its part of the places of a batch
};

struct EngineProgress {  // the prompt is being computed
  int done = 0;
  int total = 0;
  int cached = 0;  // of these: tokens whose keys and values were cached
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
// Any number of EngineProgress, then any number of Choice (a token that is kept) and Rewind (of the tokens reported so far), then exactly
// one EngineFinished.
using EngineEvent = std::variant<EngineProgress, Choice, Rewind, EngineFinished>;

struct EngineOptions {
  // The number of requests that share a batch. Clients share the places: a single client may use them all, and gives some back as soon as
  // another one comes, without losing computed tokens. If there are more clients than places, they take turns. The requests of one client
  // are served in the order of their arrival.
  int max_parallel = 4;
  int prefill_chunk = 256;  // prompt tokens per step, at most; fewer if they take long (step_times.h). Clients take turns
  int max_draft = 16;       // tokens computed before they are chosen, per answer and step; 0: none
};

struct EngineStats {
  std::int64_t prompt_tokens = 0;  // of all requests
  std::int64_t cached_tokens = 0;  // of these: not computed again
  std::int64_t output_tokens = 0;
  std::int64_t drafted_tokens = 0;   // computed before they were chosen (TokenConstraint::draft)
  std::int64_t accepted_tokens = 0;  // of these: tokens that were chosen
  std::int64_t steps = 0;            // forward passes
  std::int64_t pauses = 0;           // requests that gave back their place before they ended, to continue later
  int active = 0;
  int waiting = 0;
  int pages_total = 0;
  int pages_free = 0;  // not counting pages that only hold old prefixes
};

class ActiveRequest;
class Waker;

// A running request. Destroying it cancels the request; after the destructor returned, the sink is not called again. The sink itself must
// not destroy it. It may outlive its engine.
class EngineStream {
 public:
  EngineStream(std::shared_ptr<ActiveRequest> request, std::shared_ptr<Waker> waker);
  ~EngineStream();
  EngineStream(const EngineStream&) = delete;
  EngineStream& operator=(const EngineStream&) = delete;
  void cancel();  // any thread; the stream still ends with EngineFinished{cancelled}

 private:
  std::shared_ptr<ActiveRequest> request_;
  std::shared_ptr<Waker> waker_;
};

class Engine {
 public:
  using Sink = std::function<void(EngineEvent)>;

  // From now on, only the engine's thread uses the model.
  Engine(std::unique_ptr<Model> model, EngineOptions options);
  ~Engine();  // cancels all running requests

  // Any thread; never blocks. The sink runs on the engine's thread and must not block. A request that can never be served (a prompt longer
  // than the context, a token outside the vocabulary) ends with an error that contains both figures.
  std::unique_ptr<EngineStream> submit(EngineRequest request, Sink sink);

  // A constraint for which a request waited is ready (TokenConstraint::waiting). Any thread; never blocks.
  void wake();

  EngineStats stats() const;   // any thread
  int n_ctx() const;           // tokens
  const Model& model() const;  // its constant properties: any thread

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace baton::llm
