#pragma once
// Shared memory of the running block. Every variable has guarded memory of its own (guarded_memory.h), poisoned before each block.
//
// A static variable cannot be a C++ static: it must be poisoned, guarded and counted. So `.cu` files declare it with BATON_SHARED
// (kernels/cuda/device/shared_memory.h), which makes it a reference into memory that its declaration owns: one SharedVariable per
// declaration and template instance. A plain __shared__ does not compile under the simulator.
#include <cstddef>
#include <cstdint>

#include "block.h"

namespace baton::kernels::sim {

class SharedVariable {
 public:
  constexpr explicit SharedVariable(std::size_t bytes) : bytes_(bytes) {}

  // The variable's address. The first thread of a block that calls it finds the memory poisoned. Calls fail() if the block has too much.
  void* get() {
    if (block_serial_ != running.block_serial) begin_block();
    return address_;
  }

 private:
  void begin_block();

  std::size_t bytes_;
  void* address_ = nullptr;
  std::uint64_t block_serial_ = 0;
};

template <class T>
T& shared_reference(void* address) {
  return *static_cast<T*>(address);
}

// The dynamic shared memory of the launch, aligned to 16 bytes as on the device.
void* dynamic_shared();

// Calls fail() if the kernel may not have this much (cudaFuncSetAttribute raises the limit). allow_dynamic_shared is that call; false if no
// device of options() has this much.
void check_dynamic_shared(const void* kernel, std::size_t bytes);
bool allow_dynamic_shared(const void* kernel, std::size_t bytes);

// Calls fail() unless address[0, bytes) lies in a variable of this block, aligned to `alignment`. `what` names the instruction.
void check_shared_address(const void* address, std::size_t bytes, std::size_t alignment, const char* what);

// Called around launches and blocks by block.cpp.
void begin_shared_launch(std::size_t dynamic_bytes);
void begin_shared_block();
void end_shared_block();

}  // namespace baton::kernels::sim
