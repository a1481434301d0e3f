// The kernels that pass over rows once, in sizes of a prompt of 512 tokens, and the cost of distributing work.
#include <baton/kernels/rms_norm.h>
#include <baton/kernels/rope.h>
#include <baton/kernels/rope_tables.h>
#include <baton/kernels/swiglu.h>

#include "machine.h"

namespace baton::kernels::bench {
namespace {

constexpr int kTokens = 512, kWidth = 896, kWide = 4864;

void norm(benchmark::State& state, CpuLevel level) {
  const std::vector<float> x = floats(kTokens * kWidth, 1), weight = floats(kWidth, 2);
  std::vector<float> reference(x.size()), y(x.size());
  cpu::rms_norm({x.data(), weight.data(), reference.data(), kTokens, kWidth, 1e-6f}, {CpuLevel::scalar, pool()});
  const RmsNormParams p = {x.data(), weight.data(), y.data(), kTokens, kWidth, 1e-6f};
  cpu::rms_norm(p, {level, pool()});
  if (!same_bits(state, reference, y)) return;
  for (auto _ : state) cpu::rms_norm(p, {level, pool()});
  report_bytes(state, 2.0 * x.size() * sizeof(float));
}

void gate(benchmark::State& state, CpuLevel level) {
  const std::vector<float> g = floats(kTokens * kWide, 1), up = floats(g.size(), 2);
  std::vector<float> reference(g.size()), y(g.size());
  cpu::swiglu({g.data(), up.data(), reference.data(), g.size()}, {CpuLevel::scalar, pool()});
  const SwigluParams p = {g.data(), up.data(), y.data(), g.size()};
  cpu::swiglu(p, {level, pool()});
  if (!same_bits(state, reference, y)) return;
  for (auto _ : state) cpu::swiglu(p, {level, pool()});
  report_bytes(state, 3.0 * g.size() * sizeof(float));
}

void rotate(benchmark::State& state, bool halves) {
  RopeScalingParams scaling;
  scaling.n_rot = 64;
  const RopeFrequencies frequencies = rope_frequencies(scaling);
  std::vector<std::int32_t> positions(kTokens);
  for (int t = 0; t < kTokens; ++t) positions[t] = t;
  std::vector<float> x = floats(kTokens * kWidth, 1), cos(kTokens * 32), sin(kTokens * 32);
  rope_cos_sin(frequencies, positions.data(), kTokens, cos.data(), sin.data());
  std::vector<float> reference = x;  // rope has one implementation: checked against its formula, pair by pair
  for (std::size_t head = 0; head < x.size() / 64; ++head) {
    for (int i = 0; i < 32; ++i) {
      const std::size_t angle = head / (kWidth / 64) * 32 + i;
      float& a = reference[head * 64 + (halves ? i : 2 * i)];
      float& b = reference[head * 64 + (halves ? i + 32 : 2 * i + 1)];
      const float turned = a * cos[angle] - b * sin[angle];
      b = a * sin[angle] + b * cos[angle];
      a = turned;
    }
  }
  const RopeParams p = {x.data(), cos.data(), sin.data(), kTokens, kWidth / 64, 64, 64, halves};
  const Cpu cpu{best_cpu_level(), pool()};
  cpu::rope(p, cpu);
  if (!same_bits(state, reference, x)) return;
  for (auto _ : state) cpu::rope(p, cpu);
  report_bytes(state, 2.0 * x.size() * sizeof(float));
}

void dispatch(benchmark::State& state) {
  const std::function<void(int, int)> nothing = [](int, int) {};
  for (auto _ : state) pool().run(pool().n_threads(), nothing);
}

const int kRegistered = [] {
  for (CpuLevel level : levels_to_measure()) {
    benchmark::RegisterBenchmark(("rms_norm/512x896" + level_name(level)).c_str(), norm, level)
        ->UseRealTime()
        ->Unit(benchmark::kMicrosecond);
    benchmark::RegisterBenchmark(("swiglu/512x4864" + level_name(level)).c_str(), gate, level)
        ->UseRealTime()
        ->Unit(benchmark::kMicrosecond);
  }
  benchmark::RegisterBenchmark("rope/512x896/halves", rotate, true)->UseRealTime()->Unit(benchmark::kMicrosecond);
  benchmark::RegisterBenchmark("rope/512x896/adjacent", rotate, false)->UseRealTime()->Unit(benchmark::kMicrosecond);
  benchmark::RegisterBenchmark("thread_pool/dispatch", dispatch)->UseRealTime()->Unit(benchmark::kMicrosecond);
  return 0;
}();

}  // namespace
}  // namespace baton::kernels::bench
