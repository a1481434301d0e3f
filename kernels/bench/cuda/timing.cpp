#include "timing.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "device.h"

namespace baton::kernels::cuda::bench {
namespace {

// An idle device runs at a fifth of its clock and takes some ten milliseconds of work to speed up.
constexpr double kWarmUpMs = 60;
// Long compared with the cost and resolution of an event (about a microsecond). Launches queue up, so that the device never waits for the
// host.
constexpr double kSeriesMs = 10;
constexpr int kSeries = 7, kMostRuns = 5000;

class Events {
 public:
  Events() {
    check(cudaEventCreate(&start_), "cudaEventCreate");
    check(cudaEventCreate(&end_), "cudaEventCreate");
  }
  ~Events() {
    cudaEventDestroy(start_);
    cudaEventDestroy(end_);
  }
  Events(const Events&) = delete;
  Events& operator=(const Events&) = delete;

  double milliseconds(const std::function<void()>& work) const {
    check(cudaEventRecord(start_, nullptr), "cudaEventRecord");
    work();
    check(cudaEventRecord(end_, nullptr), "cudaEventRecord");
    check(cudaGetLastError(), "a timed launch");
    check(cudaEventSynchronize(end_), "the timed runs");
    float ms = 0;
    check(cudaEventElapsedTime(&ms, start_, end_), "cudaEventElapsedTime");
    return ms;
  }

 private:
  cudaEvent_t start_ = nullptr, end_ = nullptr;
};

}  // namespace

Timing time_runs(const std::function<void(int)>& run, int n_sets) {
  const Events events;
  int next = 0;
  const auto series = [&](int n) {
    return events.milliseconds([&] {
      for (int i = 0; i < n; ++i) run(next++ % n_sets);
    }) / n;
  };
  double each = series(1);
  for (double warm = each; warm < kWarmUpMs;) {
    const int n = std::clamp(static_cast<int>(std::ceil((kWarmUpMs - warm) / std::max(each, 1e-3))), 1, kMostRuns);
    each = series(n);
    warm += std::max(each * n, 0.5);
  }
  const int n = std::clamp(static_cast<int>(std::ceil(kSeriesMs / std::max(each, 1e-3))), 1, kMostRuns);
  std::vector<double> found;
  for (int i = 0; i < kSeries; ++i) found.push_back(series(n));
  std::sort(found.begin(), found.end());
  const double median = found[kSeries / 2];
  return {median * 1000, (found.back() - found.front()) / median};
}

}  // namespace baton::kernels::cuda::bench
