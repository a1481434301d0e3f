#include "machine.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <functional>
#include <random>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace baton::kernels::bench {
namespace {

constexpr int kRuns = 7;
constexpr std::size_t kBufferBytes = std::size_t{512} << 20;  // larger than a few cores' share of the L3 of any current processor
constexpr int kChains = 8;                                    // independent sums: enough to hide an instruction's latency
constexpr int kSteps = 2'000'000;

// Seconds of the fastest of several runs: on a shared machine the others include the load of other users.
double fastest(const std::function<void()>& run) {
  double best = 1e9;
  for (int i = 0; i < kRuns; ++i) {
    const auto start = std::chrono::steady_clock::now();
    run();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

// Sums keep the compiler from omitting the reads.
std::uint64_t read_all(const std::uint64_t* p, std::size_t n) {
  std::uint64_t sums[8] = {};
  for (std::size_t i = 0; i + 8 <= n; i += 8) {
    for (int k = 0; k < 8; ++k) sums[k] += p[i + k];
  }
  std::uint64_t sum = 0;
  for (std::uint64_t s : sums) sum += s;
  return sum;
}

double measure_reading() {
  const std::vector<std::uint64_t> buffer(kBufferBytes / 8, 1);
  constexpr int kPieces = 256;
  const std::size_t piece = buffer.size() / kPieces;
  std::atomic<std::uint64_t> total = 0;
  const double seconds = fastest([&] { pool().run(kPieces, [&](int i, int) { total += read_all(buffer.data() + i * piece, piece); }); });
  benchmark::DoNotOptimize(total.load());
  return static_cast<double>(kBufferBytes) / seconds;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) void int8_chains(int seed) {
  __m256i sums[kChains];
  for (auto& s : sums) s = _mm256_set1_epi32(seed);
  const __m256i one = _mm256_set1_epi16(1);
  __m256i a = _mm256_set1_epi8(static_cast<char>(seed)), b = _mm256_set1_epi8(3);
  for (int i = 0; i < kSteps; ++i) {
    for (auto& s : sums) {
      s = _mm256_add_epi32(s, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), one));
      benchmark::DoNotOptimize(a);  // otherwise the product would be computed once
    }
  }
  for (auto& s : sums) benchmark::DoNotOptimize(s);
}

__attribute__((target("avx2"))) void float_chains(int seed) {
  __m256 sums[kChains];
  for (auto& s : sums) s = _mm256_set1_ps(static_cast<float>(seed));
  __m256 a = _mm256_set1_ps(static_cast<float>(seed)), b = _mm256_set1_ps(0.5f);
  for (int i = 0; i < kSteps; ++i) {
    for (auto& s : sums) {
      s = _mm256_add_ps(s, _mm256_mul_ps(a, b));
      benchmark::DoNotOptimize(a);
    }
  }
  for (auto& s : sums) benchmark::DoNotOptimize(s);
}

double measure_chains(void (*chains)(int), int macs_a_step) {
  const int n = pool().n_threads();
  const double seconds = fastest([&] { pool().run(n, [&](int item, int) { chains(item); }); });
  return static_cast<double>(n) * kSteps * kChains * macs_a_step / seconds;
}
#endif

Ceilings measure() {
  Ceilings c = {measure_reading(), 0, 0};
#if defined(__x86_64__)
  if (best_cpu_level() >= CpuLevel::avx2) {
    c.int8_macs = measure_chains(int8_chains, 32);
    c.float_macs = measure_chains(float_chains, 8);
  }
#endif
  return c;
}

}  // namespace

ThreadPool& pool() {
  static ThreadPool threads(0);
  return threads;
}

std::vector<CpuLevel> levels_to_measure() {
  std::vector<CpuLevel> out;
  for (CpuLevel level : known_cpu_levels()) {
    if (level <= best_cpu_level()) out.push_back(level);
  }
  return out;
}

std::string level_name(CpuLevel level) { return "/" + std::string(to_string(level)); }

const Ceilings& ceilings() {
  static const Ceilings measured = measure();
  return measured;
}

void report_bytes(benchmark::State& state, double bytes) {
  const double done = bytes * static_cast<double>(state.iterations());
  state.counters["GB/s"] = benchmark::Counter(done * 1e-9, benchmark::Counter::kIsRate);
  state.counters["of_read"] = benchmark::Counter(done / ceilings().read_bytes, benchmark::Counter::kIsRate);
}

void report_macs(benchmark::State& state, double macs, double ceiling) {
  const double done = macs * static_cast<double>(state.iterations());
  state.counters["GMAC/s"] = benchmark::Counter(done * 1e-9, benchmark::Counter::kIsRate);
  if (ceiling > 0) state.counters["of_peak"] = benchmark::Counter(done / ceiling, benchmark::Counter::kIsRate);
}

std::vector<float> floats(std::size_t n, std::uint32_t seed) {
  std::minstd_rand random(seed);
  std::uniform_real_distribution<float> value(-1, 1);
  std::vector<float> out(n);
  for (float& x : out) x = value(random);
  return out;
}

bool same_bits(benchmark::State& state, std::span<const float> reference, std::span<const float> found) {
  if (reference.size() == found.size() && std::memcmp(reference.data(), found.data(), reference.size_bytes()) == 0) return true;
  state.SkipWithError("differs from the scalar definition: not timed");
  return false;
}

}  // namespace baton::kernels::bench
