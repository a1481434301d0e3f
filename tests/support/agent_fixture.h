#pragma once
// An agent with a scripted model, real tools and a real journal.
#include <baton/agent/core/items.h>
#include <baton/agent/generator/scripted_generator.h>
#include <baton/agent/runtime/agent.h>
#include <baton/agent/runtime/restore.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

namespace baton::agent {

inline llm::ToolCall call_of(const std::string& id, const std::string& name, Json arguments = Json::object()) {
  return {id, name, std::move(arguments)};
}

inline std::vector<Json> said(const std::string& text) { return {user_message_item("", text)}; }

class FakeClock final : public Clock {
 public:
  std::int64_t now_ms() const override { return now_ + wall_step_; }
  std::int64_t steady_ms() const override { return now_; }
  void advance(std::int64_t ms) { now_ += ms; }
  void step_wall(std::int64_t ms) { wall_step_ += ms; }  // the time of day is set

 private:
  std::atomic<std::int64_t> now_{1'700'000'000'000}, wall_step_{0};
};

// Closed until opened; the stop token ends the waiting, too.
class Gate {
 public:
  void open() {
    const std::scoped_lock lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  bool wait(std::stop_token stop = {}) {
    std::unique_lock lock(mutex_);
    return changed_.wait(lock, std::move(stop), [&] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool open_ = false;
};

inline const Json kNumbers = {
    {"type", "object"}, {"properties", {{"a", {{"type", "integer"}}}, {"b", {{"type", "integer"}}}}}, {"required", {"a", "b"}}};
inline const Json kNothing = {{"type", "object"}, {"properties", Json::object()}};

class AgentFixture : public testing::Test {
 protected:
  AgentFixture() {
    spdlog::set_level(spdlog::level::warn);
    using tools::ToolContext;
    using tools::ToolResult;
    tools_
        .add({"add", "a + b", kNumbers, {}},
             [this](const Json& arguments, ToolContext&) {
               ++n_added_;
               return ToolResult::text(std::to_string(arguments["a"].get<int>() + arguments["b"].get<int>()));
             })
        .value();
    tools_
        .add({"gate", "waits", kNothing, {}},
             [this](const Json&, ToolContext& context) {
               entered_.open();
               context.progress(0.5, "half");
               return gate_.wait(context.stop) ? ToolResult::text("open") : ToolResult::error("stopped");
             })
        .value();
    tools_.add({"throw", "throws", kNothing, {}}, [](const Json&, ToolContext&) -> ToolResult { throw std::runtime_error("no luck"); })
        .value();
  }

  void script(std::vector<ScriptedAnswer> answers, const std::filesystem::path& file = ":memory:") {
    agent_.reset();
    generator_ = std::make_unique<ScriptedGenerator>(std::move(answers));
    if (!journal_) journal_ = memory::Journal::open(file).value();
    agent_ = std::make_unique<Agent>(*generator_, tools_, *journal_, clock_);
  }

  RunObserver observer() {
    RunObserver observer;
    observer.event = [this](const memory::Event& event) {
      // Every event that is told is in the journal.
      EXPECT_FALSE(journal_->events(event.response_id, event.sequence_number - 1).value().empty());
      const std::scoped_lock lock(mutex_);
      events_.push_back(event);
      changed_.notify_all();
    };
    return observer;
  }
  std::unique_ptr<RunHandle> start(RunRequest request) {
    auto handle = agent_->start(std::move(request), observer());
    EXPECT_TRUE(handle) << (handle ? "" : handle.error().message);
    return handle ? std::move(*handle) : nullptr;
  }
  RunOutcome run(RunRequest request) { return start(std::move(request))->wait(); }

  void wait_for_event(const std::string& type) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return std::any_of(events_.begin(), events_.end(), [&](const auto& e) { return e.type == type; }); });
  }
  std::vector<Json> events(const std::string& type) {
    const std::scoped_lock lock(mutex_);
    std::vector<Json> found;
    for (const auto& event : events_) {
      if (event.type == type) found.push_back(event.data);
    }
    return found;
  }
  std::vector<memory::Item> items(const RunOutcome& outcome) { return journal_->items(outcome.conversation_id).value(); }

  FakeClock clock_;
  Gate gate_, entered_;
  std::atomic<int> n_added_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<memory::Event> events_;
  std::unique_ptr<memory::Journal> journal_;
  tools::ToolSet tools_;
  std::unique_ptr<ScriptedGenerator> generator_;
  std::unique_ptr<Agent> agent_;
};

}  // namespace baton::agent
