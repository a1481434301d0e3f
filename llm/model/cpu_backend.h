#pragma once
// The backend that computes on the CPU, with the kernels of kernels/cpu.
#include <memory>
#include <string>

#include "backend.h"

namespace baton::llm {

struct CpuOptions {
  std::string level;  // "scalar", "avx2", "avx512"; empty: the best one of this processor
  int n_threads = 0;  // 0: one for each physical core
};

// errc::unsupported names a level that is unknown or that this processor lacks.
Result<std::unique_ptr<Backend>> make_cpu_backend(const CpuOptions& options);

}  // namespace baton::llm
