#pragma once
#include <functional>

namespace baton::kernels::cuda::bench {

struct Timing {
  double us = 0;      // a run: the median over several series of runs, each between two events
  double spread = 0;  // (slowest - fastest series) / median
};

// run(set) puts one run into the default stream; sets take turns from 0 to n_sets - 1. Throws when the device reports an error.
Timing time_runs(const std::function<void(int set)>& run, int n_sets);

}  // namespace baton::kernels::cuda::bench
