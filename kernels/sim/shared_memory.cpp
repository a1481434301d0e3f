#include "shared_memory.h"

#include <utility>
#include <vector>

#include "fail.h"
#include "guarded_memory.h"
#include "options.h"

namespace baton::kernels::sim {
namespace {

// Lists, not maps: a map's code is in the C++ library, which is not instrumented for MemorySanitizer.
struct SharedMemory {
  std::vector<std::pair<const void*, std::size_t>> allowed;  // dynamic bytes by kernel, where cudaFuncSetAttribute raised them
  std::vector<GuardedMemory*> dynamics;                      // kept by size: launches repeat
  GuardedMemory* dynamic = nullptr;                          // of this launch
  std::vector<GuardedMemory*> used;                          // by this block
  std::size_t static_bytes = 0;                              // of this block so far
};
SharedMemory m;

// Null if it was never raised.
std::size_t* allowance(const void* kernel) {
  for (auto& [known, bytes] : m.allowed) {
    if (known == kernel) return &bytes;
  }
  return nullptr;
}

}  // namespace

Options& options() {
  static Options options;
  return options;
}

void SharedVariable::begin_block() {
  if (!running.thread) fail("shared memory is used outside a kernel");
  if (!address_) {
    GuardedMemory* memory = allocate_guarded(bytes_, MemoryKind::shared);
    if (!memory) fail("no memory to simulate %zu bytes of shared memory", bytes_);
    address_ = memory->address;
  }
  m.static_bytes += bytes_;
  if (m.static_bytes > options().shared_bytes_per_block) {
    fail("%zu bytes of static shared memory: at most %zu; use dynamic shared memory", m.static_bytes, options().shared_bytes_per_block);
  }
  const std::size_t dynamic_bytes = m.dynamic ? m.dynamic->bytes : 0;
  const std::size_t limit = allowance(running.kernel) ? options().shared_bytes_per_block_optin : options().shared_bytes_per_block;
  if (m.static_bytes + dynamic_bytes > limit) {
    fail("%zu bytes of static and %zu of dynamic shared memory: at most %zu together", m.static_bytes, dynamic_bytes, limit);
  }
  m.used.push_back(find_memory(address_, bytes_));
  poison(address_, bytes_);
  block_serial_ = running.block_serial;
}

void* dynamic_shared() {
  if (!m.dynamic) fail("the kernel has dynamic shared memory and was launched with 0 bytes of it");
  return m.dynamic->address;
}

void check_dynamic_shared(const void* kernel, std::size_t bytes) {
  const std::size_t* raised = allowance(kernel);
  const std::size_t limit = raised ? *raised : options().shared_bytes_per_block;
  if (bytes <= limit) return;
  fail(
      "%zu bytes of dynamic shared memory: %zu are allowed; cudaFuncSetAttribute(cudaFuncAttributeMaxDynamicSharedMemorySize) raises it to "
      "%zu",
      bytes, limit, options().shared_bytes_per_block_optin);
}

bool allow_dynamic_shared(const void* kernel, std::size_t bytes) {
  if (bytes > options().shared_bytes_per_block_optin) return false;
  if (std::size_t* raised = allowance(kernel)) {
    *raised = bytes;
  } else {
    m.allowed.emplace_back(kernel, bytes);
  }
  return true;
}

void check_shared_address(const void* address, std::size_t bytes, std::size_t alignment, const char* what) {
  if (reinterpret_cast<std::uintptr_t>(address) % alignment) {
    fail("%s: shared address %p is misaligned: it must be a multiple of %zu", what, address, alignment);
  }
  const auto* a = static_cast<const std::byte*>(address);
  for (const GuardedMemory* g : m.used) {
    if (a >= g->address && a + bytes <= g->address + g->bytes) return;
  }
  char where[200];
  describe_address(address, where, sizeof where);
  fail("%s: %zu bytes at %p are not in shared memory of this block: %s", what, bytes, address, where);
}

void begin_shared_launch(std::size_t dynamic_bytes) {
  m.dynamic = nullptr;
  if (dynamic_bytes == 0) return;
  for (GuardedMemory* memory : m.dynamics) {
    if (memory->bytes == dynamic_bytes) m.dynamic = memory;
  }
  if (m.dynamic) return;
  m.dynamic = allocate_guarded(dynamic_bytes, MemoryKind::shared);
  if (!m.dynamic) fail("no memory to simulate %zu bytes of shared memory", dynamic_bytes);
  m.dynamics.push_back(m.dynamic);
}

void begin_shared_block() {
  m.used.clear();
  m.static_bytes = 0;
  if (!m.dynamic) return;
  m.used.push_back(m.dynamic);
  poison(m.dynamic->address, m.dynamic->bytes);
}

void end_shared_block() {
  for (const GuardedMemory* g : m.used) check_slack(*g);
}

}  // namespace baton::kernels::sim
