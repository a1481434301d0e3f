#include "guarded_memory.h"

#include <sys/mman.h>

#include <cstdio>
#include <memory>
#include <vector>

#include "fail.h"
#include "sanitizers.h"

namespace baton::kernels::sim {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kGuard = 1 << 20;
constexpr std::size_t kAlignment = 16;  // the widest access there is; cudaMalloc promises 256, which would leave the end unguarded
constexpr std::uint16_t kPoison = 0x7fff;

std::vector<std::unique_ptr<GuardedMemory>>& all() {
  static std::vector<std::unique_ptr<GuardedMemory>> memory;
  return memory;
}

const char* name(MemoryKind kind) {
  return kind == MemoryKind::device ? "device buffer" : kind == MemoryKind::host ? "pinned host buffer" : "shared variable";
}

std::size_t round_up(std::size_t n, std::size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

// The end of the buffer and the guard may be up to 15 bytes apart.
std::size_t tail_bytes(const GuardedMemory& m) { return round_up(m.bytes, kAlignment) - m.bytes; }

constexpr std::uint64_t kPoisonWord = kPoison * 0x0001000100010001u;

// The byte of poison at an address.
std::byte poison_byte(const std::byte* address) {
  return std::byte(reinterpret_cast<std::uintptr_t>(address) % 2 ? kPoison >> 8 : kPoison & 0xff);
}

bool is_aligned(const std::byte* address) { return reinterpret_cast<std::uintptr_t>(address) % sizeof kPoisonWord == 0; }

bool is_poison(const std::byte* address, std::size_t bytes) {
#ifdef BATON_MSAN
  __msan_unpoison(address, bytes);  // this function reads it on purpose
#endif
  bool same = true;
  const std::byte* end = address + bytes;
  while (address < end) {
    if (is_aligned(address) && end - address >= 8) {
      same = same && *reinterpret_cast<const std::uint64_t*>(address) == kPoisonWord;
      address += 8;
    } else {
      same = same && *address == poison_byte(address);
      ++address;
    }
  }
  forget(end - bytes, bytes);
  return same;
}

}  // namespace

// volatile, so that it is never compiled to memset, which ThreadSanitizer would see as a write of the running thread.
void poison(void* address, std::size_t bytes) {
  auto* p = static_cast<std::byte*>(address);
  std::byte* end = p + bytes;
  while (p < end) {
    if (is_aligned(p) && end - p >= 8) {
      *reinterpret_cast<volatile std::uint64_t*>(p) = kPoisonWord;
      p += 8;
    } else {
      *static_cast<volatile std::byte*>(p) = poison_byte(p);
      ++p;
    }
  }
  forget(address, bytes);
}

GuardedMemory* allocate_guarded(std::size_t bytes, MemoryKind kind) {
  const std::size_t pages = round_up(round_up(bytes, kAlignment), kPage);
  const std::size_t mapping_bytes = kGuard + pages + kGuard;
  void* map = mmap(nullptr, mapping_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (map == MAP_FAILED) return nullptr;
  auto memory = std::make_unique<GuardedMemory>();
  memory->mapping = static_cast<std::byte*>(map);
  memory->mapping_bytes = mapping_bytes;
  memory->bytes = bytes;
  memory->kind = kind;
  memory->address = memory->mapping + kGuard + pages - round_up(bytes, kAlignment);
  memory->slack_bytes = pages - round_up(bytes, kAlignment);
  mprotect(memory->mapping + kGuard, pages, PROT_READ | PROT_WRITE);
  poison(memory->mapping + kGuard, pages);
  all().push_back(std::move(memory));
  return all().back().get();
}

void free_guarded(GuardedMemory* memory) {
  check_slack(*memory);
  munmap(memory->mapping, memory->mapping_bytes);
  for (auto& m : all()) {
    if (m.get() != memory) continue;
    m.swap(all().back());
    all().pop_back();
    return;
  }
}

GuardedMemory* find_memory(const void* address, std::size_t bytes) {
  const auto* a = static_cast<const std::byte*>(address);
  for (auto& m : all()) {
    if (a >= m->address && a + bytes <= m->address + m->bytes) return m.get();
  }
  return nullptr;
}

void check_slack(const GuardedMemory& m) {
  if (!is_poison(m.address - m.slack_bytes, m.slack_bytes)) {
    fail("something wrote below the beginning of a %s of %zu bytes", name(m.kind), m.bytes);
  }
  if (!is_poison(m.address + m.bytes, tail_bytes(m))) fail("something wrote past the end of a %s of %zu bytes", name(m.kind), m.bytes);
}

void check_all_slack() {
  for (auto& m : all()) check_slack(*m);
}

void describe_address(const void* address, char* text, std::size_t size) {
  const auto* a = static_cast<const std::byte*>(address);
  for (auto& m : all()) {
    if (a < m->mapping || a >= m->mapping + m->mapping_bytes) continue;
    if (a >= m->address + m->bytes) {
      std::snprintf(text, size, "%td bytes past the end of a %s of %zu bytes", a - (m->address + m->bytes), name(m->kind), m->bytes);
    } else {
      std::snprintf(text, size, "%td bytes before the beginning of a %s of %zu bytes", m->address - a, name(m->kind), m->bytes);
    }
    return;
  }
  std::snprintf(text, size,
                "it is near no buffer of the device: a null or uninitialised pointer, or an index read from uninitialised memory");
}

}  // namespace baton::kernels::sim
