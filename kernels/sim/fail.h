#pragma once
// How the simulator says that a kernel, or the code that launches it, is wrong: on stderr, then abort.
//   simulator: what was found; what to do
//     in kernel tile_sum(float const*), block (1,0,0), thread (17,0,0)

namespace baton::kernels::sim {

// printf-like. The kernel, block and thread that run are named by themselves.
[[noreturn]] void fail(const char* format, ...) __attribute__((format(printf, 1, 2)));

// Guard pages, null pointers and divisions by zero under a running kernel end in fail(), which says whose memory the address is near.
// Idempotent; the first launch calls it.
void install_fault_handler();

}  // namespace baton::kernels::sim
