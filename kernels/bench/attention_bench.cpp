// Attention of one layer over a paged cache with the heads of Qwen2.5-Coder-0.5B: one token after a long context, and a chunk of a prompt.
#include <baton/kernels/attention.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "machine.h"

namespace baton::kernels::bench {
namespace {

constexpr int kHeads = 14, kHeadsKv = 2, kHeadDim = 64, kPageTokens = 32;

// A cache filled up to n_context, its pages in random order.
struct Cache {
  explicit Cache(int n_context) : n_pages((n_context + kPageTokens - 1) / kPageTokens), page_table(n_pages) {
    const std::size_t n = static_cast<std::size_t>(n_pages) * kHeadsKv * kPageTokens * kHeadDim;
    k.resize(n), v.resize(n);
    std::iota(page_table.begin(), page_table.end(), 0);
    std::shuffle(page_table.begin(), page_table.end(), std::minstd_rand(5));
    std::vector<std::int32_t> positions(n_context), sequence(n_context, 0);
    std::iota(positions.begin(), positions.end(), 0);
    const std::vector<float> keys = floats(static_cast<std::size_t>(n_context) * kHeadsKv * kHeadDim, 1), values = floats(keys.size(), 2);
    const std::int32_t* tables[] = {page_table.data()};
    cpu::kv_append({layer(), {positions.data(), sequence.data(), tables, n_context}, keys.data(), values.data()},
                   {CpuLevel::scalar, pool()});
  }
  KvLayer layer() { return {k.data(), v.data(), kHeadsKv, kHeadDim, kPageTokens}; }

  int n_pages;
  std::vector<std::int32_t> page_table;
  std::vector<std::uint16_t> k, v;
};

// The last n_tokens of n_context attend.
void attend(benchmark::State& state, CpuLevel level, int n_tokens, int n_context) {
  Cache cache(n_context);
  std::vector<std::int32_t> positions(n_tokens), sequence(n_tokens, 0);
  std::iota(positions.begin(), positions.end(), n_context - n_tokens);
  const std::vector<float> q = floats(static_cast<std::size_t>(n_tokens) * kHeads * kHeadDim, 3);
  std::vector<float> reference(q.size()), out(q.size());
  const std::int32_t* tables[] = {cache.page_table.data()};
  const auto run = [&](CpuLevel with, std::vector<float>& to, int tokens) {
    cpu::attention({cache.layer(), {positions.data(), sequence.data(), tables, tokens}, q.data(), to.data(), kHeads, 0.125f, 0},
                   {with, pool()});
  };
  const int n_checked = std::min(n_tokens, 5);
  run(CpuLevel::scalar, reference, n_checked);
  run(level, out, n_checked);
  const std::size_t n = static_cast<std::size_t>(n_checked) * kHeads * kHeadDim;
  if (!same_bits(state, std::span(reference).first(n), std::span(out).first(n))) return;
  for (auto _ : state) run(level, out, n_tokens);
  // Each query is multiplied by its keys once and by its values once; on average their number is that of the middle token.
  const double pairs = static_cast<double>(n_tokens) * (n_context - (n_tokens - 1) / 2.0);
  report_bytes(state, static_cast<double>(n_context) * kHeadsKv * kHeadDim * 2 * sizeof(std::uint16_t));
  report_macs(state, pairs * kHeads * kHeadDim * 2, ceilings().float_macs);
}

const int kRegistered = [] {
  for (CpuLevel level : levels_to_measure()) {
    const auto add = [&](const char* name, int n_tokens, int n_context) {
      benchmark::RegisterBenchmark((name + level_name(level)).c_str(), attend, level, n_tokens, n_context)
          ->UseRealTime()
          ->Unit(benchmark::kMicrosecond);
    };
    add("attention/1_token_after_512", 1, 513);
    add("attention/1_token_after_2048", 1, 2049);
    if (level == CpuLevel::scalar) continue;
    add("attention/512_tokens", 512, 512);
    add("attention/512_tokens_after_1536", 512, 2048);
  }
  return 0;
}();

}  // namespace
}  // namespace baton::kernels::bench
