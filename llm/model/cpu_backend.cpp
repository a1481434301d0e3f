#include "cpu_backend.h"

#include <baton/kernels/add.h>
#include <baton/kernels/attention.h>
#include <baton/kernels/dequantize.h>
#include <baton/kernels/mat_mul.h>
#include <baton/kernels/rms_norm.h>
#include <baton/kernels/rope.h>
#include <baton/kernels/rope_tables.h>
#include <baton/kernels/swiglu.h>

#include <algorithm>
#include <cstring>

namespace baton::llm {
namespace {

using kernels::TensorType;

// Memory that is not touched before use: a KV cache for a long context costs only its filled part.
template <class T>
class Lazy {
 public:
  void allocate(std::size_t n) { data_.reset(new T[n]); }
  T* data() const { return data_.get(); }

 private:
  std::unique_ptr<T[]> data_;
};

struct StoredWeight {
  TensorType type = TensorType::f32;
  const std::byte* data = nullptr;  // in the mapped file, or in `own`
  std::vector<float> own;           // vectors and small tables, as f32
};

class CpuBackend final : public Backend {
 public:
  CpuBackend(kernels::CpuLevel level, int n_threads) : pool_(n_threads), cpu_{level, pool_} {}

  std::string description() const override {
    return "CPU, " + std::string(to_string(cpu_.level)) + ", " + std::to_string(pool_.n_threads()) +
           (pool_.n_threads() == 1 ? " thread" : " threads");
  }

  Result<Weight> load(const GgufFile& file, const GgufTensor& tensor) override {
    const auto type = static_cast<TensorType>(tensor.type_id);
    const kernels::BlockShape block = kernels::block_shape(type);
    if (block.elements == 0) {
      return Error{errc::unsupported, file.path() + ": tensor " + std::string(tensor.name) + " is " + tensor.type_name() +
                                          ", which the CPU kernels do not compute: take a file quantised to Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, "
                                          "Q4_K, Q5_K, Q6_K, IQ4_NL, F16, BF16 or F32"};
    }
    StoredWeight stored;
    const auto n_out = static_cast<int>(tensor.ne[1]), n_in = static_cast<int>(tensor.ne[0]);
    if (n_out == 1) {  // norms and biases are read as f32
      stored.own.resize(n_in);
      kernels::cpu::dequantize_row(type, tensor.bytes.data(), n_in, stored.own.data());
    } else {
      stored.type = type;
      stored.data = tensor.bytes.data();
    }
    return keep(std::move(stored), n_out, n_in);
  }

  Result<Weight> upload(std::span<const float> values) override {
    StoredWeight stored;
    stored.own.assign(values.begin(), values.end());
    return keep(std::move(stored), 1, static_cast<int>(values.size()));
  }

  Tensor tensor(int n_cols) override {
    tensors_.emplace_back();
    widths_.push_back(n_cols);
    return {static_cast<int>(tensors_.size()) - 1, n_cols};
  }

  Result<void> prepare(int max_batch, const KvShape& kv, const RopeTable& rope) override {
    try {
      for (std::size_t i = 0; i < tensors_.size(); ++i) tensors_[i].allocate(static_cast<std::size_t>(max_batch) * widths_[i]);
      kv_ = kv;
      kv_layer_elements_ = static_cast<std::size_t>(kv.n_pages) * kv.n_head_kv * kv.page_tokens * kv.head_dim;
      keys_.allocate(kv_layer_elements_ * kv.n_layer);
      values_.allocate(kv_layer_elements_ * kv.n_layer);
    } catch (const std::bad_alloc&) {
      return Error{errc::out_of_memory, "no memory for a KV cache of " + std::to_string(std::int64_t{kv.n_pages} * kv.page_tokens) +
                                            " tokens (" + std::to_string(kv_layer_elements_ * kv.n_layer * 4 / 1'000'000) +
                                            " MB): choose a smaller --ctx"};
    }
    rope_ = {rope.inverse_frequency, rope.attention_factor};
    return boost::system::in_place_value;
  }

  void begin(const Batch& batch) override {
    batch_ = &batch;
    n_rows_ = batch.n_tokens();
    page_tables_.clear();
    for (const auto& sequence : batch.sequences) page_tables_.push_back(sequence.pages.data());
    const std::size_t n_pairs = rope_.inverse_frequency.size();
    cos_.resize(n_rows_ * n_pairs);
    sin_.resize(n_rows_ * n_pairs);
    kernels::rope_cos_sin(rope_, batch.positions.data(), n_rows_, cos_.data(), sin_.data());
  }

  void embed(Tensor out, const Weight& table) override {
    const StoredWeight& w = weights_[table.id];
    const std::size_t stride = kernels::row_bytes(w.type, table.n_in);
    for (int t = 0; t < n_rows_; ++t) {
      kernels::cpu::dequantize_row(w.type, w.data + batch_->tokens[t] * stride, table.n_in, row(out, t));
    }
  }

  void rms_norm(Tensor out, Tensor in, const Weight& weight, float epsilon) override {
    kernels::cpu::rms_norm({row(in, 0), weights_[weight.id].own.data(), row(out, 0), n_rows_, in.n_cols, epsilon}, cpu_);
  }

  void linear(std::span<const Tensor> outs, Tensor in, std::span<const Linear* const> linears) override {
    bool quantise = false;
    matrices_.clear();
    for (std::size_t i = 0; i < outs.size(); ++i) {
      matrices_.push_back(matrix(linears[i]->weight, linears[i]->bias, row(outs[i], 0)));
      quantise |= kernels::is_quantised(matrices_.back().type);
    }
    kernels::cpu::prepare_activations(activations_, row(in, 0), n_rows_, in.n_cols, quantise, cpu_);
    kernels::cpu::mat_mul(matrices_.data(), static_cast<int>(matrices_.size()), activations_, cpu_);
    for (std::size_t i = 0; i < outs.size(); ++i) {
      if (linears[i]->lora_a) add_adapter(outs[i], in, *linears[i]);
    }
  }

  void rope(Tensor x, int n_head, RopePairing pairing) override {
    kernels::cpu::rope({row(x, 0), cos_.data(), sin_.data(), n_rows_, n_head, x.n_cols / n_head,
                        2 * static_cast<int>(rope_.inverse_frequency.size()), pairing == RopePairing::halves},
                       cpu_);
  }

  void kv_append(int layer, Tensor k, Tensor v) override {
    kernels::cpu::kv_append({kv_layer(layer), paged_batch(), row(k, 0), row(v, 0)}, cpu_);
  }

  void attention(Tensor out, Tensor q, int layer, const AttentionShape& shape) override {
    kernels::cpu::attention({kv_layer(layer), paged_batch(), row(q, 0), row(out, 0), shape.n_head, shape.scale, shape.window}, cpu_);
  }

  void add(Tensor x, Tensor y) override { kernels::cpu::add(row(x, 0), row(y, 0), static_cast<std::size_t>(n_rows_) * x.n_cols); }

  void swiglu(Tensor out, Tensor gate, Tensor up) override {
    kernels::cpu::swiglu({row(gate, 0), row(up, 0), row(out, 0), static_cast<std::size_t>(n_rows_) * gate.n_cols}, cpu_);
  }

  void gather(Tensor out, Tensor in) override {
    const auto& rows = batch_->logit_rows;  // ascending, so moving rows forward in place never overwrites a row that is still needed
    for (std::size_t i = 0; i < rows.size(); ++i) std::memmove(row(out, static_cast<int>(i)), row(in, rows[i]), in.n_cols * sizeof(float));
    n_rows_ = static_cast<int>(rows.size());
  }

  std::vector<Choice> sample(Tensor logits, std::span<const SampleRow> rows) override {
    std::vector<Choice> choices;
    for (const SampleRow& r : rows) {
      choices.push_back(
          r.sampler->choose({row(logits, r.row), static_cast<std::size_t>(logits.n_cols)}, r.mask, r.min_share, r.refinement));
    }
    return choices;
  }

  void read(Tensor in, int row_index, std::span<float> out) override { std::copy_n(row(in, row_index), out.size(), out.data()); }

  void copy_page(PageId from, PageId to) override {
    const std::size_t n = static_cast<std::size_t>(kv_.n_head_kv) * kv_.page_tokens * kv_.head_dim;
    for (int layer = 0; layer < kv_.n_layer; ++layer) {
      for (std::uint16_t* half : {kv_layer(layer).k, kv_layer(layer).v}) std::copy_n(half + from * n, n, half + to * n);
    }
  }

  std::size_t kv_bytes_per_token() const override {
    return static_cast<std::size_t>(kv_.n_layer) * kv_.n_head_kv * kv_.head_dim * 2 * sizeof(std::uint16_t);
  }

 private:
  Result<Weight> keep(StoredWeight stored, int n_out, int n_in) {
    if (!stored.own.empty()) stored.data = reinterpret_cast<const std::byte*>(stored.own.data());
    weights_.push_back(std::move(stored));  // moving a vector keeps its elements at their addresses
    return Weight{static_cast<int>(weights_.size()) - 1, n_out, n_in};
  }

  float* row(Tensor t, int i) { return tensors_[t.id].data() + static_cast<std::size_t>(i) * t.n_cols; }

  kernels::MatMulParams matrix(const Weight& weight, const Weight& bias, float* y) const {
    const StoredWeight& w = weights_[weight.id];
    return {w.type, w.data, bias ? weights_[bias.id].own.data() : nullptr, y, weight.n_out};
  }

  // y += scale * B (A x), with the activations that linear() has just prepared.
  void add_adapter(Tensor out, Tensor in, const Linear& linear) {
    adapter_.resize(static_cast<std::size_t>(n_rows_) * (linear.lora_a.n_out + out.n_cols));
    float* inner = adapter_.data();
    float* outer = inner + static_cast<std::size_t>(n_rows_) * linear.lora_a.n_out;
    const auto multiply = [&](const Weight& w, const float* x, int n_in, float* y) {
      const kernels::MatMulParams m = matrix(w, {}, y);
      kernels::cpu::prepare_activations(activations_, x, n_rows_, n_in, kernels::is_quantised(m.type), cpu_);
      kernels::cpu::mat_mul(&m, 1, activations_, cpu_);
    };
    multiply(linear.lora_a, row(in, 0), in.n_cols, inner);
    multiply(linear.lora_b, inner, linear.lora_a.n_out, outer);
    for (std::size_t i = 0; i < static_cast<std::size_t>(n_rows_) * out.n_cols; ++i) row(out, 0)[i] += linear.lora_scale * outer[i];
  }

  kernels::KvLayer kv_layer(int layer) const {
    const std::size_t at = kv_layer_elements_ * layer;
    return {keys_.data() + at, values_.data() + at, kv_.n_head_kv, kv_.head_dim, kv_.page_tokens};
  }

  kernels::PagedBatch paged_batch() const {
    return {batch_->positions.data(), batch_->sequence.data(), page_tables_.data(), batch_->n_tokens()};
  }

  kernels::ThreadPool pool_;
  kernels::Cpu cpu_;
  std::vector<StoredWeight> weights_;
  std::vector<Lazy<float>> tensors_;
  std::vector<int> widths_;
  KvShape kv_;
  std::size_t kv_layer_elements_ = 0;
  Lazy<std::uint16_t> keys_, values_;
  kernels::RopeFrequencies rope_;

  // Of the current step.
  const Batch* batch_ = nullptr;
  int n_rows_ = 0;
  std::vector<const PageId*> page_tables_;
  std::vector<float> cos_, sin_;
  kernels::Activations activations_;
  std::vector<kernels::MatMulParams> matrices_;
  std::vector<float> adapter_;
};

}  // namespace

Result<std::unique_ptr<Backend>> make_cpu_backend(const CpuOptions& options) {
  const kernels::CpuLevel best = kernels::best_cpu_level();
  std::optional<kernels::CpuLevel> level = options.level.empty() ? best : kernels::parse_cpu_level(options.level);
  if (!level) {
    std::string known;
    for (kernels::CpuLevel l : kernels::known_cpu_levels()) known += (known.empty() ? "" : ", ") + std::string(to_string(l));
    return Error{errc::unsupported, "CPU level '" + options.level + "' is not one of " + known};
  }
  if (*level > best) {
    return Error{errc::unsupported, "this processor has no " + options.level + ", the best it has is " + std::string(to_string(best))};
  }
  return std::unique_ptr<Backend>(std::make_unique<CpuBackend>(*level, options.n_threads));
}

}  // namespace baton::llm
