// Properties of every token of the vocabularies that people use.
#include <baton/llm/tokenizer/detokenizer.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "loaded_tokenizer.h"
#include "model_path.h"

namespace baton::llm {
namespace {

class ModelTokens : public testing::TestWithParam<const char*> {
 protected:
  std::filesystem::path path() const { return test::model_path(GetParam()); }
};

bool has_special(const Tokenizer& t, const std::vector<std::int32_t>& ids) {
  return std::any_of(ids.begin(), ids.end(), [&](auto id) { return t.is_special(id); });
}

TEST_P(ModelTokens, special_tokens_in_data_are_nothing_but_their_letters) {
  BATON_SKIP_WITHOUT_MODEL(path());
  const LoadedTokenizer t(path());
  ASSERT_GE(t->special_ids().size(), 17u);
  for (const auto id : t->special_ids()) {
    const auto text = t->token_bytes(id);
    for (const auto& data : {text, "a" + text, text + "\n", " " + text + text}) {
      ASSERT_FALSE(has_special(*t, t->encode(data))) << data;
      ASSERT_EQ(t->decode(t->encode(data)), data);
      const auto ids = t->encode(std::vector<TextSpan>{{text, true}, {data, false}, {text, true}});
      ASSERT_EQ(std::count_if(ids.begin(), ids.end(), [&](auto each) { return t->is_special(each); }), 2) << data;
    }
    ASSERT_EQ(t->encode_template(text), std::vector<std::int32_t>{id}) << text;
  }
}

TEST_P(ModelTokens, every_token_streams_as_it_decodes) {
  BATON_SKIP_WITHOUT_MODEL(path());
  const LoadedTokenizer t(path());
  Detokenizer detokenizer(*t, true);
  std::string streamed, bytes;
  for (std::size_t i = 0; i < t->n_vocab(); ++i) {
    const auto id = static_cast<std::int32_t>(i);
    streamed += detokenizer.push(id);
    bytes += t->token_bytes(id);
  }
  streamed += detokenizer.flush();
  std::string wanted;
  Utf8Stream whole;
  whole.push(bytes, wanted);
  whole.flush(wanted);
  EXPECT_TRUE(streamed == wanted) << streamed.size() << " against " << wanted.size() << " bytes";
}

TEST_P(ModelTokens, chat_markers_are_found_in_template_text) {
  BATON_SKIP_WITHOUT_MODEL(path());
  const LoadedTokenizer t(path());
  ASSERT_TRUE(t->eos());
  EXPECT_TRUE(t->ends_generation(*t->eos()));
  for (const auto id : t->end_of_generation_ids()) EXPECT_TRUE(t->is_special(id)) << t->text(id);
}

INSTANTIATE_TEST_SUITE_P(All, ModelTokens, testing::Values("qwen2.5-coder-0.5b-instruct", "smollm2-135m-instruct", "gemma-3-270m"),
                         [](const auto& p) {
                           std::string name = p.param;
                           std::replace_if(
                               name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
                           return name;
                         });

}  // namespace
}  // namespace baton::llm
