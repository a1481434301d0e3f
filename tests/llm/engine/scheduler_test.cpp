// The sharing of the places of the batch, the pages of the cache and the chunks of prompts among clients: the scheduler, step by step.
#include <baton/llm/engine/scheduler.h>
#include <baton/llm/model/cpu_backend.h>
#include <gtest/gtest.h>

#include <deque>

#include "tiny_model.h"

namespace baton::llm {
namespace {

// `n` tokens; two of different `first` differ from their first token on.
std::vector<std::int32_t> prompt(int n, int first) {
  std::vector<std::int32_t> tokens;
  for (int i = 0; i < n; ++i) tokens.push_back((first + 11 * i) % 64);
  return tokens;
}

struct Asked {
  std::shared_ptr<ActiveRequest> request;
  std::vector<std::int32_t> tokens;  // chosen so far
  std::vector<int> progress;         // EngineProgress::done
  std::optional<EngineFinished> finished;

  bool started() const { return !tokens.empty(); }
  bool ended() const { return finished.has_value(); }
};

class SchedulerTest : public testing::Test {
 protected:
  void use(EngineOptions options, int n_ctx = 256, int page_tokens = 4) {
    scheduler_.reset();
    tiny_ = std::make_unique<test::TinyModel>(test::TinyShape{.n_ctx = n_ctx});
    ModelOptions model_options;
    model_options.page_tokens = page_tokens;
    model_options.max_batch = 2048;
    model_ = Model::load(tiny_->file(), make_cpu_backend({"", 2}).value(), model_options).value();
    scheduler_ = std::make_unique<Scheduler>(*model_, options, [this] { return now_; });
  }

  Asked& ask(const std::string& client, std::vector<std::int32_t> tokens, int n, std::shared_ptr<TokenConstraint> constraint = nullptr) {
    EngineRequest request;
    request.prompt = std::move(tokens);
    request.max_output_tokens = n;
    request.client = client;
    request.constraint = std::move(constraint);
    Asked& asked = asked_.emplace_back();
    asked.request = std::make_shared<ActiveRequest>(std::move(request), [&asked](EngineEvent event) {
      if (auto* choice = std::get_if<Choice>(&event)) asked.tokens.push_back(choice->id);
      if (auto* step = std::get_if<EngineProgress>(&event)) asked.progress.push_back(step->done);
      if (auto* back = std::get_if<Rewind>(&event)) {
        asked.tokens.resize(static_cast<std::size_t>(back->keep));
        asked.tokens.insert(asked.tokens.end(), back->then.begin(), back->then.end());
      }
      if (auto* end = std::get_if<EngineFinished>(&event)) asked.finished = *end;
    });
    scheduler_->enqueue(asked.request);
    return asked;
  }

  void step(int n = 1) {
    for (int i = 0; i < n; ++i) scheduler_->step();
  }
  void run_all() {
    while (scheduler_->step()) {
    }
  }
  // The answer to the request without other requests.
  std::vector<std::int32_t> alone(std::vector<std::int32_t> tokens, int n, std::shared_ptr<TokenConstraint> constraint = nullptr) {
    use({});
    const Asked& asked = ask("", std::move(tokens), n, std::move(constraint));
    run_all();
    return asked.tokens;
  }

  EngineClock::time_point now_{};  // stands still, so that the sizes of chunks do not depend on the machine
  std::unique_ptr<test::TinyModel> tiny_;
  std::unique_ptr<Model> model_;
  std::deque<Asked> asked_;  // before the scheduler, which ends running requests when it is destroyed
  std::unique_ptr<Scheduler> scheduler_;
};

TEST_F(SchedulerTest, who_comes_after_sixteen_requests_of_another_is_served_at_once_and_they_write_what_they_would_have) {
  std::vector<std::vector<std::int32_t>> expected;
  for (int i = 0; i < 16; ++i) expected.push_back(alone(prompt(9, i), 60));
  const auto expected_of_b = alone(prompt(8, 40), 10);

  use({});
  std::vector<Asked*> a;
  for (int i = 0; i < 16; ++i) a.push_back(&ask("a", prompt(9, i), 60));
  step(20);
  for (int i = 0; i < 16; ++i) EXPECT_EQ(a[i]->started(), i < 4) << "a client that is alone has all places";
  const Asked& b = ask("b", prompt(8, 40), 10);
  step(1);
  EXPECT_TRUE(b.started());
  EXPECT_EQ(scheduler_->stats().pauses, 1);
  step(9);
  EXPECT_TRUE(b.ended());
  for (const Asked* asked : a) EXPECT_FALSE(asked->ended());
  int n_started = 0;
  while (scheduler_->step()) {
    int n = 0;
    for (const Asked* asked : a) n += asked->started() ? 1 : 0;
    EXPECT_GE(n, n_started);
    for (int i = 0; i < n; ++i) EXPECT_TRUE(a[i]->started()) << "a client's requests are served in their order";
    n_started = n;
  }
  for (int i = 0; i < 16; ++i) EXPECT_EQ(a[i]->tokens, expected[i]) << i;
  EXPECT_EQ(b.tokens, expected_of_b);
  EXPECT_EQ(scheduler_->stats().pauses, 1);
  EXPECT_EQ(scheduler_->stats().pages_free, scheduler_->stats().pages_total);
}

TEST_F(SchedulerTest, two_clients_with_many_requests_have_half_of_the_places_each_and_a_third_gets_one) {
  use({});
  const auto n_writing = [&](const std::vector<Asked*>& of) {
    std::vector<std::size_t> before;
    for (const Asked* asked : of) before.push_back(asked->tokens.size());
    step();
    int n = 0;
    for (std::size_t i = 0; i < of.size(); ++i) n += of[i]->tokens.size() > before[i] ? 1 : 0;
    return n;
  };
  std::vector<Asked*> a, b, c;
  for (int i = 0; i < 6; ++i) a.push_back(&ask("a", prompt(5, i), 200));
  step(3);
  EXPECT_EQ(n_writing(a), 4);
  for (int i = 0; i < 6; ++i) b.push_back(&ask("b", prompt(5, 10 + i), 200));
  step(3);
  EXPECT_EQ(n_writing(a), 2);
  EXPECT_EQ(n_writing(b), 2);
  for (int i = 0; i < 6; ++i) c.push_back(&ask("c", prompt(5, 20 + i), 200));
  step(3);
  EXPECT_EQ(n_writing(a) + n_writing(b), 3);
  EXPECT_EQ(n_writing(c), 1);
  const auto pauses = scheduler_->stats().pauses;
  EXPECT_EQ(pauses, 3);
  step(50);
  EXPECT_EQ(scheduler_->stats().pauses, pauses) << "places that are shared as well as they can be do not change hands";
}

TEST_F(SchedulerTest, one_place_is_given_to_clients_in_turn) {
  use({.max_parallel = 1});
  std::vector<Asked*> a, b, c;
  for (int i = 0; i < 6; ++i) a.push_back(&ask("a", prompt(5, i), 4));
  step();
  for (int i = 0; i < 3; ++i) b.push_back(&ask("b", prompt(5, 10 + i), 4));
  for (int i = 0; i < 2; ++i) c.push_back(&ask("c", prompt(5, 20 + i), 4));
  std::string order;
  std::size_t n[3] = {0, 0, 0};
  while (scheduler_->step()) {
    const std::vector<Asked*>* all[3] = {&a, &b, &c};
    for (int k = 0; k < 3; ++k) {
      if (n[k] < all[k]->size() && (*all[k])[n[k]]->ended()) order += static_cast<char>('a' + k), ++n[k];
    }
  }
  EXPECT_EQ(order, "abcabcabaaa");
  EXPECT_EQ(scheduler_->stats().pauses, 0);
}

TEST_F(SchedulerTest, more_clients_than_places_take_turns_and_write_what_they_would_have) {
  std::vector<std::vector<std::int32_t>> expected;
  for (int i = 0; i < 3; ++i) expected.push_back(alone(prompt(9, 20 * i), 100));
  use({.max_parallel = 2});
  std::vector<Asked*> asked;
  for (int i = 0; i < 2; ++i) asked.push_back(&ask(std::string(1, static_cast<char>('a' + i)), prompt(9, 20 * i), 100));
  step(5);
  asked.push_back(&ask("c", prompt(9, 40), 100));
  step(5);
  EXPECT_FALSE(asked[2]->started()) << "the others have their turn";
  step(20);
  EXPECT_TRUE(asked[2]->started());
  for (const Asked* one : asked) EXPECT_FALSE(one->ended());
  while (scheduler_->step()) {
    const auto [fewest, most] = std::minmax({asked[0]->tokens.size(), asked[1]->tokens.size(), asked[2]->tokens.size()});
    EXPECT_TRUE(most == 100 || most - fewest <= 32) << fewest << " " << most;
  }
  for (int i = 0; i < 3; ++i) EXPECT_EQ(asked[i]->tokens, expected[i]) << i;
  EXPECT_LE(scheduler_->stats().pauses, 3 * 100 / 16) << "one for each turn";
  EXPECT_EQ(scheduler_->stats().pages_free, scheduler_->stats().pages_total);
}

TEST_F(SchedulerTest, a_long_turn_does_not_keep_a_client_from_the_place_of_a_short_one) {
  use({.max_parallel = 2}, 1024);
  const Asked& deep = ask("a", prompt(600, 0), 100);  // a turn of 37 tokens
  const Asked& shallow = ask("b", prompt(5, 20), 100);
  while (shallow.tokens.size() < 20 || !deep.started()) step();
  const std::size_t before = deep.tokens.size();
  const Asked& next = ask("c", prompt(5, 40), 4);
  step(10);
  EXPECT_TRUE(next.ended());
  EXPECT_GT(deep.tokens.size(), before) << "it kept its place";
}

TEST_F(SchedulerTest, prompts_go_in_smaller_chunks_beside_an_answer) {
  use({.prefill_chunk = 32});
  const Asked& answer = ask("a", prompt(5, 0), 40);
  step(2);
  ASSERT_TRUE(answer.started());
  const Asked& beside = ask("b", prompt(20, 30), 1);
  step(3);
  EXPECT_EQ(beside.progress, (std::vector<int>{8, 16, 20}));
}

TEST_F(SchedulerTest, a_request_that_waits_and_is_cancelled_ends_though_those_before_it_wait_on) {
  use({.max_parallel = 1});
  ask("a", prompt(5, 0), 200);
  const Asked& second = ask("a", prompt(5, 1), 200);
  const Asked& third = ask("a", prompt(5, 2), 200);
  step(2);
  third.request->cancel();
  step();
  ASSERT_TRUE(third.ended());
  EXPECT_EQ(third.finished->reason, EngineFinished::Reason::cancelled);
  EXPECT_FALSE(second.ended());
}

TEST_F(SchedulerTest, the_long_prompts_of_one_client_leave_every_second_chunk_to_another) {
  use({.max_parallel = 4, .prefill_chunk = 16});
  std::vector<Asked*> a;
  for (int i = 0; i < 3; ++i) a.push_back(&ask("a", prompt(200, i), 4));
  step(2);
  const Asked& b = ask("b", prompt(48, 40), 4);
  step(6);
  EXPECT_TRUE(b.started());
  for (const Asked* asked : a) EXPECT_FALSE(asked->started());
  EXPECT_EQ(b.progress, (std::vector<int>{16, 32, 48}));
}

// Rewinds once, at its twelfth token: one of the answer's tokens is kept, two follow it.
class GoesBackLate final : public TokenConstraint {
 public:
  const TokenMask* mask() override { return nullptr; }
  std::optional<Rewind> accept(const Choice&) override {
    if (++n_ != 12) return std::nullopt;
    return Rewind{1, {7, 8}};
  }

 private:
  int n_ = 0;
};

TEST_F(SchedulerTest, an_answer_that_goes_back_after_it_was_paused_spoils_nothing_in_the_cache) {
  const auto expected = alone(prompt(9, 1), 40, std::make_shared<GoesBackLate>());
  const auto plain = alone(prompt(9, 1), 40);
  ASSERT_NE(expected, plain);
  use({.max_parallel = 2});
  ask("a", prompt(9, 0), 100);
  const Asked& goes_back = ask("a", prompt(9, 1), 40, std::make_shared<GoesBackLate>());
  step(10);  // nine tokens or ten, and their pages
  const Asked& b = ask("b", prompt(9, 2), 3);
  step(2);
  EXPECT_EQ(scheduler_->stats().pauses, 1);
  run_all();
  EXPECT_TRUE(b.ended());
  EXPECT_EQ(goes_back.tokens, expected);
  const Asked& again = ask("a", prompt(9, 1), 40);
  run_all();
  EXPECT_EQ(again.tokens, plain);
}

TEST_F(SchedulerTest, an_answer_that_may_fill_the_context_holds_only_the_pages_that_it_has_filled) {
  constexpr int kContext = 8192;  // as large as the cache
  use({}, kContext);
  const Asked& a = ask("a", prompt(40, 0), 1 << 24);
  step(3);
  const Asked& b = ask("b", prompt(40, 1), 1 << 24);
  step(1);
  EXPECT_TRUE(b.started());
  EXPECT_FALSE(a.ended());
  a.request->cancel();
  b.request->cancel();
  run_all();
  EXPECT_EQ(scheduler_->stats().pages_free, scheduler_->stats().pages_total);
}

TEST_F(SchedulerTest, when_the_pages_run_out_younger_requests_pause_and_all_write_what_they_would_have) {
  constexpr int kRequests = 64, kPrompt = 60, kOutput = 80;  // 64 pages of the 65 at first; then each wants a second one
  std::vector<std::vector<std::int32_t>> expected;
  for (int i = 0; i < kRequests; ++i) expected.push_back(alone(prompt(kPrompt, i), kOutput));
  use({.max_parallel = kRequests, .prefill_chunk = 1024}, 256, 128);
  std::vector<Asked*> asked;
  for (int i = 0; i < kRequests; ++i) asked.push_back(&ask(i % 3 == 0 ? "a" : "b", prompt(kPrompt, i), kOutput));
  while (!asked[0]->ended()) step();
  EXPECT_GE(scheduler_->stats().pauses, 20);
  run_all();
  for (int i = 0; i < kRequests; ++i) {
    EXPECT_EQ(asked[i]->tokens, expected[i]) << i;
    EXPECT_EQ(asked[i]->progress.back(), kPrompt);
    EXPECT_TRUE(std::is_sorted(asked[i]->progress.begin(), asked[i]->progress.end()));
  }
  EXPECT_EQ(scheduler_->stats().pages_free, scheduler_->stats().pages_total);
}

}  // namespace
}  // namespace baton::llm
