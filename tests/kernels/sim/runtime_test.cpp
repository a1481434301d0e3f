// The host's side: memory, streams, events, graphs, limits.
#include <baton/kernels/sim/options.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "device_buffer.h"
#include "samples.h"

namespace baton::kernels::samples {
namespace {

constexpr int kN = 100;

struct Streams : testing::Test {
  void SetUp() override {
    for (cudaStream_t* stream : {&first, &second}) cudaStreamCreateWithFlags(stream, cudaStreamNonBlocking);
    for (cudaEvent_t* e : {&event, &other}) cudaEventCreate(e);
  }
  void TearDown() override {
    for (cudaStream_t stream : {first, second}) cudaStreamDestroy(stream);
    for (cudaEvent_t e : {event, other}) cudaEventDestroy(e);
  }
  cudaStream_t first, second;
  cudaEvent_t event, other;
};

TEST(Memory, FreshDeviceMemoryIsNaNInEveryFormat) {
  DeviceBuffer<float> buffer(kN);
  for (const float v : buffer.values()) EXPECT_TRUE(std::isnan(v));
  DeviceBuffer<__nv_bfloat16> half(kN);
  for (const __nv_bfloat16 v : half.values()) EXPECT_TRUE(std::isnan(float(v)));
}

TEST(Memory, MoreThanTheDeviceHasIsAnErrorOfCuda) {
  float* buffer = nullptr;
  EXPECT_EQ(cudaMalloc(&buffer, std::size_t{1} << 50), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_STREQ(cudaGetErrorString(cudaErrorMemoryAllocation), "out of memory");
}

TEST(Memory, WhatIsFreedTwiceOrFromInsideIsRefused) {
  char* buffer = nullptr;
  cudaMalloc(&buffer, 64);
  EXPECT_EQ(cudaFree(buffer + 16), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFreeHost(buffer), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFree(buffer), cudaSuccess);
  cudaGetLastError();
}

TEST(Device, PropertiesAreTheOptions) {
  cudaDeviceProp properties;
  ASSERT_EQ(cudaGetDeviceProperties(&properties, 0), cudaSuccess);
  int optin = 0;
  cudaDeviceGetAttribute(&optin, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0);
  EXPECT_EQ(static_cast<std::size_t>(optin), properties.sharedMemPerBlockOptin);
  EXPECT_EQ(properties.warpSize, 32);
  EXPECT_EQ(cudaGetDeviceProperties(&properties, 1), cudaErrorInvalidDevice);
  cudaGetLastError();
}

TEST_F(Streams, WorkWaitsForASynchronisation) {
  DeviceBuffer<float> x(std::vector<float>(kN, 1.0f));
  scale_add(x.get(), kN, 2, 3, first);
  EXPECT_EQ(cudaStreamQuery(first), cudaErrorNotReady);
  EXPECT_EQ(cudaStreamSynchronize(first), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(first), cudaSuccess);
  EXPECT_EQ(x.values()[kN - 1], 5);
}

TEST_F(Streams, EventsOrderStreamsUnderEverySeed) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    sim::set_seed(seed);
    DeviceBuffer<float> x(std::vector<float>(kN, 1.0f));
    scale_add(x.get(), kN, 2, 0, first);
    cudaEventRecord(event, first);
    cudaStreamWaitEvent(second, event);
    scale_add(x.get(), kN, 1, 5, second);
    cudaEventRecord(other, second);
    cudaStreamWaitEvent(first, other);
    scale_add(x.get(), kN, 3, 0, first);
    cudaEventSynchronize(other);
    EXPECT_EQ(x.values()[0], (1 * 2 + 5) * 3);
  }
}

TEST_F(Streams, PageableMemoryIsFreeAgainWhenTheCopyReturns) {
  std::vector<float> host(kN, 4.0f);
  DeviceBuffer<float> x(kN);
  cudaMemcpyAsync(x.get(), host.data(), kN * sizeof(float), cudaMemcpyHostToDevice, first);
  host.assign(kN, 0.0f);
  std::vector<float> back(kN);
  cudaMemcpyAsync(back.data(), x.get(), kN * sizeof(float), cudaMemcpyDeviceToHost, first);
  EXPECT_EQ(back, std::vector<float>(kN, 4.0f));
}

TEST_F(Streams, AGraphReplaysWhatWasCapturedAndRunsNothingBefore) {
  DeviceBuffer<float> x(std::vector<float>(kN, 1.0f)), y(kN);
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t exec = nullptr;
  ASSERT_EQ(cudaStreamBeginCapture(first, cudaStreamCaptureModeGlobal), cudaSuccess);
  scale_add(x.get(), kN, 2, 0, first);
  cudaEventRecord(event, first);
  cudaStreamWaitEvent(second, event);  // the second stream joins the capture
  cudaMemcpyAsync(y.get(), x.get(), kN * sizeof(float), cudaMemcpyDeviceToDevice, second);
  cudaEventRecord(other, second);
  cudaStreamWaitEvent(first, other);
  scale_add(x.get(), kN, 1, 1, first);
  EXPECT_EQ(cudaStreamSynchronize(first), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(cudaMemset(y.get(), 0, 4), cudaErrorStreamCaptureImplicit);
  ASSERT_EQ(cudaStreamEndCapture(first, &graph), cudaSuccess);
  std::size_t n_nodes = 0;
  cudaGraphGetNodes(graph, nullptr, &n_nodes);
  EXPECT_EQ(n_nodes, 3u);
  EXPECT_EQ(x.values()[0], 1);
  ASSERT_EQ(cudaGraphInstantiate(&exec, graph, 0), cudaSuccess);
  cudaGraphDestroy(graph);
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    sim::set_seed(seed);
    const float before = x.values()[0];
    cudaGraphLaunch(exec, first);
    EXPECT_EQ(cudaStreamQuery(first), cudaErrorNotReady);
    EXPECT_EQ(y.values()[0], before * 2);
    EXPECT_EQ(x.values()[0], before * 2 + 1);
  }
  cudaGraphExecDestroy(exec);
  cudaGetLastError();
}

TEST_F(Streams, ACaptureThatIsNotJoinedIsRefused) {
  DeviceBuffer<float> x(std::vector<float>(kN, 1.0f));
  cudaGraph_t graph = nullptr;
  cudaStreamBeginCapture(first, cudaStreamCaptureModeGlobal);
  cudaEventRecord(event, first);
  cudaStreamWaitEvent(second, event);
  scale_add(x.get(), kN, 2, 0, second);
  EXPECT_EQ(cudaStreamEndCapture(first, &graph), cudaErrorStreamCaptureUnjoined);
  EXPECT_EQ(cudaStreamQuery(second), cudaSuccess);
  cudaGetLastError();
}

TEST(LaunchDeathTest, NamesKernelAndLimit) {
  DeviceBuffer<float> x(kN);
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(scale_add(x.get() + kN * 1000000, kN, 1, 1, nullptr), "simulator: invalid (read|write).*\n.*in kernel .*scale_add_kernel");
  EXPECT_DEATH(scale_add(x.get(), 0, 1, 1, nullptr), "grid of \\(0,1,1\\) blocks");
}

}  // namespace
}  // namespace baton::kernels::samples
