#pragma once
// cp.async of the running thread. The bytes are read when it is issued. The destination is poisoned then, and receives them only in
// wait_group or wait_all of the same thread: the worst case of a real device. This file's code is instrumented under ThreadSanitizer, which
// therefore sees writes to the destination both when the copy is issued and when it arrives.

namespace baton::kernels::sim {

// bytes: 4, 8 or 16, to which both addresses are aligned. The first source_bytes are copied, the rest becomes zero.
void async_copy(void* shared, const void* global, int bytes, int source_bytes);
void async_commit();
void async_wait_group(int n_pending);  // until at most so many of the committed groups are still in progress
void async_wait_all();

}  // namespace baton::kernels::sim
