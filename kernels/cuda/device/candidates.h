#pragma once
// Selection from a row of values without sorting it. Values are compared as integer keys; a block reads only those parts of 256 values
// whose largest key is high enough. Thresholds are found by histograms over ever refinement ranges of keys.
#include <cstdint>

#include "block_reduce.h"

namespace baton::kernels::cuda {

constexpr int kPartValues = 256, kLaneValues = kPartValues / 32;  // a warp reads a part, a lane every 32nd value of it
// Bins are summed up in groups of 32, one a lane, and parts in groups of 64, two a lane.
constexpr int kMaxParts = 2048, kBins = 1024, kGroups = 32, kGroupParts = 64;
static_assert(kMaxParts == kGroupParts * kGroups && kBins == 32 * kGroups);

using Mass = unsigned long long;

// Keys have the order of the values, and both zeros are equal. NaN has no key: callers make it -infinity.
constexpr unsigned kLowestKey = 0x007fffffu;  // of -infinity
__device__ __forceinline__ unsigned key_of(float x) {
  const unsigned bits = __float_as_uint(x + 0.0f);  // -0 becomes 0
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}
__device__ __forceinline__ float value_of(unsigned key) { return __uint_as_float(key & 0x80000000u ? key & 0x7fffffffu : ~key); }

struct SelectionMemory {
  unsigned top_key[kMaxParts];  // largest key of each part; 0: the part is empty
  Mass mass[kMaxParts];         // sums of fill()'s function over each part
  Mass group_mass[kGroups];
  Mass group_count[kGroups];
  unsigned count[kBins];
  unsigned mass_low[kBins];  // the histogram's masses in two halves, since shared memory adds 32 bits at a time
  unsigned mass_high[kBins];
};

// The end of the best ones: all with a higher key are among them, and `wanted` of the `present` ones from `key` on, which search() did not
// need to tell apart.
struct Threshold {
  bool reached = false;
  unsigned key = 0;
  Mass wanted = 0, present = 0;
  Mass count = 0, mass = 0;  // of all the best ones
};

// One row, processed by a block: all its threads call all functions together and get the same results.
struct Candidates {
  SelectionMemory& memory;
  const float* values;        // (n)
  const std::uint32_t* mask;  // null: all are present
  int n, n_parts;
  float peak;  // the largest value: weights are relative to it

  __device__ __forceinline__ int lane() const { return static_cast<int>(threadIdx.x) % 32; }
  __device__ __forceinline__ int warp() const { return static_cast<int>(threadIdx.x) / 32; }
  __device__ __forceinline__ int n_warps() const { return static_cast<int>(blockDim.x) / 32; }

  // The keys of this lane's values of a part; 0 for missing values.
  __device__ __forceinline__ void load_keys(int part, unsigned (&keys)[kLaneValues]) const {
#pragma unroll
    for (int j = 0; j < kLaneValues; ++j) {
      const int id = id_of(part, j);
      keys[j] = 0;
      if (id >= n || (mask && !(mask[id / 32] >> (id % 32) & 1))) continue;
      const float value = __ldcg(values + id);
      keys[j] = isnan(value) ? kLowestKey : key_of(value);
    }
  }
  __device__ __forceinline__ int id_of(int part, int j) const { return part * kPartValues + j * 32 + lane(); }

  // exp((value - peak) * coldness) in units of 2^-44: a sum over the largest row, of 2^19 values, fits into 64 bits.
  __device__ __forceinline__ Mass weight(unsigned key, float coldness = 1.0f) const {
    const float w = expf((value_of(key) - peak) * coldness);
    return w <= 1.0f ? static_cast<Mass>(w * 0x1p44f) : 0;  // the peak may be infinite
  }

  // memory.mass = sums of f(key, id) by parts, of keys from `lowest` on. Returns the sum of all.
  template <class F>
  __device__ __forceinline__ Mass fill(unsigned lowest, F f) const {
    __syncthreads();
    for (int part = warp(); part < n_parts; part += n_warps()) {
      Mass sum = 0;
      if (memory.top_key[part] >= lowest) {  // the same for all lanes
        unsigned keys[kLaneValues];
        load_keys(part, keys);
#pragma unroll
        for (int j = 0; j < kLaneValues; ++j) {
          if (keys[j] >= lowest) sum += f(keys[j], id_of(part, j));
        }
        sum = warp_total(sum);
      }
      if (lane() == 0) memory.mass[part] = sum;
    }
    return sum_groups();
  }
  // The same, if memory.mass is filled already.
  __device__ __forceinline__ Mass sum_groups() const {
    __syncthreads();
    for (int group = warp(); group < kGroups; group += n_warps()) {
      const int first = group * kGroupParts + 2 * lane();
      const Mass sum = group * kGroupParts < n_parts ? warp_total(mass_of(first) + mass_of(first + 1)) : 0;
      if (lane() == 0) memory.group_mass[group] = sum;
    }
    __syncthreads();
    return warp_total(memory.group_mass[lane()]);
  }

  // After fill(): the id whose interval contains `target`, which is less than the sum of all, if the values are laid end to end in the
  // order of their ids.
  template <class F>
  __device__ __forceinline__ int locate(Mass target, unsigned lowest, F f) const {
    const int group = descend(target, memory.group_mass[lane()]);
    const int first = group * kGroupParts + 2 * lane();
    int part = group * kGroupParts + 2 * descend(target, mass_of(first) + mass_of(first + 1));
    if (const Mass mass = mass_of(part); target >= mass && part + 1 < n_parts) target -= mass, ++part;  // the same for all lanes
    Mass amounts[kLaneValues], sum = amounts_of(part, lowest, f, amounts);
    if (sum == 0) {  // all tokens of the part are below 2^-44: one of its largest
      const auto largest = [&](unsigned key, int) { return key == memory.top_key[part] ? Mass{1} : Mass{0}; };
      sum = amounts_of(part, lowest, largest, amounts);
    }
    if (target >= sum) target = sum - 1;  // memory.mass may have come from f32 sums
    int id = 0;
    bool found = false;
#pragma unroll
    for (int j = 0; j < kLaneValues; ++j) {
      const Mass row = warp_total(amounts[j]);
      if (!found && target < row) {  // the same for all lanes
        id = part * kPartValues + j * 32 + descend(target, amounts[j]);
        found = true;
      }
      target -= found ? 0 : row;
    }
    return id;
  }

  // The `target` best ones (by_mass false), or the smallest set of best ones whose weights add up to `target`, among keys in [lowest,
  // highest].
  __device__ __forceinline__ Threshold search(unsigned lowest, unsigned highest, bool by_mass, Mass target) const {
    Threshold at;
    while (true) {
      const int bits = 32 - __clz(static_cast<int>(highest - lowest)), shift = bits > 10 ? bits - 10 : 0;
      __syncthreads();
      for (int i = static_cast<int>(threadIdx.x); i < kBins; i += static_cast<int>(blockDim.x)) {
        memory.count[i] = memory.mass_low[i] = memory.mass_high[i] = 0;
      }
      __syncthreads();
      for (int part = warp(); part < n_parts; part += n_warps()) {
        if (memory.top_key[part] < lowest) continue;
        unsigned keys[kLaneValues];
        load_keys(part, keys);
#pragma unroll
        for (int j = 0; j < kLaneValues; ++j) {
          if (keys[j] >= lowest && keys[j] <= highest) add_to_bin((highest - keys[j]) >> shift, weight(keys[j]));
        }
      }
      __syncthreads();
      for (int group = warp(); group < kGroups; group += n_warps()) {
        const int bin = group * 32 + lane();
        const Mass count = __reduce_add_sync(kAllLanes, memory.count[bin]);
        const Mass mass = count > 0 ? warp_total(bin_mass(bin)) : 0;  // the same for all lanes; most groups are empty
        if (lane() == 0) memory.group_count[group] = count, memory.group_mass[group] = mass;
      }
      __syncthreads();
      Mass left = target - (by_mass ? at.mass : at.count);
      if (left > warp_total(by_mass ? memory.group_mass[lane()] : memory.group_count[lane()])) return at;
      const int group = descend(left, at, by_mass, memory.group_count[lane()], memory.group_mass[lane()]);
      const int bin = group * 32 + lane();
      const int chosen = group * 32 + descend(left, at, by_mass, Mass{memory.count[bin]}, bin_mass(bin));
      highest -= static_cast<unsigned>(chosen) << shift;
      lowest = max(lowest, highest - ((1u << shift) - 1));
      at.present = memory.count[chosen];
      const bool all = by_mass ? at.present == 1 : at.present == left;
      if (shift > 0 && !all) continue;
      at.reached = true;
      at.key = lowest;
      if (all) {
        at.wanted = at.present;
        at.mass += bin_mass(chosen);
      } else {  // one key, whose weight is not 0 if the mass rose by it
        const Mass each = weight(lowest);
        at.wanted = by_mass ? (left + each - 1) / each : left;
        at.mass += at.wanted * each;
      }
      at.count += at.wanted;
      return at;
    }
  }

 private:
  __device__ __forceinline__ Mass mass_of(int part) const { return part < n_parts ? memory.mass[part] : 0; }
  template <class F>
  __device__ __forceinline__ Mass amounts_of(int part, unsigned lowest, F f, Mass (&amounts)[kLaneValues]) const {
    unsigned keys[kLaneValues];
    load_keys(part, keys);
    Mass sum = 0;
#pragma unroll
    for (int j = 0; j < kLaneValues; ++j) sum += amounts[j] = keys[j] >= lowest ? f(keys[j], id_of(part, j)) : 0;
    return warp_total(sum);
  }
  // The lane whose amount contains `target`, if the amounts are laid end to end; target is then relative to that lane.
  __device__ __forceinline__ int descend(Mass& target, Mass amount) const {
    const Mass up_to = warp_inclusive_sum(amount, lane());
    const unsigned beyond = __ballot_sync(kAllLanes, up_to > target);
    const int chosen = beyond ? __ffs(static_cast<int>(beyond)) - 1 : 31;
    target -= __shfl_sync(kAllLanes, up_to - amount, chosen);
    return chosen;
  }
  // Likewise for the first lanes that together have `left`, keeping the rest above.
  __device__ __forceinline__ int descend(Mass& left, Threshold& at, bool by_mass, Mass count, Mass mass) const {
    const Mass counts = warp_inclusive_sum(count, lane()), masses = warp_inclusive_sum(mass, lane());
    const int chosen = __ffs(static_cast<int>(__ballot_sync(kAllLanes, (by_mass ? masses : counts) >= left))) - 1;
    const Mass count_before = __shfl_sync(kAllLanes, counts - count, chosen), mass_before = __shfl_sync(kAllLanes, masses - mass, chosen);
    at.count += count_before;
    at.mass += mass_before;
    left -= by_mass ? mass_before : count_before;
    return chosen;
  }
  __device__ __forceinline__ void add_to_bin(unsigned bin, Mass mass) const {
    atomicAdd(&memory.count[bin], 1u);
    const unsigned low = static_cast<unsigned>(mass);
    const unsigned carry = atomicAdd(&memory.mass_low[bin], low) > ~low ? 1 : 0;
    const unsigned high = static_cast<unsigned>(mass >> 32) + carry;
    if (high) atomicAdd(&memory.mass_high[bin], high);
  }
  __device__ __forceinline__ Mass bin_mass(int bin) const { return Mass{memory.mass_high[bin]} << 32 | memory.mass_low[bin]; }
};

}  // namespace baton::kernels::cuda
