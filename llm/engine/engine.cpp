#include "engine.h"

#include <mutex>
#include <thread>

#include "request.h"
#include "scheduler.h"
#include "waker.h"

namespace baton::llm {
namespace {

std::optional<Error> reason_to_refuse(const EngineRequest& request, const Model& model) {
  if (request.prompt.empty()) return Error{errc::invalid_argument, "the prompt holds no token"};
  const int n_prompt = static_cast<int>(request.prompt.size());
  if (n_prompt >= model.n_ctx()) {
    return Error{errc::context_overflow, "This model's maximum context length is " + std::to_string(model.n_ctx()) +
                                             " tokens. However, the prompt has " + std::to_string(n_prompt) +
                                             " tokens, and the answer needs one at least: shorten it, or start with a larger --ctx"};
  }
  const int n_vocab = model.hparams().n_vocab;
  for (int i = 0; i < n_prompt; ++i) {
    if (request.prompt[i] < 0 || request.prompt[i] >= n_vocab) {
      return Error{errc::invalid_argument, "prompt token " + std::to_string(i) + " is " + std::to_string(request.prompt[i]) +
                                               ", outside the vocabulary of " + std::to_string(n_vocab)};
    }
  }
  return std::nullopt;
}

}  // namespace

EngineStream::EngineStream(std::shared_ptr<ActiveRequest> request, std::shared_ptr<Waker> waker)
    : request_(std::move(request)), waker_(std::move(waker)) {}

EngineStream::~EngineStream() {
  request_->detach();
  waker_->wake();
}

void EngineStream::cancel() {
  request_->cancel();
  waker_->wake();
}

class Engine::Loop {
 public:
  Loop(std::unique_ptr<Model> model, const EngineOptions& options)
      : model_(std::move(model)), scheduler_(*model_, options), thread_([this] { run(); }) {}

  ~Loop() {
    {
      std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    waker_->wake();
    thread_.join();
  }

  std::unique_ptr<EngineStream> submit(std::shared_ptr<ActiveRequest> request) {
    {
      std::scoped_lock lock(mutex_);
      arrivals_.push_back(request);
      stats_.waiting = static_cast<int>(arrivals_.size());
    }
    waker_->wake();
    return std::make_unique<EngineStream>(std::move(request), waker_);
  }
  void wake() { waker_->wake(); }

  EngineStats stats() const {
    std::scoped_lock lock(mutex_);
    return stats_;
  }
  const Model& model() const { return *model_; }

 private:
  void run() {
    bool busy = false;
    for (;;) {
      if (!busy) waker_->wait();
      {
        std::scoped_lock lock(mutex_);
        if (stopping_) break;
        for (auto& request : arrivals_) scheduler_.enqueue(std::move(request));
        arrivals_.clear();
      }
      try {
        busy = scheduler_.step();
      } catch (const std::exception& e) {
        scheduler_.finish_all(EngineFinished::Reason::error, Error{errc::out_of_memory, std::string("the engine failed: ") + e.what()});
        busy = false;
      }
      const EngineStats now = scheduler_.stats();
      std::scoped_lock lock(mutex_);
      stats_ = now;
    }
    {
      std::scoped_lock lock(mutex_);
      for (auto& request : arrivals_) scheduler_.enqueue(std::move(request));
    }
    scheduler_.finish_all(EngineFinished::Reason::cancelled);
  }

  std::unique_ptr<Model> model_;
  Scheduler scheduler_;                                             // used by the thread
  const std::shared_ptr<Waker> waker_ = std::make_shared<Waker>();  // shared with the streams
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<ActiveRequest>> arrivals_;  // guarded by mutex_, as are the next two
  EngineStats stats_;
  bool stopping_ = false;
  std::thread thread_;  // the last member, because it uses all of the above
};

Engine::Engine(std::unique_ptr<Model> model, EngineOptions options) : loop_(std::make_unique<Loop>(std::move(model), options)) {}

Engine::~Engine() = default;

std::unique_ptr<EngineStream> Engine::submit(EngineRequest request, Sink sink) {
  std::optional<Error> refused = reason_to_refuse(request, loop_->model());
  auto active = std::make_shared<ActiveRequest>(std::move(request), std::move(sink));
  active->refused = std::move(refused);
  return loop_->submit(std::move(active));
}

void Engine::wake() { loop_->wake(); }

EngineStats Engine::stats() const { return loop_->stats(); }
int Engine::n_ctx() const { return loop_->model().n_ctx(); }
const Model& Engine::model() const { return loop_->model(); }

}  // namespace baton::llm
