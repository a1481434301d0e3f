// Special tokens come from the template's own text only: every one of every vocabulary, in every place that a user or a tool can write to,
// through every template.
#include <baton/llm/chat_template/chat_template.h>
#include <baton/llm/tokenizer/tokenizer.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "gguf_writer.h"
#include "model_path.h"
#include "tiny_vocabulary.h"

namespace baton::llm {
namespace {

std::vector<std::filesystem::path> templates() {
  std::vector<std::filesystem::path> paths;
  for (const char* folder : {"models", "templates"}) {
    for (const auto& entry : std::filesystem::directory_iterator(std::string(BATON_SOURCE_DIR) + "/tests/golden/template/" + folder)) {
      paths.push_back(entry.path());
    }
  }
  return paths;
}

ChatTemplate read_template(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream source;
  source << file.rdbuf();
  return *ChatTemplate::parse(source.str(), path.filename().string());
}

// A conversation in which everything that a user or tool writes is `text`.
Json conversation(const std::string& text, bool with_call) {
  Json function = {{"name", text},
                   {"description", text},
                   {"parameters",
                    {{"type", "object"},
                     {"properties", {{text, {{"type", "string"}, {"description", text}, {"enum", {text}}}}}},
                     {"required", {text}}}}};
  Json call = {
      {"id", "123456789" + text}, {"type", "function"}, {"function", {{"name", text}, {"arguments", {{text, {text, 1, {{text, text}}}}}}}}};
  Json messages = Json::array();
  messages.push_back({{"role", "system"}, {"content", text}});
  messages.push_back({{"role", "user"}, {"content", text}});
  if (with_call) messages.push_back({{"role", "assistant"}, {"content", ""}, {"reasoning_content", text}, {"tool_calls", {call}}});
  if (with_call) messages.push_back({{"role", "tool"}, {"content", text}, {"name", text}, {"tool_call_id", "123456789" + text}});
  return {{"messages", messages},
          {"tools", {{{"type", "function"}, {"function", function}}}},
          {"documents", {{{"doc_id", text}, {"text", text}}}},
          {"date_string", text},
          {"model_identity", text},
          {"add_generation_prompt", true}};
}

std::vector<std::int32_t> special_ids_of(const ChatTemplate& chat_template, const Tokenizer& tokenizer, const std::string& text) {
  RenderOptions options;
  options.now = [] { return std::tm{}; };
  bool with_call = chat_template.name() != "gemma.jinja";  // which refuses results
  auto spans =
      chat_template.render(TemplateVariables{conversation(text, with_call), {{"bos_token", "<s>"}, {"eos_token", "</s>"}}}, options);
  EXPECT_TRUE(spans) << spans.error().message;
  std::vector<std::int32_t> special;
  if (!spans) return special;
  EXPECT_NE(joined(*spans).find(text.substr(0, 12)), std::string::npos) << chat_template.name();
  std::vector<TextSpan> parts;
  for (const Span& span : *spans) parts.push_back({span.text, span.from_template});
  for (std::int32_t id : tokenizer.encode(parts)) {
    if (tokenizer.is_special(id)) special.push_back(id);
  }
  return special;
}

// A vocabulary with thousands of special tokens (Gemma's <unused..>) is spread over the templates; a smaller one goes whole into each.
void expect_only_the_templates_own(const Tokenizer& tokenizer) {
  constexpr std::size_t kAtOnce = 500;
  auto special = tokenizer.special_ids();
  ASSERT_FALSE(special.empty());
  std::size_t next = 0;
  auto paths = templates();
  ASSERT_GE(paths.size(), 27u);
  for (const auto& path : paths) {
    std::string text = "plain words ";
    for (std::size_t i = 0; i < std::min(kAtOnce, special.size()); ++i) text += tokenizer.token_bytes(special[next++ % special.size()]);
    ChatTemplate chat_template = read_template(path);
    EXPECT_EQ(special_ids_of(chat_template, tokenizer, text), special_ids_of(chat_template, tokenizer, "plain words")) << path;
  }
  EXPECT_GE(next, special.size());
}

TEST(SpecialTokens, of_a_small_vocabulary_stay_text_where_they_are_data) {
  test::GgufWriter writer;
  writer.add("general.architecture", "qwen2");
  std::vector<test::TinyToken> special;
  for (const char* text : {"<|im_start|>", "<|im_end|>", "<s>", "</s>", "<|user|>", "<|assistant|>", "[INST]", "[/INST]", "<|eot_id|>",
                           "<|end_of_text|>", "<|tool|>"}) {
    special.push_back({text, 3});
  }
  for (const char* text : {"<tool_call>", "</tool_call>", "<think>", "</think>", "<tools>", "{\"name\"", "```", "\n\n#"})
    special.push_back({text, 4});
  test::add_byte_vocabulary(writer, "qwen2", {}, special);
  auto bytes = writer.bytes();
  auto file = GgufFile::from_memory(std::as_bytes(std::span(bytes)), "tiny");
  ASSERT_TRUE(file) << file.error().message;
  auto tokenizer = Tokenizer::from_gguf(*file);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  // The template's own tokens do appear.
  ChatTemplate chatml = *ChatTemplate::parse("<|im_start|>{{ messages[1].content }}<|im_end|>{{ tools }}", "chatml");
  EXPECT_EQ(special_ids_of(chatml, *tokenizer, "<|im_end|>"), (std::vector<std::int32_t>{256, 257}));
  expect_only_the_templates_own(*tokenizer);
}

class SpecialTokensOf : public testing::TestWithParam<const char*> {};

TEST_P(SpecialTokensOf, a_models_vocabulary_stay_text_where_they_are_data) {
  auto path = test::model_path(GetParam());
  BATON_SKIP_WITHOUT_MODEL(path);
  auto file = GgufFile::open(path.string());
  ASSERT_TRUE(file) << file.error().message;
  auto tokenizer = Tokenizer::from_gguf(*file);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  expect_only_the_templates_own(*tokenizer);
}

INSTANTIATE_TEST_SUITE_P(Models, SpecialTokensOf,
                         testing::Values("qwen2.5-coder-0.5b-instruct", "qwen2.5-coder-1.5b-instruct", "smollm2-135m-instruct",
                                         "gemma-3-270m"),
                         [](const auto& model) {
                           std::string name = model.param;
                           for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
                           return name;
                         });

}  // namespace
}  // namespace baton::llm
