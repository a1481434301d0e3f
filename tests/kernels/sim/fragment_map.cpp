// Prints the results of tensor-core products and ldmatrix, bit by bit: built for the simulator and for a card, the two must print the same.
#include <cstdint>
#include <cstdio>
#include <random>

#include "device_buffer.h"
#include "samples.h"

namespace baton::kernels::samples {
namespace {

constexpr std::size_t kRows = 16, kColumns = 8;
bool failed = false;

template <class T>
void print(const char* name, const std::vector<T>& words, std::size_t columns) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i % columns == 0) std::printf("%s%s %zu:", i ? "\n" : "", name, i / columns);
    std::printf(" %08x", static_cast<unsigned>(words[i]));
  }
  std::printf("\n");
  failed = failed || cudaGetLastError() != cudaSuccess;
}

// Integers of up to seven bits, as `encode` writes them: their sums are exact, so no order of additions shows.
template <class Element, class Encode>
void product(const char* name, Operand type, std::size_t depth, Encode encode) {
  std::mt19937 random(7);
  std::vector<Element> a(kRows * depth), b(kColumns * depth);
  for (auto* x : {&a, &b}) {
    for (Element& e : *x) e = encode(static_cast<int>(random() % 201) - 100);
  }
  const DeviceBuffer<Element> da(a), db(b);
  const DeviceBuffer<std::uint32_t> dc(std::vector<std::uint32_t>(kRows * kColumns, 0)), dd(kRows * kColumns);
  mma_by_map(type, dd.get(), da.get(), db.get(), dc.get(), nullptr);
  print(name, dd.values(), kColumns);
}

// 16-bit numbers with `fraction_bits` bits of fraction and this exponent bias.
std::uint16_t half_bits(int value, int fraction_bits, int bias) {
  if (value == 0) return 0;
  const unsigned magnitude = static_cast<unsigned>(value < 0 ? -value : value);
  int exponent = 0;
  while (magnitude >> (exponent + 1)) ++exponent;
  const unsigned fraction = (magnitude << (fraction_bits - exponent)) & ((1u << fraction_bits) - 1);
  return static_cast<std::uint16_t>((value < 0 ? 0x8000u : 0u) | static_cast<unsigned>(exponent + bias) << fraction_bits | fraction);
}

void matrices(int n, bool transposed) {
  std::vector<std::uint16_t> in(static_cast<std::size_t>(n) * 64);
  for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<std::uint16_t>(i);
  const DeviceBuffer<std::uint16_t> from(in);
  const DeviceBuffer<std::uint32_t> registers(static_cast<std::size_t>(n) * 32);
  load_matrices(registers.get(), from.get(), n, transposed, nullptr);
  char name[40];
  std::snprintf(name, sizeof name, "ldmatrix x%d%s, lane", n, transposed ? " trans" : "");
  print(name, registers.values(), static_cast<std::size_t>(n));
}

}  // namespace
}  // namespace baton::kernels::samples

int main() {
  using namespace baton::kernels::samples;
  int n_devices = 0;
  if (cudaGetDeviceCount(&n_devices) != cudaSuccess || n_devices == 0) {
    std::fprintf(stderr, "fragment_map: no CUDA device\n");
    return 77;
  }
  product<std::uint16_t>("mma bf16, row", Operand::bf16, 16, [](int v) { return half_bits(v, 7, 127); });
  product<std::uint16_t>("mma f16, row", Operand::f16, 16, [](int v) { return half_bits(v, 10, 15); });
  product<signed char>("mma s8, row", Operand::s8, 32, [](int v) { return static_cast<signed char>(v); });
  for (const int n : {1, 2, 4}) {
    for (const bool transposed : {false, true}) matrices(n, transposed);
  }
  if (failed) std::fprintf(stderr, "fragment_map: the device reported an error\n");
  return failed ? 1 : 0;
}
