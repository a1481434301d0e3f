#pragma once
// The set of a program's tools, which also runs their calls.
//
//   struct Weather { std::string city; std::optional<Unit> unit; };
//   BOOST_DESCRIBE_STRUCT(Weather, (), (city, unit))
//
//   ToolSet tools;
//   tools.add<Weather>("get_weather", "Current weather of a city",
//       {field(&Weather::city, "as a person writes it").max_length(80), field(&Weather::unit, "default celsius")},
//       [](const Weather& w, ToolContext& ctx) -> ToolResult { ... }).value();
#include <baton/tools/schema.h>
#include <baton/tools/tool.h>
#include <baton/tools/worker_pool.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace baton::tools {

// One call, as requested by the agent's runtime.
struct ToolCall {
  std::string name{};
  Json arguments = Json::object();  // accepted by the tool's schema; the caller must have checked that
  std::string call_id{};
  std::string idempotency_key{};
  // The end of the call. If left at this value, it is set from the traits' timeout; it is never later than that.
  Clock::time_point deadline = Clock::time_point::max();
  std::stop_token stop{};  // when requested, the call ends at once with an error that says "cancelled"
  std::function<void(double fraction, std::string message)> progress{};  // on the tool's thread; may be empty; not called after the end
};

// Thread-safe: tools may be added while calls run; pointers from find() and specs() are valid as long as the set.
class ToolSet {
 public:
  using Function = std::function<ToolResult(const Json& arguments, ToolContext& context)>;

  explicit ToolSet(WorkerPoolOptions options = {});
  // Ends every running call with an error. The destructor waits for functions that ignore their stop_token for options.shutdown_grace, then
  // leaves them to a detached thread. Objects that such a function captured by reference must therefore live until the process ends.
  ~ToolSet();
  ToolSet(const ToolSet&) = delete;
  ToolSet& operator=(const ToolSet&) = delete;

  // Typed: the schema comes from T (schema.h), `function` is ToolResult(const T&, ToolContext&) or ToolResult(const T&), and runs on the
  // pool. errc::invalid_argument: a name that is taken or not [A-Za-z0-9_-]{1,64}, or a field that does not fit.
  template <class T, class F>
  Result<void> add(std::string name, std::string description, std::vector<Field> fields, F function, ToolTraits traits = {});

  // Runtime: schema and function on JSON. The schema must be of type object.
  Result<void> add(ToolSpec spec, Function function);

  // A custom kind of tool, which finishes its calls from threads of its own.
  Result<void> add(std::unique_ptr<Tool> tool);

  const Tool* find(std::string_view name) const;  // null: unknown
  std::vector<const ToolSpec*> specs() const;     // in order of registration, which is part of the prompt
  bool empty() const;

  // Starts one call and returns. `done` receives the result exactly once: on a thread of the pool, of the tool or of the set, or, if the
  // call cannot start, on the caller's thread before start() returns. It must not throw or block for long. Everything ends as a result: an
  // unknown tool (with the names that are near), a full queue, an exception, a deadline, a cancel. After the deadline or a cancel the
  // tool's stop_token is requested, the call ends without waiting for the tool, and a later result of the tool is dropped.
  // A result is valid UTF-8 (other bytes become U+FFFD) of at most traits.max_output_bytes; if it was cut, its last line says so.
  void start(ToolCall call, Invocation::Done done);

 private:
  struct Core;
  std::unique_ptr<Core> core_;
};

template <class T, class F>
Result<void> ToolSet::add(std::string name, std::string description, std::vector<Field> fields, F function, ToolTraits traits) {
  Result<Json> schema = schema_of<T>(fields);
  if (!schema) return Error{schema.error().code, "tool '" + name + "': " + schema.error().message};
  return add(ToolSpec{std::move(name), std::move(description), std::move(*schema), traits},
             [fields = std::move(fields), function = std::move(function)](const Json& arguments, ToolContext& context) -> ToolResult {
               // Small models add words of the schema to their arguments ("required": [..]). Such a call is clear enough to run, and the
               // answer lists the ignored members.
               std::vector<std::string> ignored;
               const Result<T> value = value_of<T>(arguments, fields, &ignored);
               if (!value) return ToolResult::error(value.error().message);
               ToolResult result;
               if constexpr (std::is_invocable_v<const F&, const T&, ToolContext&>) {
                 result = function(*value, context);
               } else {
                 result = function(*value);
               }
               for (const std::string& word : ignored) result.content += "\n(ignored: there is no argument '" + word + "')";
               return result;
             });
}

}  // namespace baton::tools
