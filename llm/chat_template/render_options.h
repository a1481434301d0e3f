#pragma once
#include <cstddef>
#include <ctime>
#include <functional>

namespace baton::llm {

// A template is a foreign program: these limits bound its time, memory and stack. Exceeding one is errc::invalid_template with the figure.
struct RenderLimits {
  std::size_t max_output_bytes = std::size_t{64} << 20;  // of the prompt, and of any intermediate string
  std::size_t max_steps = 16'000'000;                    // a step: one node evaluated, or 16 bytes read or written
};

struct RenderOptions {
  // The time that `strftime_now` formats: local time, broken down. Without it, a template that calls `strftime_now` fails.
  std::function<std::tm()> now;
  RenderLimits limits;
  // The total of several renderings: each subtracts its steps from it, and it is 0 after one was stopped. Null: each has only its own
  // limit.
  std::size_t* shared_steps = nullptr;
};

}  // namespace baton::llm
