#pragma once
// The seam between the agent and whatever writes its answers: the embedded engine, a scripted one for tests, later an
// OpenAI-compatible URL.
#include <baton/llm/chat/types.h>

#include <functional>
#include <memory>
#include <string>

namespace baton::agent {

// A running answer. Destroying it cancels it; after the destructor returned, the sink is not called again.
class Generation {
 public:
  virtual ~Generation() = default;
  // Any thread, any number of times. The stream still ends with Finished{cancelled}.
  virtual void cancel() = 0;
};

// What a generator has to do now.
struct GeneratorLoad {
  int active = 0;   // answers being written
  int waiting = 0;  // that wait for a place
};

class Generator {
 public:
  using Sink = std::function<void(llm::Delta)>;

  virtual ~Generator() = default;
  // Never blocks. The sink is called on the generator's own thread, one call at a time, and must not block; its last call carries
  // Finished, also when the request cannot be served (reason error).
  virtual std::unique_ptr<Generation> start(llm::ChatRequest request, Sink sink) = 0;
  virtual GeneratorLoad load() const { return {}; }  // any thread
  // The name that goes into the journal.
  virtual std::string model_name() const = 0;
};

}  // namespace baton::agent
