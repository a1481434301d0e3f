#include <baton/llm/chat/stop_matcher.h>
#include <gtest/gtest.h>

#include <random>

namespace baton::llm {
namespace {

std::string run(const std::vector<std::string>& stops, const std::vector<std::string>& pieces, bool* stopped = nullptr) {
  StopMatcher matcher(stops);
  std::string out;
  for (const auto& piece : pieces) matcher.push(piece, out);
  matcher.flush(out);
  EXPECT_EQ(matcher.length(), out.size());
  if (stopped) *stopped = matcher.stopped();
  return out;
}

TEST(StopMatcher, ends_the_text_before_a_stop_string_that_the_stream_cuts) {
  bool stopped = false;
  EXPECT_EQ(run({"STOP"}, {"speak S", "T", "OP and more"}, &stopped), "speak ");
  EXPECT_TRUE(stopped);
  EXPECT_EQ(run({"STOP"}, {"STO", " is not it, ST"}, &stopped), "STO is not it, ST");
  EXPECT_FALSE(stopped);
  EXPECT_EQ(run({}, {"a", "b"}), "ab");
  EXPECT_EQ(run({""}, {"a", "b"}), "ab");
}

TEST(StopMatcher, gives_out_at_once_what_cannot_be_part_of_a_stop_string) {
  StopMatcher matcher({"aab"});
  std::string out;
  matcher.push("xaaaa", out);
  EXPECT_EQ(out, "xaa");
  matcher.push("c", out);
  EXPECT_EQ(out, "xaaaac");
}

// Against a search in the whole text, over every stream of two letters.
TEST(StopMatcher, finds_what_a_search_of_the_whole_text_finds) {
  std::mt19937 random(3);
  for (int round = 0; round < 3000; ++round) {
    const auto word = [&](std::size_t n) {
      std::string s;
      for (std::size_t i = 0; i < n; ++i) s += "ab"[random() % 2];
      return s;
    };
    const std::vector<std::string> stops = {word(3 + random() % 6), word(4 + random() % 6)};
    const std::string text = word(40);
    std::size_t end = std::string::npos, begin = text.size();
    for (const auto& stop : stops) {
      const auto at = text.find(stop);
      if (at == std::string::npos || at + stop.size() > end) continue;
      if (at + stop.size() < end || at < begin) begin = at;
      end = at + stop.size();
    }
    std::vector<std::string> pieces;
    for (std::size_t i = 0; i < text.size();) {
      const std::size_t n = 1 + random() % 5;
      pieces.push_back(text.substr(i, n));
      i += n;
    }
    EXPECT_EQ(run(stops, pieces), text.substr(0, begin)) << text << " " << stops[0] << " " << stops[1];
  }
}

}  // namespace
}  // namespace baton::llm
