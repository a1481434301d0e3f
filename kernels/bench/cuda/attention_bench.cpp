#include <baton/kernels/attention.h>

#include <algorithm>
#include <optional>

#include "attention_set.h"
#include "benches.h"

namespace baton::kernels::cuda::bench {
namespace {

AttentionShape prefill_shape(const Shape& shape) {
  const int n = shape.number("n");
  return {KvType::bf16,      shape.number("batch"),      n, n, shape.number("heads"), shape.number("kv_heads"),
          shape.number("d"), shape.number("causal") != 0};
}

// Two products of n x n x d per head, of which causality leaves half, as FlashAttention's authors count them.
double prefill_flop(const AttentionShape& s) { return 4.0 * s.batch * s.n_head * s.head_dim * s.context * s.context / (s.causal ? 2 : 1); }

std::vector<AttentionSet> sets(const AttentionShape& shape, std::size_t (AttentionSet::*bytes)() const) {
  std::vector<AttentionSet> out;
  out.emplace_back(shape, 1);
  const int n = n_sets((out[0].*bytes)());
  while (static_cast<int>(out.size()) < n) out.emplace_back(shape, 100 * static_cast<unsigned>(out.size()));
  return out;
}

}  // namespace

Result attention_prefill(const Shape& shape) {
  const AttentionShape s = prefill_shape(shape);
  const std::vector<AttentionSet> all = sets(s, &AttentionSet::bytes);
  cuda::attention_prefill(all[0].params(), nullptr);
  wait("attention_prefill");
  const std::string note = all[0].check_rows();
  const Timing timing = time_runs([&](int set) { cuda::attention_prefill(all[set].params(), nullptr); }, static_cast<int>(all.size()));
  return {prefill_flop(s) / timing.us * 1e-6, "TFLOP/s", timing, static_cast<double>(all[0].bytes()), note};
}

// The device memory of a run, apart from that of a context. It is measured after a small run of the same kernel, whose code is loaded by
// then.
Result attention_memory(const Shape& shape) {
  AttentionShape small = prefill_shape(shape);
  small.batch = 1, small.n_tokens = small.context = 64;
  {
    const AttentionSet set(small, 1);
    cuda::attention_prefill(set.params(), nullptr);
    wait("attention_prefill");
  }
  std::size_t before = 0, after = 0, total = 0;
  check(cudaMemGetInfo(&before, &total), "cudaMemGetInfo");
  const AttentionSet set(prefill_shape(shape), 1);
  cuda::attention_prefill(set.params(), nullptr);
  wait("attention_prefill");
  check(cudaMemGetInfo(&after, &total), "cudaMemGetInfo");
  const std::string note = set.check_rows();
  const Timing timing = time_runs([&](int) { cuda::attention_prefill(set.params(), nullptr); }, 1);
  return {static_cast<double>(before - after) / (1 << 20), "MiB", timing, static_cast<double>(set.bytes()), note};
}

// The caller chooses the number of splits: those that give every multiprocessor one, two and four blocks are tried, and the best one
// counts.
Result attention_decode(const Shape& shape) {
  const AttentionShape s{kv_type(shape.word("type")), shape.number("batch"), 1,   shape.number("context"), shape.number("heads"),
                         shape.number("kv_heads"),    shape.number("d"),     true};
  const std::vector<AttentionSet> all = sets(s, &AttentionSet::kv_bytes);
  AttentionDecodeParams p{all[0].params(), 128, nullptr, nullptr};
  const Buffer<float> partial(attention_decode_scratch(p));
  const Buffer<std::uint32_t> arrived(std::vector<std::uint32_t>(attention_decode_counters(p), 0));
  p.partial = partial.get();
  p.arrived = arrived.get();
  const auto run = [&](int set) {
    p.attention = all[set].params();
    cuda::attention_decode(p, nullptr);
  };
  std::optional<Result> best;
  std::vector<int> tried;
  for (const int blocks : {1, 2, 4}) {
    const int wanted = blocks * device().multiProcessorCount / static_cast<int>(attention_decode_counters(p));
    p.n_splits = std::clamp(wanted, 1, 128);
    if (std::find(tried.begin(), tried.end(), p.n_splits) != tried.end()) continue;
    tried.push_back(p.n_splits);
    all[0].poison();
    run(0);
    wait("attention_decode");
    const std::string note = std::to_string(p.n_splits) + " splits; " + all[0].check_rows();
    const Timing timing = time_runs(run, static_cast<int>(all.size()));
    if (best && best->timing.us <= timing.us) continue;
    const auto bytes = static_cast<double>(all[0].kv_bytes());
    best = Result{bytes / timing.us * 1e-3, "GB/s", timing, bytes, note};
  }
  return *best;
}

}  // namespace baton::kernels::cuda::bench
