// A log without a reader.
#include <baton/agent/terminal/unblocking_sink.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spdlog/logger.h>

#include <array>
#include <string>

namespace baton::agent::cli {
namespace {

TEST(UnblockingSink, a_pipe_that_nobody_reads_loses_lines_and_says_so_later) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  spdlog::logger log("test", std::make_shared<UnblockingSink>(ends[1]));
  log.set_pattern("%v");
  for (int i = 0; i < 3000; ++i) log.info("{}", std::string(100, 'x'));  // a pipe holds 64 KiB
  std::string read_back(1 << 20, '\0');
  read_back.resize(static_cast<std::size_t>(read(ends[0], read_back.data(), read_back.size())));
  EXPECT_LT(read_back.size(), 100'000u);
  log.info("here again");
  std::string rest(1 << 20, '\0');
  rest.resize(static_cast<std::size_t>(read(ends[0], rest.data(), rest.size())));
  EXPECT_NE(rest.find("lines of this log were lost"), std::string::npos) << rest;
  EXPECT_NE(rest.find("here again"), std::string::npos);
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace baton::agent::cli
