// kernels_cuda_bench OP SHAPE [OP SHAPE]...: one JSON object per line for each. `device -` describes the device. Exit status: 0, 1 when a
// bench failed (its line has an "error"), 2 for a wrong command line, 77 without a device.
#include <cstdio>

#include "benches.h"
#include "device.h"

namespace baton::kernels::cuda::bench {
namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + '"';
}

struct Bench {
  const char* op;
  Result (*run)(const Shape&);
};
constexpr Bench kBenches[] = {{"copy", copy},
                              {"read", read},
                              {"mma", mma},
                              {"product", product},
                              {"attention_prefill", attention_prefill},
                              {"attention_decode", attention_decode},
                              {"attention_memory", attention_memory},
                              {"mat_vec", mat_vec}};

void print_device() {
  const cudaDeviceProp& d = device();
  std::printf(R"({"op":"device","name":%s,"capability":"%d.%d","multiprocessors":%d,"l2_bytes":%d,"memory_bytes":%zu})"
              "\n",
              quoted(d.name).c_str(), d.major, d.minor, d.multiProcessorCount, d.l2CacheSize, d.totalGlobalMem);
}

void print(const std::string& op, const std::string& shape, const Result& r) {
  std::printf(R"({"op":%s,"shape":%s,)", quoted(op).c_str(), quoted(shape).c_str());
  if (!r.skipped.empty()) {
    std::printf("\"skipped\":%s}\n", quoted(r.skipped).c_str());
    return;
  }
  std::printf(R"("figure":%.6g,"unit":%s,"us":%.6g,"spread":%.3g,"bytes":%.0f,"note":%s})"
              "\n",
              r.figure, quoted(r.unit).c_str(), r.timing.us, r.timing.spread, r.bytes, quoted(r.note).c_str());
}

int run(const std::string& op, const std::string& shape) {
  if (op == "device") {
    print_device();
    return 0;
  }
  try {
    for (const Bench& bench : kBenches) {
      if (op != bench.op) continue;
      print(op, shape, bench.run(Shape(shape)));
      return 0;
    }
    throw std::invalid_argument("there is no such bench");
  } catch (const std::exception& error) {
    std::printf(R"({"op":%s,"shape":%s,"error":%s})"
                "\n",
                quoted(op).c_str(), quoted(shape).c_str(), quoted(error.what()).c_str());
    return 1;
  }
}

}  // namespace
}  // namespace baton::kernels::cuda::bench

int main(int argc, char** argv) {
  if (argc < 3 || argc % 2 == 0) {
    std::fprintf(stderr, "usage: kernels_cuda_bench OP SHAPE [OP SHAPE]...\n");
    return 2;
  }
  int n_devices = 0;
  if (const cudaError_t error = cudaGetDeviceCount(&n_devices); error != cudaSuccess || n_devices == 0) {
    std::fprintf(stderr, "kernels_cuda_bench: no CUDA device: %s\n", cudaGetErrorString(error));
    return 77;
  }
  int status = 0;
  for (int i = 1; i < argc; i += 2) {
    status |= baton::kernels::cuda::bench::run(argv[i], argv[i + 1]);
    std::fflush(stdout);
    // A kernel's error persists in the process, so the next benches need another one.
    cudaGetLastError();
    if (cudaDeviceSynchronize() != cudaSuccess) return 1;
  }
  return status;
}
