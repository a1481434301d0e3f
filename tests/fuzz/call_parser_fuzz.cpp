// An answer of any bytes, cut anywhere, gives the same calls and text as the whole answer, and never more text than was pushed. The first
// byte chooses the options, the second the size of the pieces.
#include <baton/llm/call_parser/call_parser.h>

#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace baton::llm;

struct Outcome {
  std::string text, calls, malformed;
  std::size_t length = 0;
};

Outcome read(std::string_view answer, std::size_t piece, unsigned options) {
  CallParserOptions o;
  if (options & 1) o.tools = {{"get_weather", "", Json::object()}, {"get_time", "", Json::object()}};
  o.parallel = options & 2;
  o.starts_in_reasoning = options & 4;
  o.new_call_id = [] { return std::string("call"); };
  CallParser parser(std::move(o));
  std::vector<Delta> deltas;
  for (std::size_t i = 0; i < answer.size(); i += piece) parser.push(answer.substr(i, piece), -0.5f, deltas);
  parser.finish(options & 8, deltas);
  Outcome outcome;
  for (const Delta& delta : deltas) {
    if (auto* text = std::get_if<TextDelta>(&delta)) outcome.text += text->text;
    if (auto* reasoning = std::get_if<ReasoningDelta>(&delta)) outcome.text += reasoning->text;
    if (auto* call = std::get_if<CallFinished>(&delta)) {
      outcome.calls += call->call.name + call->call.arguments.dump() + "\n";
      if (!call->call.arguments.is_object() || !(call->confidence >= 0 && call->confidence <= 1)) std::abort();
    }
  }
  outcome.malformed = parser.malformed();
  outcome.length = parser.length();
  if (outcome.text.size() > answer.size() || outcome.length > answer.size()) std::abort();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view answer(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Outcome whole = read(answer, answer.size() + 1, data[0]);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{1} + data[1] % 16}) {
    const Outcome cut = read(answer, piece, data[0]);
    if (cut.text != whole.text || cut.calls != whole.calls || cut.malformed != whole.malformed || cut.length != whole.length) std::abort();
  }
  return 0;
}
