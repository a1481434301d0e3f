#include <cmath>

#include "read_answer.h"

namespace baton::llm {
namespace {

TEST(CallParser, reads_one_call_in_every_form_that_models_write) {
  const std::vector<std::string> answers = {
      kWeather,
      "\n  " + kWeather + "\n",
      "<tool_call>\n" + kWeather + "\n</tool_call>",
      "<tool_call>" + kWeather + "</tool_call>",
      "```json\n" + kWeather + "\n```",
      "```JSON\n" + kWeather + "\n```\n",
      "```\n" + kWeather + "\n```",
      "````\n" + kWeather + "\n````",
      "```json " + kWeather + "```",
      "```tool_call\n" + kWeather + "\n```",
      "```xml\n<tool_call>\n" + kWeather + "\n</tool_call>\n```",
      "<tool_call>\n```json\n" + kWeather + "\n```\n</tool_call>",
      "<tools>\n" + kWeather + "\n</tools>",
      "<function_call>" + kWeather + "</function_call>",
      "[" + kWeather + "]",
      "[\n  " + kWeather + "\n]\n",
      "```json\n[" + kWeather + "]\n```",
      R"({"name": "get_weather", "parameters": {"city": "Paris"}})",
      R"({"function": "get_weather", "arguments": {"city": "Paris"}})",
      R"({"tool": "get_weather", "arguments": {"city": "Paris"}})",
      R"({"type": "function", "function": {"name": "get_weather", "arguments": {"city": "Paris"}}})",
      R"({"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{\"city\": \"Paris\"}"}})",
      R"({"arguments": {"city": "Paris"}, "name": "get_weather"})",
      R"({"name": "get_weather", "arguments": "{\"city\": \"Paris\"}"})",
      "{\n  \"name\": \"get_weather\",\n  \"arguments\": {\n    \"city\": \"Paris\"\n  }\n}",
  };
  for (const auto& answer : answers) {
    const Parsed p = parse(answer);
    EXPECT_EQ(p.calls, kOne) << answer;
    EXPECT_EQ(p.text, "") << answer;
    EXPECT_EQ(p.malformed, "");
    EXPECT_EQ(p.length, answer.size()) << answer;
    EXPECT_FALSE(p.done) << answer;
  }
}

TEST(CallParser, reads_several_calls_in_every_form_that_models_write) {
  const std::vector<std::string> answers = {
      kWeather + "\n" + kTime,
      kWeather + " " + kTime,
      kWeather + kTime,
      kWeather + ",\n" + kTime,
      "[" + kWeather + ", " + kTime + "]",
      "[" + kWeather + "]\n[" + kTime + "]",
      "<tool_call>\n" + kWeather + "\n</tool_call>\n<tool_call>\n" + kTime + "\n</tool_call>",
      "<tool_call>" + kWeather + "<tool_call>" + kTime,
      "<tool_call>\n" + kWeather + "\n" + kTime + "\n</tool_call>",
      "<tool_call>[" + kWeather + "," + kTime + "]</tool_call>",
      "```json\n" + kWeather + "\n" + kTime + "\n```",
      "```json\n" + kWeather + "\n```\n\n```json\n" + kTime + "\n```",
      "```json\n" + kWeather + "\n```\n\n```\n" + kTime + "\n```",
      "```json\n[\n" + kWeather + ",\n" + kTime + "\n]\n```",
      kWeather + "\n<tool_call>" + kTime + "</tool_call>",
  };
  for (const auto& answer : answers) {
    const Parsed p = parse(answer);
    EXPECT_EQ(p.calls, kTwo) << answer;
    EXPECT_EQ(p.text, "") << answer;
    EXPECT_FALSE(p.done) << answer;
  }
}

TEST(CallParser, keeps_the_text_before_calls_without_its_last_white_space) {
  for (const std::string& call :
       std::vector<std::string>{kWeather, "```json\n" + kWeather + "\n```", "<tool_call>" + kWeather + "</tool_call>"}) {
    const Parsed p = parse("Let me look.\n\nOne moment:  \n\n" + call);
    EXPECT_EQ(p.text, "Let me look.\n\nOne moment:");
    EXPECT_EQ(p.calls, kOne);
    EXPECT_EQ(p.order, (Calls{"text", "call"}));
  }
  EXPECT_EQ(parse("Sure. <tool_call>" + kWeather + "</tool_call>").calls, kOne) << "tags count within a line";
}

TEST(CallParser, reads_a_call_in_bold_or_brackets_and_keeps_such_text) {
  for (const std::string before : {"", "Here is the call:\n\n", "* first\n* second\n"}) {
    for (const std::string marks : {"*", "**", "***", "(", "**("}) {
      const Parsed p = parse(before + marks + kWeather + marks + "\n\nThis calls it.");
      EXPECT_EQ(p.calls, kOne) << before << marks;
      EXPECT_EQ(p.text, before.substr(0, before.find_last_not_of('\n') + 1));
      EXPECT_EQ(p.length, before.size() + marks.size() + kWeather.size()) << "what follows the call does not belong to the answer";
    }
  }
  for (const std::string text :
       {"**bold** and *so*", "**", "* {\"a\": 1}\n", "**\n", "a\n** [x](y)", "**<think>x", "(or so)", "(", "( [1] )", "(*"}) {
    const Parsed p = parse(text);
    EXPECT_EQ(p.text, text);
    EXPECT_EQ(p.calls, Calls{});
  }
  EXPECT_EQ(parse("* " + kWeather).calls, Calls{}) << "a bullet is a word of its line";
}

TEST(CallParser, ends_the_answer_at_the_first_text_after_a_call) {
  for (const std::string& call :
       std::vector<std::string>{kWeather, "```json\n" + kWeather + "\n```", "<tool_call>" + kWeather + "</tool_call>"}) {
    const Parsed p = parse(call + "\n\nThe weather is fine.\n" + kTime);
    EXPECT_EQ(p.calls, kOne);
    EXPECT_EQ(p.text, "");
    EXPECT_TRUE(p.done);
    EXPECT_EQ(p.length, call.size()) << "closers belong to the answer, what follows does not";
  }
  const Parsed other = parse(kWeather + "\n{\"temperature\": 12}");
  EXPECT_EQ(other.calls, kOne);
  EXPECT_TRUE(other.done);
  EXPECT_EQ(other.length, kWeather.size());
  EXPECT_EQ(parse("```json\n" + kWeather + "\n```\n```python\nx\n```").calls, kOne);
}

TEST(CallParser, goes_on_with_the_list_of_which_a_call_is_an_item) {
  const Calls both = kTwo;
  const std::string fenced = "```json\n" + kTime + "\n```";
  for (const std::string& answer : {
           "Two steps:\n\n1. **The weather**:\n   ```json\n" + kWeather + "\n   ```\n\n2. **The time**, by `get_time`:\n" + fenced,
           "1) The weather\n" + kWeather + "\n2) The time\n" + kTime,
           "- The weather\n<tool_call>" + kWeather + "</tool_call>\n- The time <tool_call>" + kTime + "</tool_call>",
           "### Step 1: the weather\n\n" + kWeather + "\n\n### Step 2: the time {now}\n\n" + kTime,
           "1. Both:\n[" + kWeather + "]\n2.\n- The time:\n```\n" + kTime + "\n```",
       }) {
    const Parsed p = parse(answer);
    EXPECT_EQ(p.calls, both) << answer;
    EXPECT_EQ(p.text, answer.substr(0, p.text.size())) << answer;
    EXPECT_EQ(p.text.find("2"), std::string::npos) << "an item's words are dropped: " << p.text;
    EXPECT_GE(p.length, answer.size() - 4) << answer;
  }
}

TEST(CallParser, ends_before_an_item_that_is_no_call) {
  const std::string call = "1. The weather:\n" + kWeather;
  for (const std::string& more :
       {std::string("\n\n3. The time:\n") + kTime, std::string("\n2. It is fine in Rome."), "\n2. The time:\n```python\nx\n```\n" + kTime,
        "\n2.5 degrees\n" + kTime, "\n- The time:\n" + kTime, "\nThe time:\n" + kTime, "\n2. " + std::string(400, 'x') + "\n" + kTime}) {
    const Parsed p = parse(call + more);
    EXPECT_EQ(p.calls, kOne) << more;
    EXPECT_EQ(p.text, "1. The weather:") << more;
    EXPECT_EQ(p.length, call.size()) << more;
  }
  EXPECT_EQ(parse(kWeather + "\n2. The time:\n" + kTime).calls, kOne) << "no list was begun";
  Options one;
  one.parallel = false;
  EXPECT_EQ(parse(call + "\n2. The time:\n" + kTime, one).calls, kOne);
}

TEST(CallParser, leaves_text_that_is_no_call_as_it_is) {
  const std::vector<std::string> answers = {
      "",
      "\n\n",
      "Hello, world.\n",
      "  indented\n\n\n text  ",
      R"({"name": "Joke", "arguments": {"topic": "cats"}})",
      R"({"name": "Alice", "age": 30})",
      R"({"temperature": 12, "unit": "celsius"})",
      R"([{"name": "Joke", "arguments": {}}])",
      "[]",
      "{}",
      "[1, 2, 3]",
      "[link](https://example.org) and [x] a box",
      "[" + kWeather + ", {\"name\": \"Joke\", \"arguments\": {}}]",
      "[" + kWeather + ", 5]",
      "I would call " + kWeather + " for that.",
      "Result: " + kWeather,
      R"({"calls": [)" + kWeather + "]}",
      "{\n\"calls\": [\n" + kWeather + "\n]\n}",
      "[\n[\n" + kWeather + "\n]\n]",
      R"({"name": "get_weather", "description": "Weather of a city", "parameters": {"type": "object", "properties": {}}})",
      R"({"type": "function", "function": {"name": "get_weather", "description": "x", "parameters": {}}})",
      R"({"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}})",
      R"({"name": "get_weather"})",
      R"({"name": "get_weather", "arguments": {}, "result": 12})",
      R"({"name": "get_weather", "arguments": {}, "parameters": {}})",
      R"({"name": "get_weather", "function": "get_time", "arguments": {}})",
      "```python\n" + kWeather + "\n```\n",
      "```python\n{\"a\": 1}\n\n" + kWeather + "\n```\n",
      "```\nplain\n" + kWeather + "\n```\n",
      "```json\n{\"a\": 1}\n" + kWeather + "\n```\n",
      "```xml\n<root>\n" + kWeather + "\n</root>\n```",
      "```\n<tool>x\n```",
      "````\n```json\n" + kWeather + "\n```\n````\n",
      "```inline``` and ``two`` and `one`\n",
      "``` not a language\nx\n```",
      "Use the `<tool_call>` tag, or <tool_call> alone, or </tool_call>.",
      "a < b, <b>bold</b>, <tool and <tool_calling>, 1 <",
      "The <think> tag in the middle.",
      "struct S {\n  int x;\n};\n{ int y; }\n[[nodiscard]] int f();",
      "- item\n  - {x}\n    [y]\n",
      "```json\n",
      "```",
      "``",
      "<tool_c",
      "<tool_call>  \n",
      "caf\u00e9 \u65e5\u672c\u8a9e \U0001f600 {\u00e9}\n{\u00e9",
  };
  for (const auto& answer : answers) {
    const Parsed p = parse(answer);
    EXPECT_EQ(p.text, answer);
    EXPECT_EQ(p.calls, Calls{}) << answer;
    EXPECT_EQ(p.malformed, "") << answer;
    EXPECT_FALSE(p.done);
  }
}

TEST(CallParser, finds_a_call_after_code_and_json_that_are_none) {
  for (const std::string before :
       {"```python\nx = {}\n```", "```json\n{\"a\": 1}\n```", "```x```", "{\"a\": 1}", "[1]", "{ broken", "a < b", "[x](y)"}) {
    const Parsed p = parse(before + "\n" + kWeather);
    EXPECT_EQ(p.calls, kOne) << before;
    EXPECT_EQ(p.text, before);
  }
}

TEST(CallParser, gives_a_call_in_tool_call_tags_even_if_nobody_offered_the_tool) {
  EXPECT_EQ(parse(R"(<tool_call>{"name": "Joke", "arguments": {}}</tool_call>)").calls, Calls{"Joke {}"});
  EXPECT_EQ(parse(R"(<tool_call>{"name": "get_time"}</tool_call>)").calls, Calls{"get_time {}"});
  EXPECT_EQ(parse(R"(<tools>{"name": "Joke", "arguments": {}}</tools>)").calls, Calls{});
}

TEST(CallParser, reads_nothing_as_a_call_when_no_tools_are_offered) {
  Options none;
  none.tools.clear();
  for (const std::string& answer :
       std::vector<std::string>{kWeather, "<tool_call>" + kWeather + "</tool_call>", "```json\n" + kWeather + "\n```"}) {
    EXPECT_EQ(parse(answer, none).text, answer);
    EXPECT_EQ(parse(answer, none).calls, Calls{});
  }
  EXPECT_EQ(parse("<think>so</think>" + kWeather, none).reasoning, "so");
}

TEST(CallParser, stops_after_the_first_call_when_calls_may_not_be_parallel) {
  Options one;
  one.parallel = false;
  const Parsed lines = parse(kWeather + "\n" + kTime, one);
  EXPECT_EQ(lines.calls, kOne);
  EXPECT_TRUE(lines.done);
  EXPECT_EQ(lines.length, kWeather.size());
  EXPECT_FALSE(lines.left_out);
  const std::string tagged = "<tool_call>" + kWeather + "</tool_call>";
  EXPECT_EQ(parse(tagged + "\n<tool_call>" + kTime, one).length, tagged.size());
  const Parsed list = parse("[" + kWeather + ", " + kTime + "]", one);
  EXPECT_EQ(list.calls, kOne);
  EXPECT_TRUE(list.left_out);
}

TEST(CallParser, repairs_slips_that_have_one_reading) {
  const std::vector<std::string> answers = {
      R"({"name": "get_weather", "arguments": {"city": "Paris",},})",
      R"([{"name": "get_weather", "arguments": {"city": "Paris"}},])",
      R"({"name": "get_weather", "arguments": {"city": "Paris"})",
      R"([{"name": "get_weather", "arguments": {"city": "Paris"}})",
      "```json\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}\n```",
      "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}\n</tool_call>",
      R"({"name": "get_weather", "arguments": {"city": "Paris"}}})",
      R"({{"name": "get_weather", "arguments": {"city": "Paris"}}})",
      R"({{"name": "get_weather", "arguments": {"city": "Paris"}})",
      "<tool_call>\n{{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}}}\n</tool_call>",
      R"([{{"name": "get_weather", "arguments": {"city": "Paris"}}}])",
      "<tool_call>" + kWeather,
      "```json\n" + kWeather,
      kWeather + "\n</tool_call>",
      kWeather + "\n```",
  };
  for (const auto& answer : answers) {
    const Parsed p = parse(answer);
    EXPECT_EQ(p.calls, kOne) << answer;
    EXPECT_EQ(p.text, "") << answer;
    EXPECT_EQ(p.malformed, "") << answer;
    EXPECT_FALSE(p.done) << answer;
  }
  EXPECT_EQ(parse(R"({"name": "calculate", "arguments": {"a": True, "b": False, "c": None, "d": [1, 2,]}})").calls,
            Calls{R"(calculate {"a":true,"b":false,"c":null,"d":[1,2]})"});
  EXPECT_EQ(parse("{\"name\": \"calculate\", \"arguments\": {\"code\": \"a\n\tb\\'s\"}}").calls, Calls{R"(calculate {"code":"a\n\tb's"})"});
  EXPECT_EQ(parse(R"({"name": "calculate", "arguments": null})").calls, Calls{"calculate {}"});
  EXPECT_EQ(parse(R"({"name": "calculate", "arguments": ""})").calls, Calls{"calculate {}"});
}

TEST(CallParser, gives_a_call_that_cannot_be_read_as_text_and_says_what_is_wrong) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"name": "get_weather", "arguments": {"city": Paris}})", "where a value"},
      {R"({"name": "get_weather", "arguments": {"city": "Par)", "ended inside it"},
      {R"({"name": "get_weather", "arguments": {"city": "Paris")", "ended inside it"},
      {R"({"name": "get_weather", "arguments": ["Paris"]})", "not a JSON object"},
      {R"({"name": "get_weather", "arguments": "Paris"})", "not a JSON object"},
      {R"({"name": "get_weather", "arguments": "{\"city\": }"})", "not a JSON object"},
      {R"({"name": "get_weather", "arguments": {"city": "\ud800"}})", "not JSON"},
      {R"({"name": "get_weather", "arguments": {"city": 01}})", "not JSON"},
      {R"({"name": "get_weather", "arguments": {'city': 'Paris'}})", "a key in double quotes"},
      {"```json\n{\"name\": \"get_weather\", \"arguments\": {\"city\" \"Paris\"}}\n```", "':'"},
      {"<tool_call>\nx: {}\n</tool_call>\n<tool_call>{\"name\": }</tool_call>", "a value"},
      {"<tool_call>\n{\"nme\": \"get_weather\", \"arguments\": {}}\n</tool_call>", "other keys"},
      {"<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": oops}}\n" + kTime + "\n</tool_call>", "a value"},
  };
  for (const auto& [answer, why] : cases) {
    const Parsed p = parse(answer);
    EXPECT_EQ(p.calls, Calls{}) << answer;
    EXPECT_EQ(p.text, answer);
    EXPECT_NE(p.malformed.find(why), std::string::npos) << answer << "\n" << p.malformed;
  }
  EXPECT_NE(parse(cases[0].first).malformed.find("get_weather"), std::string::npos);
}

TEST(CallParser, repairs_nothing_in_an_answer_that_was_cut_off) {
  Options cut;
  cut.cut = true;
  const std::string answer = R"({"name": "get_weather", "arguments": {"city": "Paris"})";
  EXPECT_EQ(parse(answer, cut).text, answer);
  EXPECT_NE(parse(answer, cut).malformed.find("cut off"), std::string::npos);
  EXPECT_EQ(parse(kWeather, cut).calls, kOne);
}

TEST(CallParser, a_bad_call_after_a_good_one_ends_the_answer) {
  const Parsed p = parse(kWeather + "\n{\"name\": \"get_time\", \"arguments\": {oops");
  EXPECT_EQ(p.calls, kOne);
  EXPECT_EQ(p.text, "");
  EXPECT_TRUE(p.done);
  EXPECT_EQ(p.length, kWeather.size());
  EXPECT_NE(p.malformed.find("get_time"), std::string::npos);
}

TEST(CallParser, reads_the_next_tag_after_one_that_is_broken) {
  const std::string broken = "<tool_call>{\"name\": oops}</tool_call>";
  EXPECT_EQ(parse(broken + "\n<tool_call>" + kWeather + "</tool_call>").calls, kOne);
  EXPECT_EQ(parse(broken + "\n" + kWeather).calls, kOne) << "closed tags no longer keep bare JSON from being a call";
}

TEST(CallParser, keeps_reasoning_apart_and_never_looks_for_calls_in_it) {
  const Parsed p = parse("<think>\nThe user wants " + kWeather + "\n" + kWeather + "\n</thing>\n</think>\n\nLooking.\n" + kWeather);
  EXPECT_EQ(p.reasoning, "The user wants " + kWeather + "\n" + kWeather + "\n</thing>");
  EXPECT_EQ(p.text, "Looking.");
  EXPECT_EQ(p.calls, kOne);
  EXPECT_EQ(p.order, (Calls{"reasoning", "text", "call"}));
  EXPECT_EQ(parse("<think>\n\n</think>\n\nHi.").reasoning, "");
  EXPECT_EQ(parse("<think>\n\n</think>\n\nHi.").text, "Hi.");
  EXPECT_EQ(parse("<think>cut </thi").reasoning, "cut </thi");
  EXPECT_EQ(parse("\n<think><think></think>" + kWeather).calls, kOne);
  Options inside;
  inside.starts_in_reasoning = true;
  EXPECT_EQ(parse("\nSo: " + kWeather + "\n</think>\nYes.", inside).reasoning, "So: " + kWeather);
  EXPECT_EQ(parse("\nSo: " + kWeather + "\n</think>\nYes.", inside).text, "Yes.");
}

TEST(CallParser, holds_back_only_what_may_still_become_a_call) {
  Reader reader({});
  std::string given;
  const auto streams = [&](std::string piece) {
    reader.push(piece);
    given += piece;
    EXPECT_EQ(reader.so_far().text, given) << "after " << piece;
  };
  streams("Hello");
  streams(" world, {");
  reader.push("`x`");
  EXPECT_EQ(reader.so_far().text, given + "`x") << "three of these open a fence, behind words too";
  given += "`x`";
  streams(" y\n```py");
  streams("thon\n{\"name\": \"get_weather\"");
  streams("\n```\n{\"name\": \"Joke\",");
  streams(" \"arguments\": {");
  reader.push("}}\n");
  reader.push("{\"name\": \"get_weather\"");
  EXPECT_EQ(reader.so_far().text, given + "}}") << "a call of an offered tool waits for its end";
}

TEST(CallParser, confidence_is_the_geometric_mean_of_the_calls_own_tokens) {
  Reader reader({});
  reader.push("Looking.\n", std::log(0.01f));
  reader.push("[", std::log(0.02f));
  reader.push(kWeather.substr(0, 20), std::log(0.5f));
  reader.push("", std::log(0.5f));  // a token that completes no character
  reader.push(kWeather.substr(20), std::log(0.125f));
  reader.push(", ", std::log(0.03f));
  reader.push(kTime, std::log(0.25f));
  reader.push("]\n", std::log(0.04f));
  const Parsed p = reader.end();
  ASSERT_EQ(p.confidence.size(), 2u);
  EXPECT_NEAR(p.confidence[0], std::cbrt(0.5 * 0.5 * 0.125), 1e-6);
  EXPECT_NEAR(p.confidence[1], 0.25, 1e-6);
}

TEST(CallParser, refuses_nesting_deeper_than_its_limit) {
  const std::string deep(100, '[');
  const Parsed p = parse(R"({"name": "get_weather", "arguments": {"x": )" + deep);
  EXPECT_EQ(p.calls, Calls{});
  EXPECT_NE(p.malformed.find("64"), std::string::npos);
  const std::string quoted = R"({"name": "get_weather", "arguments": "{\"x\":)" + std::string(100000, '[') + "\"}";
  Reader reader({});
  reader.push(quoted);
  EXPECT_EQ(reader.end().calls, Calls{});
}

// Work is counted by bytes read and written, not by a clock: a parser that starts over would need hours for these.
TEST(CallParser, reads_very_long_answers_in_linear_time) {
  const int n = 400000;
  std::string lists, ticks(n, '`'), tags, spaces(n, ' '), braces(n, '{'), lines;
  for (int i = 0; i < n / 8; ++i) {
    lists += "[{\"name\"";
    tags += "<tool_ca";
    lines += "\n```json";
  }
  for (const std::string& answer :
       {lists, ticks, tags, spaces, braces, lines, "{\"name\": \"get_weather\", \"arguments\": {\"x\": \"" + lists}) {
    Reader reader({});
    for (std::size_t i = 0; i < answer.size(); i += 3) reader.push(std::string_view(answer).substr(i, 3));
    EXPECT_EQ(reader.end().text.size(), answer.size());
  }
}

// Under a constraint a call that was begun can only become a call.
TEST(CallParser, a_call_that_is_cut_before_its_arguments_is_no_text) {
  for (const auto& [text, name] : {std::pair{"```json\n[\n    {\n        \"name\": \"get_we", ""},
                                   {"```json\n[\n    {\n        \"name\": \"get_weather\",", "get_weather"}}) {
    CallParser parser({.tools = specs({"get_weather"}), .syntax = {}, .new_call_id = [] { return std::string("id"); }});
    std::vector<Delta> deltas;
    parser.push(text, 0, deltas);
    parser.certain(true);
    parser.finish(true, deltas);
    ASSERT_EQ(deltas.size(), *name ? 1u : 0u);
    if (*name) {
      EXPECT_EQ(std::get<CallStarted>(deltas[0]).name, name);
    }
    EXPECT_TRUE(parser.left_out_calls());
  }
}

}  // namespace
}  // namespace baton::llm
