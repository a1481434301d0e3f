#pragma once
// The sanitizer of this build, and the simulator's calls to it. Without a sanitizer, all of these do nothing.
#include <cstddef>

#if defined(__has_feature)
#define BATON_HAS_FEATURE(x) __has_feature(x)
#else
#define BATON_HAS_FEATURE(x) 0
#endif
// Not every file of the simulator is compiled with -fsanitize=thread (CMakeLists.txt), but all must know whether it is used.
#if defined(BATON_SIM_TSAN)
#define BATON_TSAN 1
#include <sanitizer/tsan_interface.h>
#endif
#if defined(__SANITIZE_ADDRESS__) || BATON_HAS_FEATURE(address_sanitizer)
#define BATON_ASAN 1
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if BATON_HAS_FEATURE(memory_sanitizer)
#define BATON_MSAN 1
#include <sanitizer/msan_interface.h>
#endif

namespace baton::kernels::sim {

// The actions of a thread before release(token) are ordered before those of another thread after acquire(token). The simulator's own files
// are not instrumented under ThreadSanitizer, and its fibers switch without an order, so these are the only orders that a kernel gets.
inline void release([[maybe_unused]] void* token) {
#ifdef BATON_TSAN
  __tsan_release(token);
#endif
}
inline void acquire([[maybe_unused]] void* token) {
#ifdef BATON_TSAN
  __tsan_acquire(token);
#endif
}

// Reading these bytes before they are written is a bug, from here on (MemorySanitizer).
inline void forget([[maybe_unused]] const void* address, [[maybe_unused]] std::size_t bytes) {
#ifdef BATON_MSAN
  __msan_poison(address, bytes);
#endif
}

}  // namespace baton::kernels::sim
