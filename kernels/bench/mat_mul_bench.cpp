// mat_mul as a model calls it: one token against a matrix larger than any cache (memory-bound by the weights), and a long prompt against a
// matrix of a layer (compute-bound by byte multiply-adds).
#include <baton/kernels/mat_mul.h>

#include <random>

#include "machine.h"

namespace baton::kernels::bench {
namespace {

struct Format {
  TensorType type;
  const char* name;
};
constexpr Format kFormats[] = {{TensorType::q4_0, "q4_0"}, {TensorType::q4_1, "q4_1"}, {TensorType::q5_0, "q5_0"},
                               {TensorType::q5_1, "q5_1"}, {TensorType::q8_0, "q8_0"}, {TensorType::iq4_nl, "iq4_nl"},
                               {TensorType::q4_k, "q4_k"}, {TensorType::q5_k, "q5_k"}, {TensorType::q6_k, "q6_k"},
                               {TensorType::f16, "f16"}};

// Bytes below 0x3c: every half-precision number of any format is then one from 0 to 1.
std::vector<std::byte> weights(std::size_t n) {
  std::minstd_rand random(7);
  std::vector<std::byte> out(n);
  for (std::byte& b : out) b = static_cast<std::byte>((random() >> 8) % 0x3c);
  return out;
}

void multiply(benchmark::State& state, Format format, CpuLevel level, int n_out, int n_in, int n_tokens) {
  const Cpu cpu{level, pool()};
  const bool quantised = is_quantised(format.type);
  const std::vector<std::byte> w = weights(n_out * row_bytes(format.type, n_in));
  const std::vector<float> x = floats(static_cast<std::size_t>(n_tokens) * n_in, 3);
  std::vector<float> y(static_cast<std::size_t>(n_tokens) * n_out);
  Activations a;
  const auto run = [&](const Cpu& on, std::vector<float>& out, int rows) {
    const MatMulParams m = {format.type, w.data(), nullptr, out.data(), rows};
    cpu::prepare_activations(a, x.data(), n_tokens, n_in, quantised, on);
    cpu::mat_mul(&m, 1, a, on);
  };
  constexpr int kCheckedRows = 67;
  std::vector<float> reference(static_cast<std::size_t>(n_tokens) * kCheckedRows), found(reference.size());
  run({CpuLevel::scalar, pool()}, reference, kCheckedRows);
  run(cpu, found, kCheckedRows);
  if (!same_bits(state, reference, found)) return;
  for (auto _ : state) run(cpu, y, n_out);
  report_bytes(state, static_cast<double>(w.size()));
  report_macs(state, static_cast<double>(n_out) * n_in * n_tokens, quantised ? ceilings().int8_macs : ceilings().float_macs);
}

const int kRegistered = [] {
  for (CpuLevel level : levels_to_measure()) {
    for (const Format& format : kFormats) {
      const auto add = [&](const char* shape, int n_out, int n_in, int n_tokens) {
        benchmark::RegisterBenchmark((std::string("mat_mul/") + format.name + shape + level_name(level)).c_str(), multiply, format, level,
                                     n_out, n_in, n_tokens)
            ->UseRealTime()
            ->Unit(benchmark::kMicrosecond);
      };
      add("/one_token", 131072, 1024, 1);
      if (level != CpuLevel::scalar) {
        add("/one_token_in_cache", 1024, 1024, 1);
        add("/4_tokens", 4096, 1024, 4);
      }
      add("/512_tokens", level == CpuLevel::scalar ? 64 : 2048, 1024, 512);
    }
  }
  return 0;
}();

}  // namespace
}  // namespace baton::kernels::bench
