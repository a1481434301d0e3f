// Work without a guaranteed order.
#include <baton/kernels/cuda/device/launch.h>

#include "planted.h"

namespace baton::kernels::planted {
namespace {

constexpr int kN = 64;

__global__ void add_one_kernel(float* y, const float* x) { y[threadIdx.x] = x[threadIdx.x] + 1; }

const std::vector<float> kInput = count_from_one<float>(kN);
const std::vector<float> kExpected = [] {
  std::vector<float> x;
  for (const float v : kInput) x.push_back(v + 2);
  return x;
}();

// y = x + 2 in two streams
bool missing_event(bool bug) {
  return gives(kInput, kExpected, [=](float* y, const float* x) {
    cudaStream_t first, second;
    cudaStreamCreate(&first);
    cudaStreamCreate(&second);
    cudaEvent_t event;
    cudaEventCreate(&event);
    float* middle = nullptr;
    cudaMalloc(&middle, kN * sizeof(float));
    cuda::launch(add_one_kernel, dim3(1), dim3(kN), 0, first, middle, x);
    cudaEventRecord(event, first);
    if (!bug) cudaStreamWaitEvent(second, event);
    cuda::launch(add_one_kernel, dim3(1), dim3(kN), 0, second, y, middle);
    cudaFree(middle);
    cudaEventDestroy(event);
    cudaStreamDestroy(first);
    cudaStreamDestroy(second);
  });
}

// The same as a graph
bool missing_graph_edge(bool bug) {
  return gives(kInput, kExpected, [=](float* y, const float* x) {
    cudaStream_t first, second;
    cudaStreamCreate(&first);
    cudaStreamCreate(&second);
    cudaEvent_t fork, middle_done, join;
    for (cudaEvent_t* event : {&fork, &middle_done, &join}) cudaEventCreate(event);
    float* middle = nullptr;
    cudaMalloc(&middle, kN * sizeof(float));
    cudaStreamBeginCapture(first, cudaStreamCaptureModeGlobal);
    cudaEventRecord(fork, first);
    cudaStreamWaitEvent(second, fork);
    cuda::launch(add_one_kernel, dim3(1), dim3(kN), 0, first, middle, x);
    cudaEventRecord(middle_done, first);
    if (!bug) cudaStreamWaitEvent(second, middle_done);
    cuda::launch(add_one_kernel, dim3(1), dim3(kN), 0, second, y, middle);
    cudaEventRecord(join, second);
    cudaStreamWaitEvent(first, join);
    cudaGraph_t graph;
    cudaStreamEndCapture(first, &graph);
    cudaGraphExec_t exec;
    cudaGraphInstantiate(&exec, graph, 0);
    cudaGraphLaunch(exec, first);
    cudaStreamSynchronize(first);
    cudaGraphExecDestroy(exec);
    cudaGraphDestroy(graph);
    cudaFree(middle);
    for (cudaEvent_t event : {fork, middle_done, join}) cudaEventDestroy(event);
    cudaStreamDestroy(first);
    cudaStreamDestroy(second);
  });
}

// The host reads pinned memory before the copy to it is known to be over.
bool missing_synchronise(bool bug) {
  float *host = nullptr, *device = nullptr;
  cudaHostAlloc(&host, kN * sizeof(float), cudaHostAllocDefault);
  cudaMalloc(&device, kN * sizeof(float));
  cudaStream_t stream;
  cudaStreamCreate(&stream);
  cudaMemcpyAsync(device, kInput.data(), kN * sizeof(float), cudaMemcpyHostToDevice, stream);
  cudaMemcpyAsync(host, device, kN * sizeof(float), cudaMemcpyDeviceToHost, stream);
  if (!bug) cudaStreamSynchronize(stream);
  bool right = true;
  for (int i = 0; i < kN; ++i) right = right && host[i] == kInput[static_cast<std::size_t>(i)];
  cudaStreamDestroy(stream);
  cudaFree(device);
  cudaFreeHost(host);
  return right;
}

}  // namespace

const std::vector<Bug>& stream_bugs() {
  static const std::vector<Bug> bugs = {
      {"missing_event", "missing order between two streams: stale data", missing_event},
      {"missing_graph_edge", "missing order between two branches of a graph", missing_graph_edge},
      {"missing_synchronise", "host reads before cudaStreamSynchronize", missing_synchronise},
  };
  return bugs;
}

}  // namespace baton::kernels::planted
