#pragma once
// Facts of a stand-in for a model, for tests of code that reads them.
#include <baton/agent/generator/generator.h>
#include <baton/tools/text.h>

#include <optional>
#include <string>
#include <vector>

namespace baton::tests {

// A model whose tokens are bytes; the byte ff is not a token.
class BytesFacts final : public agent::ModelFacts {
 public:
  int n_ctx() const override { return 4096; }
  llm::Json figures() const override { return {{"n_ctx", 4096}, {"n_vocab", 255}}; }
  bool template_uses(const std::string& variable) const override { return variable == "enable_thinking"; }
  std::optional<std::vector<std::int32_t>> tokenize(const std::string& text, bool, bool add_bos, std::size_t most) const override {
    std::vector<std::int32_t> ids;
    if (add_bos) ids.push_back(1);
    for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
    if (ids.size() > most) return std::nullopt;
    return ids;
  }
  bool is_token(std::int32_t id) const override { return id >= 0 && id < 255; }
  std::string detokenize(const std::vector<std::int32_t>& ids) const override {
    std::string text;
    for (const std::int32_t id : ids) text += static_cast<char>(id);
    return tools::valid_utf8(text);
  }
  std::string piece(std::int32_t id) const override { return std::string(1, static_cast<char>(id)); }
  llm::Result<int> count(const llm::ChatRequest& request) const override {
    std::size_t n = 0;
    for (const llm::Message& message : request.messages) n += message.content.size();
    if (n > 4096) return llm::Error{llm::errc::context_overflow, "This model's maximum context length is 4096 tokens. However, .."};
    return static_cast<int>(n);
  }
};

}  // namespace baton::tests
