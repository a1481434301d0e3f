#include <baton/tools/registry.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

namespace baton::tools {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using namespace std::chrono_literals;

struct Echo {
  std::string text;
};
BOOST_DESCRIBE_STRUCT(Echo, (), (text))

ToolSpec spec(std::string name, ToolTraits traits = {}) { return {std::move(name), "", Json{{"type", "object"}}, traits}; }

ToolResult run(ToolSet& tools, ToolCall call) {
  auto promise = std::make_shared<std::promise<ToolResult>>();
  auto result = promise->get_future();
  tools.start(std::move(call), [promise](ToolResult r) { promise->set_value(std::move(r)); });
  return result.get();
}

ToolResult run(ToolSet& tools, std::string name, Json arguments = Json::object()) {
  return run(tools, ToolCall{.name = std::move(name), .arguments = std::move(arguments)});
}

// A door at which functions wait, whatever their stop_token says.
class Door {
 public:
  ~Door() { open(); }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    --waiting_;
  }
  void wait_for(int n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ >= n; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};

TEST(ToolSet, runs_a_typed_tool) {
  ToolSet tools;
  ASSERT_TRUE(tools.add<Echo>("echo", "Says it again", {field(&Echo::text, "what to say").max_length(80)},
                              [](const Echo& echo, ToolContext& context) { return ToolResult::text(context.call_id + ": " + echo.text); }));
  const ToolResult result = run(tools, {.name = "echo", .arguments = Json{{"text", "hi"}}, .call_id = "c1"});
  EXPECT_EQ(result.content, "c1: hi");
  EXPECT_FALSE(result.is_error);
  EXPECT_EQ(tools.find("echo")->spec().parameters["properties"]["text"]["maxLength"], 80);
}

TEST(ToolSet, answers_arguments_of_a_wrong_type_so_that_the_model_can_repair_them) {
  ToolSet tools;
  ASSERT_TRUE(tools.add<Echo>("echo", "", {}, [](const Echo& echo) { return ToolResult::text(echo.text); }));
  const ToolResult result = run(tools, "echo", Json{{"text", 5}});
  EXPECT_TRUE(result.is_error);
  EXPECT_EQ(result.content, "argument 'text': expected a string, found the number 5");
  EXPECT_THAT(run(tools, "echo", Json::array()).content, HasSubstr("must be a JSON object"));
}

TEST(ToolSet, runs_a_runtime_tool) {
  ToolSet tools;
  ASSERT_TRUE(tools.add(spec("keys"), [](const Json& arguments, ToolContext& context) {
    return ToolResult::json(Json{{"n", arguments.size()}, {"key", context.idempotency_key}});
  }));
  EXPECT_EQ(run(tools, {.name = "keys", .arguments = Json{{"a", 1}, {"b", 2}}, .idempotency_key = "k"}).content, R"({"n":2,"key":"k"})");
}

TEST(ToolSet, keeps_the_order_of_registration) {
  ToolSet tools;
  EXPECT_TRUE(tools.empty());
  const auto nothing = [](const Json&, ToolContext&) { return ToolResult::text(""); };
  for (const char* name : {"zebra", "apple", "Mango-2"}) ASSERT_TRUE(tools.add(spec(name), nothing));
  std::vector<std::string> names;
  for (const ToolSpec* s : tools.specs()) names.push_back(s->name);
  EXPECT_EQ(names, (std::vector<std::string>{"zebra", "apple", "Mango-2"}));
  EXPECT_EQ(tools.find("mango-2"), nullptr);
}

TEST(ToolSet, refuses_specs_that_cannot_work) {
  ToolSet tools;
  const auto f = [](const Json&, ToolContext&) { return ToolResult::text(""); };
  const auto error = [&](ToolSpec s) {
    const auto result = tools.add(std::move(s), f);
    return result ? std::string("no error") : result.error().message;
  };
  for (const std::string& name : {std::string(), std::string("a b"), std::string("ü"), std::string(65, 'a'), std::string("a\0b", 3)}) {
    EXPECT_THAT(error(spec(name)), HasSubstr("1 to 64 letters, digits, '_' or '-'")) << name;
  }
  EXPECT_EQ(error(spec(std::string(64, 'a'))), "no error");
  EXPECT_THAT(error(spec(std::string(64, 'a'))), HasSubstr("the name is taken"));
  for (const Json& schema : {Json(), Json::object(), Json{{"type", "string"}}, Json{{"type", 5}}, Json("object")}) {
    EXPECT_THAT(error({"t", "", schema, {}}), HasSubstr(R"("type": "object")"));
  }
  EXPECT_THAT(error(spec("t", {.timeout = 0ms})), HasSubstr("timeout is 0 ms"));
  EXPECT_THAT(error(spec("t", {.timeout = std::chrono::milliseconds::max()})), HasSubstr("from 1 ms to 30 days"));
  EXPECT_THAT(error(spec("t", {.max_output_bytes = 10})), HasSubstr("max_output_bytes is 10"));
  EXPECT_THAT(tools.add(spec("t"), nullptr).error().message, HasSubstr("its function is empty"));
  EXPECT_FALSE(tools.add(std::unique_ptr<Tool>()));
  EXPECT_THAT(tools.add<Echo>("t", "", {field(&Echo::text, "").min(1)}, [](const Echo&) { return ToolResult::text(""); }).error().message,
              StartsWith("tool 't': field 'text': minimum"));
  EXPECT_EQ(tools.specs().size(), 1u);
}

TEST(ToolSet, names_the_tools_that_an_unknown_name_may_mean) {
  ToolSet tools;
  EXPECT_THAT(run(tools, "x").content, HasSubstr("there are no tools"));
  const auto f = [](const Json&, ToolContext&) { return ToolResult::text(""); };
  ASSERT_TRUE(tools.add(spec("get_weather"), f));
  ASSERT_TRUE(tools.add(spec("calculate"), f));
  EXPECT_EQ(run(tools, "get_wether").content, "there is no tool 'get_wether'; did you mean get_weather?");
  const ToolResult result = run(tools, "zzz");
  EXPECT_TRUE(result.is_error);
  EXPECT_EQ(result.content, "there is no tool 'zzz'; the tools are get_weather and calculate");
}

TEST(ToolSet, turns_what_is_thrown_into_the_calls_error) {
  ToolSet tools;
  ASSERT_TRUE(tools.add(spec("throws"), [](const Json&, ToolContext&) -> ToolResult { throw std::runtime_error("the disk is on fire"); }));
  ASSERT_TRUE(tools.add(spec("throws_int"), [](const Json&, ToolContext&) -> ToolResult { throw 5; }));
  const ToolResult result = run(tools, "throws");
  EXPECT_TRUE(result.is_error);
  EXPECT_EQ(result.content, "the tool 'throws' failed: the disk is on fire");
  EXPECT_THAT(run(tools, "throws_int").content, HasSubstr("not a std::exception"));
}

TEST(ToolSet, cuts_ten_megabytes_and_says_so) {
  ToolSet tools;
  ASSERT_TRUE(tools.add(spec("big"), [](const Json&, ToolContext&) {
    std::string text;
    while (text.size() < 10'000'000) text += "ä";
    return ToolResult::text(std::move(text));
  }));
  const ToolResult result = run(tools, "big");
  EXPECT_FALSE(result.is_error);
  EXPECT_LE(result.content.size(), ToolTraits().max_output_bytes);
  EXPECT_GE(result.content.size(), ToolTraits().max_output_bytes - 2);
  EXPECT_THAT(result.content, HasSubstr(" of 10000000 bytes are shown]"));
  EXPECT_EQ(result.content.find("\xEF\xBF\xBD"), std::string::npos);  // no code point was split
}

TEST(ToolSet, makes_valid_utf8_of_any_output) {
  ToolSet tools;
  ASSERT_TRUE(tools.add(spec("bytes"), [](const Json&, ToolContext&) { return ToolResult::text("a\xFFz\xC3"); }));
  EXPECT_EQ(run(tools, "bytes").content, "a\xEF\xBF\xBDz\xEF\xBF\xBD");
}

TEST(ToolSet, ends_a_call_at_its_deadline_though_the_function_hangs) {
  Door door;
  ToolSet tools;
  std::atomic<bool> stop_seen{false};
  ASSERT_TRUE(tools.add(spec("hangs", {.timeout = 30ms}), [&](const Json&, ToolContext& context) {
    std::stop_callback seen(context.stop, [&] { stop_seen = true; });
    door.pass();
    return ToolResult::text("late");
  }));
  std::promise<ToolResult> promise;
  std::atomic<int> n_done{0};
  tools.start({.name = "hangs"}, [&](ToolResult r) {
    ++n_done;
    promise.set_value(std::move(r));
  });
  const ToolResult result = promise.get_future().get();
  EXPECT_TRUE(result.is_error);
  EXPECT_THAT(result.content, HasSubstr("the call of 'hangs' was timed out"));
  EXPECT_TRUE(stop_seen);
  door.open();
  ASSERT_TRUE(tools.add(spec("next"), [](const Json&, ToolContext&) { return ToolResult::text("ok"); }));
  EXPECT_EQ(run(tools, "next").content, "ok");
  EXPECT_EQ(n_done, 1);
}

TEST(ToolSet, heeds_a_callers_deadline_that_is_earlier_than_the_timeout) {
  Door door;
  ToolSet tools;
  ASSERT_TRUE(tools.add(spec("hangs"), [&](const Json&, ToolContext&) {
    door.pass();
    return ToolResult::text("late");
  }));
  EXPECT_THAT(run(tools, {.name = "hangs", .deadline = Clock::now() + 20ms}).content, HasSubstr("timed out"));
  door.open();
}

TEST(ToolSet, ends_a_call_that_is_cancelled) {
  Door door;
  ToolSet tools;
  ASSERT_TRUE(tools.add(spec("hangs"), [&](const Json&, ToolContext&) {
    door.pass();
    return ToolResult::text("late");
  }));
  std::stop_source stop;
  std::promise<ToolResult> promise;
  tools.start({.name = "hangs", .stop = stop.get_token()}, [&](ToolResult r) { promise.set_value(std::move(r)); });
  door.wait_for(1);
  stop.request_stop();
  EXPECT_THAT(promise.get_future().get().content, HasSubstr("cancelled"));
  // A call whose token is requested already ends the same way.
  EXPECT_THAT(run(tools, {.name = "hangs", .stop = stop.get_token()}).content, HasSubstr("cancelled"));
  door.open();
}

TEST(ToolSet, gives_other_calls_new_threads_when_functions_hang) {
  Door door;
  ToolSet tools({.n_threads = 2, .max_queued = 8, .max_stuck = 4});
  ASSERT_TRUE(tools.add(spec("hangs", {.timeout = 20ms}), [&](const Json&, ToolContext&) {
    door.pass();
    return ToolResult::text("late");
  }));
  ASSERT_TRUE(tools.add(spec("works"), [](const Json&, ToolContext&) { return ToolResult::text("ok"); }));
  std::promise<ToolResult> queued;
  tools.start({.name = "hangs"}, [](ToolResult) {});
  tools.start({.name = "hangs"}, [](ToolResult) {});
  door.wait_for(2);
  tools.start({.name = "works"}, [&](ToolResult r) { queued.set_value(std::move(r)); });  // waits for the two until their deadlines
  EXPECT_EQ(queued.get_future().get().content, "ok");
  EXPECT_EQ(run(tools, "works").content, "ok");
  door.open();
}

TEST(ToolSet, answers_a_call_that_finds_the_queue_full) {
  Door door;
  ToolSet tools({.n_threads = 1, .max_queued = 2});
  ASSERT_TRUE(tools.add(spec("waits"), [&](const Json&, ToolContext&) {
    door.pass();
    return ToolResult::text("ok");
  }));
  std::vector<std::promise<ToolResult>> promises(3);
  for (auto& promise : promises) tools.start({.name = "waits"}, [&](ToolResult r) { promise.set_value(std::move(r)); });
  const ToolResult refused = run(tools, "waits");
  EXPECT_TRUE(refused.is_error);
  EXPECT_THAT(refused.content, HasSubstr("as many tool calls as allowed are running and waiting (1 and 2)"));
  door.open();
  for (auto& promise : promises) EXPECT_EQ(promise.get_future().get().content, "ok");
}

TEST(ToolSet, passes_progress_on_until_the_call_has_ended) {
  ToolSet tools;
  std::function<void(double, std::string)> kept;
  ASSERT_TRUE(tools.add(spec("slow"), [&](const Json&, ToolContext& context) {
    context.progress(0.5, "half");
    kept = context.progress;
    return ToolResult::text("ok");
  }));
  std::vector<std::string> seen;
  EXPECT_EQ(run(tools, {.name = "slow", .progress = [&](double f, std::string m) { seen.push_back(m + std::to_string(f)); }}).content,
            "ok");
  kept(0.9, "too late");
  EXPECT_EQ(seen, (std::vector<std::string>{"half0.500000"}));
  EXPECT_EQ(run(tools, "slow").content, "ok");  // a call without a listener
}

class OwnTool : public Tool {
 public:
  using Start = std::function<void(Invocation)>;
  explicit OwnTool(Start start, ToolTraits traits = {}) : spec_(baton::tools::spec("own", traits)), start_(std::move(start)) {}
  const ToolSpec& spec() const override { return spec_; }
  void start(Invocation invocation) override { start_(std::move(invocation)); }

 private:
  ToolSpec spec_;
  Start start_;
};

TEST(ToolSet, lets_a_tool_of_its_own_kind_finish_from_its_own_thread) {
  ToolSet tools;
  std::thread thread;
  ASSERT_TRUE(tools.add(std::make_unique<OwnTool>([&](Invocation invocation) {
    thread = std::thread([invocation = std::make_shared<Invocation>(std::move(invocation))] {
      invocation->finish(ToolResult::text(invocation->arguments().dump()));
      invocation->finish(ToolResult::text("a second time"));
    });
  })));
  EXPECT_EQ(run(tools, "own", Json{{"a", 1}}).content, R"({"a":1})");
  thread.join();
}

TEST(ToolSet, loses_no_call_whatever_a_tool_of_its_own_kind_does) {
  std::optional<Invocation> kept;
  const auto result_of = [&](OwnTool::Start start, ToolTraits traits = {}) {
    ToolSet tools;
    EXPECT_TRUE(tools.add(std::make_unique<OwnTool>(std::move(start), traits)));
    return run(tools, "own");
  };
  EXPECT_EQ(result_of([](Invocation i) { i.finish(ToolResult::text("at once")); }).content, "at once");
  EXPECT_THAT(result_of([](Invocation) {}).content, HasSubstr("dropped this call"));
  EXPECT_EQ(result_of([](Invocation) { throw std::runtime_error("no"); }).content, "the tool 'own' failed: no");
  EXPECT_THAT(result_of([&](Invocation i) { kept.emplace(std::move(i)); }, {.timeout = 20ms}).content, HasSubstr("timed out"));
  kept->finish(ToolResult::text("after the end, and after the set"));
}

TEST(ToolSet, ends_running_and_waiting_calls_when_it_is_destroyed) {
  const auto door = std::make_shared<Door>();  // shared with the function, which outlives the set
  std::atomic<int> ended{0};
  {
    ToolSet tools({.n_threads = 1, .shutdown_grace = 20ms});
    ASSERT_TRUE(tools.add(spec("hangs"), [door](const Json&, ToolContext&) {
      door->pass();
      return ToolResult::text("late");
    }));
    for (int i = 0; i < 3; ++i) {
      tools.start({.name = "hangs"}, [&](ToolResult r) {
        EXPECT_THAT(r.content, HasSubstr("the program is ending"));
        ++ended;
      });
    }
    door->wait_for(1);
  }
  EXPECT_EQ(ended, 3);  // though the function still hangs
  door->open();
}

TEST(ToolSet, waits_at_its_end_for_functions_that_heed_their_stop_token) {
  std::atomic<bool> returned{false};
  {
    ToolSet tools;
    Door started;
    ASSERT_TRUE(tools.add(spec("obedient"), [&](const Json&, ToolContext& context) {
      std::mutex mutex;
      std::condition_variable_any changed;
      std::unique_lock lock(mutex);
      started.open();
      changed.wait(lock, context.stop, [] { return false; });
      returned = true;
      return ToolResult::text("stopped");
    }));
    tools.start({.name = "obedient"}, [](ToolResult) {});
    started.pass();
  }
  EXPECT_TRUE(returned);
}

TEST(ToolSet, runs_many_calls_from_many_threads_exactly_once_each) {
  ToolSet tools({.n_threads = 4, .max_queued = 10'000});
  std::atomic<int> ran{0}, done{0}, right{0};
  ASSERT_TRUE(tools.add(spec("count"), [&](const Json& arguments, ToolContext& context) {
    ++ran;
    context.progress(1, "");
    return ToolResult::json(arguments);
  }));
  std::vector<std::thread> threads;
  std::promise<void> all;
  constexpr int kThreads = 4, kCalls = 250;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kCalls; ++i) {
        const Json arguments{{"t", t}, {"i", i}};
        tools.start({.name = "count", .arguments = arguments, .progress = [](double, std::string) {}},
                    [&, want = arguments.dump()](ToolResult r) {
                      right += r.content == want;
                      if (++done == kThreads * kCalls) all.set_value();
                    });
        if (i == kCalls / 2) {
          EXPECT_TRUE(tools.add(spec("extra" + std::to_string(t)), [](const Json&, ToolContext&) { return ToolResult::text(""); }));
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  all.get_future().wait();
  EXPECT_EQ(ran, kThreads * kCalls);
  EXPECT_EQ(right, kThreads * kCalls);
  EXPECT_EQ(tools.specs().size(), 1u + kThreads);
}

TEST(ToolSet, ends_each_call_once_when_cancel_deadline_and_result_race) {
  ToolSet tools({.n_threads = 4, .max_queued = 10'000});
  ASSERT_TRUE(tools.add(spec("quick", {.timeout = 5ms}), [](const Json&, ToolContext&) { return ToolResult::text("ok"); }));
  constexpr int kCalls = 300;
  std::vector<std::stop_source> stops(kCalls);
  std::vector<std::atomic<int>> ends(kCalls);
  std::atomic<int> n_ended{0};
  std::promise<void> all;
  std::thread canceller([&] {
    for (auto& stop : stops) stop.request_stop();
  });
  for (int i = 0; i < kCalls; ++i) {
    tools.start({.name = "quick", .stop = stops[i].get_token()}, [&, i](ToolResult) {
      ++ends[i];
      if (++n_ended == kCalls) all.set_value();
    });
  }
  canceller.join();
  all.get_future().wait();
  for (const auto& n : ends) EXPECT_EQ(n, 1);
}

}  // namespace
}  // namespace baton::tools
