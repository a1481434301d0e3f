#include <baton/tools/builtin/builtin.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

namespace baton::tools {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> names(const ToolSet& tools) {
  std::vector<std::string> out;
  for (const ToolSpec* spec : tools.specs()) out.push_back(spec->name);
  return out;
}

std::string call(ToolSet& tools, std::string name, Json arguments) {
  std::promise<ToolResult> promise;
  tools.start({.name = std::move(name), .arguments = std::move(arguments)}, [&](ToolResult r) { promise.set_value(std::move(r)); });
  return promise.get_future().get().content;
}

TEST(Builtin, has_no_file_tools_without_a_root) {
  ToolSet tools;
  ASSERT_TRUE(add_builtin_tools(tools, {}));
  EXPECT_THAT(names(tools), ElementsAre("calculate", "current_time"));
}

TEST(Builtin, runs_each_tool_from_json_arguments) {
  ToolSet tools;
  ASSERT_TRUE(
      add_builtin_tools(tools, {.root = BATON_SOURCE_DIR, .now = [] { return std::chrono::system_clock::from_time_t(1769898605); }}));
  EXPECT_THAT(names(tools), ElementsAre("calculate", "current_time", "list_directory", "read_file", "search_files"));
  EXPECT_EQ(call(tools, "calculate", {{"expression", "17.5% of 2340"}}), "409.5");
  EXPECT_THAT(call(tools, "calculate", {{"expression", "2 +"}}), HasSubstr("at the end"));
  EXPECT_THAT(call(tools, "current_time", {{"timezone", "Asia/Tokyo"}}), HasSubstr("2026-02-01T07:30:05+09:00"));
  EXPECT_THAT(call(tools, "list_directory", Json::object()), HasSubstr("CMakeLists.txt ("));
  EXPECT_THAT(call(tools, "read_file", {{"path", "CMakeLists.txt"}, {"limit", 2}}), HasSubstr("project(baton"));
  EXPECT_THAT(call(tools, "search_files", {{"pattern", "project(baton"}, {"glob", "CMakeLists.txt"}}),
              HasSubstr("CMakeLists.txt:2: project(baton"));
}

TEST(Builtin, describes_every_argument_and_marks_every_tool_idempotent) {
  ToolSet tools;
  ASSERT_TRUE(add_builtin_tools(tools, {.root = BATON_SOURCE_DIR}));
  for (const ToolSpec* spec : tools.specs()) {
    EXPECT_TRUE(spec->traits.idempotent) << spec->name;
    EXPECT_FALSE(spec->description.empty()) << spec->name;
    for (const auto& [name, schema] : spec->parameters["properties"].items())
      EXPECT_TRUE(schema.contains("description")) << spec->name << "." << name;
  }
}

TEST(Builtin, adds_nothing_when_the_root_cannot_be_opened) {
  ToolSet tools;
  const auto added = add_builtin_tools(tools, {.root = "/no/such/folder"});
  ASSERT_FALSE(added);
  EXPECT_THAT(added.error().message, HasSubstr("/no/such/folder"));
  EXPECT_TRUE(tools.empty());
}

}  // namespace
}  // namespace baton::tools
