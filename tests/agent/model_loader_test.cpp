#include <baton/agent/model_loader.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>

#include "temporary_folder.h"

namespace baton::agent {
namespace {

// The environment in which the cache folder is a temporary one.
class OpenModelFile : public testing::Test {
 protected:
  OpenModelFile() {
    if (const char* before = std::getenv("XDG_CACHE_HOME")) before_ = before;
    setenv("XDG_CACHE_HOME", folder_.path().c_str(), 1);
    std::filesystem::create_directories(models_);
    std::ofstream(models_ / "mine.gguf") << "not a model";
  }
  ~OpenModelFile() override { before_ ? setenv("XDG_CACHE_HOME", before_->c_str(), 1) : unsetenv("XDG_CACHE_HOME"); }

  TemporaryFolder folder_;
  const std::filesystem::path models_ = folder_.path() / "baton" / "models";
  std::optional<std::string> before_;
};

TEST_F(OpenModelFile, looks_in_the_default_folder_where_the_settings_name_none) {
  const auto opened = open_model_file({.model = "mine"});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::model) << "the file was found, and read";
  EXPECT_THAT(opened.error().message, testing::HasSubstr((models_ / "mine.gguf").string()));
}

TEST_F(OpenModelFile, looks_only_in_the_folder_of_the_settings) {
  const auto opened = open_model_file({.model = "mine", .models_dir = folder_.path()});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::not_found);
}

}  // namespace
}  // namespace baton::agent
