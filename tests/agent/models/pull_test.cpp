#include <baton/agent/models/pull.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "temporary_folder.h"

namespace baton::agent {
namespace {

using ::testing::HasSubstr;

class ResolveModel : public ::testing::Test {
 protected:
  void put(const std::string& name) { std::ofstream(folder_.path() / name) << "GGUF"; }
  std::string problem(const std::string& model) {
    const auto found = resolve_model(model, folder_.path());
    return found ? "found " + found->string() : found.error().message;
  }
  TemporaryFolder folder_;
};

TEST_F(ResolveModel, any_file_works_as_it_is) {
  put("some-file");
  EXPECT_EQ(*resolve_model((folder_.path() / "some-file").string(), "/nowhere"), folder_.path() / "some-file");
}

TEST_F(ResolveModel, a_name_is_found_in_the_folder_with_or_without_its_ending) {
  put("mine.gguf");
  EXPECT_EQ(*resolve_model("mine", folder_.path()), folder_.path() / "mine.gguf");
  EXPECT_EQ(*resolve_model("mine.gguf", folder_.path()), folder_.path() / "mine.gguf");
}

TEST_F(ResolveModel, a_catalogue_model_that_is_not_here_says_how_to_get_it) {
  EXPECT_THAT(problem("smollm2-135m-instruct"), HasSubstr("baton pull smollm2-135m-instruct"));
  EXPECT_THAT(problem("hf:owner/repo/file.gguf"), HasSubstr("baton pull hf:owner/repo/file.gguf"));
}

TEST_F(ResolveModel, a_part_of_a_pull_is_no_model) {
  put("smollm2-135m-instruct.gguf.part");
  EXPECT_THAT(problem("smollm2-135m-instruct"), HasSubstr("not downloaded yet"));
  EXPECT_TRUE(local_models(folder_.path()).empty());
}

TEST_F(ResolveModel, what_is_nowhere_is_said) {
  EXPECT_THAT(problem("unknown"), HasSubstr("no model unknown"));
  EXPECT_THAT(problem("no/such/file.gguf"), HasSubstr("no file no/such/file.gguf"));
  EXPECT_THAT(problem(""), HasSubstr("no file"));
}

TEST_F(ResolveModel, files_of_the_same_name_from_different_places_are_kept_apart) {
  put("one--repo--model.gguf");
  EXPECT_EQ(*resolve_model("hf:one/repo/model.gguf", folder_.path()), folder_.path() / "one--repo--model.gguf");
  EXPECT_THAT(problem("hf:two/repo/model.gguf"), HasSubstr("not downloaded yet"));
}

TEST_F(ResolveModel, local_models_are_listed_in_order) {
  put("b.gguf");
  put("a.gguf");
  put("notes.txt");
  EXPECT_EQ(local_models(folder_.path()), (std::vector<std::filesystem::path>{folder_.path() / "a.gguf", folder_.path() / "b.gguf"}));
  EXPECT_TRUE(local_models(folder_.path() / "missing").empty());
}

TEST(DefaultModelsDir, lies_in_the_cache_folder) {
  EXPECT_EQ(default_models_dir("/cache", "/home/me"), "/cache/baton/models");
  EXPECT_EQ(default_models_dir("", "/home/me"), "/home/me/.cache/baton/models");
}

}  // namespace
}  // namespace baton::agent
