#include "warp.h"

#include <algorithm>
#include <bit>

#include "fail.h"

namespace baton::kernels::sim {
namespace {

constexpr std::uint32_t kPoison = 0x7fff7fff;

template <class F>
void for_lanes(std::uint32_t mask, F f) {
  for (; mask; mask &= mask - 1) f(static_cast<unsigned>(std::countr_zero(mask)));
}

Slot& mine() { return running.thread->slot; }

void compute_shuffle(Slot* const* slots, std::uint32_t mask) {
  for_lanes(mask, [&](unsigned lane) {
    Slot& s = *slots[lane];
    s.d[0] = (mask >> s.b[0] & 1) ? slots[s.b[0]]->a[0] : kPoison;
  });
}

void compute_ballot(Slot* const* slots, std::uint32_t mask) {
  std::uint32_t result = 0;
  for_lanes(mask, [&](unsigned lane) { result |= slots[lane]->a[0] << lane; });
  for_lanes(mask, [&](unsigned lane) { slots[lane]->d[0] = result; });
}

void compute_match(Slot* const* slots, std::uint32_t mask) {
  for_lanes(mask, [&](unsigned lane) {
    std::uint32_t same = 0;
    for_lanes(mask, [&](unsigned other) {
      same |= std::uint32_t{slots[other]->a[0] == slots[lane]->a[0] && slots[other]->a[1] == slots[lane]->a[1]} << other;
    });
    slots[lane]->d[0] = same;
  });
}

template <Reduce kOperation>
std::uint32_t combine(std::uint32_t x, std::uint32_t y) {
  const auto i = static_cast<std::int32_t>(x), j = static_cast<std::int32_t>(y);
  switch (kOperation) {
    case Reduce::add:
      return x + y;
    case Reduce::min_signed:
      return static_cast<std::uint32_t>(std::min(i, j));
    case Reduce::max_signed:
      return static_cast<std::uint32_t>(std::max(i, j));
    case Reduce::min_unsigned:
      return std::min(x, y);
    case Reduce::max_unsigned:
      return std::max(x, y);
    case Reduce::bit_and:
      return x & y;
    case Reduce::bit_or:
      return x | y;
    case Reduce::bit_xor:
      return x ^ y;
  }
  return 0;
}

template <Reduce kOperation>
void compute_reduce(Slot* const* slots, std::uint32_t mask) {
  std::uint32_t result = slots[std::countr_zero(mask)]->a[0];
  for_lanes(mask & (mask - 1), [&](unsigned lane) { result = combine<kOperation>(result, slots[lane]->a[0]); });
  for_lanes(mask, [&](unsigned lane) { slots[lane]->d[0] = result; });
}

}  // namespace

std::uint32_t shuffle(Shuffle mode, std::uint32_t mask, std::uint32_t value, int argument, int width, Site site) {
  if (width < 1 || width > 32 || (width & (width - 1)))
    fail("shuffle at %s:%d: width %d is not a power of two up to 32", site.file, site.line, width);
  const auto lane = static_cast<int>(running.thread->lane);
  const int group = lane & ~(width - 1), last = group + width - 1;
  int from = lane;
  switch (mode) {
    case Shuffle::index:
      from = group + (argument & (width - 1));
      break;
    case Shuffle::up:
      from = lane - argument < group ? lane : lane - argument;
      break;
    case Shuffle::down:
      from = lane + argument > last ? lane : lane + argument;
      break;
    case Shuffle::exclusive_or:
      from = (lane ^ argument) > last ? lane : lane ^ argument;
      break;
  }
  mine().a[0] = value;
  mine().b[0] = static_cast<std::uint32_t>(from);
  static constexpr const char* kNames[] = {"__shfl_sync", "__shfl_up_sync", "__shfl_down_sync", "__shfl_xor_sync"};
  collective(kNames[static_cast<int>(mode)], mask, compute_shuffle, site);
  return mine().d[0];
}

std::uint32_t ballot(std::uint32_t mask, bool predicate, Site site) {
  mine().a[0] = predicate;
  collective("a warp vote", mask, compute_ballot, site);
  return mine().d[0];
}

std::uint32_t match_any(std::uint32_t mask, std::uint64_t value, Site site) {
  mine().a[0] = static_cast<std::uint32_t>(value);
  mine().a[1] = static_cast<std::uint32_t>(value >> 32);
  collective("__match_any_sync", mask, compute_match, site);
  return mine().d[0];
}

std::uint32_t reduce(Reduce operation, std::uint32_t mask, std::uint32_t value, Site site) {
  static constexpr Compute kComputes[] = {compute_reduce<Reduce::add>,          compute_reduce<Reduce::min_signed>,
                                          compute_reduce<Reduce::max_signed>,   compute_reduce<Reduce::min_unsigned>,
                                          compute_reduce<Reduce::max_unsigned>, compute_reduce<Reduce::bit_and>,
                                          compute_reduce<Reduce::bit_or>,       compute_reduce<Reduce::bit_xor>};
  mine().a[0] = value;
  collective("__reduce_sync", mask, kComputes[static_cast<int>(operation)], site);
  return mine().d[0];
}

}  // namespace baton::kernels::sim
