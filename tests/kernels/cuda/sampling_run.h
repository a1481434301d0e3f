#pragma once
// The device's sampler over rows of logits on the host.
#include <baton/kernels/sampling.h>

#include <optional>

#include "device.h"

namespace baton::kernels::cuda {

// A row's settings with the data on the host that they point to.
struct Request {
  SamplingRow row = {1.0f, 0, 1.0f, 0.0f, 1.0f, 0.0f, 0.0f, -1.0f, nullptr, nullptr, nullptr, 0, 0, 1, 0, 0};
  std::optional<std::vector<std::uint32_t>> mask;
  std::vector<TokenBias> biases;
  std::vector<TokenCount> penalised;

  bool allows(int id) const { return !mask || ((*mask)[id / 32] >> (id % 32) & 1); }
};

inline std::vector<std::uint32_t> mask_of(int n, const std::vector<int>& ids) {
  std::vector<std::uint32_t> mask((n + 31) / 32, 0);
  for (const int id : ids) mask[id / 32] |= 1u << (id % 32);
  return mask;
}

struct Outcome {
  std::vector<std::int32_t> tokens;
  std::vector<SampleReport> reports;
  std::vector<TokenLogprob> top;
};

// The same logits for all requests' rows, or a row each.
inline Outcome run(const std::vector<float>& logits, int n_vocab, const std::vector<Request>& requests) {
  const int n_rows = static_cast<int>(requests.size());
  std::vector<float> all = logits;
  while (all.size() < static_cast<std::size_t>(n_rows) * n_vocab) all.insert(all.end(), logits.begin(), logits.end());
  std::vector<std::uint32_t> masks;
  std::vector<TokenBias> biases;
  std::vector<TokenCount> penalised;
  for (const Request& r : requests) {
    if (r.mask) masks.insert(masks.end(), r.mask->begin(), r.mask->end());
    biases.insert(biases.end(), r.biases.begin(), r.biases.end());
    penalised.insert(penalised.end(), r.penalised.begin(), r.penalised.end());
  }
  const DeviceBuffer<std::uint32_t> masks_there(masks);
  const DeviceBuffer<TokenBias> biases_there(biases);
  const DeviceBuffer<TokenCount> penalised_there(penalised);
  std::vector<SamplingRow> rows;
  std::size_t at_mask = 0, at_bias = 0, at_penalised = 0;
  for (const Request& r : requests) {
    rows.push_back(r.row);
    if (r.mask) rows.back().mask = masks_there.get() + at_mask, at_mask += r.mask->size();
    rows.back().biases = biases_there.get() + at_bias;
    rows.back().penalised = penalised_there.get() + at_penalised;
    at_bias += rows.back().n_biases = static_cast<int>(r.biases.size());
    at_penalised += rows.back().n_penalised = static_cast<int>(r.penalised.size());
  }
  const DeviceBuffer<float> logits_there(all), scratch(sample_scratch(n_rows, n_vocab));
  const DeviceBuffer<SamplingRow> rows_there(rows);
  const DeviceBuffer<std::int32_t> tokens(n_rows);
  const DeviceBuffer<SampleReport> reports(n_rows);
  const DeviceBuffer<TokenLogprob> top(static_cast<std::size_t>(n_rows) * kMaxTopLogprobs);
  const DeviceBuffer<std::uint32_t> arrived(std::vector<std::uint32_t>(n_rows, 0));
  sample({logits_there.get(), rows_there.get(), tokens.get(), reports.get(), top.get(), scratch.get(), arrived.get(), n_rows, n_vocab},
         nullptr);
  EXPECT_EQ(arrived.values(), std::vector<std::uint32_t>(n_rows, 0));
  return {tokens.values(), reports.values(), top.values()};
}

}  // namespace baton::kernels::cuda
