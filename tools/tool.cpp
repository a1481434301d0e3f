#include <baton/tools/tool.h>
#include <utility>

namespace baton::tools {

Invocation::Invocation(Json arguments, ToolContext context, Done done)
    : arguments_(std::move(arguments)), context_(std::move(context)), done_(std::move(done)) {
  if (!context_.progress) context_.progress = [](double, std::string) {};
}

// A moved-from std::function may still hold a target; exchange() ensures that only one of the two can finish the call.
Invocation::Invocation(Invocation&& other) noexcept
    : arguments_(std::move(other.arguments_)), context_(std::move(other.context_)), done_(std::exchange(other.done_, nullptr)) {}

Invocation& Invocation::operator=(Invocation&& other) noexcept {
  if (this == &other) return *this;
  if (done_) finish(ToolResult::error("the tool dropped this call without a result"));
  arguments_ = std::move(other.arguments_);
  context_ = std::move(other.context_);
  done_ = std::exchange(other.done_, nullptr);
  return *this;
}

Invocation::~Invocation() {
  if (done_) finish(ToolResult::error("the tool dropped this call without a result"));
}

void Invocation::finish(ToolResult result) {
  if (Done done = std::exchange(done_, nullptr)) done(std::move(result));
}

}  // namespace baton::tools
