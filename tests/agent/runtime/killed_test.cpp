// The process is killed while a run is under way; the next one finds a conversation that can be read and continued.
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <random>
#include <thread>

#include "agent_fixture.h"

namespace baton::agent {
namespace {

using testing::HasSubstr;

class KilledAgent : public AgentFixture {
 protected:
  KilledAgent() {
    std::string name = (std::filesystem::temp_directory_path() / "baton-killed-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~KilledAgent() override {
    agent_.reset();
    journal_.reset();
    std::filesystem::remove_all(folder_);
  }
  std::filesystem::path file() const { return folder_ / "journal.db"; }
  std::filesystem::path effects() const { return folder_ / "effects"; }

  // The child runs `work` with a function that reports to us; returns its reports until it was killed: at the first "kill" or after
  // `patience`.
  std::string killed(const std::function<void(std::function<void(const std::string&)>)>& work,
                     std::optional<std::chrono::microseconds> patience = {}) {
    int pipe_ends[2];
    EXPECT_EQ(pipe(pipe_ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      close(pipe_ends[0]);
      work([&](const std::string& line) {
        const std::string text = line + "\n";
        if (write(pipe_ends[1], text.data(), text.size()) < 0) _exit(1);
      });
      pause();
      _exit(0);
    }
    close(pipe_ends[1]);
    std::thread killer;
    if (patience) {
      killer = std::thread([&] {
        std::this_thread::sleep_for(*patience);
        kill(child, SIGKILL);
      });
    }
    std::string told;
    char buffer[4096];
    for (ssize_t n; (n = read(pipe_ends[0], buffer, sizeof buffer)) > 0;) {
      told.append(buffer, static_cast<std::size_t>(n));
      if (!patience && told.find("kill\n") != std::string::npos) kill(child, SIGKILL);
    }
    if (killer.joinable()) killer.join();
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    close(pipe_ends[0]);
    return told;
  }

  void count_effect() { std::ofstream(effects(), std::ios::app) << "effect\n"; }
  int n_effects() const {
    std::ifstream in(effects());
    int n = 0;
    for (std::string line; std::getline(in, line);) ++n;
    return n;
  }

  std::filesystem::path folder_;
};

TEST_F(KilledAgent, says_that_the_outcome_of_a_call_is_unknown_and_keeps_the_results_that_came) {
  tools_
      .add({"send", "has an effect", kNothing, {}},
           [this](const Json&, tools::ToolContext&) {
             count_effect();
             gate_.wait();
             return tools::ToolResult::text("sent");
           })
      .value();
  killed([this](auto tell) {
    script({{.text = "I send it.", .calls = {call_of("c1", "send"), call_of("c2", "add", {{"a", 1}, {"b", 1}})}}}, file());
    RunObserver observer;
    std::atomic<bool> added = false;
    observer.event = [&](const memory::Event& event) {
      if (event.type == "response.mcp_call.completed") added = true;
    };
    auto handle = agent_->start(RunRequest::of_text("send it"), observer).value();
    while (!added || n_effects() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    tell("kill");
    handle->wait();
  });

  script({{.text = "I do not know whether it was sent"}}, file());
  const auto conversation = journal_->conversation("last").value();
  const auto cut = journal_->responses(conversation.id).value().at(0);
  EXPECT_EQ(cut.status, "incomplete");
  EXPECT_EQ(cut.reason, "interrupted");
  EXPECT_EQ(journal_->events(cut.id).value().back().type, "response.incomplete");

  EXPECT_EQ(run({.input = said("well?"), .conversation_id = "last"}).status, "completed");
  EXPECT_EQ(n_effects(), 1);  // nothing ran a second time
  const auto messages = generator_->requests()[0].messages;
  ASSERT_EQ(messages.size(), 5u);
  EXPECT_EQ(messages[1].content, "I send it.");
  ASSERT_EQ(messages[1].tool_calls.size(), 2u);
  EXPECT_EQ(messages[2].tool_call_id, "c1");
  EXPECT_EQ(messages[2].content, kUnknownOutcome);
  EXPECT_EQ(messages[3].tool_call_id, "c2");
  EXPECT_EQ(messages[3].content, "2");
  EXPECT_EQ(journal_->items(conversation.id).value().size(), 6u);
  EXPECT_EQ(journal_->tool_invocations(cut.id).value().at(0).status, "unknown");
}

TEST_F(KilledAgent, keeps_the_text_that_was_shown) {
  const std::string told = killed([this](auto tell) {
    script({{.text = "once upon a time there was", .until_cancelled = true}}, file());
    RunObserver observer;
    std::string shown;
    observer.event = [&](const memory::Event& event) {
      if (event.type != "response.output_text.delta") return;
      shown += event.data["delta"].template get<std::string>();
      if (shown.size() == 26) tell("kill");
    };
    agent_->start(RunRequest::of_text("tell me"), observer).value()->wait();
  });
  script({{.text = "a king"}}, file());
  const std::string id = journal_->conversation("last").value().id;
  ASSERT_TRUE(keep_cut_items(*journal_, id));
  const auto items = journal_->items(id).value();
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[1].text, "once upon a time there was");
  EXPECT_EQ(items[1].content["status"], "incomplete");
  ASSERT_TRUE(keep_cut_items(*journal_, id));  // nothing more to do
  EXPECT_EQ(journal_->items(id).value().size(), 2u);
  EXPECT_EQ(journal_->search("upon", 5).value().size(), 1u);
  run({.input = said("who?"), .conversation_id = id});
  EXPECT_EQ(generator_->requests()[0].messages[1].content, "once upon a time there was");
}

TEST_F(KilledAgent, leaves_a_conversation_that_goes_on_wherever_it_is_cut) {
  std::mt19937 random(7);
  int cut_in_the_middle = 0;
  for (int round = 0; round < 12; ++round) {
    SCOPED_TRACE(round);
    std::filesystem::remove(effects());
    const int longest_us =
        60000 * (cut_in_the_middle > 0 ? 1 : 1 + round);  // a sanitised build on a busy machine needs longer to reach its calls
    const std::string told = killed(
        [this](auto tell) {
          tools_
              .add({"send", "has an effect", {{"type", "object"}, {"properties", {{"n", {{"type", "integer"}}}}}}, {}},
                   [this](const Json&, tools::ToolContext&) {
                     count_effect();
                     return tools::ToolResult::text("sent");
                   })
              .value();
          std::vector<ScriptedAnswer> answers;
          for (int i = 0; i < 1000; ++i) answers.push_back({.text = "sending", .calls = {call_of("", "send", {{"n", i}})}});
          script(answers, file());
          RunRequest request{.input = said("send all")};
          request.budgets.max_turns = 1000;
          request.budgets.max_tool_calls = 1000;
          RunObserver observer;
          observer.event = [&](const memory::Event& event) { tell(event.response_id + " " + std::to_string(event.sequence_number)); };
          agent_->start(request, observer).value()->wait();
        },
        std::chrono::microseconds(std::uniform_int_distribution<int>(2000, longest_us)(random)));

    script({{.text = "done"}}, file());
    if (told.empty()) {  // killed before the first word
      agent_.reset();
      journal_.reset();
      continue;
    }
    const std::string last = told.substr(told.rfind('\n', told.size() - 2) + 1);
    const std::string response = last.substr(0, last.find(' '));
    const int number = std::stoi(last.substr(last.find(' ') + 1));
    EXPECT_GT(journal_->events(response).value().back().sequence_number, number) << "lost what was told, or the terminal event";
    const auto cut = journal_->response(response).value();
    EXPECT_NE(cut.status, "in_progress");
    EXPECT_LE(n_effects(), static_cast<int>(journal_->tool_invocations(response).value().size()));

    EXPECT_EQ(run({.input = said("continue"), .conversation_id = cut.conversation_id}).status, "completed");
    int results = 0, calls = 0, unknown = 0;
    const std::vector<llm::Message> messages = generator_->requests()[0].messages;
    for (const llm::Message& message : messages) {
      calls += static_cast<int>(message.tool_calls.size());
      if (message.role != llm::Role::tool) continue;
      ++results;
      unknown += message.content == kUnknownOutcome ? 1 : 0;
    }
    EXPECT_EQ(calls, results);
    cut_in_the_middle += calls > 0 ? 1 : 0;
    EXPECT_LE(unknown, 1);
    EXPECT_LE(n_effects() - (results - unknown), 1);  // an effect without a result is at most the one that was under way
    agent_.reset();
    journal_.reset();
  }
  EXPECT_GT(cut_in_the_middle, 0) << "no round says anything";
}

TEST_F(KilledAgent, goes_on_with_a_durable_run_and_gives_it_up_when_it_brought_down_two_processes) {
  tools_
      .add({"send", "has an effect", kNothing, {}},
           [this](const Json&, tools::ToolContext&) {
             count_effect();
             return tools::ToolResult::text("sent");
           })
      .value();
  const auto live = [this](auto tell, int wanted) {
    journal_ = memory::Journal::open(file(), {.adopt_durable = true}).value();
    script({{.text = "I send it.", .calls = {call_of("c1", "send")}}, {.text = "now I think", .until_cancelled = true}});
    if (wanted > 0)
      generator_ = std::make_unique<ScriptedGenerator>(std::vector<ScriptedAnswer>{{.text = "again", .until_cancelled = true}});
    agent_ = std::make_unique<Agent>(*generator_, tools_, *journal_, clock_);
    std::atomic<bool> said_something = false;
    RunObserver observer;
    observer.event = [&](const memory::Event& event) {
      if (event.type == "response.output_text.delta" && (wanted > 0 || event.data["delta"].template get<std::string>().find("now") == 0))
        said_something = true;
    };
    std::unique_ptr<RunHandle> handle;
    if (wanted == 0) {
      RunRequest request = RunRequest::of_text("send it");
      request.durable = true;
      handle = agent_->start(request, observer).value();
    } else {
      EXPECT_EQ(journal_->adopted().size(), 1u);
      const memory::Response left = journal_->response(journal_->adopted().at(0)).value();
      EXPECT_EQ(left.attempts, wanted + 1);
      handle = agent_->resume(left, observer).value();
    }
    while (!said_something) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    tell("kill");
    handle->wait();
  };
  killed([&](auto tell) { live(tell, 0); });
  {  // a process that does not take over leaves it unchanged
    const auto other = memory::Journal::open(file()).value();
    EXPECT_EQ(other->unfinished().value().size(), 1u);
  }
  killed([&](auto tell) { live(tell, 1); });
  journal_ = memory::Journal::open(file(), {.adopt_durable = true}).value();
  script({{.text = "asked afterwards only"}});
  EXPECT_TRUE(journal_->adopted().empty());
  const std::string conversation = journal_->conversation("last").value().id;
  const memory::ResponseHead left = journal_->thread(conversation).value().responses.at(0);
  EXPECT_EQ(left.status, "failed");
  EXPECT_THAT(left.reason, HasSubstr("killed"));
  EXPECT_EQ(n_effects(), 1) << "the tool's result was there: it is never run again";
  EXPECT_TRUE(generator_->requests().empty());
  int terminal = 0;
  for (const memory::Event& event : journal_->events(left.id).value())
    terminal += event.type == "response.failed" || event.type == "response.completed" || event.type == "response.incomplete" ? 1 : 0;
  EXPECT_EQ(terminal, 1);
  EXPECT_EQ(run({.input = said("well?"), .conversation_id = conversation}).status, "completed");
}

TEST_F(KilledAgent, waits_for_a_journal_that_cannot_be_written_and_continues_by_itself) {
  signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  script({{.text = "I look.", .calls = {call_of("c1", "gate")}}, {.text = "It was open."}}, file());
  Gate unwritable;
  journal_->on_state([&](const memory::JournalState& state) {
    if (!state.writable) unwritable.open();
  });
  auto handle = start({.input = said("q")});
  entered_.wait();
  const rlimit full{1, before.rlim_max};  // from now on no file can grow
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &full), 0);
  gate_.open();
  unwritable.wait();
  const auto refused = agent_->start({.input = said("another")}, {});
  EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::journal_unwritable);
  EXPECT_EQ(handle->wait().status, "completed");
  EXPECT_EQ(items(handle->wait()).back().content["content"][0]["text"], "It was open.");
  for (const memory::ToolInvocation& call : journal_->tool_invocations(handle->response_id()).value()) EXPECT_EQ(call.status, "done");
  journal_->on_state({});
}

TEST_F(KilledAgent, a_process_that_ends_while_its_disk_is_full_leaves_the_run_to_the_next) {
  signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  script({{.text = "I look.", .calls = {call_of("c1", "gate")}}, {.text = "never said"}}, file());
  Gate unwritable;
  journal_->on_state([&](const memory::JournalState& state) {
    if (!state.writable) unwritable.open();
  });
  RunRequest request = RunRequest::of_text("q");
  request.durable = true;
  auto handle = start(std::move(request));
  entered_.wait();
  const rlimit full{1, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &full), 0);
  gate_.open();
  unwritable.wait();
  handle->park();
  const RunOutcome outcome = handle->wait();
  EXPECT_EQ(outcome.status, "");
  handle.reset();
  journal_->on_state({});
  agent_.reset();
  journal_.reset();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);

  journal_ = memory::Journal::open(file(), {.adopt_durable = true}).value();
  script({{.text = "It is unknown."}});
  ASSERT_EQ(journal_->adopted().size(), 1u);
  const auto again = agent_->resume(journal_->response(journal_->adopted()[0]).value(), observer()).value();
  EXPECT_EQ(again->wait().status, "completed");
  EXPECT_EQ(generator_->requests()[0].messages.back().content, kUnknownOutcome);
}

}  // namespace
}  // namespace baton::agent
