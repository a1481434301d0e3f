// The daemon's additions to the journal: keys of idempotent requests, durable runs, forks, removal.
#include <baton/memory/journal.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "temporary_folder.h"

namespace baton::memory {
namespace {

Response finished(const std::string& id, const std::string& conversation, const std::string& status = "completed") {
  Response r;
  r.id = id;
  r.conversation_id = conversation;
  r.status = status;
  return r;
}
Conversation new_conversation(const std::string& id) {
  Conversation c;
  c.id = id;
  c.title = "title";
  c.metadata = {{"who", "me"}};
  return c;
}
Item item(const std::string& id, const std::string& conversation_id, const std::string& response_id) {
  Item i;
  i.id = id;
  i.conversation_id = conversation_id;
  i.response_id = response_id;
  i.content = {{"id", id}, {"type", "message"}};
  i.text = "words of " + id;
  i.raw_tokens = {1, 2, 3};
  return i;
}

class Lineage : public testing::Test {
 protected:
  Lineage() {
    Batch batch;
    batch.put(new_conversation("conv_1")).put(finished("resp_1", "conv_1")).put(finished("resp_2", "conv_1"));
    batch.add(item("item_1", "conv_1", "resp_1")).add(item("item_2", "conv_1", "resp_1")).add(item("item_3", "conv_1", "resp_2"));
    journal_->commit_and_wait(std::move(batch), Durability::power).value();
  }
  std::unique_ptr<Journal> journal_ = Journal::open(":memory:").value();
};

TEST_F(Lineage, a_key_stands_for_one_response_and_refuses_the_whole_batch_of_another) {
  ASSERT_TRUE(journal_->commit_and_wait(Batch().claim("k", "resp_1", "f"), Durability::power));
  Batch second;
  second.put(finished("resp_9", "conv_1")).claim("k", "resp_9", "g");
  const auto refused = journal_->commit_and_wait(std::move(second), Durability::power);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::exists);
  EXPECT_FALSE(journal_->response("resp_9"));
  EXPECT_EQ(journal_->claim("k").value().response_id, "resp_1");
  EXPECT_EQ(journal_->claim("other").error().code, errc::not_found);
  ASSERT_TRUE(journal_->remove_response("resp_1"));
  EXPECT_EQ(journal_->claim("k").value().response_id, "resp_1") << "a lost reply starts no second run, whatever became of the first";
}

TEST_F(Lineage, a_fork_holds_copies_up_to_an_item_and_lives_on_its_own) {
  const Conversation fork = journal_->fork("conv_1", "item_2").value();
  EXPECT_EQ(fork.metadata["baton.forked_from"], "conv_1");
  const auto copies = journal_->items(fork.id).value();
  ASSERT_EQ(copies.size(), 2u);
  EXPECT_NE(copies[1].id, "item_2");
  EXPECT_EQ(copies[1].content["id"], "item_2");
  EXPECT_EQ(copies[1].response_id, "resp_1");
  EXPECT_EQ(copies[1].raw_tokens, (std::vector<std::int32_t>{1, 2, 3}));
  EXPECT_EQ(journal_->items_of_response("resp_1").value().size(), 2u) << "the copies are not its own";
  ASSERT_TRUE(journal_->remove_response("resp_1"));
  EXPECT_EQ(journal_->items("conv_1").value().size(), 1u);
  ASSERT_TRUE(journal_->remove_conversation("conv_1"));
  EXPECT_EQ(journal_->items(fork.id).value().size(), 2u);
  EXPECT_EQ(journal_->fork(fork.id, "item_nowhere").error().code, errc::not_found);
  EXPECT_EQ(journal_->conversations(10).value().size(), 1u) << "a fork that failed leaves nothing";
}

TEST_F(Lineage, removing_an_item_takes_it_out_of_the_search) {
  EXPECT_EQ(journal_->search("item_3", 5).value().size(), 1u);
  ASSERT_TRUE(journal_->remove_item("item_3"));
  EXPECT_TRUE(journal_->search("item_3", 5).value().empty());
  EXPECT_EQ(journal_->remove_item("item_3").error().code, errc::not_found);
  EXPECT_EQ(journal_->item("item_2").value().text, "words of item_2");
}

TEST_F(Lineage, what_the_user_allowed_is_of_one_conversation) {
  ASSERT_TRUE(journal_->commit_and_wait(Batch().allow_tool("conv_1", "send"), Durability::power));
  ASSERT_TRUE(journal_->commit_and_wait(Batch().allow_tool("conv_1", "send"), Durability::power));
  EXPECT_EQ(journal_->allowed_tools("conv_1").value(), std::vector<std::string>{"send"});
  EXPECT_TRUE(journal_->allowed_tools("conv_2").value().empty());
}

TEST_F(Lineage, metadata_and_attempts_are_kept) {
  Response r = finished("resp_1", "conv_1");
  r.metadata = {{"a", "b"}};
  r.durable = true;
  r.attempts = 2;
  ASSERT_TRUE(journal_->commit_and_wait(Batch().put(r), Durability::power));
  const Response back = journal_->response("resp_1").value();
  EXPECT_EQ(back.metadata, r.metadata);
  EXPECT_TRUE(back.durable);
  EXPECT_EQ(back.attempts, 2);
  EXPECT_EQ(journal_->conversation("conv_1").value().metadata["who"], "me");
}

TEST(Adoption, takes_durable_runs_of_a_killed_process_and_ends_the_others) {
  TemporaryFolder folder;
  const auto file = folder.path() / "journal.db";
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto journal = Journal::open(file).value();
    Batch batch;
    batch.put(new_conversation("conv_1"));
    for (const bool durable : {true, false}) {
      Response r = finished(durable ? "resp_durable" : "resp_other", "conv_1", "in_progress");
      r.durable = durable;
      batch.put(r);
      ToolInvocation call;
      call.id = "call_1";
      call.response_id = r.id;
      call.status = "intent";
      batch.put(call);
    }
    journal->commit_and_wait(std::move(batch), Durability::power).value();
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  {
    const auto reader = Journal::open(file).value();
    EXPECT_EQ(reader->response("resp_other").value().reason, "interrupted");
    EXPECT_EQ(reader->response("resp_durable").value().status, "in_progress");
    EXPECT_EQ(reader->unfinished().value().size(), 1u);
    EXPECT_TRUE(reader->adopted().empty());
  }
  const auto heir = Journal::open(file, {.adopt_durable = true}).value();
  EXPECT_EQ(heir->adopted(), std::vector<std::string>{"resp_durable"});
  EXPECT_EQ(heir->response("resp_durable").value().attempts, 2);
  EXPECT_EQ(heir->tool_invocations("resp_durable").value().at(0).status, "intent");
  EXPECT_EQ(heir->tool_invocations("resp_other").value().at(0).status, "unknown");
  const auto second = Journal::open(file, {.adopt_durable = true}).value();
  EXPECT_TRUE(second->adopted().empty()) << "its owner lives";
}

}  // namespace
}  // namespace baton::memory
