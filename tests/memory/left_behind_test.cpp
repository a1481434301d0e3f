// The records of a process that has ended: runs that are not continued, runs that crash every process that continues them, conversations
// that were not to be kept. For the next journal a closed one is like a killed one.
#include <gmock/gmock.h>

#include "journal_fixture.h"

namespace baton::memory {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Response durable_run(const std::string& id, const std::string& conversation_id) {
  Response r = response(id, conversation_id);
  r.durable = true;
  return r;
}

ToolInvocation call(const std::string& id, const std::string& response_id, const std::string& status = "intent") {
  ToolInvocation call;
  call.id = id;
  call.response_id = response_id;
  call.tool = "send";
  call.status = status;
  return call;
}

class LeftBehind : public testing::Test {
 protected:
  std::unique_ptr<Journal> open() { return open_journal(file_); }
  std::unique_ptr<Journal> adopt() { return Journal::open(file_, {.adopt_durable = true}).value(); }
  TempFolder folder_;
  const std::filesystem::path file_ = folder_ / "j.db";
};

TEST_F(LeftBehind, a_run_that_brought_down_two_processes_is_ended_by_the_third) {
  auto journal = open();
  write(*journal, Batch()
                      .put(conversation("conv_a"))
                      .put(durable_run("resp_bad", "conv_a"))
                      .add(event("resp_bad", "response.created"))
                      .put(call("call_1", "resp_bad"))
                      .put(call("call_2", "resp_bad", "done")));
  journal.reset();
  journal = adopt();
  EXPECT_THAT(journal->adopted(), ElementsAre("resp_bad"));
  write(*journal, Batch().put(durable_run("resp_good", "conv_a")));
  journal.reset();
  journal = adopt();
  EXPECT_THAT(journal->adopted(), ElementsAre("resp_good"));
  const RunRecord run = journal->run_record("resp_bad").value();
  EXPECT_EQ(run.response.status, "failed");
  EXPECT_EQ(run.response.reason, "it was in progress when Baton was killed, 2 times; it is not tried again");
  EXPECT_EQ(run.response.attempts, 3);
  EXPECT_NE(run.response.finished_ms, 0);
  ASSERT_EQ(run.events.size(), 2u);
  EXPECT_EQ(run.events[1].type, "response.failed");
  EXPECT_EQ(run.events[1].data["response"],
            Json({{"id", "resp_bad"}, {"status", "failed"}, {"error", {{"code", "server_error"}, {"message", run.response.reason}}}}));
  EXPECT_EQ(run.invocations[0].status, "unknown");
  EXPECT_EQ(run.invocations[1].status, "done");
  journal.reset();
  journal = adopt();
  EXPECT_TRUE(journal->adopted().empty());
  EXPECT_EQ(journal->response("resp_good").value().status, "failed");
  EXPECT_EQ(journal->events("resp_bad").value().size(), 2u) << "one end";
}

TEST_F(LeftBehind, an_attempt_is_counted_though_nobody_could_read_the_run) {
  auto journal = open();
  write(*journal, Batch().put(conversation("conv_a")).put(durable_run("resp_a", "conv_a")));
  journal.reset();
  adopt();
  EXPECT_EQ(query(file_, "SELECT attempts FROM responses"), "2") << "by open() alone";
}

TEST_F(LeftBehind, a_run_is_ended_while_its_journal_is_in_use_once_its_process_is_gone) {
  auto first = open();
  write(*first, Batch().put(conversation("conv_a")).put(durable_run("resp_a", "conv_a")).put(call("call_1", "resp_a")));
  const auto second = open();
  EXPECT_FALSE(second->end_if_abandoned("resp_a").value()) << "its process lives";
  EXPECT_FALSE(first->end_if_abandoned("resp_a").value()) << "it is its own";
  EXPECT_TRUE(first->response("resp_a").value().ours);
  EXPECT_FALSE(second->response("resp_a").value().ours);
  EXPECT_FALSE(second->thread("conv_a").value().responses.at(0).ours);
  first.reset();
  EXPECT_TRUE(second->end_if_abandoned("resp_a").value());
  EXPECT_FALSE(second->end_if_abandoned("resp_a").value()) << "it is over";
  const RunRecord run = second->run_record("resp_a").value();
  EXPECT_EQ(run.response.status + " " + run.response.reason, "incomplete interrupted");
  EXPECT_EQ(run.events.at(0).type, "response.incomplete");
  EXPECT_EQ(run.invocations.at(0).status, "unknown");
  EXPECT_EQ(second->end_if_abandoned("resp_x").error().code, errc::not_found);
}

TEST_F(LeftBehind, a_call_without_a_result_is_unknown_when_its_run_ends) {
  const auto journal = open();
  write(*journal, start("conv_a", "resp_a")
                      .put(call("call_1", "resp_a"))
                      .put(call("call_2", "resp_a", "error"))
                      .put(response("resp_b", "conv_a"))
                      .put(call("call_1", "resp_b")));
  write(*journal, Batch().put(response("resp_a", "conv_a", "queued")));
  EXPECT_EQ(journal->tool_invocations("resp_a").value()[0].status, "intent");
  write(*journal, Batch().put(response("resp_a", "conv_a", "completed")));
  const auto calls = journal->tool_invocations("resp_a").value();
  EXPECT_EQ(calls[0].status, "unknown");
  EXPECT_NE(calls[0].finished_ms, 0);
  EXPECT_EQ(calls[1].status, "error");
  EXPECT_EQ(journal->tool_invocations("resp_b").value()[0].status, "intent") << "of another run";
}

TEST_F(LeftBehind, a_temporary_conversation_is_found_by_its_whole_id_alone) {
  const auto journal = open();
  write(*journal, start("conv_a", "resp_a").add(message("item_1", "conv_a", "resp_a", "walrus")));
  const Conversation fork = journal->fork("conv_a", "", true).value();
  EXPECT_TRUE(fork.temporary);
  Conversation put = conversation("conv_b_temporary");
  put.temporary = true;
  put.updated_ms = now_ms() + 1'000'000;
  write(*journal, Batch().put(put));
  ASSERT_EQ(journal->conversations(10).value().size(), 1u);
  EXPECT_EQ(journal->conversation("last").value().id, "conv_a");
  EXPECT_EQ(journal->conversation("conv_").value().id, "conv_a") << "no prefix finds it, nor makes another ambiguous";
  EXPECT_EQ(journal->conversation("conv_b").error().code, errc::not_found);
  EXPECT_TRUE(journal->conversation("conv_b_temporary").value().temporary);
  EXPECT_EQ(journal->search("walrus", 10).value().size(), 1u);
  EXPECT_EQ(journal->items(fork.id).value().size(), 1u);
}

TEST_F(LeftBehind, a_temporary_conversation_goes_when_its_process_and_its_runs_are_gone) {
  auto first = open();
  write(*first, start("conv_a", "resp_a").add(message("item_1", "conv_a", "resp_a", "walrus")));
  const std::string plain = first->fork("conv_a", "", true).value().id;
  const std::string running = first->fork("conv_a", "", true).value().id;
  write(*first, Batch().put(durable_run("resp_d", running)));
  const auto second = open();
  EXPECT_TRUE(second->conversation(plain)) << "its process lives";
  first.reset();
  const auto third = adopt();
  EXPECT_EQ(third->conversation(plain).error().code, errc::not_found);
  EXPECT_TRUE(third->conversation(running)) << "a run of it continues";
  EXPECT_TRUE(third->conversation("conv_a"));
  write(*third, Batch().put(response("resp_d", running, "completed")));
  const auto fourth = open();
  EXPECT_TRUE(fourth->conversation(running)) << "the process that ran it may continue it";
}

TEST_F(LeftBehind, a_conversation_that_became_permanent_stays) {
  auto journal = open();
  Conversation c = conversation("conv_a");
  c.temporary = true;
  write(*journal, Batch().put(c));
  c.temporary = false;
  write(*journal, Batch().put(c));
  journal.reset();
  EXPECT_TRUE(open()->conversation("conv_a"));
}

TEST_F(LeftBehind, an_approval_is_answered_once) {
  auto journal = open();
  write(*journal, start("conv_a", "resp_a").put(response("resp_b", "conv_a")));
  EXPECT_EQ(journal->approval_answer("appr_1").error().code, errc::not_found);
  write(*journal, Batch().answer_approval("appr_1", "resp_a"));
  write(*journal, Batch().answer_approval("appr_1", "resp_a"));  // the same again
  const auto refused = journal->commit_and_wait(Batch().add(event("resp_b", "x")).answer_approval("appr_1", "resp_b"), Durability::power);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::exists);
  EXPECT_THAT(refused.error().message, HasSubstr("appr_1"));
  EXPECT_TRUE(journal->events("resp_b").value().empty());
  for (const char* id : {"resp_a", "resp_b"}) write(*journal, Batch().put(response(id, "conv_a", "completed")));
  ASSERT_TRUE(journal->remove_conversation("conv_a"));
  journal.reset();
  EXPECT_EQ(open()->approval_answer("appr_1").value(), "resp_a") << "no copy of the thread may use it again";
}

TEST_F(LeftBehind, an_answered_approval_is_forgotten_after_ninety_days) {
  static std::int64_t boot_ms;
  boot_ms = 1000;
  const auto later = [this](int days) {
    boot_ms += std::int64_t{days} * 24 * 3600 * 1000;
    JournalOptions options;
    options.clock = {[] { return boot_ms; }, [] { return std::int64_t{1'700'000'000'000}; }, [] { return std::string("boot"); }};
    return Journal::open(file_, std::move(options)).value();
  };
  write(*later(0), Batch().answer_approval("appr_1", "resp_a"));
  write(*later(2), Batch().answer_approval("appr_2", "resp_b"));
  EXPECT_TRUE(later(87)->approval_answer("appr_1"));
  const auto journal = later(2);
  EXPECT_EQ(journal->approval_answer("appr_1").error().code, errc::not_found);
  EXPECT_TRUE(journal->approval_answer("appr_2"));
}

}  // namespace
}  // namespace baton::memory
