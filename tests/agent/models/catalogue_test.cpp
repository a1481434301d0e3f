#include <baton/agent/models/catalogue.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace baton::agent {
namespace {

using ::testing::HasSubstr;

std::string entry(const std::string& name, const std::string& changed_field, const std::string& value) {
  const auto field = [&](const std::string& key, const std::string& usual) {
    return "\"" + key + "\":" + (key == changed_field ? value : usual);
  };
  return "{" + field("name", "\"" + name + "\"") + "," + field("description", "\"d\"") + "," + field("licence", "\"l\"") + "," +
         field("default", "true") + "," + field("bytes", "10") + "," + field("sha256", "\"" + std::string(64, 'a') + "\"") + "," +
         field("sources", R"([{"type":"url","url":"https://example.com/a.gguf"}])") + "}";
}

std::string models(const std::string& entries) { return "{\"models\":[" + entries + "]}"; }

std::string problem(const std::string& json) {
  const auto parsed = parse_catalogue(json);
  return parsed ? "no problem" : parsed.error().message;
}

TEST(Catalogue, the_embedded_one_is_valid_and_has_the_four_models) {
  ASSERT_EQ(catalogue().size(), 4u);
  EXPECT_EQ(default_model().name, "qwen2.5-coder-0.5b-instruct");
  EXPECT_EQ(default_model().bytes, 491400064u);
  for (const char* name : {"qwen2.5-coder-1.5b-instruct", "smollm2-135m-instruct", "gemma-3-270m"})
    EXPECT_NE(find_model(name), nullptr) << name;
  EXPECT_EQ(find_model("unknown"), nullptr);
  for (const CatalogueModel& model : catalogue()) EXPECT_EQ(model.for_tests, model.name == "gemma-3-270m") << "what is listed runs";
}

TEST(Catalogue, parts_are_joined_in_the_order_of_their_numbers) {
  const CatalogueModel* model = find_model("qwen2.5-coder-1.5b-instruct");
  ASSERT_NE(model, nullptr);
  const auto wheels = std::find_if(model->sources.begin(), model->sources.end(),
                                   [](const ModelSource& source) { return source.kind == ModelSource::Kind::wheels; });
  ASSERT_NE(wheels, model->sources.end());
  ASSERT_EQ(wheels->packages.size(), 22u);
  for (std::size_t i = 0; i < wheels->packages.size(); ++i) {
    EXPECT_THAT(wheels->packages[i], ::testing::EndsWith("part" + std::to_string(i + 1) + "==0.2.0"));
  }
}

TEST(Catalogue, a_good_entry_is_read) {
  const auto parsed = parse_catalogue(models(entry("a-1.b", "", "")));
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->front().name, "a-1.b");
  EXPECT_EQ(parsed->front().sources.front().url, "https://example.com/a.gguf");
  EXPECT_EQ(parsed->front().min_call_confidence, std::nullopt);
  EXPECT_EQ(parse_catalogue(models(entry("a", "bytes", R"(5, "min_call_confidence": 0.9)"))).value().front().min_call_confidence, 0.9);
}

TEST(Catalogue, a_bad_entry_is_refused_with_entry_and_field) {
  EXPECT_THAT(problem("{"), HasSubstr("list \"models\""));
  EXPECT_THAT(problem("[]"), HasSubstr("list \"models\""));
  EXPECT_THAT(problem(models("3")), HasSubstr("\"name\" is missing"));
  EXPECT_THAT(problem(models(entry("a", "name", "7"))), HasSubstr("\"name\" must be a string"));
  EXPECT_THAT(problem(models(entry("../a", "", ""))), HasSubstr("\"name\" must be of"));
  EXPECT_THAT(problem(models(entry("a", "sha256", "\"ab\""))), HasSubstr("\"sha256\" must be 64"));
  EXPECT_THAT(problem(models(entry("a", "bytes", "-1"))), HasSubstr("\"bytes\" must be a whole number"));
  EXPECT_THAT(problem(models(entry("a", "bytes", R"(5, "min_call_confidence": 2)"))),
              HasSubstr("\"min_call_confidence\" must be a number from 0 to 1"));
  EXPECT_THAT(problem(models(entry("a", "sources", "[]"))), HasSubstr("\"sources\" must be a list"));
  EXPECT_THAT(problem(models(entry("a", "sources", R"([{"type":"url","url":"http://example.com/a"}])"))),
              HasSubstr("a, source 0: \"url\""));
  EXPECT_THAT(problem(models(entry("a", "sources", R"([{"type":"ftp"}])"))), HasSubstr("\"type\" must be url or wheels"));
  EXPECT_THAT(problem(models(entry("a", "sources", R"([{"type":"wheels","member":"*","packages":["x"]}])"))), HasSubstr("name==version"));
  EXPECT_THAT(problem(models(entry("a", "", "") + "," + entry("a", "default", "false"))), HasSubstr("occurs twice"));
  EXPECT_THAT(problem(models(entry("a", "default", "false"))), HasSubstr("0 entries are marked as the default"));
}

}  // namespace
}  // namespace baton::agent
