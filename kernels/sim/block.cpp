#include "block.h"

#include <bit>
#include <cstdio>
#include <cstring>
#include <memory>

#include "fail.h"
#include "guarded_memory.h"
#include "options.h"
#include "random.h"
#include "sanitizers.h"
#include "shared_memory.h"
#include "stream.h"

namespace baton::kernels::sim {

Running running;

namespace {

struct Collective {
  const char* name = nullptr;
  std::uint32_t mask = 0, arrived = 0;
  Site site;
};

struct Warp {
  std::uint32_t present = 0, finished = 0;
  Collective collectives[kWarpSize];  // by the lowest lane of the mask, so that disjoint groups of lanes can meet separately
  unsigned n_syncs = 0;
  char order[2];  // tokens of alternate sync_warp calls
};

// All state of the running block. Not instrumented under ThreadSanitizer (see CMakeLists.txt): fibers share it without an order.
struct Scheduler {
  std::unique_ptr<Thread> threads[kMaxThreads];
  Warp warps[kMaxThreads / kWarpSize];
  std::uint16_t ready[kMaxThreads];
  unsigned n_ready = 0, n_threads = 0, n_finished = 0;
  unsigned n_at_barrier = 0, n_barriers = 0;
  Site barrier_site;
  int barrier_sum = 0, barrier_result = 0;
  char barrier_order[2];        // alternate, so that a thread that is already at the next barrier gives no order to one still at this
  char block_start, block_end;  // two, so that a thread that ends early gives no order to one that starts late
  const std::function<void()>* body = nullptr;
  Fiber host;
  Random random{1};
  std::vector<LaunchRecord> records;
};
Scheduler s;

bool same(const char* a, const char* b) { return a == b || std::strcmp(a, b) == 0; }
bool same(Site a, Site b) { return a.line == b.line && same(a.file, b.file); }

void make_ready(Thread& t) {
  t.state = ThreadState::runnable;
  s.ready[s.n_ready++] = static_cast<std::uint16_t>(t.index);
}

// Every thread waits for another: reports who waits where.
[[noreturn]] void report_deadlock() {
  char text[400];
  int used = 0;
  int shown = 0;
  for (unsigned i = 0; i < s.n_threads && shown < 3; ++i) {
    const Thread& t = *s.threads[i];
    if (t.state == ThreadState::finished) continue;
    bool first_of_its_site = true;
    for (unsigned j = 0; j < i; ++j) {
      first_of_its_site = first_of_its_site && !(s.threads[j]->state == t.state && same(s.threads[j]->site, t.site));
    }
    if (!first_of_its_site) continue;
    used += std::snprintf(text + used, sizeof text - static_cast<std::size_t>(used), "%sthread %u waits in %s at %.60s:%d",
                          shown ? ", " : "", i, t.waits_in, t.site.file, t.site.line);
    ++shown;
  }
  fail("divergent threads: %s; all threads must reach the same barrier, and all lanes of a mask the same collective", text);
}

Thread& pick() {
  if (s.n_ready == 0) report_deadlock();
  const unsigned i = s.random.below(s.n_ready);
  Thread& next = *s.threads[s.ready[i]];
  s.ready[i] = s.ready[--s.n_ready];
  return next;
}

void run_another() {
  Thread& self = *running.thread;
  Thread& next = pick();
  if (&next == &self) return;
  running.thread = &next;
  Fiber::switch_to(self.fiber, next.fiber);
}

void finish(Thread& t) {
  Warp& w = s.warps[t.warp];
  if (!t.copies.empty()) fail("the thread returns with %zu cp.async that it has not waited for: cp_async_wait", t.copies.size());
  if (s.n_at_barrier) {
    fail("divergent barrier: this thread returns while others wait in __syncthreads at %s:%d", s.barrier_site.file, s.barrier_site.line);
  }
  for (const Collective& c : w.collectives) {
    if (c.arrived && (c.mask >> t.lane & 1)) {
      fail("lane %u returns while others of its warp wait for it in %s at %s:%d", t.lane, c.name, c.site.file, c.site.line);
    }
  }
  t.state = ThreadState::finished;
  w.finished |= 1u << t.lane;
  release(&s.block_end);
  if (++s.n_finished < s.n_threads) {
    run_another();
  } else {
    running.thread = nullptr;
    Fiber::switch_to(t.fiber, s.host);
  }
}

// A fiber runs the same thread of one block after another.
void thread_entry() {
  Fiber::arrived(running.thread->fiber);
  for (;;) {
    acquire(&s.block_start);
    (*s.body)();
    finish(*running.thread);
  }
}

void run_block() {
  ++running.block_serial;
  begin_shared_block();
  s.n_finished = s.n_ready = s.n_at_barrier = 0;
  for (unsigned w = 0; w * kWarpSize < s.n_threads; ++w) {
    const unsigned lanes = s.n_threads - w * kWarpSize;
    s.warps[w].present = lanes >= kWarpSize ? 0xffffffffu : (1u << lanes) - 1;
    s.warps[w].finished = 0;
  }
  for (unsigned i = 0; i < s.n_threads; ++i) make_ready(*s.threads[i]);
  release(&s.block_start);
  running.thread = &pick();
  Fiber::switch_to(s.host, running.thread->fiber);
  acquire(&s.block_end);
  end_shared_block();
}

void prepare_threads(dim3 block) {
  s.n_threads = block.x * block.y * block.z;
  for (unsigned i = 0; i < s.n_threads; ++i) {
    if (!s.threads[i]) {
      s.threads[i] = std::make_unique<Thread>();
      s.threads[i]->fiber.create(thread_entry);
    }
    Thread& t = *s.threads[i];
    t.index = i;
    t.lane = i % kWarpSize;
    t.warp = i / kWarpSize;
    t.thread_idx = {i % block.x, i / block.x % block.y, i / (block.x * block.y)};
    t.copy_group = 0;
  }
}

void record(const LaunchShape& shape) {
  const unsigned threads = shape.block.x * shape.block.y * shape.block.z;
  for (LaunchRecord& r : s.records) {
    if (r.kernel != shape.kernel) continue;
    if (threads > r.max_threads) r.max_threads = threads;
    if (shape.dynamic_shared_bytes > r.max_dynamic_shared_bytes) r.max_dynamic_shared_bytes = shape.dynamic_shared_bytes;
    return;
  }
  s.records.push_back({shape.kernel, threads, shape.dynamic_shared_bytes});
}

}  // namespace

void check_launch(const LaunchShape& shape) {
  running.kernel = shape.kernel;
  const dim3 g = shape.grid, b = shape.block;
  const auto threads = std::uint64_t{b.x} * b.y * b.z;
  if (threads == 0) fail("block of (%u,%u,%u) threads: each must be at least 1", b.x, b.y, b.z);
  if (threads > kMaxThreads || b.z > 64) fail("block of (%u,%u,%u) threads: at most %u, and 64 in z", b.x, b.y, b.z, kMaxThreads);
  if (g.x == 0 || g.y == 0 || g.z == 0)
    fail("grid of (%u,%u,%u) blocks: each must be at least 1; do not launch for nothing", g.x, g.y, g.z);
  if (g.x > 0x7fffffffu || g.y > 65535 || g.z > 65535) fail("grid of (%u,%u,%u) blocks: at most 2147483647, 65535, 65535", g.x, g.y, g.z);
  check_dynamic_shared(shape.kernel, shape.dynamic_shared_bytes);
  running.kernel = nullptr;
}

void run_grid(const LaunchShape& shape, const std::function<void()>& thread_body) {
  if (running.thread) fail("a kernel launches a kernel: not supported");
  install_fault_handler();
  record(shape);
  running.kernel = shape.kernel;
  running.block_dim = shape.block;
  running.grid_dim = shape.grid;
  s.body = &thread_body;
  prepare_threads(shape.block);
  begin_shared_launch(shape.dynamic_shared_bytes);
  const auto n_blocks = std::uint64_t{shape.grid.x} * shape.grid.y * shape.grid.z;
  if (n_blocks > 0xffffffffu) fail("%llu blocks are more than the simulator can count", static_cast<unsigned long long>(n_blocks));
  std::vector<std::uint32_t> order(n_blocks);
  for (std::uint32_t i = 0; i < n_blocks; ++i) {
    const std::uint32_t j = s.random.below(i + 1);
    order[i] = order[j];
    order[j] = i;
  }
  for (const std::uint32_t i : order) {
    running.block_idx = {i % shape.grid.x, i / shape.grid.x % shape.grid.y, i / (shape.grid.x * shape.grid.y)};
    run_block();
  }
  check_all_slack();
  running.kernel = nullptr;
}

int barrier(Site site, int value) {
  Thread& t = *running.thread;
  if (s.n_finished)
    fail("divergent barrier: %u threads have returned and never come to __syncthreads at %s:%d", s.n_finished, site.file, site.line);
  if (s.n_at_barrier == 0) {
    s.barrier_site = site;
    s.barrier_sum = 0;
  } else if (!same(site, s.barrier_site)) {
    fail("divergent barrier: this thread is in __syncthreads at %s:%d, others at %s:%d", site.file, site.line, s.barrier_site.file,
         s.barrier_site.line);
  }
  char* order = &s.barrier_order[s.n_barriers % 2];
  release(order);
  s.barrier_sum += value;
  if (++s.n_at_barrier == s.n_threads) {
    s.barrier_result = s.barrier_sum;
    s.n_at_barrier = 0;
    ++s.n_barriers;
    for (unsigned i = 0; i < s.n_threads; ++i) make_ready(*s.threads[i]);
  } else {
    t.state = ThreadState::at_barrier;
    t.waits_in = "__syncthreads";
    t.site = site;
  }
  run_another();
  acquire(order);
  return s.barrier_result;
}

void collective(const char* name, std::uint32_t mask, Compute compute, Site site) {
  Thread& t = *running.thread;
  Warp& w = s.warps[t.warp];
  if (!(mask >> t.lane & 1)) fail("%s at %s:%d: lane %u is not in the mask %#x that it gives", name, site.file, site.line, t.lane, mask);
  if (mask & ~w.present) {
    fail("%s at %s:%d: the mask %#x names lanes that the block of %u threads does not have; make it a multiple of 32", name, site.file,
         site.line, mask, s.n_threads);
  }
  if (mask & w.finished) fail("%s at %s:%d: lanes %#x of the mask have returned", name, site.file, site.line, mask & w.finished);
  Collective& c = w.collectives[std::countr_zero(mask)];
  if (c.arrived == 0) {
    c = {name, mask, 0, site};
  } else if (c.mask != mask || !same(c.name, name) || !same(c.site, site)) {
    fail("divergent warp: lane %u is in %s at %s:%d with mask %#x, others in %s at %s:%d with mask %#x", t.lane, name, site.file, site.line,
         mask, c.name, c.site.file, c.site.line, c.mask);
  }
  c.arrived |= 1u << t.lane;
  if (c.arrived != mask) {
    t.state = ThreadState::in_collective;
    t.waits_in = name;
    t.site = site;
    run_another();
    return;
  }
  Slot* slots[kWarpSize];
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    const unsigned index = t.warp * kWarpSize + lane;
    slots[lane] = index < s.n_threads ? &s.threads[index]->slot : nullptr;
  }
  if (compute) compute(slots, mask);
  c.arrived = 0;
  for (std::uint32_t rest = mask & ~(1u << t.lane); rest; rest &= rest - 1) {
    make_ready(*s.threads[t.warp * kWarpSize + static_cast<unsigned>(std::countr_zero(rest))]);
  }
}

void sync_warp(std::uint32_t mask, Site site) {
  Warp& w = s.warps[running.thread->warp];
  char* order = &w.order[w.n_syncs % 2];
  release(order);
  collective(
      "__syncwarp", mask, [](Slot* const*, std::uint32_t) { ++s.warps[running.thread->warp].n_syncs; }, site);
  acquire(order);
}

void maybe_yield() {
  if (!running.thread || s.random.below(4) != 0) return;
  make_ready(*running.thread);
  run_another();
}

const std::vector<LaunchRecord>& launch_records() { return s.records; }

void set_seed(std::uint64_t seed) {
  s.random = Random(seed);
  seed_streams(seed);
}

}  // namespace baton::kernels::sim
