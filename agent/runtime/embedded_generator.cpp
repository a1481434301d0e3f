#include "embedded_generator.h"

namespace baton::agent {
namespace {

class EmbeddedGeneration final : public Generation {
 public:
  explicit EmbeddedGeneration(std::unique_ptr<llm::ChatStream> stream) : stream_(std::move(stream)) {}
  void cancel() override { stream_->cancel(); }

 private:
  std::unique_ptr<llm::ChatStream> stream_;
};

}  // namespace

GeneratorLoad EmbeddedGenerator::load() const {
  const llm::EngineStats stats = chat_->engine().stats();
  return {.active = stats.active, .waiting = stats.waiting};
}

std::unique_ptr<Generation> EmbeddedGenerator::start(llm::ChatRequest request, Sink sink) {
  return std::make_unique<EmbeddedGeneration>(chat_->start(std::move(request), std::move(sink)));
}

}  // namespace baton::agent
