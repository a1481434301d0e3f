// The whole program, with a model whose answers the test chooses: `baton run`, and the daemon.
#include <gmock/gmock.h>

#include <sstream>

#include "cli_fixture.h"
#include "parrot.h"

namespace baton {
namespace {

using test::in_pieces;
using test::ParrotAnswer;

// Hermes' way of writing calls, as short as possible.
constexpr const char* kTemplate =
    R"({%- if tools %}{{- '<|im_start|>system\nTools:' }}{% for tool in tools %}{{- '\n' + (tool | tojson) }}{% endfor %}
{{- '<|im_end|>\n' }}{% endif %}
{%- for message in messages %}
{%- if message.role == 'tool' %}{{- '<|im_start|>user\n<tool_response>' + message.content + '</tool_response><|im_end|>\n' }}
{%- else %}{{- '<|im_start|>' + message.role + '\n' + message.content }}
{%- for call in message.tool_calls or [] %}
{{- '\n<tool_call>' + ({'name': call.function.name, 'arguments': call.function.arguments} | tojson) + '</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\n' }}
{%- endif %}{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{% endif %})";

class ParrotCliTest : public CliTest {
 protected:
  std::string parrot(std::vector<ParrotAnswer> answers) {
    test::Parrot parrot(std::move(answers), {.chat_template = kTemplate, .n_ctx = 16384});
    const std::string path = (folder_.path() / "parrot.gguf").string();
    EXPECT_TRUE(parrot.writer().save(path));
    return path;
  }

  // The daemon's answers to one request after the other.
  std::vector<Json> ask_daemon(const std::string& model, const std::vector<std::pair<std::string, Json>>& requests) {
    std::string asks;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const auto& [path, body] = requests[i];
      const std::string text = body.dump();
      file("request" + std::to_string(i), "POST " + path +
                                              " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n" +
                                              "Content-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text);
      asks += "sed \"1,/^\\r*$/s/^Host: .*\\r/Host: 127.0.0.1:$port\\r/\" request" + std::to_string(i) + " >asked\n";
      asks += "bash -c \"exec 3<>/dev/tcp/127.0.0.1/$port; cat asked >&3; cat <&3\" >reply" + std::to_string(i) + "\n";
    }
    const Output out = script("$BATON -m " + model + " serve --port 0 >out 2>log &\npid=$!\n" +
                              "while kill -0 $pid && ! grep -q 'serves on' out; do sleep 0.05; done\n" +
                              "port=$(sed -n 's/.*serves on .*:\\([0-9]*\\).*/\\1/p' out)\n" + asks + "kill -TERM $pid\nwait $pid\n");
    EXPECT_EQ(out.code, 0) << out.text;
    std::vector<Json> replies;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      std::ifstream in(folder_.path() / ("reply" + std::to_string(i)), std::ios::binary);
      const std::string reply{std::istreambuf_iterator<char>(in), {}};
      replies.push_back(Json::parse(reply.substr(std::min(reply.find("\r\n\r\n"), reply.size())), nullptr, false));
      EXPECT_TRUE(replies.back().is_object()) << reply;
    }
    return replies;
  }
};

const ParrotAnswer kCalls = in_pieces("Let me see.```[{\"name\": \"calculate\", \"arguments\": {\"expression\": \"6*7\"}}]```", 3);

TEST_F(ParrotCliTest, runs_a_tool_that_was_called_behind_words_and_answers) {
  const std::string model = parrot({kCalls, in_pieces("It is 42, of course.", 5)});
  const Output out = baton("-m " + model + " run 'What is 6 times 7?' --tool calculate --json");
  EXPECT_EQ(out.code, 0) << out.text;
  std::istringstream lines(out.text);
  Json last;
  for (std::string line; std::getline(lines, line);) {
    const Json event = Json::parse(line, nullptr, false);
    if (event.is_object() && event.value("type", "") == "response.completed") last = event;
  }
  ASSERT_TRUE(last.is_object()) << out.text;
  const Json& output = last["response"]["output"];
  ASSERT_EQ(output.size(), 3u) << output;
  EXPECT_EQ(output[0]["content"][0]["text"], "Let me see.");
  EXPECT_EQ(output[1]["name"], "calculate");
  EXPECT_EQ(output[1]["output"], "42");
  EXPECT_EQ(output[2]["content"][0]["text"], "It is 42, of course.");
  EXPECT_TRUE(last["response"]["baton.seed"].is_number_unsigned());
}

TEST_F(ParrotCliTest, the_daemon_reads_stops_and_draws_as_the_program_does) {
  const Json tool = Json::parse(R"({"type": "function", "function": {"name": "calculate", "parameters": {"type": "object", "properties":
      {"expression": {"type": "string"}}, "required": ["expression"]}}})");
  const auto chat = [](const Json& more) {
    Json body = {{"model", "baton"}, {"messages", {{{"role", "user"}, {"content", "Well?"}}}}, {"temperature", 1.0}};
    body.update(more);
    return std::pair(std::string("/v1/chat/completions"), body);
  };
  const auto replies =
      ask_daemon(parrot({kCalls}), {chat({{"tools", {tool}}, {"stop", {"6*7"}}}), chat({{"stop", {"[{"}}}), chat(Json::object())});
  const Json& called = replies[0]["choices"][0];
  EXPECT_EQ(called["finish_reason"], "tool_calls");
  EXPECT_EQ(called["message"]["tool_calls"][0]["function"]["arguments"], R"({"expression":"6*7"})");
  EXPECT_EQ(called["message"]["content"], "Let me see.");
  const Json& stopped = replies[1]["choices"][0];
  EXPECT_EQ(stopped["finish_reason"], "stop");
  EXPECT_EQ(stopped["message"]["content"], "Let me see.```") << "without tools it is text, and stops";
  EXPECT_NE(replies[1]["baton.seed"], replies[2]["baton.seed"]);
}

}  // namespace
}  // namespace baton
