#pragma once
// The seeded choices of the simulator: SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
#include <cstdint>

namespace baton::kernels::sim {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  // 0 <= result < n
  std::uint32_t below(std::uint32_t n) {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return static_cast<std::uint32_t>(((z >> 32) * n) >> 32);
  }

 private:
  std::uint64_t state_;
};

}  // namespace baton::kernels::sim
