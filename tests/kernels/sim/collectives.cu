// Every collective of a warp, and the functions of single threads.
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <baton/kernels/cuda/device/launch.h>
#include <baton/kernels/cuda/device/ptx.h>
#include <baton/kernels/cuda/device/shared_memory.h>

#include "samples.h"

namespace baton::kernels::samples {
namespace {

constexpr unsigned kAllLanes = 0xffffffff;

// Grid: one warp. in (32).
__global__ void collectives_kernel(int* out, const int* in) {
  const int lane = threadIdx.x;
  const int x = __ldg(in + lane);
  int row = 0;
  const auto put = [&](int value) { out[32 * row++ + lane] = value; };
  put(__shfl_sync(kAllLanes, x, 5));
  put(__shfl_sync(kAllLanes, x, lane + 1, 8));  // round within groups of 8
  put(__shfl_up_sync(kAllLanes, x, 3));
  put(__shfl_up_sync(kAllLanes, x, 3, 16));
  put(__shfl_down_sync(kAllLanes, x, 7));
  put(__shfl_down_sync(kAllLanes, x, 1, 4));
  put(__shfl_xor_sync(kAllLanes, x, 9));
  put(__shfl_xor_sync(kAllLanes, x, 12, 8));  // a lane of a later group: it keeps its own value
  put(static_cast<int>(__ballot_sync(kAllLanes, x > 0)));
  put(__any_sync(kAllLanes, x == in[31]));
  put(__all_sync(kAllLanes, x > 0));
  put(static_cast<int>(__match_any_sync(kAllLanes, x % 3)));
  put(__reduce_add_sync(kAllLanes, x));
  put(__reduce_min_sync(kAllLanes, x));
  put(__reduce_max_sync(kAllLanes, x));
  put(static_cast<int>(__reduce_xor_sync(kAllLanes, static_cast<unsigned>(x))));
  put(static_cast<int>(__shfl_xor_sync(kAllLanes, static_cast<double>(x) * 0.5, 1) * 2));  // 64 bits
  __syncwarp();
  put(lane < 16 ? __shfl_xor_sync(0x0000ffffu, x, 1) : __shfl_xor_sync(0xffff0000u, x, 2));  // two halves apart
}

// Grid: one thread. Shared memory is read between the steps; the device chooses whether a copy has arrived before its wait.
__global__ void async_copies_kernel(int* out, const int* in) {
  BATON_SHARED(staged, uint4[3]);
  int* words = reinterpret_cast<int*>(staged);
  cuda::cp_async_16(words, in);
  cuda::cp_async_commit();
  cuda::cp_async_8(words + 4, in + 4, 4);  // one word and a zero
  cuda::cp_async_4(words + 6, in, 0);      // a zero
  cuda::cp_async_commit();
  cuda::cp_async_wait<1>();
  out[0] = words[0];
  out[1] = words[3];
  cuda::cp_async_wait<0>();
  out[2] = words[4];
  out[3] = words[5];
  out[4] = words[6];
  cuda::cp_async_4(words + 8, in + 7);
  cuda::cp_async_wait_all();  // also waits for copies that were not committed
  out[5] = words[8];
}

// Grid: one block of 64 threads.
__global__ void thread_functions_kernel(int* out) {
  BATON_SHARED(total, int);
  BATON_SHARED(largest, float);
  BATON_SHARED(taken, unsigned);
  const int i = threadIdx.x;
  if (i == 0) {
    total = 0;
    largest = 0;
    taken = 0;
  }
  __syncthreads();
  atomicAdd(&total, i);
  unsigned expected = 0;
  do {  // a lock: threads wait for memory that others write
    expected = atomicCAS(&taken, 0u, 1u);
  } while (expected != 0);
  __threadfence_block();
  largest = fmaxf(largest, static_cast<float>(i % 50));
  __threadfence_block();
  atomicExch(&taken, 0u);
  const int n_even = __syncthreads_count(i % 2 == 0);
  const int any = __syncthreads_or(i == 63), all = __syncthreads_and(i < 63);
  if (i != 0) return;
  const __half h = __float2half(1.5f);
  const __half2 pair = __floats2half2_rn(0.1f, -2.0f);
  int n = 0;
  out[n++] = total;
  out[n++] = static_cast<int>(largest);
  out[n++] = n_even;
  out[n++] = any;
  out[n++] = all;
  out[n++] = cuda::dp4a(0x01ff0280, 0x7f03fe80, 5);
  out[n++] = __popc(0xf0f0u) + __clz(0x00ffffff) + __ffs(8);
  out[n++] = static_cast<int>(__umulhi(0x80000000u, 6u));
  out[n++] = static_cast<int>(__byte_perm(0x33221100u, 0x77665544u, 0x7531u));
  out[n++] = static_cast<int>(__half2float(h) * 4);
  out[n++] = __half_as_ushort(__low2half(pair));
  out[n++] = static_cast<int>(cuda::pack_bf16(1.0f, -3.0f));
  out[n++] = static_cast<int>(cuda::pack_f16(1.0f, -3.0f));
  out[n++] = static_cast<int>(cuda::exp2_approx(5.0f) + 0.5f);
  out[n++] = __float2int_rn(2.5f) * 10 + __float2int_rn(3.5f);
  out[n++] = static_cast<int>(__vsubss4(0x80017f10u, 0x01020304u));
}

}  // namespace

void collectives(int* out, const int* in, cudaStream_t stream) { cuda::launch(collectives_kernel, dim3(1), dim3(32), 0, stream, out, in); }

void async_copies(int* out, const int* in, cudaStream_t stream) { cuda::launch(async_copies_kernel, dim3(1), dim3(1), 0, stream, out, in); }

void thread_functions(int* out, cudaStream_t stream) { cuda::launch(thread_functions_kernel, dim3(1), dim3(64), 0, stream, out); }

}  // namespace baton::kernels::samples
