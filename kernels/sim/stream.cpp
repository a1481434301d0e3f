#include "stream.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <utility>

#include "fail.h"
#include "random.h"

namespace {

using Work = std::function<void()>;
using Clock = std::chrono::steady_clock;

struct EventState {
  std::uint64_t n_recorded = 0, n_completed = 0;
  Clock::time_point time;
};

struct Node {
  Work work;
  std::vector<std::size_t> after;  // earlier nodes of the graph
};
using Nodes = std::vector<Node>;

// The capture that a stream or an event belongs to.
struct Capture {
  std::shared_ptr<Nodes> nodes;    // null: none
  std::vector<std::size_t> after;  // the dependencies of the next node
};

struct Op {
  Work work;
  std::shared_ptr<EventState> waits_for;  // null: nothing
  std::uint64_t count = 0;                // of its records
};

}  // namespace

struct CUevent_st {
  std::shared_ptr<EventState> state = std::make_shared<EventState>();
  Capture capture;
};
struct CUstream_st {
  bool blocking = true;  // the default stream waits for it
  bool origin = false;   // of its capture
  std::deque<Op> queue;
  Capture capture;
};
struct CUgraph_st {
  std::shared_ptr<Nodes> nodes;
};
struct CUgraphExec_st {
  std::shared_ptr<const Nodes> nodes;
};

namespace baton::kernels::sim {
namespace {

std::vector<std::unique_ptr<CUstream_st>> streams;
Random choices{1};
cudaError_t last_error = cudaSuccess;

bool can_run(const CUstream_st& s) {
  return !s.queue.empty() && (!s.queue.front().waits_for || s.queue.front().waits_for->n_completed >= s.queue.front().count);
}

// Runs one piece of work of a stream that may continue, chosen at random.
void step() {
  std::vector<CUstream_st*> able;
  for (auto& s : streams) {
    if (can_run(*s)) able.push_back(s.get());
  }
  if (able.empty()) fail("the streams wait for events that never come");
  CUstream_st& s = *able[choices.below(static_cast<std::uint32_t>(able.size()))];
  const Op op = std::move(s.queue.front());
  s.queue.pop_front();
  if (op.work) op.work();
}

template <class Done>
void run_until(Done done) {
  while (!done()) step();
}

bool blocking_streams_are_empty() {
  return std::all_of(streams.begin(), streams.end(), [](auto& s) { return !s->blocking || s->queue.empty(); });
}

void add_node(Capture& capture, Work work) {
  capture.nodes->push_back({std::move(work), capture.after});
  capture.after = {capture.nodes->size() - 1};
}

void replay(const Nodes& nodes) {
  std::vector<bool> done(nodes.size());
  for (std::size_t n_done = 0; n_done < nodes.size(); ++n_done) {
    std::vector<std::size_t> able;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const auto finished = [&](std::size_t before) { return done[before]; };
      if (!done[i] && std::all_of(nodes[i].after.begin(), nodes[i].after.end(), finished)) able.push_back(i);
    }
    const std::size_t chosen = able[choices.below(static_cast<std::uint32_t>(able.size()))];
    nodes[chosen].work();
    done[chosen] = true;
  }
}

// Every node is one of `last` or precedes one.
bool joined(const Nodes& nodes, const std::vector<std::size_t>& last) {
  std::vector<bool> reached(nodes.size());
  for (const std::size_t i : last) reached[i] = true;
  for (std::size_t i = nodes.size(); i-- > 0;) {
    if (!reached[i]) return false;
    for (const std::size_t before : nodes[i].after) reached[before] = true;
  }
  return true;
}

}  // namespace

bool capturing() {
  return std::any_of(streams.begin(), streams.end(), [](auto& s) { return s->capture.nodes != nullptr; });
}

cudaError_t set_error(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

cudaError_t enqueue(cudaStream_t stream, Work work) {
  if (!stream) {
    if (capturing()) return set_error(cudaErrorStreamCaptureImplicit);
    run_until(blocking_streams_are_empty);
    work();
  } else if (stream->capture.nodes) {
    add_node(stream->capture, std::move(work));
  } else {
    stream->queue.push_back({std::move(work), nullptr, 0});
  }
  return cudaSuccess;
}

cudaError_t enqueue_launch(const LaunchShape& shape, cudaStream_t stream, Work thread_body) {
  check_launch(shape);
  return enqueue(stream, [shape, body = std::move(thread_body)] { run_grid(shape, body); });
}

void drain() {
  run_until([] { return std::all_of(streams.begin(), streams.end(), [](auto& s) { return s->queue.empty(); }); });
}

void seed_streams(std::uint64_t seed) { choices = Random(seed ^ 0x5eed); }

}  // namespace baton::kernels::sim

namespace sim = baton::kernels::sim;

cudaError_t cudaGetLastError() { return std::exchange(sim::last_error, cudaSuccess); }
cudaError_t cudaPeekAtLastError() { return sim::last_error; }

cudaError_t cudaDeviceSynchronize() {
  if (sim::capturing()) return sim::set_error(cudaErrorStreamCaptureUnsupported);
  sim::drain();
  return cudaSuccess;
}

cudaError_t cudaStreamCreate(cudaStream_t* stream) { return cudaStreamCreateWithFlags(stream, cudaStreamDefault); }

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  sim::streams.push_back(std::make_unique<CUstream_st>());
  sim::streams.back()->blocking = !(flags & cudaStreamNonBlocking);
  *stream = sim::streams.back().get();
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  sim::run_until([&] { return stream->queue.empty(); });
  std::erase_if(sim::streams, [&](auto& s) { return s.get() == stream; });
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (stream && stream->capture.nodes) return sim::set_error(cudaErrorStreamCaptureUnsupported);
  sim::run_until([&] { return stream ? stream->queue.empty() : sim::blocking_streams_are_empty(); });
  return cudaSuccess;
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  if (stream && stream->capture.nodes) return sim::set_error(cudaErrorStreamCaptureUnsupported);
  return !stream || stream->queue.empty() ? cudaSuccess : cudaErrorNotReady;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  if (event->capture.nodes) {
    if (!stream) return sim::set_error(cudaErrorStreamCaptureImplicit);
    stream->capture.nodes = event->capture.nodes;
    stream->capture.after.insert(stream->capture.after.end(), event->capture.after.begin(), event->capture.after.end());
    return cudaSuccess;
  }
  if (!stream) {
    sim::run_until([&] { return event->state->n_completed >= event->state->n_recorded; });
  } else {
    stream->queue.push_back({nullptr, event->state, event->state->n_recorded});
  }
  return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, cudaEventDefault); }

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new CUevent_st;
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  if (stream && stream->capture.nodes) {
    event->capture = stream->capture;
    return cudaSuccess;
  }
  event->capture = {};
  const std::uint64_t number = ++event->state->n_recorded;
  return sim::enqueue(stream, [state = event->state, number] {
    state->n_completed = number;
    state->time = Clock::now();
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  if (event->capture.nodes) return sim::set_error(cudaErrorStreamCaptureUnsupported);
  sim::run_until([&] { return event->state->n_completed >= event->state->n_recorded; });
  return cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  return event->state->n_completed >= event->state->n_recorded ? cudaSuccess : cudaErrorNotReady;
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  if (!start->state->n_recorded || !end->state->n_recorded) return sim::set_error(cudaErrorInvalidResourceHandle);
  if (cudaEventQuery(start) != cudaSuccess || cudaEventQuery(end) != cudaSuccess) return cudaErrorNotReady;
  *milliseconds = std::chrono::duration<float, std::milli>(end->state->time - start->state->time).count();
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  if (!stream || stream->capture.nodes) return sim::set_error(cudaErrorStreamCaptureUnsupported);
  stream->capture = {std::make_shared<Nodes>(), {}};
  stream->origin = true;
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  if (!stream || !stream->origin) return sim::set_error(cudaErrorInvalidValue);
  const Capture capture = std::move(stream->capture);
  stream->origin = false;
  for (auto& s : sim::streams) {
    if (s.get() == stream || s->capture.nodes == capture.nodes) s->capture = {};
  }
  *graph = nullptr;
  if (!sim::joined(*capture.nodes, capture.after)) return sim::set_error(cudaErrorStreamCaptureUnjoined);
  *graph = new CUgraph_st{capture.nodes};
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long) {
  *exec = new CUgraphExec_st{graph->nodes};
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  return sim::enqueue(stream, [nodes = exec->nodes] { sim::replay(*nodes); });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  delete exec;
  return cudaSuccess;
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, void* nodes, std::size_t* count) {
  if (nodes) return sim::set_error(cudaErrorInvalidValue);
  *count = graph->nodes->size();
  return cudaSuccess;
}
