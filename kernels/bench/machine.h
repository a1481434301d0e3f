#pragma once
// The CPU and threads on which the kernels are timed, and this machine's measured ceilings: a kernel's figure alone says little.
#include <baton/kernels/cpu.h>
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace baton::kernels::bench {

ThreadPool& pool();                         // one thread a physical core
std::vector<CpuLevel> levels_to_measure();  // those that this processor supports
std::string level_name(CpuLevel level);     // "/avx2"

// Best of several runs on all threads of the pool, measured on first use.
struct Ceilings {
  double read_bytes;  // per second, from memory: reading a buffer larger than any cache
  double int8_macs;   // per second, with AVX2's multiply-add of bytes, operands in registers; 0 without AVX2
  double float_macs;  // per second, AVX2 multiply then add (the kernels fuse none), operands in registers; 0 without AVX2
};
const Ceilings& ceilings();

// Counters: GB/s of `bytes` an iteration and their share of the measured reading speed.
void report_bytes(benchmark::State& state, double bytes);
// Counters: GMAC/s of `macs` an iteration and their share of `ceiling` (int8_macs or float_macs).
void report_macs(benchmark::State& state, double macs, double ceiling);

// Numbers in [-1, 1), the same in every run.
std::vector<float> floats(std::size_t n, std::uint32_t seed);

// Ends the benchmark with an error unless both hold the same bits, so that no wrong computation is timed.
bool same_bits(benchmark::State& state, std::span<const float> reference, std::span<const float> found);

}  // namespace baton::kernels::bench
