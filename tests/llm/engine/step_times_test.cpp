#include <baton/llm/engine/step_times.h>
#include <gtest/gtest.h>

namespace baton::llm {
namespace {

using namespace std::chrono_literals;

TEST(StepTimes, before_anything_was_measured_a_quarter_of_the_chunk) {
  EXPECT_EQ(StepTimes().n_beside_answers(256), 64);
  EXPECT_EQ(StepTimes().n_beside_answers(16), 8);
  EXPECT_EQ(StepTimes().n_without_answers(256), 256);
  EXPECT_EQ(StepTimes().n_beside_answers(4), 4);
}

TEST(StepTimes, a_prompt_takes_about_as_long_as_the_answers_beside_it) {
  StepTimes times;
  times.add(256, false, 1024ms);  // 4 ms a token
  times.add(0, true, 200ms);
  EXPECT_EQ(times.n_beside_answers(256), 50);
  for (int i = 0; i < 50; ++i) times.add(50, true, 400ms);  // the answers' 200 ms and as much for the prompt
  EXPECT_NEAR(times.n_beside_answers(256), 50, 2);
  for (int i = 0; i < 50; ++i) times.add(50, true, 600ms);  // deeper in the context a token takes longer
  EXPECT_NEAR(times.n_beside_answers(256), 25, 2);
}

TEST(StepTimes, a_prompt_alone_is_cut_into_steps_of_half_a_second) {
  StepTimes times;
  times.add(256, false, 1280ms);  // 5 ms a token
  EXPECT_EQ(times.n_without_answers(256), 100);
}

TEST(StepTimes, a_piece_of_a_prompt_is_neither_tiny_nor_longer_than_the_chunk) {
  StepTimes slow;
  slow.add(100, false, 10s);
  slow.add(0, true, 10ms);
  EXPECT_EQ(slow.n_beside_answers(256), 8);
  EXPECT_EQ(slow.n_without_answers(256), 64);
  StepTimes fast;
  fast.add(256, false, 1ms);
  fast.add(0, true, 10ms);
  EXPECT_EQ(fast.n_beside_answers(256), 256);
  EXPECT_EQ(fast.n_without_answers(256), 256);
}

}  // namespace
}  // namespace baton::llm
