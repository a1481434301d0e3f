#include <baton/agent/runtime/run_queue.h>
#include <gtest/gtest.h>

namespace baton::agent {
namespace {

constexpr auto kNow = std::chrono::milliseconds(0);

std::string next_text(RunQueue& queue) {
  const auto input = queue.pop(kNow);
  if (!input) return "nothing";
  const auto* said = std::get_if<GeneratorSaid>(&*input);
  if (!said) return "something else";
  if (const auto* text = std::get_if<llm::TextDelta>(&said->delta)) return "text " + text->text;
  if (const auto* text = std::get_if<llm::ReasoningDelta>(&said->delta)) return "reasoning " + text->text;
  if (const auto* call = std::get_if<llm::CallArguments>(&said->delta))
    return "arguments " + std::to_string(call->index) + " " + call->fragment;
  if (const auto* prefill = std::get_if<llm::PrefillProgress>(&said->delta)) return "prefill " + std::to_string(prefill->done);
  return "another delta";
}

TEST(RunQueue, merges_streamed_text_that_waits) {
  RunQueue queue;
  queue.push(GeneratorSaid{1, llm::PrefillProgress{1, 9}});
  queue.push(GeneratorSaid{1, llm::PrefillProgress{9, 9}});
  queue.push(GeneratorSaid{1, llm::ReasoningDelta{"h"}});
  queue.push(GeneratorSaid{1, llm::ReasoningDelta{"m"}});
  queue.push(GeneratorSaid{1, llm::TextDelta{"a"}});
  queue.push(GeneratorSaid{1, llm::TextDelta{"b"}});
  queue.push(GeneratorSaid{1, llm::CallArguments{0, "{"}});
  queue.push(GeneratorSaid{1, llm::CallArguments{0, "}"}});
  queue.push(GeneratorSaid{1, llm::CallArguments{1, "{}"}});
  for (const char* expected : {"prefill 9", "reasoning hm", "text ab", "arguments 0 {}", "arguments 1 {}", "nothing"}) {
    EXPECT_EQ(next_text(queue), expected);
  }
}

TEST(RunQueue, merges_nothing_across_other_inputs_or_generations) {
  RunQueue queue;
  queue.push(GeneratorSaid{1, llm::TextDelta{"a"}});
  queue.push(Steered{"steer_1", {}});
  queue.push(GeneratorSaid{1, llm::TextDelta{"b"}});
  queue.push(GeneratorSaid{2, llm::TextDelta{"c"}});
  for (const char* expected : {"text a", "something else", "text b", "text c"}) EXPECT_EQ(next_text(queue), expected);
}

TEST(RunQueue, gives_back_what_waits_when_it_is_closed_and_takes_no_more) {
  RunQueue queue;
  EXPECT_TRUE(queue.push(Steered{"steer_1", {}}));
  EXPECT_EQ(queue.close().size(), 1u);
  EXPECT_FALSE(queue.push(CancelAsked{}));
  EXPECT_FALSE(queue.pop(kNow).has_value());
}

}  // namespace
}  // namespace baton::agent
