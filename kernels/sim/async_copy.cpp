#include "async_copy.h"

#include <cstdint>

#include "block.h"
#include "fail.h"
#include "sanitizers.h"
#include "shared_memory.h"

namespace baton::kernels::sim {
namespace {

using Word = std::uint32_t;
constexpr Word kPoison = 0x7fff7fff;

void arrive(unsigned n_groups) {
  auto& copies = running.thread->copies;
  auto kept = copies.begin();
  for (const AsyncCopy& copy : copies) {
    if (copy.group >= n_groups) {
      *kept++ = copy;
      continue;
    }
    for (int i = 0; i < copy.bytes; ++i) static_cast<std::uint8_t*>(copy.to)[i] = copy.data[i];
  }
  copies.erase(kept, copies.end());
}

}  // namespace

void async_copy(void* shared, const void* global, int bytes, int source_bytes) {
  check_shared_address(shared, static_cast<std::size_t>(bytes), static_cast<std::size_t>(bytes), "cp.async");
  if (reinterpret_cast<std::uintptr_t>(global) % static_cast<unsigned>(bytes)) {
    fail("cp.async: global address %p is misaligned: it must be a multiple of %d", global, bytes);
  }
  if (source_bytes < 0 || source_bytes > bytes) fail("cp.async: %d source bytes of a copy of %d", source_bytes, bytes);
  AsyncCopy copy{shared, bytes, running.thread->copy_group, {}};
  for (int i = 0; i < source_bytes; ++i) copy.data[i] = static_cast<const std::uint8_t*>(global)[i];
  for (int i = 0; i < bytes / 4; ++i) static_cast<Word*>(shared)[i] = kPoison;
  forget(shared, static_cast<std::size_t>(bytes));
  running.thread->copies.push_back(copy);
}

void async_commit() { ++running.thread->copy_group; }

void async_wait_group(int n_pending) {
  const unsigned committed = running.thread->copy_group;
  const auto pending = static_cast<unsigned>(n_pending);
  arrive(committed > pending ? committed - pending : 0);
}

void async_wait_all() {
  async_commit();
  async_wait_group(0);
}

}  // namespace baton::kernels::sim
