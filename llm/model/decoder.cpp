#include "decoder.h"

#include <array>
#include <cmath>
#include <vector>

#include "weight_loader.h"

namespace baton::llm {
namespace {

struct Layer {
  Weight attn_norm;
  Linear attn_q, attn_k, attn_v, attn_output;
  Weight ffn_norm;
  Linear ffn_gate, ffn_up, ffn_down;
};

class Decoder final : public Network {
 public:
  Decoder(const Hparams& hparams, const DecoderOptions& options, Backend& backend, WeightLoader& weights)
      : hparams_(hparams),
        options_(options),
        attention_{hparams.n_head, hparams.n_head_kv, hparams.head_dim, 1.0f / std::sqrt(static_cast<float>(hparams.head_dim)), 0} {
    const int n_embd = hparams.n_embd, n_q = hparams.n_head * hparams.head_dim, n_kv = hparams.n_head_kv * hparams.head_dim;
    token_embd_ = weights.required("token_embd.weight", hparams.n_vocab, n_embd);
    for (int i = 0; i < hparams.n_layer; ++i) {
      const std::string block = "blk." + std::to_string(i) + ".";
      layers_.push_back({
          weights.required(block + "attn_norm.weight", 1, n_embd),
          weights.linear(block + "attn_q", n_q, n_embd),
          weights.linear(block + "attn_k", n_kv, n_embd),
          weights.linear(block + "attn_v", n_kv, n_embd),
          weights.linear(block + "attn_output", n_embd, n_q),
          weights.required(block + "ffn_norm.weight", 1, n_embd),
          weights.linear(block + "ffn_gate", hparams.n_ff, n_embd),
          weights.linear(block + "ffn_up", hparams.n_ff, n_embd),
          weights.linear(block + "ffn_down", n_embd, hparams.n_ff),
      });
      if (weights.error()) return;  // a truncated file lacks all of them: the first name is enough
    }
    output_norm_ = weights.required("output_norm.weight", 1, n_embd);
    output_.weight = weights.optional("output.weight", hparams.n_vocab, n_embd);
    if (!output_.weight) output_.weight = token_embd_;  // tied

    x_ = backend.tensor(n_embd);
    normed_ = backend.tensor(n_embd);
    delta_ = backend.tensor(n_embd);
    q_ = backend.tensor(n_q);
    k_ = backend.tensor(n_kv);
    v_ = backend.tensor(n_kv);
    attended_ = backend.tensor(n_q);
    gate_ = backend.tensor(hparams.n_ff);
    up_ = backend.tensor(hparams.n_ff);
    logits_ = backend.tensor(hparams.n_vocab);
  }

  Tensor forward(Backend& backend, const Batch& batch) override {
    backend.begin(batch);
    backend.embed(x_, token_embd_);
    for (int i = 0; i < hparams_.n_layer; ++i) {
      attend(backend, i);
      // The last layer's feed-forward part is needed only for the rows with logits.
      if (i + 1 == hparams_.n_layer) {
        backend.gather(x_, x_);
        if (batch.logit_rows.empty()) return logits_;
      }
      feed_forward(backend, layers_[i]);
    }
    backend.rms_norm(normed_, x_, output_norm_, hparams_.rms_epsilon);
    linear(backend, normed_, {logits_}, {&output_});
    return logits_;
  }

 private:
  template <std::size_t N>
  static void linear(Backend& backend, Tensor in, const Tensor (&outs)[N], const Linear* const (&linears)[N]) {
    backend.linear(outs, in, linears);
  }

  void attend(Backend& backend, int i) {
    const Layer& layer = layers_[i];
    backend.rms_norm(normed_, x_, layer.attn_norm, hparams_.rms_epsilon);
    linear(backend, normed_, {q_, k_, v_}, {&layer.attn_q, &layer.attn_k, &layer.attn_v});
    backend.rope(q_, hparams_.n_head, options_.rope_pairing);
    backend.rope(k_, hparams_.n_head_kv, options_.rope_pairing);
    backend.kv_append(i, k_, v_);
    backend.attention(attended_, q_, i, attention_);
    linear(backend, attended_, {delta_}, {&layer.attn_output});
    backend.add(x_, delta_);
  }

  void feed_forward(Backend& backend, const Layer& layer) {
    backend.rms_norm(normed_, x_, layer.ffn_norm, hparams_.rms_epsilon);
    linear(backend, normed_, {gate_, up_}, {&layer.ffn_gate, &layer.ffn_up});
    backend.swiglu(gate_, gate_, up_);
    linear(backend, gate_, {delta_}, {&layer.ffn_down});
    backend.add(x_, delta_);
  }

  Hparams hparams_;
  DecoderOptions options_;
  AttentionShape attention_;
  Weight token_embd_, output_norm_;
  Linear output_;
  std::vector<Layer> layers_;
  Tensor x_, normed_, delta_, q_, k_, v_, attended_, gate_, up_, logits_;
};

}  // namespace

Result<std::unique_ptr<Network>> build_decoder(const GgufFile& file, const Hparams& hparams, Backend& backend,
                                               const DecoderOptions& options) {
  WeightLoader weights(file, backend);
  auto decoder = std::make_unique<Decoder>(hparams, options, backend, weights);
  if (weights.error()) return *weights.error();
  return std::unique_ptr<Network>(std::move(decoder));
}

}  // namespace baton::llm
