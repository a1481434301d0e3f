#pragma once
// CUDA's functions of threads, warps and atomics (CUDA C++ Programming Guide, "C++ Language Extensions"). The last two parameters of
// waiting functions are their place in the source; callers do not pass them.
#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <baton/kernels/sim/sanitizers.h>
#include <baton/kernels/sim/warp.h>

// NOLINTBEGIN(bugprone-reserved-identifier): CUDA's names
#define BATON_SITE const char *file = __builtin_FILE(), int line = __builtin_LINE()

namespace baton::kernels::sim {

// f on the 32-bit words of a value of 4 or 8 bytes (or fewer, widened).
template <class T, class F>
T by_words(T value, F f) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8);
  std::uint32_t words[2] = {};
  std::memcpy(words, &value, sizeof value);
  words[0] = f(words[0]);
  if (sizeof(T) > 4) words[1] = f(words[1]);
  std::memcpy(&value, words, sizeof value);
  return value;
}

// Atomically replaces *address by f(*address) and returns the old value. Under ThreadSanitizer it is an atomic access without ordering.
template <class T, class F>
T atomic_update(T* address, F f) {
  using Bits = std::conditional_t<sizeof(T) == 2, std::uint16_t, std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>>;
  static_assert(sizeof(T) == sizeof(Bits));
  auto* bits = reinterpret_cast<Bits*>(address);
  const Bits old = __atomic_load_n(bits, __ATOMIC_RELAXED);
  __atomic_store_n(bits, std::bit_cast<Bits>(static_cast<T>(f(std::bit_cast<T>(old)))), __ATOMIC_RELAXED);  // threads change at waits only
  maybe_yield();
  return std::bit_cast<T>(old);
}

inline char fence_order;  // token

}  // namespace baton::kernels::sim

// ---- Barriers and fences
inline void __syncthreads(BATON_SITE) { baton::kernels::sim::barrier({file, line}); }
inline int __syncthreads_count(int predicate, BATON_SITE) { return baton::kernels::sim::barrier({file, line}, predicate != 0); }
inline int __syncthreads_or(int predicate, BATON_SITE) { return baton::kernels::sim::barrier({file, line}, predicate != 0) != 0; }
inline int __syncthreads_and(int predicate, BATON_SITE) { return baton::kernels::sim::barrier({file, line}, predicate == 0) == 0; }
inline void __syncwarp(unsigned mask = 0xffffffff, BATON_SITE) { baton::kernels::sim::sync_warp(mask, {file, line}); }
inline void __threadfence_block() {
  baton::kernels::sim::acquire(&baton::kernels::sim::fence_order);
  baton::kernels::sim::release(&baton::kernels::sim::fence_order);
}
inline void __threadfence() { __threadfence_block(); }
inline void __threadfence_system() { __threadfence_block(); }
inline void __nanosleep(unsigned) { baton::kernels::sim::maybe_yield(); }

// ---- Shuffles, of 4 or 8 bytes
#define BATON_SHUFFLE(name, mode, Argument)                                                                                  \
  template <class T>                                                                                                         \
  T name(unsigned mask, T value, Argument argument, int width = 32, BATON_SITE) {                                            \
    return baton::kernels::sim::by_words(value, [&](std::uint32_t word) {                                                    \
      return baton::kernels::sim::shuffle(baton::kernels::sim::Shuffle::mode, mask, word, static_cast<int>(argument), width, \
                                          {file, line});                                                                     \
    });                                                                                                                      \
  }
BATON_SHUFFLE(__shfl_sync, index, int)
BATON_SHUFFLE(__shfl_up_sync, up, unsigned)
BATON_SHUFFLE(__shfl_down_sync, down, unsigned)
BATON_SHUFFLE(__shfl_xor_sync, exclusive_or, int)
#undef BATON_SHUFFLE

// ---- Votes, match, reduce
inline unsigned __ballot_sync(unsigned mask, int predicate, BATON_SITE) {
  return baton::kernels::sim::ballot(mask, predicate != 0, {file, line});
}
inline int __any_sync(unsigned mask, int predicate, BATON_SITE) {
  return baton::kernels::sim::ballot(mask, predicate != 0, {file, line}) != 0;
}
inline int __all_sync(unsigned mask, int predicate, BATON_SITE) {
  return baton::kernels::sim::ballot(mask, predicate != 0, {file, line}) == mask;
}
template <class T>
unsigned __match_any_sync(unsigned mask, T value, BATON_SITE) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return baton::kernels::sim::match_any(mask, bits, {file, line});
}
#define BATON_REDUCE(name, T, operation)                                                                                        \
  inline T name(unsigned mask, T value, BATON_SITE) {                                                                           \
    return static_cast<T>(                                                                                                      \
        baton::kernels::sim::reduce(baton::kernels::sim::Reduce::operation, mask, static_cast<unsigned>(value), {file, line})); \
  }
BATON_REDUCE(__reduce_add_sync, int, add)
BATON_REDUCE(__reduce_add_sync, unsigned, add)
BATON_REDUCE(__reduce_min_sync, int, min_signed)
BATON_REDUCE(__reduce_min_sync, unsigned, min_unsigned)
BATON_REDUCE(__reduce_max_sync, int, max_signed)
BATON_REDUCE(__reduce_max_sync, unsigned, max_unsigned)
BATON_REDUCE(__reduce_and_sync, unsigned, bit_and)
BATON_REDUCE(__reduce_or_sync, unsigned, bit_or)
BATON_REDUCE(__reduce_xor_sync, unsigned, bit_xor)
#undef BATON_REDUCE
#undef BATON_SITE

// ---- Atomics
template <class T>
T atomicAdd(T* address, std::type_identity_t<T> value) {
  return baton::kernels::sim::atomic_update(address, [&](T old) { return old + value; });
}
template <class T>
T atomicSub(T* address, std::type_identity_t<T> value) {
  return baton::kernels::sim::atomic_update(address, [&](T old) { return old - value; });
}
template <class T>
T atomicMax(T* address, std::type_identity_t<T> value) {
  return baton::kernels::sim::atomic_update(address, [&](T old) { return old < value ? value : old; });
}
template <class T>
T atomicMin(T* address, std::type_identity_t<T> value) {
  return baton::kernels::sim::atomic_update(address, [&](T old) { return value < old ? value : old; });
}
template <class T>
T atomicAnd(T* address, std::type_identity_t<T> value) {
  return baton::kernels::sim::atomic_update(address, [&](T old) { return old & value; });
}
template <class T>
T atomicOr(T* address, std::type_identity_t<T> value) {
  return baton::kernels::sim::atomic_update(address, [&](T old) { return old | value; });
}
template <class T>
T atomicXor(T* address, std::type_identity_t<T> value) {
  return baton::kernels::sim::atomic_update(address, [&](T old) { return old ^ value; });
}
template <class T>
T atomicExch(T* address, std::type_identity_t<T> value) {
  return baton::kernels::sim::atomic_update(address, [&](T) { return value; });
}
template <class T>
T atomicCAS(T* address, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  return baton::kernels::sim::atomic_update(address, [&](T old) { return old == expected ? value : old; });
}
// Counts up to `limit` and starts again at 0.
inline unsigned atomicInc(unsigned* address, unsigned limit) {
  return baton::kernels::sim::atomic_update(address, [&](unsigned old) { return old >= limit ? 0 : old + 1; });
}

// ---- Loads through the read-only cache, and with hints for the caches
template <class T>
T __ldg(const T* address) {
  return *address;
}
template <class T>
T __ldcs(const T* address) {
  return *address;
}
template <class T>
T __ldcg(const T* address) {
  return *address;
}
template <class T>
void __stcs(T* address, std::type_identity_t<T> value) {
  *address = value;
}
template <class T>
void __stcg(T* address, std::type_identity_t<T> value) {
  *address = value;
}
// NOLINTEND(bugprone-reserved-identifier)
