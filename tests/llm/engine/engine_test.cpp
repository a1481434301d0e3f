#include <baton/llm/engine/engine.h>
#include <baton/llm/model/cpu_backend.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "counting_backend.h"
#include "tiny_model.h"

namespace baton::llm {
namespace {

// Collects the output of a request; wait() returns when it has finished.
class Answer {
 public:
  Engine::Sink sink() {
    return [this](EngineEvent event) {
      std::scoped_lock lock(mutex_);
      ++n_events;
      if (auto* choice = std::get_if<Choice>(&event)) tokens.push_back(choice->id);
      if (auto* step = std::get_if<EngineProgress>(&event)) progress.push_back(*step);
      if (auto* end = std::get_if<EngineFinished>(&event)) finished = *end;
      changed_.notify_all();
    };
  }
  const EngineFinished& wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return finished.has_value(); });
    return *finished;
  }
  std::size_t n_tokens() {
    std::unique_lock lock(mutex_);
    return tokens.size();
  }
  void wait_for_tokens(std::size_t n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return tokens.size() >= n || finished; });
  }
  std::vector<std::int32_t> tokens;
  std::vector<EngineProgress> progress;
  std::optional<EngineFinished> finished;
  int n_events = 0;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

class EngineTest : public testing::Test {
 protected:
  Engine& engine(EngineOptions options = {}, std::int64_t kv_tokens = 0) {
    ModelOptions model_options;
    model_options.page_tokens = 4;
    model_options.max_batch = 512;
    model_options.kv_tokens = kv_tokens;
    auto backend = std::make_unique<test::CountingBackend>(make_cpu_backend({"", 2}).value(), counts_);
    engine_ = std::make_unique<Engine>(Model::load(tiny_.file(), std::move(backend), model_options).value(), options);
    return *engine_;
  }
  static EngineRequest request(std::vector<std::int32_t> prompt, int n) {
    EngineRequest r;
    r.prompt = std::move(prompt);
    r.max_output_tokens = n;
    return r;
  }
  static std::vector<std::int32_t> prompt(int n, int first = 5) {
    std::vector<std::int32_t> tokens;
    for (int i = 0; i < n; ++i) tokens.push_back((first + 11 * i) % 64);
    return tokens;
  }
  std::vector<std::int32_t> ask(Engine& engine, EngineRequest r, EngineFinished* finished = nullptr) {
    Answer answer;
    auto stream = engine.submit(std::move(r), answer.sink());
    const auto& end = answer.wait();
    if (finished) *finished = end;
    return answer.tokens;
  }

  test::TinyModel tiny_;
  std::shared_ptr<test::Crossings> counts_ = std::make_shared<test::Crossings>();
  std::unique_ptr<Engine> engine_;
};

TEST_F(EngineTest, the_next_turn_computes_only_what_follows_the_longest_common_prefix) {
  Engine& e = engine();
  EngineFinished first, second;
  auto conversation = prompt(30);
  const auto answer = ask(e, request(conversation, 10), &first);
  ASSERT_EQ(answer.size(), 10u);
  EXPECT_EQ(first.cached_tokens, 0);
  EXPECT_EQ(counts_->tokens, 30 + 9);  // the last token's keys and values are not needed yet

  conversation.insert(conversation.end(), answer.begin(), answer.end());
  const auto next = prompt(6, 40);
  conversation.insert(conversation.end(), next.begin(), next.end());
  counts_->tokens = 0;
  ask(e, request(conversation, 1), &second);
  EXPECT_EQ(second.prompt_tokens, 46);
  EXPECT_EQ(second.cached_tokens, 39);
  EXPECT_EQ(counts_->tokens, 7);
  while (e.stats().prompt_tokens < 30 + 46) std::this_thread::yield();  // the figures are updated a moment after the last token
  EXPECT_EQ(e.stats().cached_tokens, 39);
}

TEST_F(EngineTest, answers_from_a_shared_prefix_equal_answers_computed_from_scratch) {
  auto continued = prompt(23);
  continued.push_back(1);
  const auto fresh = ask(engine(), request(continued, 8));
  Engine& e = engine();
  ask(e, request(prompt(40), 4));
  EngineFinished finished;
  EXPECT_EQ(ask(e, request(continued, 8), &finished), fresh);
  EXPECT_EQ(finished.cached_tokens, 23);
  EXPECT_EQ(counts_->page_copies, 1) << "the page that both use half is copied before it is written to";
  EXPECT_EQ(ask(e, request(prompt(40), 4), &finished).size(), 4u);
  EXPECT_EQ(finished.cached_tokens, 39);
}

TEST_F(EngineTest, answers_to_one_question_asked_at_the_same_time_share_its_prompt) {
  const auto alone = ask(engine(), request(prompt(40), 12));
  EngineOptions options;
  options.prefill_chunk = 8;
  Engine& e = engine(options);
  counts_->tokens = 0;
  std::vector<Answer> answers(4);
  std::vector<std::unique_ptr<EngineStream>> streams;
  for (Answer& answer : answers) streams.push_back(e.submit(request(prompt(40), 12), answer.sink()));
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(answers[i].wait().cached_tokens, i == 0 ? 0 : 39);
    EXPECT_EQ(answers[i].tokens, alone);
  }
  EXPECT_EQ(counts_->tokens, 40 + 3 + 4 * 11) << "the prompt once, its last token for each, and what each wrote";
}

TEST_F(EngineTest, requests_that_share_batches_get_the_tokens_they_get_alone) {
  std::vector<std::vector<std::int32_t>> alone;
  for (int i = 0; i < 6; ++i) alone.push_back(ask(engine(), request(prompt(5 + 9 * i, i), 12)));
  EngineOptions options;
  options.max_parallel = 3;
  options.prefill_chunk = 8;
  Engine& e = engine(options);
  std::vector<Answer> answers(6);
  std::vector<std::unique_ptr<EngineStream>> streams;
  for (int i = 0; i < 6; ++i) streams.push_back(e.submit(request(prompt(5 + 9 * i, i), 12), answers[i].sink()));
  for (int i = 0; i < 6; ++i) {
    answers[i].wait();
    EXPECT_EQ(answers[i].tokens, alone[i]) << i;
  }
}

TEST_F(EngineTest, a_long_prompt_reports_its_progress_chunk_by_chunk) {
  EngineOptions options;
  options.prefill_chunk = 16;
  Answer answer;
  auto stream = engine(options).submit(request(prompt(50), 1), answer.sink());
  answer.wait();
  ASSERT_EQ(answer.progress.size(), 4u);
  EXPECT_EQ(answer.progress[0].done, 16);
  EXPECT_EQ(answer.progress[3].done, 50);
  EXPECT_EQ(answer.progress[3].total, 50);
}

TEST_F(EngineTest, a_prompt_longer_than_the_context_is_refused_with_both_figures) {
  EngineFinished finished;
  ask(engine(), request(prompt(300), 1), &finished);
  ASSERT_TRUE(finished.error);
  EXPECT_EQ(finished.error->code, errc::context_overflow);
  EXPECT_NE(finished.error->message.find("300"), std::string::npos);
  EXPECT_NE(finished.error->message.find("256"), std::string::npos);
}

TEST_F(EngineTest, bad_tokens_and_empty_prompts_are_refused_and_the_engine_goes_on) {
  Engine& e = engine();
  EngineFinished finished;
  ask(e, request({1, 64}, 1), &finished);
  ASSERT_TRUE(finished.error);
  EXPECT_NE(finished.error->message.find("64"), std::string::npos);
  ask(e, request({-1}, 1), &finished);
  EXPECT_TRUE(finished.error);
  ask(e, request({}, 1), &finished);
  EXPECT_TRUE(finished.error);
  EXPECT_EQ(ask(e, request({1, 2}, 3), &finished).size(), 3u);
  EXPECT_FALSE(finished.error);
}

TEST_F(EngineTest, an_answer_ends_at_the_edge_of_the_context_with_reason_length) {
  EngineFinished finished;
  EXPECT_EQ(ask(engine(), request(prompt(250), 100), &finished).size(), 6u);
  EXPECT_EQ(finished.reason, EngineFinished::Reason::length);
}

TEST_F(EngineTest, a_stop_token_ends_the_answer_and_is_its_last_token) {
  Engine& e = engine();
  const auto free_run = ask(e, request(prompt(4), 12));
  EngineRequest r = request(prompt(4), 12);
  r.stop_tokens = {free_run[5]};
  EngineFinished finished;
  const auto tokens = ask(e, std::move(r), &finished);
  EXPECT_EQ(finished.reason, EngineFinished::Reason::stop_token);
  EXPECT_EQ(tokens.back(), free_run[5]);
  EXPECT_LE(tokens.size(), 6u);
}

TEST_F(EngineTest, cancel_ends_a_running_and_a_waiting_request_and_frees_their_pages) {
  EngineOptions options;
  options.max_parallel = 1;
  Engine& e = engine(options);
  Answer running, waiting;
  auto a = e.submit(request(prompt(4), 200), running.sink());
  auto b = e.submit(request(prompt(4), 200), waiting.sink());
  running.wait_for_tokens(3);
  b->cancel();
  a->cancel();
  EXPECT_EQ(running.wait().reason, EngineFinished::Reason::cancelled);
  EXPECT_EQ(waiting.wait().reason, EngineFinished::Reason::cancelled);
  EXPECT_LT(running.tokens.size(), 200u);
  EXPECT_EQ(ask(e, request(prompt(200, 9), 50)).size(), 50u);
  // The figures are updated a moment after the last token.
  while (e.stats().active > 0) std::this_thread::yield();
  EXPECT_EQ(e.stats().pages_free, e.stats().pages_total);
}

TEST_F(EngineTest, after_its_stream_is_destroyed_a_sink_is_never_called_again) {
  Engine& e = engine();
  Answer answer;
  auto stream = e.submit(request(prompt(4), 200), answer.sink());
  answer.wait_for_tokens(2);
  stream.reset();
  const int n = answer.n_events;
  ask(e, request(prompt(8), 20));
  EXPECT_EQ(answer.n_events, n);
}

TEST_F(EngineTest, more_requests_than_the_cache_holds_wait_for_their_turn) {
  Engine& e = engine({}, 0);  // at least 8192 tokens: 33 requests of up to 256 do not fit at once
  EngineOptions options;
  options.max_parallel = 64;
  Engine& wide = engine(options);
  (void)e;
  std::vector<Answer> answers(40);
  std::vector<std::unique_ptr<EngineStream>> streams;
  for (int i = 0; i < 40; ++i) streams.push_back(wide.submit(request(prompt(3, i), 253), answers[i].sink()));
  for (int i = 0; i < 40; ++i) {
    streams[i]->cancel();
    EXPECT_FALSE(answers[i].wait().error);
  }
}

class OnlyEven final : public TokenConstraint {
 public:
  const TokenMask* mask() override { return &mask_; }
  std::optional<Rewind> accept(const Choice& choice) override {
    accepted.push_back(choice.id);
    return std::nullopt;
  }
  std::vector<std::int32_t> accepted;

 private:
  TokenMask mask_ = {0x55555555u, 0x55555555u};
};

TEST_F(EngineTest, a_constraint_is_obeyed_and_told_of_every_token) {
  auto constraint = std::make_shared<OnlyEven>();
  EngineRequest r = request(prompt(4), 20);
  r.constraint = constraint;
  const auto tokens = ask(engine(), std::move(r));
  for (int id : tokens) EXPECT_EQ(id % 2, 0);
  EXPECT_EQ(constraint->accepted, tokens);
}

// Does not know the fourth token until it is released.
class WaitsBehindThree final : public TokenConstraint {
 public:
  bool waiting() override {
    ++n_asked;
    return n_ == 3 && !go;
  }
  const TokenMask* mask() override { return nullptr; }
  std::optional<Rewind> accept(const Choice&) override {
    ++n_;
    return std::nullopt;
  }
  std::atomic<bool> go = false;
  std::atomic<int> n_asked = 0;

 private:
  int n_ = 0;
};

TEST_F(EngineTest, an_answer_whose_constraint_waits_holds_up_no_other_and_goes_on_as_it_would_have) {
  Engine& e = engine();
  const auto plain = ask(e, request(prompt(9), 12));
  auto waits = std::make_shared<WaitsBehindThree>();
  EngineRequest r = request(prompt(9), 12);
  r.constraint = waits;
  Answer answer;
  auto stream = e.submit(std::move(r), answer.sink());
  answer.wait_for_tokens(3);
  EXPECT_EQ(ask(e, request(prompt(7, 40), 30)).size(), 30u);
  {
    Answer cancelled;  // a waiting request can be cancelled, too
    EngineRequest other = request(prompt(9), 12);
    other.constraint = std::make_shared<WaitsBehindThree>();
    auto cancelled_stream = e.submit(std::move(other), cancelled.sink());
    cancelled.wait_for_tokens(3);
    cancelled_stream->cancel();
    EXPECT_EQ(cancelled.wait().reason, EngineFinished::Reason::cancelled);
  }
  EXPECT_EQ(answer.n_tokens(), 3u);
  waits->go = true;
  e.wake();
  answer.wait();
  EXPECT_EQ(answer.tokens, plain);
}

TEST_F(EngineTest, while_all_answers_wait_the_engine_sleeps_until_it_is_woken) {
  Engine& e = engine();
  auto waits = std::make_shared<WaitsBehindThree>();
  EngineRequest r = request(prompt(9), 12);
  r.constraint = waits;
  Answer answer;
  auto stream = e.submit(std::move(r), answer.sink());
  answer.wait_for_tokens(3);
  const auto sleeps = [&] {  // nothing is asked of the constraint for a while
    const int n = waits->n_asked;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return waits->n_asked == n;
  };
  for (int i = 0; i < 100 && !sleeps(); ++i) {
  }
  EXPECT_TRUE(sleeps());
  waits->go = true;
  EXPECT_TRUE(sleeps()) << "no timer notices it";
  EXPECT_EQ(answer.n_tokens(), 3u);
  e.wake();
  answer.wait();
  EXPECT_EQ(answer.tokens.size(), 12u);
}

// Rewinds once, after the third token: `keep` of the answer's tokens are kept, `then` follow.
class GoesBack final : public TokenConstraint {
 public:
  explicit GoesBack(Rewind to) : to_(std::move(to)) {}
  const TokenMask* mask() override { return nullptr; }
  std::optional<Rewind> accept(const Choice&) override {
    if (++n_ != 3) return std::nullopt;
    return to_;
  }

 private:
  Rewind to_;
  int n_ = 0;
};

TEST_F(EngineTest, an_answer_goes_back_and_on_as_if_nothing_else_had_been_written) {
  Engine& e = engine({.max_parallel = 4, .prefill_chunk = 16});
  const auto question = prompt(9);
  const auto plain = ask(e, request(question, 6));
  for (const int n_then : {0, 1, 3, 45}) {  // 45: more than a step computes
    const auto then = prompt(n_then, 7);
    EngineRequest r = request(question, 60);
    r.constraint = std::make_shared<GoesBack>(Rewind{1, then});
    EngineFinished end;
    const auto tokens = ask(e, std::move(r), &end);
    // The first two were reported, the third was withdrawn; one of them is kept.
    ASSERT_EQ(end.output_tokens, 60);
    ASSERT_EQ(tokens.size(), 2u + 60 - 1 - then.size());
    std::vector<std::int32_t> written = question;
    written.push_back(plain[0]);
    written.insert(written.end(), then.begin(), then.end());
    const auto expected = ask(e, request(written, 8));
    for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(tokens[2 + i], expected[i]) << n_then << " " << i;
  }
}

// Proposes the next tokens, from a recorded answer; at places divisible by `wrong_every`, wrong ones.
class Drafts final : public TokenConstraint {
 public:
  Drafts(std::vector<std::int32_t> truth, int wrong_every, int length)
      : truth_(std::move(truth)), wrong_every_(wrong_every), length_(length) {}
  const TokenMask* mask() override { return nullptr; }
  std::optional<Rewind> accept(const Choice& choice) override {
    accepted.push_back(choice.id);
    return std::nullopt;
  }
  std::vector<std::int32_t> draft() override {
    std::vector<std::int32_t> out;
    for (std::size_t i = accepted.size(); i < truth_.size() && out.size() < static_cast<std::size_t>(length_); ++i) {
      out.push_back(wrong_every_ > 0 && i % static_cast<std::size_t>(wrong_every_) == 0 ? (truth_[i] + 1) % 64 : truth_[i]);
    }
    return out;
  }
  std::vector<std::int32_t> accepted;

 private:
  std::vector<std::int32_t> truth_;
  int wrong_every_, length_;
};

TEST_F(EngineTest, a_draft_changes_the_number_of_steps_and_nothing_else) {
  for (const float temperature : {0.0f, 2.0f}) {
    const auto ask_for = [&](Engine& e, std::shared_ptr<TokenConstraint> constraint) {
      EngineRequest r = request(prompt(9), 40);
      r.sampling.temperature = temperature;
      r.sampling.seed = 5;
      r.constraint = std::move(constraint);
      return ask(e, std::move(r));
    };
    const auto plain = ask_for(engine(), nullptr);
    for (const int wrong_every : {0, 1, 2, 5}) {
      for (const int length : {1, 3, 100}) {
        Engine& e = engine({.prefill_chunk = 24});
        auto drafts = std::make_shared<Drafts>(plain, wrong_every, length);
        counts_->tokens = 0;
        EXPECT_EQ(ask_for(e, drafts), plain) << wrong_every << " " << length;
        EXPECT_EQ(drafts->accepted, plain);
        while (e.stats().active > 0) std::this_thread::yield();
        const EngineStats stats = e.stats();
        EXPECT_EQ(stats.output_tokens, 40);
        EXPECT_EQ(counts_->tokens, 9 + 39 + stats.drafted_tokens - stats.accepted_tokens);
        EXPECT_EQ(stats.steps, 40 - stats.accepted_tokens);
        if (wrong_every == 0) {
          EXPECT_EQ(stats.drafted_tokens, stats.accepted_tokens);
        }
        if (wrong_every == 1) {
          EXPECT_EQ(stats.accepted_tokens, 0);
        }
        if (wrong_every == 0 && length == 100) {
          EXPECT_EQ(stats.steps, 1 + 3);  // 1, then 17, 17 and the last 5
        }
      }
    }
    EXPECT_EQ(ask_for(engine({.max_draft = 0}), std::make_shared<Drafts>(plain, 0, 9)), plain);
  }
}

TEST_F(EngineTest, sampling_with_a_seed_repeats) {
  EngineRequest r = request(prompt(4), 20);
  r.sampling.temperature = 2;
  r.sampling.seed = 3;
  Engine& e = engine();
  const auto first = ask(e, r);
  EXPECT_EQ(ask(e, r), first);
  r.sampling.seed = 4;
  EXPECT_NE(ask(e, r), first);
}

TEST_F(EngineTest, destroying_the_engine_ends_what_runs) {
  Answer answer;
  Engine& e = engine();
  auto stream = e.submit(request(prompt(4), 250), answer.sink());
  answer.wait_for_tokens(1);
  engine_.reset();
  EXPECT_TRUE(answer.finished.has_value());
}

}  // namespace
}  // namespace baton::llm
