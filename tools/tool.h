#pragma once
// The interface of a tool. Most programs use ToolSet::add (registry.h), which makes one from a function and a described struct; a tool that
// finishes from an I/O thread of its own implements Tool.
#include <baton/tools/error.h>

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <string>

namespace baton::tools {

// Key order is part of the prompt, so JSON keeps it.
using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

// The result of a call: text for the model. An error is a result too: the model reads it and can repair its call.
struct ToolResult {
  std::string content;
  bool is_error = false;

  static ToolResult text(std::string content) { return {std::move(content), false}; }
  static ToolResult json(const Json& value) { return {value.dump(-1, ' ', false, Json::error_handler_t::replace), false}; }
  static ToolResult error(std::string message) { return {std::move(message), true}; }
};

// The effect of a call on the world. Calls that write or send wait for the user's approval unless the configuration allows them.
enum class Effect { reads, writes, sends };

// How a tool may be run.
struct ToolTraits {
  Effect effect = Effect::reads;
  bool idempotent = false;  // running it twice with the same key does no harm: an interrupted call may be run again
  std::chrono::milliseconds timeout{30'000};
  std::size_t max_output_bytes = 16 * 1024;  // longer output is cut, and the result says so
};

struct ToolSpec {
  std::string name;         // [A-Za-z0-9_-]{1,64}
  std::string description;  // for the model
  Json parameters;          // JSON schema of the arguments: always {"type":"object", ...}
  ToolTraits traits;
};

// The context of one call. Its handles can be copied and used on any thread.
struct ToolContext {
  std::string call_id;
  std::string idempotency_key;  // the same for every attempt of the same call
  Clock::time_point deadline;
  std::stop_token stop;                                                // requested on cancel and after the deadline
  std::function<void(double fraction, std::string message)> progress;  // may be called at any time until the call is finished; never null
};

// One call in progress. Move-only; finish() is called once, on any thread. Destroying an unfinished invocation finishes it with an error,
// so no call can be lost.
class Invocation {
 public:
  using Done = std::function<void(ToolResult)>;
  Invocation(Json arguments, ToolContext context, Done done);
  Invocation(Invocation&&) noexcept;
  Invocation& operator=(Invocation&&) noexcept;
  ~Invocation();

  const Json& arguments() const { return arguments_; }  // an object that the tool's schema has accepted
  const ToolContext& context() const { return context_; }
  void finish(ToolResult result);

 private:
  Json arguments_;
  ToolContext context_;
  Done done_;
};

class Tool {
 public:
  virtual ~Tool() = default;
  virtual const ToolSpec& spec() const = 0;
  // Must not block: the work is done on another thread, which finishes the invocation. Exceptions become the call's error.
  virtual void start(Invocation invocation) = 0;
};

}  // namespace baton::tools
