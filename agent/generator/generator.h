#pragma once
// The seam between the agent and the source of its answers: the embedded engine, a scripted one for tests, later an OpenAI-compatible URL.
#include <baton/llm/chat/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace baton::agent {

// A running answer. Destroying it cancels it; after the destructor has returned, the sink is not called again.
class Generation {
 public:
  virtual ~Generation() = default;
  // Any thread, any number of times. The stream still ends with Finished{cancelled}.
  virtual void cancel() = 0;
};

// A generator's current load.
struct GeneratorLoad {
  int active = 0;   // answers being written
  int waiting = 0;  // that wait for a place
};

// Facts of a model that need no generation: its figures, its tokens, its template's variables. Any thread.
class ModelFacts {
 public:
  virtual ~ModelFacts() = default;

  virtual int n_ctx() const = 0;  // tokens of prompt and answer
  // Further figures by the names that llama.cpp's server gives them: n_vocab, n_ctx_train, n_embd, size.
  virtual llm::Json figures() const = 0;
  // Whether the chat template reads a variable of this name.
  virtual bool template_uses(const std::string& variable) const = 0;
  // `special`: names of control tokens in the text become these; `add_bos`: begins with the token that begins the model's prompts, if it
  // has one. Returns nothing if there are more than `most` tokens.
  virtual std::optional<std::vector<std::int32_t>> tokenize(const std::string& text, bool special, bool add_bos,
                                                            std::size_t most) const = 0;
  virtual bool is_token(std::int32_t id) const = 0;
  virtual std::string detokenize(const std::vector<std::int32_t>& ids) const = 0;  // is_token() of each; valid UTF-8
  virtual std::string piece(std::int32_t id) const = 0;                            // its bytes, which may be a part of a character
  // Tokens of the request's prompt. Errors like those of an answer.
  virtual llm::Result<int> count(const llm::ChatRequest& request) const = 0;
};

class Generator {
 public:
  using Sink = std::function<void(llm::Delta)>;

  virtual ~Generator() = default;
  // Never blocks. The sink is called on the generator's own thread, one call at a time, and must not block; its last call carries Finished,
  // even if the request cannot be served (reason error).
  virtual std::unique_ptr<Generation> start(llm::ChatRequest request, Sink sink) = 0;
  virtual GeneratorLoad load() const { return {}; }  // any thread
  // The name for the journal.
  virtual std::string model_name() const = 0;
  virtual const ModelFacts* facts() const { return nullptr; }  // lives as long; null: the model's facts are unknown
};

}  // namespace baton::agent
