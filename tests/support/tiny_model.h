#pragma once
// A complete model of a few thousand random weights, as a GGUF file in memory: it goes through everything that a real one does, in
// milliseconds.
#include <baton/llm/gguf/gguf.h>

#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "gguf_writer.h"

namespace baton::test {

struct TinyShape {
  std::string architecture = "qwen2";
  int n_vocab = 64, n_embd = 32, n_layer = 2, n_head = 4, n_head_kv = 2, n_ff = 48, n_ctx = 256;
  bool biases = true;
  bool tied = true;
  unsigned seed = 1;
};

class TinyModel {
 public:
  explicit TinyModel(TinyShape shape = {}) : shape_(shape), random_(shape.seed) {
    const std::string a = shape.architecture + ".";
    writer_.add("general.architecture", shape.architecture).add("general.name", "tiny");
    writer_.add_u32(a + "context_length", shape.n_ctx).add_u32(a + "embedding_length", shape.n_embd);
    writer_.add_u32(a + "block_count", shape.n_layer).add_u32(a + "feed_forward_length", shape.n_ff);
    writer_.add_u32(a + "attention.head_count", shape.n_head).add_u32(a + "attention.head_count_kv", shape.n_head_kv);
    writer_.add_f32(a + "attention.layer_norm_rms_epsilon", 1e-6f).add_f32(a + "rope.freq_base", 10000);
    add_weights();
  }
  GgufWriter& writer() { return writer_; }  // for more metadata, before the first file()
  const TinyShape& shape() const { return shape_; }

  // The file lives as long as this model.
  std::shared_ptr<const llm::GgufFile> file() {
    if (bytes_.empty()) bytes_ = writer_.bytes();
    auto file = llm::GgufFile::from_memory(std::as_bytes(std::span(bytes_)), "tiny.gguf");
    return std::make_shared<const llm::GgufFile>(std::move(file.value()));
  }

 private:
  void weight(const std::string& name, int n_out, int n_in, float spread, float centre = 0) {
    std::normal_distribution<float> normal(centre, spread);
    std::vector<float> values(static_cast<std::size_t>(n_out) * n_in);
    for (float& v : values) v = normal(random_);
    std::vector<std::uint64_t> ne = {static_cast<std::uint64_t>(n_in)};
    if (n_out > 1) ne.push_back(n_out);
    writer_.add_tensor_f32(name, ne, values);
  }

  void add_weights() {
    const auto& s = shape_;
    const int head_dim = s.n_embd / s.n_head, n_kv = s.n_head_kv * head_dim;
    weight("token_embd.weight", s.n_vocab, s.n_embd, 1);
    for (int i = 0; i < s.n_layer; ++i) {
      const std::string b = "blk." + std::to_string(i) + ".";
      weight(b + "attn_norm.weight", 1, s.n_embd, 0.1f, 1);
      weight(b + "attn_q.weight", s.n_embd, s.n_embd, 0.3f);
      weight(b + "attn_k.weight", n_kv, s.n_embd, 0.3f);
      weight(b + "attn_v.weight", n_kv, s.n_embd, 0.3f);
      weight(b + "attn_output.weight", s.n_embd, s.n_embd, 0.3f);
      if (s.biases) {
        weight(b + "attn_q.bias", 1, s.n_embd, 0.3f);
        weight(b + "attn_k.bias", 1, n_kv, 0.3f);
        weight(b + "attn_v.bias", 1, n_kv, 0.3f);
      }
      weight(b + "ffn_norm.weight", 1, s.n_embd, 0.1f, 1);
      weight(b + "ffn_gate.weight", s.n_ff, s.n_embd, 0.3f);
      weight(b + "ffn_up.weight", s.n_ff, s.n_embd, 0.3f);
      weight(b + "ffn_down.weight", s.n_embd, s.n_ff, 0.3f);
    }
    weight("output_norm.weight", 1, s.n_embd, 0.1f, 1);
    if (!s.tied) weight("output.weight", s.n_vocab, s.n_embd, 0.5f);
  }

  TinyShape shape_;
  std::mt19937 random_;
  GgufWriter writer_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace baton::test
