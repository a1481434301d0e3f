// tests/golden/tokenizer: the tokens that Hugging Face tokenizers and SentencePiece made of a few hundred strings
// (tests/check/oracle/tokenizer.py).
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "loaded_tokenizer.h"
#include "model_path.h"

namespace baton::llm {
namespace {

using nlohmann::json;

json golden(const std::string& name) {
  std::ifstream file(std::filesystem::path(BATON_SOURCE_DIR) / "tests/golden/tokenizer" / (name + ".json"));
  return json::parse(file);
}

void expect_ids(const Tokenizer& tokenizer, const json& cases) {
  ASSERT_GT(cases.size(), 100u);
  for (const auto& [text, ids] : cases.get<std::vector<std::pair<std::string, std::vector<std::int32_t>>>>()) {
    ASSERT_EQ(tokenizer.encode(text), ids) << text;
    // A qwen2 vocabulary returns the text in NFC, and one with missing bytes or a space prefix not exactly.
    if (tokenizer.pre() == "qwen2" || tokenizer.adds_space_prefix() || !tokenizer.missing_bytes().empty()) continue;
    if (tokenizer.model() == "llama" && text.find("▁") != text.npos) continue;
    EXPECT_EQ(tokenizer.decode(ids), text);
  }
}

test::GgufWriter vocabulary_file(const json& vocabulary) {
  test::GgufWriter w;
  const std::string prefix = "tokenizer.ggml.";
  w.add(prefix + "model", vocabulary["model"].get<std::string>()).add_strings(prefix + "tokens", vocabulary["tokens"]);
  w.add_i32s(prefix + "token_type", vocabulary["types"]);
  if (vocabulary.contains("merges")) w.add_strings(prefix + "merges", vocabulary["merges"]);
  if (vocabulary.contains("scores")) w.add_f32s(prefix + "scores", vocabulary["scores"]);
  if (vocabulary.contains("pre")) w.add(prefix + "pre", vocabulary["pre"].get<std::string>());
  if (vocabulary.contains("add_space_prefix")) w.add_bool(prefix + "add_space_prefix", vocabulary["add_space_prefix"]);
  return w;
}

class Golden : public testing::TestWithParam<const char*> {};

using TinyVocabulary = Golden;
TEST_P(TinyVocabulary, gives_the_ids_of_the_oracle) {
  const auto stored = golden(GetParam());
  for (const auto& variant : stored["variants"]) {
    SCOPED_TRACE(variant["set"].dump());
    auto vocabulary = stored["vocabulary"];
    vocabulary.update(variant["set"]);
    expect_ids(*LoadedTokenizer(vocabulary_file(vocabulary)), variant["cases"]);
  }
}
INSTANTIATE_TEST_SUITE_P(All, TinyVocabulary, testing::Values("tiny_byte_level", "tiny_sentencepiece"),
                         [](const auto& p) { return p.param; });

using ModelVocabulary = Golden;
TEST_P(ModelVocabulary, gives_the_ids_of_the_oracle) {
  const auto stored = golden(GetParam());
  const auto path = test::model_path(stored["model"]);
  BATON_SKIP_WITHOUT_MODEL(path);
  expect_ids(*LoadedTokenizer(path), stored["variants"][0]["cases"]);
}
INSTANTIATE_TEST_SUITE_P(All, ModelVocabulary, testing::Values("qwen2", "smollm", "gemma"), [](const auto& p) { return p.param; });

}  // namespace
}  // namespace baton::llm
