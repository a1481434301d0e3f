// planted_bugs list                       name, tab, what it is: a line for each bug
// planted_bugs bug|fixed NAME SEEDS       runs it (or `all`) with the seeds 1, 2, .. SEEDS, up to the first wrong result: 0 the results are
//                                         right, 1 they are not; reports abort
// planted_bugs launches bug|fixed NAME    after the run, a line for each kernel: mangled name, most threads in a block, most dynamic bytes
#include <baton/kernels/sim/block.h>
#include <baton/kernels/sim/options.h>
#include <baton/kernels/sim/symbol.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "planted.h"

namespace planted = baton::kernels::planted;
namespace sim = baton::kernels::sim;

// How the sanitizers end, told apart from a wrong result. The simulator's reports of faults are written in a signal handler, knowingly.
extern "C" const char* __tsan_default_options() { return "halt_on_error=1:exitcode=66:report_signal_unsafe=0"; }
extern "C" const char* __msan_default_options() { return "exitcode=67"; }

namespace {

std::vector<planted::Bug> all() {
  std::vector<planted::Bug> bugs;
  for (const auto* some : {&planted::memory_bugs(), &planted::barrier_bugs(), &planted::warp_bugs(), &planted::async_copy_bugs(),
                           &planted::fragment_bugs(), &planted::launch_bugs(), &planted::stream_bugs()}) {
    bugs.insert(bugs.end(), some->begin(), some->end());
  }
  return bugs;
}

int run(const char* kind, const char* name, unsigned long long n_seeds) {
  bool known = false;
  for (const planted::Bug& bug : all()) {
    if (std::strcmp(name, "all") != 0 && std::strcmp(bug.name, name) != 0) continue;
    known = true;
    for (unsigned long long seed = 1; seed <= n_seeds; ++seed) {
      sim::set_seed(seed);
      if (!bug.run(std::strcmp(kind, "bug") == 0)) return 1;
    }
  }
  if (!known) std::fprintf(stderr, "no bug %s\n", name);
  return known ? 0 : 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "list") == 0) {
    for (const planted::Bug& bug : all()) std::printf("%s\t%s\n", bug.name, bug.what);
    return 0;
  }
  if (argc != 4) {
    std::fprintf(stderr, "usage: planted_bugs list | bug NAME SEEDS | fixed NAME SEEDS | launches bug|fixed NAME\n");
    return 2;
  }
  if (std::strcmp(argv[1], "launches") != 0) return run(argv[1], argv[2], std::strtoull(argv[3], nullptr, 10));
  run(argv[2], argv[3], 1);
  for (const sim::LaunchRecord& r : sim::launch_records()) {
    char kernel[500];
    sim::mangled_symbol_name(r.kernel, kernel, sizeof kernel);
    std::printf("%s %u %zu\n", kernel, r.max_threads, r.max_dynamic_shared_bytes);
  }
  return 0;
}
