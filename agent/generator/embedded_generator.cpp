#include "embedded_generator.h"

#include <span>
#include <string_view>

namespace baton::agent {
namespace {

class EmbeddedGeneration final : public Generation {
 public:
  explicit EmbeddedGeneration(std::unique_ptr<llm::ChatStream> stream) : stream_(std::move(stream)) {}
  void cancel() override { stream_->cancel(); }

 private:
  std::unique_ptr<llm::ChatStream> stream_;
};

// Whether the template's source contains the variable's name as a whole word.
bool names(std::string_view source, std::string_view variable) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; };
  if (variable.empty()) return false;
  for (auto at = source.find(variable); at != std::string_view::npos; at = source.find(variable, at + 1)) {
    const std::size_t end = at + variable.size();
    if ((at == 0 || !is_letter(source[at - 1])) && (end == source.size() || !is_letter(source[end]))) return true;
  }
  return false;
}

class FactsOfChat final : public ModelFacts {
 public:
  explicit FactsOfChat(const llm::Chat& chat) : chat_(chat) {}

  int n_ctx() const override { return chat_.engine().n_ctx(); }
  llm::Json figures() const override {
    const llm::Hparams& h = chat_.engine().model().hparams();
    return {{"n_ctx", n_ctx()}, {"n_ctx_train", h.n_ctx_train}, {"n_vocab", h.n_vocab}, {"n_embd", h.n_embd}, {"n_layer", h.n_layer}};
  }
  bool template_uses(const std::string& variable) const override { return names(chat_.chat_template().source(), variable); }
  std::optional<std::vector<std::int32_t>> tokenize(const std::string& text, bool special, bool add_bos, std::size_t most) const override {
    const llm::Tokenizer& tokenizer = chat_.tokenizer();
    const llm::TextSpan span{text, special};
    const bool begins = add_bos && tokenizer.add_bos() && tokenizer.bos();
    if (begins && most == 0) return std::nullopt;
    auto ids = tokenizer.encode_up_to(begins ? most - 1 : most, std::span(&span, 1));
    if (ids && begins) ids->insert(ids->begin(), *tokenizer.bos());
    return ids;
  }
  bool is_token(std::int32_t id) const override { return chat_.tokenizer().is_valid(id); }
  std::string detokenize(const std::vector<std::int32_t>& ids) const override { return chat_.tokenizer().decode(ids, true); }
  std::string piece(std::int32_t id) const override { return chat_.tokenizer().decode_bytes(std::span(&id, 1), true); }
  llm::Result<int> count(const llm::ChatRequest& request) const override { return chat_.count(request); }

 private:
  const llm::Chat& chat_;
};

}  // namespace

EmbeddedGenerator::EmbeddedGenerator(std::unique_ptr<llm::Chat> chat, std::string model_name)
    : chat_(std::move(chat)), facts_(std::make_unique<FactsOfChat>(*chat_)), model_name_(std::move(model_name)) {}

GeneratorLoad EmbeddedGenerator::load() const {
  const llm::EngineStats stats = chat_->engine().stats();
  return {.active = stats.active, .waiting = stats.waiting};
}

std::unique_ptr<Generation> EmbeddedGenerator::start(llm::ChatRequest request, Sink sink) {
  return std::make_unique<EmbeddedGeneration>(chat_->start(std::move(request), std::move(sink)));
}

}  // namespace baton::agent
