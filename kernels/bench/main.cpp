// kernels_bench: Google Benchmark's options, such as --benchmark_filter=mat_mul/q4_k.
#include <cstdio>

#include "machine.h"

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  const auto& c = baton::kernels::bench::ceilings();
  std::fprintf(stderr,
               "%d threads, best level %s. This machine, just measured: reads %.1f GB/s, int8 %.0f GMAC/s, f32 %.1f GMAC/s (AVX2)\n",
               baton::kernels::bench::pool().n_threads(), std::string(to_string(baton::kernels::best_cpu_level())).c_str(),
               c.read_bytes * 1e-9, c.int8_macs * 1e-9, c.float_macs * 1e-9);
  benchmark::RunSpecifiedBenchmarks();
}
