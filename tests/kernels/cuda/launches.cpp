// Where BATON_LAUNCHES names a file, it gets a line for each kernel that the tests launched: most threads of a block, most bytes of dynamic
// shared memory, mangled name. tests/check/kernels/report.py computes occupancy from it.
#include <baton/kernels/sim/block.h>
#include <baton/kernels/sim/symbol.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

namespace baton::kernels::sim {
namespace {

class Launches : public testing::Environment {
  void TearDown() override {
    const char* path = std::getenv("BATON_LAUNCHES");
    if (!path) return;
    std::FILE* file = std::fopen(path, "w");
    if (!file) {
      ADD_FAILURE() << "cannot write " << path;
      return;
    }
    for (const LaunchRecord& r : launch_records()) {
      char name[2000];
      mangled_symbol_name(r.kernel, name, sizeof name);
      std::fprintf(file, "%u %zu %s\n", r.max_threads, r.max_dynamic_shared_bytes, name);
    }
    std::fclose(file);
  }
};
[[maybe_unused]] const auto* const environment = testing::AddGlobalTestEnvironment(new Launches);

}  // namespace
}  // namespace baton::kernels::sim
