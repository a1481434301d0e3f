#include "registry.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <utility>

#include "near_names.h"
#include "running_calls.h"

namespace baton::tools {
namespace {

constexpr std::size_t kMaxNameBytes = 64;
constexpr std::size_t kMinOutputBytes = 256;                                    // room for the sentence that says that the output was cut
constexpr std::chrono::milliseconds kMaxTimeout = std::chrono::hours(24 * 30);  // far below where adding it to the clock overflows

bool valid_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

Result<void> check_spec(const ToolSpec& spec) {
  const auto invalid = [&](const std::string& what) { return Error{errc::invalid_argument, "tool '" + spec.name + "': " + what}; };
  if (!valid_name(spec.name)) return invalid("its name must be 1 to 64 letters, digits, '_' or '-'");
  const auto type = spec.parameters.is_object() ? spec.parameters.find("type") : spec.parameters.end();
  if (type == spec.parameters.end() || !type->is_string() || type->get_ref<const std::string&>() != "object") {
    return invalid("its parameters must be a JSON schema with \"type\": \"object\"");
  }
  if (spec.traits.timeout <= spec.traits.timeout.zero() || spec.traits.timeout > kMaxTimeout) {
    return invalid("its timeout is " + std::to_string(spec.traits.timeout.count()) + " ms; it must be from 1 ms to 30 days");
  }
  if (spec.traits.max_output_bytes < kMinOutputBytes) {
    return invalid("its max_output_bytes is " + std::to_string(spec.traits.max_output_bytes) + "; it must be at least " +
                   std::to_string(kMinOutputBytes));
  }
  return {};
}

std::string thrown_message(std::string_view tool, const std::exception_ptr& thrown) {
  const std::string prefix = "the tool '" + std::string(tool) + "' failed: ";
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    return prefix + e.what();
  } catch (...) {
    return prefix + "it threw an exception that is not a std::exception";
  }
}

// Runs a function on the pool.
class FunctionTool : public Tool {
 public:
  FunctionTool(ToolSpec spec, ToolSet::Function function, WorkerPool& pool)
      : spec_(std::move(spec)), function_(std::make_shared<const ToolSet::Function>(std::move(function))), pool_(pool) {}

  const ToolSpec& spec() const override { return spec_; }

  void start(Invocation invocation) override {
    // Shared, because std::function must be copyable. A function that hangs outlives this tool, so it gets copies of all it needs.
    const auto call = std::make_shared<Invocation>(std::move(invocation));
    const std::stop_token stop = call->context().stop;
    std::function<void()> task = [call, function = function_, name = spec_.name] {
      if (call->context().stop.stop_requested()) return call->finish(ToolResult::error("ended before '" + name + "' was started"));
      ToolContext context = call->context();
      ToolResult result;
      try {
        result = (*function)(call->arguments(), context);
      } catch (...) {
        result = ToolResult::error(thrown_message(name, std::current_exception()));
      }
      call->finish(std::move(result));
    };
    if (!pool_.try_post(task, stop)) {
      call->finish(ToolResult::error("'" + spec_.name + "' was not started: as many tool calls as allowed are running and waiting (" +
                                     std::to_string(pool_.options().n_threads) + " and " + std::to_string(pool_.options().max_queued) +
                                     "); try again later"));
    }
  }

 private:
  const ToolSpec spec_;
  const std::shared_ptr<const ToolSet::Function> function_;
  WorkerPool& pool_;
};

}  // namespace

struct ToolSet::Core {
  explicit Core(WorkerPoolOptions options)
      : pool(std::make_unique<WorkerPool>(options)), running(std::make_shared<RunningCalls>([this] { pool->check_stuck(); })) {}

  mutable std::mutex mutex;  // guards tools
  std::vector<std::unique_ptr<Tool>> tools;
  std::unique_ptr<WorkerPool> pool;
  std::shared_ptr<RunningCalls> running;

  Tool* find(std::string_view name) const {
    const std::lock_guard lock(mutex);
    const auto it = std::find_if(tools.begin(), tools.end(), [&](const auto& tool) { return tool->spec().name == name; });
    return it == tools.end() ? nullptr : it->get();
  }
};

ToolSet::ToolSet(WorkerPoolOptions options) : core_(std::make_unique<Core>(options)) {}

ToolSet::~ToolSet() {
  core_->running->close();  // requests every stop_token, before the pool waits for the functions
  core_->pool.reset();
}

Result<void> ToolSet::add(ToolSpec spec, Function function) {
  if (!function) return Error{errc::invalid_argument, "tool '" + spec.name + "': its function is empty"};
  return add(std::make_unique<FunctionTool>(std::move(spec), std::move(function), *core_->pool));
}

Result<void> ToolSet::add(std::unique_ptr<Tool> tool) {
  if (tool == nullptr) return Error{errc::invalid_argument, "a tool that is null cannot be added"};
  const ToolSpec& spec = tool->spec();
  if (Result<void> ok = check_spec(spec); !ok) return ok;
  const std::lock_guard lock(core_->mutex);
  for (const auto& other : core_->tools) {
    if (other->spec().name == spec.name) {
      return Error{errc::invalid_argument, "tool '" + spec.name + "': the name is taken by a tool that was added before"};
    }
  }
  core_->tools.push_back(std::move(tool));
  return {};
}

const Tool* ToolSet::find(std::string_view name) const { return core_->find(name); }

std::vector<const ToolSpec*> ToolSet::specs() const {
  const std::lock_guard lock(core_->mutex);
  std::vector<const ToolSpec*> specs;
  for (const auto& tool : core_->tools) specs.push_back(&tool->spec());
  return specs;
}

bool ToolSet::empty() const {
  const std::lock_guard lock(core_->mutex);
  return core_->tools.empty();
}

void ToolSet::start(ToolCall call, Invocation::Done done) {
  Tool* tool = core_->find(call.name);
  if (tool == nullptr) {
    std::vector<std::string> names;
    for (const ToolSpec* spec : specs()) names.push_back(spec->name);
    std::vector<std::string> near = near_names(call.name, names, 3);
    return done(ToolResult::error("there is no tool '" + call.name + "'" +
                                  (!near.empty()   ? "; did you mean " + listed(near) + "?"
                                   : names.empty() ? "; there are no tools"
                                                   : "; the tools are " + listed(names, "and"))));
  }
  if (!call.arguments.is_object()) return done(ToolResult::error("the arguments of '" + call.name + "' must be a JSON object"));

  const ToolTraits& traits = tool->spec().traits;
  const auto running = std::make_shared<RunningCall>(call.name, std::min(call.deadline, Clock::now() + traits.timeout),
                                                     traits.max_output_bytes, std::move(done));
  ToolContext context{std::move(call.call_id), std::move(call.idempotency_key), running->deadline(), running->stop_token(), nullptr};
  if (call.progress) {
    context.progress = [running, progress = std::move(call.progress)](double fraction, std::string message) {
      if (!running->ended()) progress(fraction, std::move(message));
    };
  }
  if (!core_->running->watch(running, std::move(call.stop))) {
    return running->failed_to_start(ToolResult::error("'" + call.name + "' was not started: the program is ending"));
  }
  try {
    tool->start(
        Invocation(std::move(call.arguments), std::move(context), [running](ToolResult result) { running->finish(std::move(result)); }));
    running->started();
  } catch (...) {
    running->failed_to_start(ToolResult::error(thrown_message(call.name, std::current_exception())));
  }
}

}  // namespace baton::tools
