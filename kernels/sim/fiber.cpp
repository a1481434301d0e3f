#include "fiber.h"

#include <sys/mman.h>

#include <cstdint>

#include "fail.h"
#include "sanitizers.h"

// void baton_sim_switch(void** save, void* to): pushes the registers that the x86-64 calling convention preserves, exchanges the stacks,
// pops the same registers. The floating-point control words are the same in all fibers.
asm(R"(
  .text
  .globl baton_sim_switch
  .hidden baton_sim_switch
  .type baton_sim_switch, @function
baton_sim_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .size baton_sim_switch, .-baton_sim_switch
)");
extern "C" void baton_sim_switch(void** save, void* to);

namespace baton::kernels::sim {
namespace {

// Sanitizers make frames several times larger. Pages that are not touched cost nothing.
#if defined(BATON_ASAN) || defined(BATON_TSAN) || defined(BATON_MSAN)
constexpr std::size_t kStackBytes = 512 * 1024;
#else
constexpr std::size_t kStackBytes = 128 * 1024;
#endif
constexpr std::size_t kPage = 4096;
constexpr int kSavedRegisters = 6;

#ifdef BATON_ASAN
Fiber* arriving_from = nullptr;  // the fiber whose switch arrived() completes
#endif

}  // namespace

Fiber::~Fiber() {
#ifdef BATON_TSAN
  if (tsan_ && mapping_) __tsan_destroy_fiber(tsan_);
#endif
  if (mapping_) munmap(mapping_, kPage + kStackBytes);
}

void Fiber::create(void (*entry)()) {
  void* map = mmap(nullptr, kPage + kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (map == MAP_FAILED) fail("no memory for a thread's stack");
  mapping_ = static_cast<char*>(map);
  mprotect(mapping_, kPage, PROT_NONE);
  stack_bottom_ = mapping_ + kPage;
  stack_bytes_ = kStackBytes;
  // As if entry had been called: a return address of 0 on top, below it the address that the switch returns to, and the registers.
  auto** top = reinterpret_cast<void**>(mapping_ + kPage + kStackBytes);
  *--top = nullptr;
  *--top = reinterpret_cast<void*>(entry);
  for (int i = 0; i < kSavedRegisters; ++i) *--top = nullptr;
  stack_pointer_ = top;
#ifdef BATON_TSAN
  tsan_ = __tsan_create_fiber(0);
#endif
}

void Fiber::switch_to(Fiber& from, Fiber& to) {
#ifdef BATON_TSAN
  if (!from.tsan_) from.tsan_ = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(to.tsan_, __tsan_switch_to_fiber_no_sync);
#endif
#ifdef BATON_ASAN
  arriving_from = &from;
  __sanitizer_start_switch_fiber(&from.fake_stack_, to.stack_bottom_, to.stack_bytes_);
#endif
  baton_sim_switch(&from.stack_pointer_, to.stack_pointer_);
  arrived(from);
}

void Fiber::arrived([[maybe_unused]] Fiber& self) {
#ifdef BATON_ASAN
  const void* bottom = nullptr;
  std::size_t bytes = 0;
  __sanitizer_finish_switch_fiber(self.fake_stack_, &bottom, &bytes);
  if (!arriving_from->mapping_) {  // the program's own stack, whose bounds only AddressSanitizer knows
    arriving_from->stack_bottom_ = bottom;
    arriving_from->stack_bytes_ = bytes;
  }
#endif
}

}  // namespace baton::kernels::sim
