#include "ceilings.h"

#include <algorithm>
#include <numeric>

#include "benches.h"
#include "device.h"
#include "fill.h"

namespace baton::kernels::cuda::bench {
namespace {

std::size_t mebibytes(const Shape& shape) { return static_cast<std::size_t>(shape.number("mib")) << 20; }

template <class T>
void expect_same(const std::vector<T>& got, const std::vector<T>& want, const char* what) {
  if (got != want) throw std::runtime_error(std::string(what) + " gives an unexpected result");
}

}  // namespace

Result copy(const Shape& shape) {
  const std::size_t bytes = mebibytes(shape);
  const bool own = shape.word("by") == "kernel";
  const int blocks = 2 * device().multiProcessorCount;  // as many as are resident
  const Buffer<std::uint8_t> from(bytes), to(bytes);
  fill(from.get(), bytes, 1, {0xffffffff, 0}, nullptr);
  const auto run = [&](int) {
    if (own) {
      copy_words(to.get(), from.get(), bytes, blocks, nullptr);
    } else {
      check(cudaMemcpyAsync(to.get(), from.get(), bytes, cudaMemcpyDeviceToDevice, nullptr), "cudaMemcpyAsync");
    }
  };
  run(0);
  wait("copy");
  const std::size_t sample = std::min<std::size_t>(bytes, 1 << 20);
  expect_same(download(to.get(), sample), download(from.get(), sample), "copy");
  expect_same(download(to.get() + bytes - sample, sample), download(from.get() + bytes - sample, sample), "copy");
  const Timing timing = time_runs(run, 1);
  return {2.0 * static_cast<double>(bytes) / timing.us * 1e-3, "GB/s", timing, 2.0 * static_cast<double>(bytes)};
}

Result read(const Shape& shape) {
  const std::size_t l2 = static_cast<std::size_t>(device().l2CacheSize);
  const bool cached = shape.number("mib") == 0;
  const std::size_t bytes = cached ? l2 / 4 / 16 * 16 : mebibytes(shape);
  const int times = cached ? 64 : 1, blocks = 2 * device().multiProcessorCount;
  const Buffer<std::uint8_t> from(bytes);
  const Buffer<std::uint32_t> sum(std::vector<std::uint32_t>{0});
  fill(from.get(), bytes, 1, {0xffffffff, 0}, nullptr);
  const auto run = [&](int) { read_words(sum.get(), from.get(), bytes, times, blocks, nullptr); };
  const Timing timing = time_runs(run, 1);
  const double all = static_cast<double>(bytes) * times;
  return {all / timing.us * 1e-3, "GB/s", timing, all, cached ? std::to_string(bytes >> 20) + " MiB, 64 times" : ""};
}

Result mma(const Shape& shape) {
  const int n = shape.number("products"), blocks = 2 * device().multiProcessorCount;
  const bool bf16 = shape.word("type") == "bf16";
  const std::size_t threads = static_cast<std::size_t>(blocks) * 32 * kMmaWarps;
  const Buffer<float> floats(bf16 ? threads : 0);
  const Buffer<int> integers(bf16 ? 0 : threads);
  const auto run = [&](int) { bf16 ? mma_bf16(floats.get(), n, blocks, nullptr) : mma_s8(integers.get(), n, blocks, nullptr); };
  run(0);
  wait("mma");
  const int depth = bf16 ? 16 : 32;
  // Ones times ones: a sum is a multiple of the depth, exact in f32 to 2^24.
  if (bf16) expect_same(download(floats), std::vector<float>(threads, static_cast<float>(depth * n * kChains)), "mma");
  if (!bf16) expect_same(download(integers), std::vector<int>(threads, depth * n * kChains), "mma");
  const Timing timing = time_runs(run, 1);
  const double operations = 2.0 * 16 * 8 * depth * n * kChains * blocks * kMmaWarps;
  return {operations / timing.us * 1e-6, bf16 ? "TFLOP/s" : "TOP/s", timing};
}

}  // namespace baton::kernels::cuda::bench
