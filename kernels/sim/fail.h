#pragma once
// Reports an error in a kernel, or in the code that launches it: on stderr, then abort.
//   simulator: what was found; what to do
//     in kernel tile_sum(float const*), block (1,0,0), thread (17,0,0)

namespace baton::kernels::sim {

// printf-like. Adds the running kernel, block and thread to the message.
[[noreturn]] void fail(const char* format, ...) __attribute__((format(printf, 1, 2)));

// Guard pages, null pointers and divisions by zero under a running kernel end in fail(), which names the memory near the address.
// Idempotent; the first launch calls it.
void install_fault_handler();

}  // namespace baton::kernels::sim
