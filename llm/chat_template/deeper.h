#pragma once
#include "interpreter.h"

namespace baton::llm::jinja {

// One level of evaluation is a frame on the C++ stack. 700 levels exceed the depth that a template reaches with macros under Python's
// recursion limit of 1000, and take less than 2 MiB of stack even in a sanitizer build.
class Interpreter::Deeper {
 public:
  static constexpr int kMaxDepth = 700;
  explicit Deeper(Interpreter& in) : in_(in) {
    if (++in_.depth_ > kMaxDepth)
      in_.fail("maximum recursion depth exceeded: evaluation is nested deeper than " + std::to_string(kMaxDepth));
  }
  ~Deeper() { --in_.depth_; }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;

 private:
  Interpreter& in_;
};

}  // namespace baton::llm::jinja
