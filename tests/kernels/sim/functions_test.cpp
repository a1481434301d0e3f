// Collectives of a warp, cp.async and the functions of single threads, against plain C++.
#include <baton/kernels/sim/options.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>

#include "device_buffer.h"
#include "samples.h"

namespace baton::kernels::samples {
namespace {

TEST(Functions, CollectivesGiveEachLaneWhatCudaDefines) {
  std::vector<int> x(32);
  for (int i = 0; i < 32; ++i) x[static_cast<std::size_t>(i)] = i * 29 % 37 - 11;
  const auto at = [&](int lane) { return x[static_cast<std::size_t>(lane)]; };
  unsigned ballot = 0, exclusive_or = 0;
  for (int i = 0; i < 32; ++i) {
    ballot |= static_cast<unsigned>(at(i) > 0) << i;
    exclusive_or ^= static_cast<unsigned>(at(i));
  }
  const auto match = [&](int lane) {
    unsigned mask = 0;
    for (int i = 0; i < 32; ++i) mask |= static_cast<unsigned>(at(i) % 3 == at(lane) % 3) << i;
    return static_cast<int>(mask);
  };
  const std::array<std::function<int(int)>, kCollectives> expected = {
      [&](int) { return at(5); },
      [&](int lane) { return at(lane / 8 * 8 + (lane + 1) % 8); },
      [&](int lane) { return at(lane < 3 ? lane : lane - 3); },
      [&](int lane) { return at(lane % 16 < 3 ? lane : lane - 3); },
      [&](int lane) { return at(lane + 7 > 31 ? lane : lane + 7); },
      [&](int lane) { return at(lane % 4 == 3 ? lane : lane + 1); },
      [&](int lane) { return at(lane ^ 9); },
      [&](int lane) { return at((lane ^ 12) > lane / 8 * 8 + 7 ? lane : lane ^ 12); },
      [&](int) { return static_cast<int>(ballot); },
      [&](int) { return 1; },
      [&](int) { return 0; },
      match,
      [&](int) { return std::accumulate(x.begin(), x.end(), 0); },
      [&](int) { return *std::min_element(x.begin(), x.end()); },
      [&](int) { return *std::max_element(x.begin(), x.end()); },
      [&](int) { return static_cast<int>(exclusive_or); },
      [&](int lane) { return at(lane ^ 1); },
      [&](int lane) { return at(lane < 16 ? lane ^ 1 : lane ^ 2); },
  };
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    sim::set_seed(seed);
    DeviceBuffer<int> in(x), out(32 * kCollectives);
    collectives(out.get(), in.get(), nullptr);
    const auto y = out.values();
    for (std::size_t row = 0; row < kCollectives; ++row) {
      for (int lane = 0; lane < 32; ++lane) {
        EXPECT_EQ(y[32 * row + static_cast<std::size_t>(lane)], expected[row](lane)) << "collective " << row << ", lane " << lane;
      }
    }
  }
}

TEST(Functions, AsyncCopiesArriveWithTheirGroupAndFillWithZeros) {
  DeviceBuffer<int> in(std::vector<int>{1, 2, 3, 4, 5, 6, 7, 8}), out(kAsyncObservations);
  async_copies(out.get(), in.get(), nullptr);
  EXPECT_EQ(out.values(), (std::vector<int>{1, 4, 5, 0, 0, 8}));
}

TEST(Functions, ThreadFunctionsAreCudas) {
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    sim::set_seed(seed);
    DeviceBuffer<int> out(kThreadObservations);
    thread_functions(out.get(), nullptr);
    const std::vector<int> expected = {
        64 * 63 / 2,
        49,
        32,
        1,
        0,
        1 * 127 + -1 * 3 + 2 * -2 + -128 * -128 + 5,
        8 + 8 + 4,
        3,
        0x77553311,
        6,
        0x2e66,  // 0.1 as f16
        static_cast<int>(0xc0403f80u),
        static_cast<int>(0xc2003c00u),
        32,
        2 * 10 + 4,  // to even
        static_cast<int>(0x80ff7c0cu),
    };
    EXPECT_EQ(out.values(), expected);
  }
}

}  // namespace
}  // namespace baton::kernels::samples
