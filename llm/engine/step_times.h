#pragma once
// Measures how long steps take, and decides how much of a prompt fits beside running answers. Internal to llm/engine; single-threaded.
#include <algorithm>
#include <chrono>

namespace baton::llm {

// An answer waits for the whole step in which a piece of another request's prompt is computed. The length of the piece is chosen so that it
// takes about as long as the answers' own tokens. So a prompt of any length makes each token of an answer take twice the time, not ten
// times. A prompt without answers beside it is cut as well, because a request that arrives meanwhile waits for the step. On a fast device
// both are the whole chunk.
class StepTimes {
 public:
  using Duration = std::chrono::duration<double>;  // seconds

  // A forward pass took `time`: over `n_prompt` tokens of prompts, and over the next tokens of answers if `with_answers`.
  void add(int n_prompt, bool with_answers, Duration time) {
    if (n_prompt == 0) return mix(answers_, time.count());
    const double rest = with_answers ? time.count() - answers_ : time.count();
    mix(prompt_token_, std::max(rest, 0.1 * time.count()) / n_prompt);
  }

  // Prompt tokens of the next step beside answers; at most `chunk`.
  int n_beside_answers(int chunk) const {
    if (answers_ <= 0 || prompt_token_ <= 0) return std::max(std::min(kLeast, chunk), chunk / 4);
    return between(kLeast, answers_ / prompt_token_, chunk);
  }
  int n_without_answers(int chunk) const { return prompt_token_ <= 0 ? chunk : between(kLeastAlone, kLongest / prompt_token_, chunk); }

 private:
  // With fewer tokens, most of the time would be spent on reading the weights once more.
  static constexpr int kLeast = 8, kLeastAlone = 64;
  static constexpr double kLongest = 0.5;      // seconds of a step without answers
  static constexpr double kWeightOfNew = 0.2;  // weight of the newest value in the moving average
  static int between(int least, double wanted, int chunk) {
    return static_cast<int>(std::clamp<double>(wanted, std::min(least, chunk), chunk));
  }
  static void mix(double& average, double latest) {
    average = average <= 0 ? latest : (1 - kWeightOfNew) * average + kWeightOfNew * latest;
  }

  double answers_ = 0;       // seconds of a step with answers only; 0: not measured yet
  double prompt_token_ = 0;  // seconds per token of a prompt; likewise
};

}  // namespace baton::llm
