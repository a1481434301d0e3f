#pragma once
#include <cstddef>
#include <ctime>
#include <functional>

namespace baton::llm {

// A template is a foreign program: these bound its time, memory and stack. An excess is errc::invalid_template with the figure.
struct RenderLimits {
  std::size_t max_output_bytes = std::size_t{64} << 20;  // of the prompt, and of any string on the way to it
  std::size_t max_steps = 32'000'000;                    // a step: one node evaluated, or 16 bytes written
};

struct RenderOptions {
  // What `strftime_now` formats: local time, broken down. Without it a template that calls `strftime_now` fails.
  std::function<std::tm()> now;
  RenderLimits limits;
};

}  // namespace baton::llm
