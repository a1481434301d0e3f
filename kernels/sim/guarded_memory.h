#pragma once
// Memory of the simulated device: each buffer ends at an inaccessible page, and there are inaccessible megabytes on both sides, so that an
// access beyond its end faults at once. The rest of its first page is filled with poison, which is checked: a write there is found at the
// end of the block or launch, a read yields poison.
//
// Poison is 0x7fff in every 16 bits: a NaN as f16, bf16, f32, f64 and both fp8 formats, and 2147450879 as an int, which is not a valid
// index of any buffer. MemorySanitizer treats poison as uninitialised, and so finds every result that depends on it.
#include <cstddef>
#include <cstdint>

namespace baton::kernels::sim {

enum class MemoryKind { device, host, shared };

struct GuardedMemory {
  std::byte* address = nullptr;  // aligned to 16 bytes
  std::size_t bytes = 0;
  MemoryKind kind = MemoryKind::device;
  std::byte* mapping = nullptr;  // guard, pages, guard
  std::size_t mapping_bytes = 0;
  std::size_t slack_bytes = 0;  // poison before the address
};

// `bytes` of poisoned memory, registered for describe_address and find_memory. Null if the machine has no more memory.
GuardedMemory* allocate_guarded(std::size_t bytes, MemoryKind kind);
void free_guarded(GuardedMemory* memory);

// The buffer that holds all of address[0, bytes), or null.
GuardedMemory* find_memory(const void* address, std::size_t bytes);

void poison(void* address, std::size_t bytes);

// Calls fail() if a write happened below a buffer.
void check_slack(const GuardedMemory& memory);
void check_all_slack();

// "12 bytes past the end of a device buffer of 1024 bytes": describes a wrong address by the nearest memory.
void describe_address(const void* address, char* text, std::size_t size);

}  // namespace baton::kernels::sim
