#include "request.h"

#include <algorithm>

namespace baton::llm {

ActiveRequest::ActiveRequest(EngineRequest request, Engine::Sink sink)
    : tokens(std::move(request.prompt)),
      sampler(std::move(request.sampling)),
      constraint(std::move(request.constraint)),
      stop_tokens(std::move(request.stop_tokens)),
      max_output_tokens(request.max_output_tokens),
      client(std::move(request.client)),
      sink_(std::move(sink)),
      n_prompt_(static_cast<int>(tokens.size())) {
  sampler.remember(tokens);  // the penalties count the prompt's end as well
}

void ActiveRequest::detach() {
  cancel();
  std::scoped_lock lock(sink_mutex_);
  sink_ = nullptr;
}

void ActiveRequest::emit(EngineEvent event) {
  std::scoped_lock lock(sink_mutex_);
  if (sink_) sink_(std::move(event));
}

void ActiveRequest::finish(EngineFinished::Reason reason, std::optional<Error> error) {
  const auto seconds = [](EngineClock::time_point from, EngineClock::time_point to) {
    return std::chrono::duration<double>(to - from).count();
  };
  const auto now = EngineClock::now();
  EngineFinished done;
  done.reason = reason;
  done.prompt_tokens = n_prompt_;
  done.cached_tokens = n_cached;
  done.output_tokens = n_output();
  if (admitted != EngineClock::time_point{}) {
    const bool has_token = first_token != EngineClock::time_point{};
    done.prefill_seconds = seconds(admitted, has_token ? first_token : now);
    if (has_token) done.decode_seconds = seconds(first_token, now);
  }
  done.error = std::move(error);
  finished_ = true;
  emit(std::move(done));
}

bool ActiveRequest::is_stop_token(std::int32_t id) const {
  return std::find(stop_tokens.begin(), stop_tokens.end(), id) != stop_tokens.end();
}

}  // namespace baton::llm
