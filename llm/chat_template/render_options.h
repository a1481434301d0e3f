#pragma once
#include <cstddef>
#include <ctime>
#include <functional>

namespace baton::llm {

// A template is a foreign program: these bound its time, memory and stack. An excess is errc::invalid_template with the figure.
struct RenderLimits {
  std::size_t max_output_bytes = std::size_t{64} << 20;  // of the prompt, and of any string on the way to it
  std::size_t max_steps = 16'000'000;                    // a step: one node evaluated, or 16 bytes read or written
};

struct RenderOptions {
  // What `strftime_now` formats: local time, broken down. Without it a template that calls `strftime_now` fails.
  std::function<std::tm()> now;
  RenderLimits limits;
  // What several renderings may take together: each takes its steps from here, and 0 is left when one was stopped. Null: only its own
  // limit.
  std::size_t* shared_steps = nullptr;
};

}  // namespace baton::llm
