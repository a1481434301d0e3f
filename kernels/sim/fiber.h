#pragma once
// A stack that a CUDA thread runs on, and the switch from one to another: 8 ns (AMD EPYC, g++ 12). x86-64 only, and with it the simulator.
#include <cstddef>

namespace baton::kernels::sim {

class Fiber {
 public:
  Fiber() = default;  // stands for the stack that is running already
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Gives it a stack, with a guard page below, on which `entry` starts at the first switch. entry never returns.
  void create(void (*entry)());

  // Suspends `from`, which is the running fiber, and resumes `to`. No order between the two for ThreadSanitizer.
  static void switch_to(Fiber& from, Fiber& to);

  // To be called first thing by an entry function: AddressSanitizer wants to know that the stack has changed.
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
