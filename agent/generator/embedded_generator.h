#pragma once
// Baton's own generator: llm/chat over the embedded engine.
#include <baton/llm/chat/chat.h>

#include <memory>
#include <string>

#include "generator.h"

namespace baton::agent {

class EmbeddedGenerator final : public Generator {
 public:
  EmbeddedGenerator(std::unique_ptr<llm::Chat> chat, std::string model_name);

  std::unique_ptr<Generation> start(llm::ChatRequest request, Sink sink) override;
  std::string model_name() const override { return model_name_; }
  GeneratorLoad load() const override;
  const ModelFacts* facts() const override { return facts_.get(); }
  const llm::Chat& chat() const { return *chat_; }

 private:
  std::unique_ptr<llm::Chat> chat_;
  std::unique_ptr<ModelFacts> facts_;  // of chat_
  std::string model_name_;
};

}  // namespace baton::agent
