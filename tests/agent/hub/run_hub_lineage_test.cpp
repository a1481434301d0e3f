// The rules of continuing: unstored responses, approvals, runs of other processes.
#include <baton/agent/hub/run_hub.h>
#include <baton/memory/response_end.h>

#include <sqlite3.h>

#include <future>
#include <new>
#include <set>
#include <thread>

#include "agent_fixture.h"
#include "temporary_folder.h"

namespace baton::agent {
namespace {

using testing::HasSubstr;

class Lineage : public AgentFixture {
 protected:
  ~Lineage() override { hub_.reset(); }
  void hub(ScriptedGenerator::Rule rule, AgentOptions options = {}) {
    generator_ = std::make_unique<ScriptedGenerator>(std::move(rule));
    if (!journal_) journal_ = memory::Journal::open(":memory:").value();
    agent_ = std::make_unique<Agent>(*generator_, tools_, *journal_, clock_, std::move(options));
    hub_ = std::make_unique<RunHub>(*agent_, *journal_);
  }
  // The terminal event of the started response.
  Json ended(Result<RunHub::Started> started) {
    EXPECT_TRUE(started) << (started ? "" : started.error().message);
    if (!started) return nullptr;
    while (true) {
      const auto record = journal_->response(started->response_id);
      if (!record || (record->status != "in_progress" && record->status != "queued")) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    while (hub_->stats().active > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const auto events = journal_->events(started->response_id);
    return events && !events->empty() ? events->back().data : Json();
  }
  static ScriptedAnswer echo(const llm::ChatRequest& request) { return {.text = std::to_string(request.messages.size()) + " messages"}; }

  std::unique_ptr<RunHub> hub_;
};

std::string text_of(const Json& terminal) { return text_of_message(terminal["response"]["output"].back()); }

// ---- responses that are not stored

TEST_F(Lineage, an_unstored_response_is_continued_by_its_own_client_and_by_nobody_else) {
  hub(echo);
  std::string before;
  for (int turn = 0; turn < 40; ++turn) {
    RunRequest request{
        .input = said("q"), .previous_response_id = before, .storage = Storage::continuable, .client = "mine", .session = "socket"};
    const auto started = hub_->start(request);
    const Json terminal = ended(started);
    EXPECT_EQ(text_of(terminal), std::to_string(2 * turn + 1) + " messages");
    before = started->response_id;
  }
  EXPECT_LE(hub_->stats().unstored, static_cast<int>(UnstoredResponses::kMostOfOne));
  EXPECT_TRUE(journal_->conversations(10).value().empty());
  for (const char* session : {"another socket", ""}) {
    const auto refused = hub_->start({.input = said("q"), .previous_response_id = before, .client = "mine", .session = session});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::previous_not_found);
  }
  hub_->end_session("socket");
  EXPECT_EQ(hub_->stats().unstored, 0);
  EXPECT_FALSE(journal_->response(before));
  const auto gone = hub_->start({.input = said("q"), .previous_response_id = before, .client = "mine", .session = "socket"});
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, errc::previous_not_found);
}

TEST_F(Lineage, over_http_the_client_decides_and_a_stored_response_can_continue_an_unstored_one) {
  hub(echo);
  const auto first = hub_->start({.input = said("q"), .storage = Storage::continuable, .client = "mine"});
  ended(first);
  EXPECT_FALSE(hub_->start({.input = said("q"), .previous_response_id = first->response_id, .client = "other"}));
  const auto second = hub_->start({.input = said("q"), .previous_response_id = first->response_id, .client = "mine"});
  EXPECT_EQ(text_of(ended(second)), "3 messages");
  EXPECT_EQ(journal_->conversations(10).value().size(), 1u);
}

TEST_F(Lineage, a_response_whose_socket_closes_while_it_runs_is_not_kept) {
  hub([](const llm::ChatRequest&) { return ScriptedAnswer{.text = "hi", .until_cancelled = true}; });
  const auto started = hub_->start({.input = said("q"), .storage = Storage::continuable, .session = "socket"});
  hub_->end_session("socket");
  ASSERT_TRUE(hub_->cancel(started->response_id));
  ended(started);
  EXPECT_FALSE(journal_->response(started->response_id));
}

// A run that was starting may continue one of them.
TEST_F(Lineage, a_shutdown_takes_unstored_responses_away_when_the_last_run_has_ended) {
  hub([](const llm::ChatRequest& r) { return ScriptedAnswer{.text = "hi", .until_cancelled = r.messages.back().content == "wait"}; });
  const auto unstored = hub_->start({.input = said("q"), .storage = Storage::continuable, .client = "mine"});
  ended(unstored);
  const auto under_way = hub_->start({.input = said("wait")});
  std::thread ender([&] { hub_->shutdown(std::chrono::hours(1)); });
  while (hub_->ready()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_TRUE(journal_->response(unstored->response_id));
  EXPECT_TRUE(hub_->cancel(under_way->response_id));
  ender.join();
  EXPECT_FALSE(journal_->response(unstored->response_id));
}

// Deleted between any two of the reads of a continuation: never a crash, always not found.
TEST_F(Lineage, a_response_that_is_deleted_while_it_is_continued_is_not_found) {
  hub(echo);
  for (int round = 0; round < 50; ++round) {
    const auto first =
        hub_->start({.input = said("q"), .storage = round % 2 == 0 ? Storage::stored : Storage::continuable, .client = "mine"});
    ended(first);
    std::thread remover([&] { (void)journal_->remove_conversation(first->conversation_id); });
    const auto second = hub_->start({.input = said("q"),
                                     .previous_response_id = first->response_id,
                                     .storage = round % 3 == 0 ? Storage::stored : Storage::continuable,
                                     .client = "mine"});
    remover.join();
    if (!second) {
      EXPECT_EQ(second.error().code, errc::previous_not_found) << second.error().message;
    }
    while (hub_->stats().active > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

// Deleted by another program, since the journal itself removes nothing that is under way. Listeners wait for an end.
TEST_F(Lineage, one_who_listens_to_a_run_whose_conversation_has_vanished_is_told_an_end) {
  const TemporaryFolder folder;
  journal_ = memory::Journal::open(folder.path() / "j.db").value();
  Gate asked, deleted;
  hub([&](const llm::ChatRequest&) {
    asked.open();
    deleted.wait();
    return ScriptedAnswer{.text = "too late"};
  });
  std::promise<Json> end;
  const auto started = hub_->start({.input = said("q")}, [&](const HubEvent& event) {
    if (memory::is_terminal_event(event.type)) end.set_value(Json::parse(*event.json));
    return true;
  });
  ASSERT_TRUE(started);
  asked.wait();
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open((folder.path() / "j.db").c_str(), &other), SQLITE_OK);
  sqlite3_busy_timeout(other, 10'000);
  EXPECT_EQ(sqlite3_exec(other, "PRAGMA foreign_keys = ON; DELETE FROM conversations", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(other);
  deleted.open();
  const Json told = end.get_future().get();
  EXPECT_EQ(told["type"], "response.failed");
  EXPECT_THAT(told["response"]["error"]["message"].get<std::string>(), HasSubstr("may have been deleted"));
}

// ---- warm-ups

// The texts of all messages that the model reads, one after the other.
ScriptedAnswer texts(const llm::ChatRequest& request) {
  std::string all;
  for (const llm::Message& message : request.messages) all += (all.empty() ? "" : ",") + message.content;
  return {.text = "<" + all + ">"};
}

RunRequest warm_up(std::vector<Json> input, const std::string& after = "", bool store = true) {
  RunRequest request{.input = std::move(input),
                     .previous_response_id = after,
                     .storage = store ? Storage::stored : Storage::continuable,
                     .client = "mine"};
  request.generate = false;
  return request;
}

RunRequest question(const std::string& text, const std::string& after, bool store) {
  return {.input = said(text), .previous_response_id = after, .storage = store ? Storage::stored : Storage::continuable, .client = "mine"};
}

TEST_F(Lineage, whoever_continues_a_warm_up_sees_its_input_however_often) {
  hub(texts);
  for (const bool store : {true, false}) {
    const auto warm = hub_->start(warm_up(said("a"), "", store));
    EXPECT_EQ(ended(warm)["response"]["status"], "completed");
    for (const std::string text : {"b", "c", "d"})
      EXPECT_EQ(text_of(ended(hub_->start(question(text, warm->response_id, store)))), "<a," + text + ">") << "stored: " << store;
  }
}

TEST_F(Lineage, a_warm_up_without_input_is_continued_from_what_was_before_it_however_often) {
  hub(texts);
  for (const bool store : {true, false}) {
    const auto empty = hub_->start(warm_up({}, "", store));
    ended(empty);
    for (const std::string text : {"a", "b", "c"})
      EXPECT_EQ(text_of(ended(hub_->start(question(text, empty->response_id, store)))), "<" + text + ">") << "stored: " << store;
    const auto first = hub_->start(question("q", "", store));
    ended(first);
    const auto warm = hub_->start(warm_up({}, first->response_id, store));
    ended(warm);
    for (const std::string text : {"a", "b"})
      EXPECT_EQ(text_of(ended(hub_->start(question(text, warm->response_id, store)))), "<q,<q>," + text + ">") << "stored: " << store;
  }
}

TEST_F(Lineage, a_warm_up_without_input_makes_no_second_conversation) {
  hub(texts);
  const auto first = hub_->start({.input = said("q")});
  ended(first);
  const auto warm = hub_->start(warm_up({}, first->response_id));
  ended(warm);
  const auto next = hub_->start({.input = said("a"), .previous_response_id = warm->response_id});
  EXPECT_EQ(text_of(ended(next)), "<q,<q>,a>");
  EXPECT_EQ(next->conversation_id, first->conversation_id);
  EXPECT_EQ(journal_->conversations(10).value().size(), 1u);
}

// ---- approvals

class Approvals : public Lineage {
 protected:
  // One response that waits for the approval of a call of `add`.
  void ask(AgentOptions options = {.permissions = {{"add", Permission::ask}}}) {
    hub(
        [](const llm::ChatRequest& request) {
          if (request.messages.back().role == llm::Role::tool) return ScriptedAnswer{.text = request.messages.back().content};
          return ScriptedAnswer{.calls = {call_of("c1", "add", {{"a", 1}, {"b", 2}})}};
        },
        std::move(options));
    const auto asked = hub_->start({.input = said("add")});
    const Json terminal = ended(asked);
    asked_ = asked->response_id;
    approval_ = terminal["response"]["output"][0]["id"];
  }
  RunRequest answer(bool approve, const std::string& key = "") const {
    RunRequest request;
    request.input = {{{"type", "mcp_approval_response"}, {"approval_request_id", approval_}, {"approve", approve}}};
    request.previous_response_id = asked_;
    request.key = key;
    request.fingerprint = key;
    return request;
  }

  std::string asked_, approval_;
};

TEST_F(Approvals, an_approval_that_is_sent_again_gets_the_response_that_it_started) {
  ask();
  const auto first = hub_->start(answer(true));
  EXPECT_EQ(text_of(ended(first)), "3");
  for (const char* key : {"", "a", "b"}) {
    const auto again = hub_->start(answer(true, key));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_TRUE(again->existed);
    EXPECT_EQ(again->response_id, first->response_id);
  }
  EXPECT_EQ(n_added_, 1);
}

TEST_F(Approvals, five_at_once_run_the_call_once) {
  ask();
  std::vector<std::string> ids(5);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    threads.emplace_back([&, i] {
      const auto started = hub_->start(answer(true, "key " + std::to_string(i)));
      EXPECT_TRUE(started) << (started ? "" : started.error().message);
      if (started) ids[i] = started->response_id;
    });
  }
  for (std::thread& thread : threads) thread.join();
  while (hub_->stats().active > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 1u);
  EXPECT_EQ(n_added_, 1);
}

TEST_F(Approvals, what_was_refused_is_not_approved_later) {
  ask();
  const auto refused = hub_->start(answer(false));
  ended(refused);
  EXPECT_EQ(hub_->start(answer(true))->response_id, refused->response_id);
  EXPECT_EQ(n_added_, 0);
}

TEST_F(Approvals, a_copy_of_the_conversation_does_not_run_it_again) {
  ask();
  const std::string conversation = journal_->response(asked_).value().conversation_id;
  const std::string fork = journal_->fork(conversation, "").value().id;
  ended(hub_->start(answer(true)));
  RunRequest on_fork = answer(true);
  on_fork.previous_response_id.clear();
  on_fork.conversation_id = fork;
  on_fork.input.push_back(user_message_item("", "and?"));
  const auto second = hub_->start(on_fork);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, errc::answered);
  EXPECT_THAT(second.error().message, HasSubstr("resp_"));
  EXPECT_EQ(n_added_, 1);
}

TEST_F(Approvals, a_clock_that_is_set_back_revives_nothing_and_one_that_is_set_forth_ends_nothing) {
  const std::int64_t ten_days = std::int64_t{10} * 24 * 3600 * 1000;
  ask();
  clock_.step_wall(ten_days);
  EXPECT_EQ(text_of(ended(hub_->start(answer(true)))), "3");
  ask();
  clock_.advance(std::int64_t{25} * 3600 * 1000);
  clock_.step_wall(-ten_days);
  const auto late = hub_->start(answer(true));
  ASSERT_FALSE(late);
  EXPECT_THAT(late.error().message, HasSubstr("expired"));
}

TEST_F(Lineage, a_key_whose_response_is_gone_starts_nothing_again) {
  hub(echo);
  RunRequest request{.input = said("q"), .storage = Storage::temporary, .key = "once", .fingerprint = "f"};
  ended(hub_->start(request));
  const auto again = hub_->start(request);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, errc::answered);
}

// ---- restarts, and other processes

TEST_F(Lineage, a_tool_that_is_denied_at_the_restart_is_not_offered_and_the_run_ends) {
  const TemporaryFolder folder;
  journal_ = memory::Journal::open(folder.path() / "journal.db").value();
  hub([](const llm::ChatRequest&) { return ScriptedAnswer{.text = "hi", .until_cancelled = true}; });
  RunRequest request{.input = said("q"), .tools = {"add"}, .all_tools = false};
  request.durable = true;
  const auto started = hub_->start(request);
  hub_->shutdown(std::chrono::milliseconds(0));
  hub_.reset();
  agent_.reset();
  journal_.reset();
  journal_ = memory::Journal::open(folder.path() / "journal.db", {.adopt_durable = true}).value();
  ASSERT_EQ(journal_->adopted().size(), 1u);
  hub([](const llm::ChatRequest& r) { return ScriptedAnswer{.text = std::to_string(r.tools.size()) + " tools"}; },
      {.permissions = {{"add", Permission::deny}}});
  EXPECT_FALSE(hub_->ready()) << "what is left is not continued yet";
  hub_->resume();
  EXPECT_TRUE(hub_->ready());
  EXPECT_EQ(text_of(ended(started)), "0 tools");
}

TEST_F(Lineage, a_run_that_cannot_be_continued_is_ended_as_failed) {
  const TemporaryFolder folder;
  journal_ = memory::Journal::open(folder.path() / "journal.db").value();
  memory::Response odd;
  odd.id = "resp_odd";
  odd.conversation_id = "conv_odd";
  odd.status = "in_progress";
  odd.durable = true;
  odd.request = {{"input", "not a list"}, {"tool_choice", {{"name", "gone"}}}};
  memory::Conversation conversation;
  conversation.id = "conv_odd";
  ASSERT_TRUE(journal_->commit_and_wait(memory::Batch().put(conversation).put(odd), memory::Durability::power));
  journal_.reset();
  journal_ = memory::Journal::open(folder.path() / "journal.db", {.adopt_durable = true}).value();
  hub(echo);
  hub_->resume();
  EXPECT_EQ(journal_->response("resp_odd").value().status, "failed");
  EXPECT_EQ(journal_->events("resp_odd").value().back().type, "response.failed");
}

TEST_F(Lineage, a_run_of_another_process_is_neither_cancelled_nor_waited_for) {
  const TemporaryFolder folder;
  journal_ = memory::Journal::open(folder.path() / "journal.db").value();
  auto other = memory::Journal::open(folder.path() / "journal.db").value();
  memory::Response theirs;
  theirs.id = "resp_theirs";
  theirs.conversation_id = "conv_theirs";
  theirs.status = "in_progress";
  theirs.durable = true;
  memory::Conversation conversation;
  conversation.id = "conv_theirs";
  ASSERT_TRUE(other->commit_and_wait(memory::Batch().put(conversation).put(theirs), memory::Durability::power));
  hub(echo);
  const auto cancelled = hub_->cancel("resp_theirs");
  ASSERT_FALSE(cancelled);
  EXPECT_EQ(cancelled.error().code, errc::elsewhere);
  EXPECT_EQ(hub_->subscribe("resp_theirs", -1, [](const HubEvent&) { return true; }).error().code, errc::elsewhere);
  other.reset();  // its process ends
  EXPECT_TRUE(hub_->cancel("resp_theirs"));
  EXPECT_EQ(journal_->response("resp_theirs").value().status, "incomplete");
}

// ---- what is thrown

TEST_F(Lineage, what_a_run_throws_ends_that_run_and_nothing_else) {
  hub([](const llm::ChatRequest& request) -> ScriptedAnswer {
    if (request.messages.back().content == "break") throw std::bad_alloc();
    return {.text = "fine"};
  });
  const auto broken = hub_->start({.input = said("break")});
  EXPECT_EQ(ended(broken)["response"]["status"], "failed");
  EXPECT_EQ(journal_->events(broken->response_id).value().back().type, "response.failed");
  EXPECT_EQ(text_of(ended(hub_->start({.input = said("q")}))), "fine");
  EXPECT_EQ(ended(hub_->start({.input = said("q"), .previous_response_id = broken->response_id}))["response"]["status"], "completed");
}

}  // namespace
}  // namespace baton::agent
