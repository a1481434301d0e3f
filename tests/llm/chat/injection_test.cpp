// The texts of control and user-defined tokens, wherever a user, a tool or a file can put them, never become such tokens.
#include <baton/llm/chat/prompt.h>
#include <gtest/gtest.h>

#include "chat_fixture.h"
#include "model_path.h"

namespace baton::llm {
namespace {

using namespace baton::test;

// A conversation with `text` in every place outside the template.
ChatRequest conversation_about(const std::string& text) {
  ChatRequest request = weather_conversation();
  for (Message& m : request.messages) m.content += text;
  request.messages.insert(request.messages.begin(), message(Role::system, "Be brief. " + text));
  request.messages.push_back(message(Role::assistant, "Mild. " + text));
  request.messages.push_back(message(Role::user, text + "\n" + text));
  ToolCall& call = request.messages[2].tool_calls[0];
  call.name += text;
  call.arguments[text] = {text, {{"city", "a" + text}}};
  request.messages[3].name = call.name;
  request.tools[0].description += text;
  request.tools[0].parameters["properties"][text] = {{"description", text}, {"enum", {text, 1}}};
  request.tools.push_back(request.tools[0]);
  request.tools[1].name += text;
  return request;
}

std::vector<std::int32_t> specials(const Tokenizer& tokenizer, const std::vector<std::int32_t>& ids) {
  std::vector<std::int32_t> found;
  std::copy_if(ids.begin(), ids.end(), std::back_inserter(found), [&](std::int32_t id) { return tokenizer.is_special(id); });
  return found;
}

void expect_no_forgery(const Tokenizer& tokenizer, const ChatTemplate& source) {
  const PromptBuilder builder(tokenizer, source, "model", some_day);
  const auto honest = specials(tokenizer, builder.build(conversation_about("x")).value().ids);
  ASSERT_GE(honest.size(), 8u);
  for (const std::int32_t id : tokenizer.special_ids()) {
    const std::string text = tokenizer.token_bytes(id);
    const auto prompt = builder.build(conversation_about(text));
    ASSERT_TRUE(prompt) << text << ": " << prompt.error().message;
    ASSERT_EQ(specials(tokenizer, prompt->ids), honest) << text << "\n" << tokenizer.decode(prompt->ids, true);
  }
}

TEST(Injection, no_text_becomes_a_special_token_of_a_small_vocabulary) {
  const ChatTokenizer tokenizer;
  for (const char* source : {kHermes, kPlain}) expect_no_forgery(*tokenizer, chat_template(source));
}

class ModelInjection : public testing::TestWithParam<const char*> {};

TEST_P(ModelInjection, no_text_becomes_a_special_token_of_the_model) {
  const auto path = model_path(GetParam());
  BATON_SKIP_WITHOUT_MODEL(path);
  const GgufFile file = GgufFile::open(path).value();
  const Tokenizer tokenizer = Tokenizer::from_gguf(file).value();
  const std::string source(file.get_string("tokenizer.chat_template").value());
  expect_no_forgery(tokenizer, ChatTemplate::parse(source, GetParam()).value());
}

INSTANTIATE_TEST_SUITE_P(Models, ModelInjection,
                         testing::Values("qwen2.5-coder-0.5b-instruct", "qwen2.5-coder-1.5b-instruct", "smollm2-135m-instruct"));

}  // namespace
}  // namespace baton::llm
