#pragma once
// A backend that forwards everything and counts the bytes that cross between host and backend while a model runs: on a GPU each of them
// crosses the bus. It also counts the rows that linear operations process.
#include <baton/llm/model/backend.h>

#include <memory>
#include <string>
#include <vector>

namespace baton::test {

struct Crossings {
  std::size_t to_backend = 0;    // bytes
  std::size_t from_backend = 0;  // bytes
  int steps = 0;
  int tokens = 0;
  int page_copies = 0;
};

class CountingBackend final : public llm::Backend {
 public:
  // The counts live with the caller, because a Model owns its backend.
  CountingBackend(std::unique_ptr<llm::Backend> inner, std::shared_ptr<Crossings> counts)
      : inner_(std::move(inner)), counts_(std::move(counts)) {}

  std::string description() const override { return "counting " + inner_->description(); }
  llm::Result<llm::Weight> load(const llm::GgufFile& file, const llm::GgufTensor& tensor) override { return inner_->load(file, tensor); }
  llm::Result<llm::Weight> upload(std::span<const float> values) override { return inner_->upload(values); }
  llm::Tensor tensor(int n_cols) override { return inner_->tensor(n_cols); }
  llm::Result<void> prepare(int max_batch, const llm::KvShape& kv, const llm::RopeTable& rope) override {
    return inner_->prepare(max_batch, kv, rope);
  }
  void begin(const llm::Batch& batch) override {
    std::size_t words = batch.tokens.size() + batch.positions.size() + batch.sequence.size() + batch.logit_rows.size();
    for (const auto& sequence : batch.sequences) words += sequence.pages.size();
    counts_->to_backend += words * sizeof(std::int32_t);
    counts_->tokens += batch.n_tokens();
    ++counts_->steps;
    inner_->begin(batch);
  }
  void embed(llm::Tensor out, const llm::Weight& table) override { inner_->embed(out, table); }
  void rms_norm(llm::Tensor out, llm::Tensor in, const llm::Weight& weight, float epsilon) override {
    inner_->rms_norm(out, in, weight, epsilon);
  }
  void linear(std::span<const llm::Tensor> outs, llm::Tensor in, std::span<const llm::Linear* const> linears) override {
    inner_->linear(outs, in, linears);
  }
  void rope(llm::Tensor x, int n_head, llm::RopePairing pairing) override { inner_->rope(x, n_head, pairing); }
  void kv_append(int layer, llm::Tensor k, llm::Tensor v) override { inner_->kv_append(layer, k, v); }
  void attention(llm::Tensor out, llm::Tensor q, int layer, const llm::AttentionShape& shape) override {
    inner_->attention(out, q, layer, shape);
  }
  void add(llm::Tensor x, llm::Tensor y) override { inner_->add(x, y); }
  void swiglu(llm::Tensor out, llm::Tensor gate, llm::Tensor up) override { inner_->swiglu(out, gate, up); }
  void gather(llm::Tensor out, llm::Tensor in) override { inner_->gather(out, in); }
  std::vector<llm::Choice> sample(llm::Tensor logits, std::span<const llm::SampleRow> rows) override {
    auto choices = inner_->sample(logits, rows);
    for (const auto& row : rows) counts_->to_backend += row.mask ? row.mask->size() * sizeof(std::uint32_t) : 0;
    for (const auto& choice : choices) counts_->from_backend += sizeof(llm::TokenProbability) * (1 + choice.top.size());
    return choices;
  }
  void read(llm::Tensor in, int row, std::span<float> out) override {
    counts_->from_backend += out.size_bytes();
    inner_->read(in, row, out);
  }
  void copy_page(llm::PageId from, llm::PageId to) override {
    ++counts_->page_copies;
    inner_->copy_page(from, to);
  }
  std::size_t kv_bytes_per_token() const override { return inner_->kv_bytes_per_token(); }

 private:
  std::unique_ptr<llm::Backend> inner_;
  std::shared_ptr<Crossings> counts_;
};

}  // namespace baton::test
