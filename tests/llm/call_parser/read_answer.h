#pragma once
// CallParser's result for an answer, for any cuts into pushes.
#include <baton/llm/call_parser/call_parser.h>
#include <gtest/gtest.h>

#include <ostream>
#include <random>
#include <string>
#include <vector>

namespace baton::llm {

// The result of an answer, with adjacent deltas of text merged.
struct Parsed {
  std::string text, reasoning, malformed;
  std::vector<std::string> calls;  // "name {arguments}"
  std::vector<double> confidence;
  std::size_t length = 0;
  bool done = false, left_out = false;
  std::vector<std::string> order;  // "text", "reasoning", "call"

  bool operator==(const Parsed& o) const {  // confidence depends on the tokens
    return text == o.text && reasoning == o.reasoning && malformed == o.malformed && calls == o.calls && length == o.length &&
           done == o.done && left_out == o.left_out && order == o.order;
  }
};

inline std::ostream& operator<<(std::ostream& out, const Parsed& p) {
  out << "text <" << p.text << "> reasoning <" << p.reasoning << "> malformed <" << p.malformed << "> length " << p.length << " done "
      << p.done;
  for (const auto& call : p.calls) out << "\n  " << call;
  return out;
}

struct Options {
  bool parallel = true, starts_in_reasoning = false, cut = false;
  std::vector<std::string> tools = {"get_weather", "get_time", "calculate"};
};

inline std::vector<ToolSpec> specs(const std::vector<std::string>& names) {
  std::vector<ToolSpec> tools;
  for (const std::string& name : names) tools.push_back({name, "", {{"type", "object"}}});
  return tools;
}

class Reader {
 public:
  explicit Reader(const Options& options)
      : options_(options), parser_({specs(options.tools), {}, options.parallel, options.starts_in_reasoning, [this] {
                                      return "call_" + std::to_string(++ids_);
                                    }}) {}
  void push(std::string_view piece, float logprob = 0) {
    std::vector<Delta> deltas;
    parser_.push(piece, logprob, deltas);
    take(deltas);
  }
  Parsed end() {
    std::vector<Delta> deltas;
    parser_.finish(options_.cut, deltas);
    take(deltas);
    p_.malformed = parser_.malformed();
    p_.length = parser_.length();
    p_.done = parser_.done();
    p_.left_out = parser_.left_out_calls();
    EXPECT_EQ(parser_.n_calls(), static_cast<int>(p_.calls.size()));
    return p_;
  }
  const Parsed& so_far() const { return p_; }

 private:
  void note(const std::string& kind) {
    if (p_.order.empty() || p_.order.back() != kind || kind == "call") p_.order.push_back(kind);
  }
  void take(const std::vector<Delta>& deltas) {
    for (const Delta& delta : deltas) {
      if (auto* text = std::get_if<TextDelta>(&delta)) {
        note("text");
        p_.text += text->text;
        EXPECT_FALSE(text->text.empty());
      } else if (auto* reasoning = std::get_if<ReasoningDelta>(&delta)) {
        note("reasoning");
        p_.reasoning += reasoning->text;
      } else if (auto* started = std::get_if<CallStarted>(&delta)) {
        EXPECT_EQ(started->index, static_cast<int>(p_.calls.size()));
        arguments_.clear();
        id_ = started->id;
      } else if (auto* arguments = std::get_if<CallArguments>(&delta)) {
        arguments_ += arguments->fragment;
      } else if (auto* finished = std::get_if<CallFinished>(&delta)) {
        note("call");
        EXPECT_EQ(finished->call.id, id_);
        EXPECT_EQ(finished->index, static_cast<int>(p_.calls.size()));
        EXPECT_EQ(Json::parse(arguments_), finished->call.arguments);
        EXPECT_TRUE(finished->call.arguments.is_object());
        p_.calls.push_back(finished->call.name + " " + finished->call.arguments.dump());
        p_.confidence.push_back(finished->confidence);
      } else {
        ADD_FAILURE() << "a delta that a parser does not give";
      }
    }
  }
  Options options_;
  int ids_ = 0;
  CallParser parser_;
  Parsed p_;
  std::string arguments_, id_;
};

// Reads the answer whole, byte by byte, at every split in two and at many random ones, and expects the same each time.
inline Parsed parse(const std::string& answer, const Options& options = {}) {
  const auto read = [&](const std::vector<std::size_t>& cuts) {
    Reader reader(options);
    std::size_t from = 0;
    for (const std::size_t cut : cuts) {
      reader.push(std::string_view(answer).substr(from, cut - from));
      from = cut;
    }
    reader.push(std::string_view(answer).substr(from));
    return reader.end();
  };
  const Parsed whole = read({});
  std::vector<std::size_t> all;
  for (std::size_t i = 1; i < answer.size(); ++i) {
    all.push_back(i);
    EXPECT_EQ(read({i}), whole) << answer << "\ncut at " << i;
  }
  EXPECT_EQ(read(all), whole) << answer;
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::size_t> cuts;
    for (const std::size_t i : all) {
      if (random() % 4 == 0) cuts.push_back(i);
    }
    EXPECT_EQ(read(cuts), whole) << answer;
  }
  return whole;
}

using Calls = std::vector<std::string>;
inline const std::string kWeather = R"({"name": "get_weather", "arguments": {"city": "Paris"}})";
inline const std::string kTime = R"({"name": "get_time", "arguments": {"zone": "Asia/Tokyo"}})";
inline const Calls kOne = {R"(get_weather {"city":"Paris"})"};
inline const Calls kTwo = {R"(get_weather {"city":"Paris"})", R"(get_time {"zone":"Asia/Tokyo"})"};

}  // namespace baton::llm
