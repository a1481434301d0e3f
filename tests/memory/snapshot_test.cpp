// Reads in one snapshot, within the allowed size.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "journal_fixture.h"

namespace baton::memory {
namespace {

using testing::HasSubstr;

TEST(Snapshots, hold_what_belongs_together) {
  const auto journal = open_journal(":memory:");
  ToolInvocation call;
  call.id = "call_1";
  call.response_id = "resp_2";
  call.status = "intent";
  Response second = response("resp_2", "conv_a");
  second.parent_id = "resp_1";
  second.spent_ms = 12;
  Response first = response("resp_1", "conv_a", "failed");
  first.reason = "why";
  write(*journal, Batch()
                      .put(conversation("conv_a"))
                      .put(first)
                      .put(second)
                      .add(message("item_1", "conv_a", "resp_1", "one"))
                      .add(message("item_2", "conv_a", "resp_2", "two"))
                      .add(event("resp_2", "x"))
                      .add(event("resp_2", "y"))
                      .put(call)
                      .allow_tool("conv_a", "send"));
  for (const Thread& thread : {journal->thread("conv_a").value(), journal->thread("last").value(), journal->thread("conv").value(),
                               journal->thread_of("resp_1").value()}) {
    EXPECT_EQ(thread.conversation.id, "conv_a");
    ASSERT_EQ(thread.responses.size(), 2u);
    EXPECT_EQ(thread.responses[0].status + thread.responses[0].reason, "failedwhy");
    EXPECT_EQ(thread.responses[1].id + thread.responses[1].parent_id, "resp_2resp_1");
    EXPECT_TRUE(thread.responses[1].ours);
    ASSERT_EQ(thread.items.size(), 2u);
    EXPECT_EQ(thread.items[1].id, "item_2");
    EXPECT_EQ(thread.allowed_tools, std::vector<std::string>{"send"});
  }
  const RunRecord run = journal->run_record("resp_2").value();
  EXPECT_EQ(run.response.spent_ms, 12);
  EXPECT_EQ(run.conversation.id, "conv_a");
  EXPECT_EQ(run.items.size(), 2u);
  EXPECT_EQ(run.events.size(), 2u);
  EXPECT_EQ(run.invocations.at(0).id, "call_1");
  EXPECT_EQ(run.allowed_tools.size(), 1u);
  const Told told = journal->told("resp_2", 0).value();
  EXPECT_EQ(told.response.id, "resp_2");
  ASSERT_EQ(told.events.size(), 1u);
  EXPECT_EQ(told.events[0].type, "y");
  EXPECT_TRUE(journal->told("resp_2", 1).value().events.empty());
  EXPECT_EQ(journal->thread_of("resp_x").error().code, errc::not_found);
  EXPECT_EQ(journal->run_record("resp_x").error().code, errc::not_found);
  EXPECT_EQ(journal->told("resp_x").error().code, errc::not_found);
  write(*journal, Batch().spent("resp_2", 345));
  EXPECT_EQ(journal->response("resp_2").value().spent_ms, 345);
  EXPECT_EQ(journal->response("resp_2").value().parent_id, "resp_1");
  write(*journal, Batch().add(event("resp_2", "z")));  // no snapshot stays open
}

// The fixed crash: a response that existed is removed before the list of responses is read.
TEST(Snapshots, are_whole_while_responses_come_and_go) {
  TempFolder folder;
  const auto journal = open_journal(folder / "j.db");
  write(*journal, Batch().put(conversation("conv_a")));
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    while (!stop) {
      write(*journal, Batch()
                          .put(response("resp_a", "conv_a", "completed"))
                          .add(event("resp_a", "response.completed"))
                          .add(message("item_a", "conv_a", "resp_a", "text")));
      EXPECT_TRUE(journal->remove_response("resp_a"));
    }
  });
  int there = 0, gone = 0;
  while (there < 200 || gone < 20) {
    const auto thread = journal->thread_of("resp_a");
    if (thread) {
      ++there;
      EXPECT_EQ(thread->responses.size(), 1u);
      EXPECT_EQ(thread->items.size(), 1u);
    } else {
      ++gone;
      EXPECT_EQ(thread.error().code, errc::not_found);
    }
    if (const auto told = journal->told("resp_a")) {
      EXPECT_EQ(told->events.size(), 1u);
    }
    if (const auto run = journal->run_record("resp_a")) {
      EXPECT_EQ(run->items.size(), 1u);
      EXPECT_EQ(run->events.size(), 1u);
    }
  }
  stop = true;
  writer.join();
}

TEST(ItemsById, come_in_the_order_of_their_names_and_as_often) {
  const auto journal = open_journal(":memory:");
  write(*journal,
        start("conv_a", "resp_a").add(message("item_1", "conv_a", "resp_a", "one")).add(message("item_2", "conv_a", "resp_a", "two")));
  const auto items = journal->items_by_id({"item_2", "item_1", "item_2"}, 10'000).value();
  ASSERT_EQ(items.size(), 3u);
  EXPECT_EQ(items[0].text + items[1].text + items[2].text, "twoonetwo");
  const Error missing = journal->items_by_id({"item_1", "item_9"}, 10'000).error();
  EXPECT_EQ(missing.code, errc::not_found);
  EXPECT_THAT(missing.message, HasSubstr("item_9"));
  EXPECT_TRUE(journal->items_by_id({}, 0).value().empty());
}

TEST(ItemsById, are_measured_before_they_are_read) {
  const auto journal = open_journal(":memory:");
  Item large = message("item_1", "conv_a", "resp_a", std::string(3'000'000, 'x'));
  large.raw_tokens.assign(100'000, 7);
  write(*journal, start("conv_a", "resp_a").add(large));
  // Content and text have three million bytes each, and the tokens 400,000.
  EXPECT_EQ(journal->items_by_id({"item_1"}, 6'500'000).value().size(), 1u);
  const Error error = journal->items_by_id(std::vector<std::string>(90, "item_1"), 100'000'000).error();
  EXPECT_EQ(error.code, errc::too_large);
  EXPECT_THAT(error.message, HasSubstr("bytes together, and 100000000 are allowed"));
}

TEST(Thread, that_is_too_large_is_measured_and_not_read) {
  const auto journal = open_journal(":memory:");
  write(*journal, start("conv_a", "resp_a"));
  for (int i = 0; i < 3; ++i)
    write(*journal, Batch().add(message("item_" + std::to_string(i), "conv_a", "resp_a", std::string(10 << 20, 'x'))));
  EXPECT_EQ(journal->thread("conv_a").value().items.size(), 3u);
  write(*journal, Batch().add(message("item_3", "conv_a", "resp_a", std::string(10 << 20, 'x'))));
  const Error error = journal->thread_of("resp_a").error();
  EXPECT_EQ(error.code, errc::thread_too_large);
  EXPECT_THAT(error.message, HasSubstr("has 838"));  // 4 items of 10 MiB, each twice
  EXPECT_THAT(error.message, HasSubstr(std::to_string(kMaxThreadBytes)));
}

TEST(Thread, has_room_for_so_many_bytes) {
  const auto journal = open_journal(":memory:");
  write(*journal, start("conv_a", "resp_a").add(message("item_1", "conv_a", "resp_a", std::string(20 << 20, 'x'))));
  EXPECT_TRUE(journal->check_room("conv_a", 20 << 20));
  const Error error = journal->check_room("conv_a", 30 << 20).error();
  EXPECT_EQ(error.code, errc::thread_too_large);
  EXPECT_THAT(error.message, HasSubstr("would have 734"));  // the item twice, and the requested bytes
}

TEST(LargeRecords, leave_no_memory_with_sqlite) {
  TempFolder folder;
  const auto journal = open_journal(folder / "j.db");
  write(*journal, start("conv_a", "resp_a"));
  const std::int64_t before = sqlite3_memory_used();
  for (int i = 0; i < 3; ++i)
    write(*journal, Batch().add(message("item_" + std::to_string(i), "conv_a", "resp_a", "word " + std::string(20'000'000, 'x'))));
  ASSERT_EQ(journal->items("conv_a").value().size(), 3u);
  // Three connections with caches of 2 MB, and the buffer of the search index before it writes.
  EXPECT_LT(sqlite3_memory_used() - before, 12'000'000);
}

TEST(LargeRecords, have_their_long_words_split_between_characters) {
  const auto journal = open_journal(":memory:");
  std::string long_word, pieces;
  for (int i = 0; i < 4096; ++i) long_word += "東";
  for (int i = 0; i < 4096; ++i) pieces += (i == 1366 || i == 2732 ? " 東" : "東");  // 4096 bytes hold 1365 and the start of one more
  write(*journal, start("conv_a", "resp_a").add(message("item_1", "conv_a", "resp_a", long_word + " walrus")));
  EXPECT_EQ(journal->item("item_1").value().text, pieces + " walrus");
  EXPECT_EQ(journal->search("walrus", 3).value().size(), 1u);
}

}  // namespace
}  // namespace baton::memory
