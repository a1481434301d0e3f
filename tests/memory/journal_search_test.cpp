#include "journal_fixture.h"

#include <algorithm>
#include <future>
#include <thread>
#include <vector>

namespace baton::memory {
namespace {

class JournalSearch : public testing::Test {
 protected:
  void SetUp() override {
    write(*journal_, Batch().put(conversation("conv_a", "Animals")).put(conversation("conv_b", "Cities")));
    write(*journal_, Batch()
                         .add(message("item_1", "conv_a", "", "The walrus and the carpenter were walking close at hand"))
                         .add(message("item_2", "conv_a", "", "Crème brûlée für 东京 Москва"))
                         .add(message("item_3", "conv_b", "", "a AND b OR \"quoted\" NEAR(x) text:y ^z -w it's 100%"))
                         .add(message("item_4", "conv_b", "", "")));
  }
  std::string hits(const std::string& words) {
    const auto found = journal_->search(words, 10);
    if (!found) return found.error().message;
    std::string ids;
    for (const SearchHit& hit : *found) ids += hit.item_id.substr(5);
    std::sort(ids.begin(), ids.end());
    return ids;
  }
  // The differences between index and table, by FTS5 itself; empty: they agree.
  std::string disagreement() {
    return query(folder_ / "j.db", "INSERT INTO items_search (items_search, rank) VALUES ('integrity-check', 1)");
  }
  TempFolder folder_;
  std::unique_ptr<Journal> journal_ = open_journal(folder_ / "j.db");
};

TEST_F(JournalSearch, finds_all_words_by_their_beginnings_and_marks_them) {
  EXPECT_EQ(hits("walrus"), "1");
  EXPECT_EQ(hits("carp WALK"), "1");
  EXPECT_EQ(hits("walrus москва"), "");
  const SearchHit hit = journal_->search("walrus", 10).value().at(0);
  EXPECT_EQ(hit.conversation_id, "conv_a");
  EXPECT_EQ(hit.title, "Animals");
  EXPECT_NE(hit.snippet.find("The ‹walrus› and"), std::string::npos) << hit.snippet;
}

TEST_F(JournalSearch, folds_accents_and_knows_other_scripts) {
  EXPECT_EQ(hits("creme brulee"), "2");
  EXPECT_EQ(hits("东京"), "2");
  EXPECT_EQ(hits("МОСКВА"), "2");
}

TEST_F(JournalSearch, takes_what_is_typed_as_words_never_as_a_query_language) {
  for (const char* words : {"\"",    "\"\"",     "quoted\"",  "AND",     "OR NOT",
                            "NEAR(", "text:y",   "^z",        "-w",      "*",
                            "(",     "it's",     "100%",      "a* b*",   "'; DROP TABLE items; --",
                            "\\",    "\xff\xfe", "\"* OR \"", "{a b}:c", "+",
                            "conv_a"}) {
    const auto found = journal_->search(words, 10);
    EXPECT_TRUE(found) << words << ": " << found.error().message;
  }
  EXPECT_EQ(hits("AND"), "13") << "a word like any other: `and` is in two items";
  EXPECT_EQ(hits("\"quoted\""), "3");
  EXPECT_EQ(hits("text:y"), "3");
  EXPECT_EQ(hits("text:carpenter"), "") << "no column filter";
  EXPECT_EQ(hits("walrus OR quoted"), "");
  EXPECT_EQ(hits("walrus -carpenter"), "1") << "punctuation alone says nothing";
  EXPECT_EQ(hits(std::string("walrus\0carpenter", 16)), "1");
}

TEST_F(JournalSearch, no_words_no_hits) {
  EXPECT_EQ(hits(""), "");
  EXPECT_EQ(hits(" \t\n"), "");
  EXPECT_EQ(hits("!!!"), "");
  EXPECT_TRUE(journal_->search("the", 0).value().empty());
  EXPECT_TRUE(journal_->search("the", -5).value().empty());
}

TEST_F(JournalSearch, a_long_question_is_only_a_question) {
  std::string words;
  for (int i = 0; i < 3000; ++i) words.append("w").append(std::to_string(i)).append(" ");
  EXPECT_EQ(hits(words), "");
}

// Items become searchable at the end of a transaction, and removed ones leave the index: within one transaction, too.
TEST_F(JournalSearch, what_one_group_adds_and_removes_is_found_once_or_not_at_all) {
  journal_->commit(Batch()
                       .add(message("item_5", "conv_a", "", "stays"))
                       .add(message("item_6", "conv_a", "", "leaves"))
                       .add(message("item_7", "conv_b", "", "leaves with its conversation")),
                   Durability::process, {});
  std::thread other([&] { EXPECT_TRUE(journal_->remove_conversation("conv_b")); });
  EXPECT_TRUE(journal_->remove_item("item_6"));
  other.join();
  write(*journal_, Batch().add(message("item_8", "conv_a", "", "comes after what leaves")));
  EXPECT_EQ(hits("stays"), "5");
  EXPECT_EQ(hits("leaves"), "8");
  EXPECT_EQ(hits("quoted"), "");
  EXPECT_EQ(disagreement(), "");
}

TEST_F(JournalSearch, a_refused_batch_leaves_nothing_in_the_index_and_its_group_all_of_it) {
  std::vector<std::future<bool>> told;
  const auto commit = [&](Batch batch) {
    auto promise = std::make_shared<std::promise<bool>>();
    told.push_back(promise->get_future());
    journal_->commit(std::move(batch), Durability::power, [promise](auto result) { promise->set_value(bool(result)); });
  };
  commit(Batch().add(message("item_5", "conv_a", "", "before")));
  commit(Batch().add(message("item_6", "conv_a", "", "refused")).add(message("item_1", "conv_a", "", "already exists")));
  commit(Batch().add(message("item_7", "conv_a", "", "after")));
  EXPECT_TRUE(told[0].get());
  EXPECT_FALSE(told[1].get());
  EXPECT_TRUE(told[2].get());
  EXPECT_EQ(hits("before"), "5");
  EXPECT_EQ(hits("refused"), "");
  EXPECT_EQ(hits("after"), "7");
  EXPECT_EQ(disagreement(), "");
}

}  // namespace
}  // namespace baton::memory
