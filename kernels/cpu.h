#pragma once
// The instructions that the CPU kernels use, and their threads. Both are chosen once, at start; every kernel takes them as its last
// argument.
//
// All levels give the same bits: the scalar code defines the order of every float operation, fast paths keep it (docs/kernels.md).
#include <baton/kernels/thread_pool.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::kernels {

enum class CpuLevel { scalar, avx2, avx512 };  // each includes the one before it

std::string_view to_string(CpuLevel level);
std::optional<CpuLevel> parse_cpu_level(std::string_view name);
CpuLevel best_cpu_level();                 // of this processor (CPUID, and the operating system's support)
std::vector<CpuLevel> known_cpu_levels();  // in rising order
std::string cpu_features();                // "avx2 fma f16c avx512f ..": for people

struct Cpu {
  CpuLevel level;
  ThreadPool& pool;
};

}  // namespace baton::kernels
