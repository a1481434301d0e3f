#include <baton/tools/builtin/file_tools.h>
#include <baton/tools/builtin/line_matcher.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

namespace baton::tools {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

void write(const fs::path& path, std::string_view text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

constexpr std::string_view kMore = "; go on with offset ";
std::string more(int offset) { return std::string(kMore) + std::to_string(offset) + "]\n"; }

// A root with a secret beside it.
class FileTools : public testing::Test {
 protected:
  FileTools() {
    std::string pattern = (fs::temp_directory_path() / "baton-files-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    base_ = pattern;
    write(base_ / "root/README.md", "# Title\nfirst\nsecond\n");
    write(base_ / "root/src/main.cpp", "int main() {\n  return 42;  // the answer\n}\n");
    write(base_ / "root/src/deep/er/note.txt", "Answer: none\n");
    write(base_ / "secret.txt", "the secret answer\n");
    write(base_ / "root-twin/secret.txt", "the secret answer\n");
    root_.emplace(RootFolder::open(base_ / "root").value());
  }
  ~FileTools() override {
    std::error_code ec;
    fs::remove_all(base_, ec);
  }

  ToolResult list(std::optional<std::string> path = {}) { return list_directory(*root_, {path}); }
  ToolResult read(std::string path, std::optional<std::uint64_t> offset = {}, std::optional<std::uint64_t> limit = {}) {
    return read_file(*root_, {std::move(path), offset, limit});
  }
  ToolResult search(SearchFilesArguments arguments) { return search_files(*root_, arguments, {}); }
  ToolResult search(std::string pattern) { return search(SearchFilesArguments{std::move(pattern), {}, {}, {}, {}, {}}); }

  fs::path base_;
  std::optional<RootFolder> root_;
};

TEST_F(FileTools, list_a_folder_in_the_order_of_names) {
  fs::create_symlink("README.md", base_ / "root/link");
  EXPECT_EQ(list().content, "README.md (21 bytes)\nlink (link)\nsrc/\n");
  for (const char* same : {".", "", "/", "./", "src/..", "./src/../."}) EXPECT_EQ(list(same).content, list().content) << same;
  EXPECT_EQ(list("src").content, "deep/\nmain.cpp (43 bytes)\n");
  EXPECT_EQ(list((base_ / "root/src").string()).content, list("src").content);  // absolute, but below the root
  fs::create_directory(base_ / "root/empty");
  EXPECT_EQ(list("empty").content, "(the folder is empty)");
}

TEST_F(FileTools, list_a_large_folder_in_part_and_say_so) {
  for (int i = 0; i < 600; ++i) write(base_ / "root/many" / std::to_string(1000 + i), "");
  const ToolResult result = list("many");
  EXPECT_THAT(result.content, StartsWith("1000 (0 bytes)\n"));
  EXPECT_THAT(result.content, HasSubstr("[500 of 600 entries are shown]"));
  EXPECT_LE(result.content.size(), kFileToolOutputBytes);
}

TEST_F(FileTools, read_a_file_whole_or_in_part) {
  EXPECT_EQ(read("README.md").content, "# Title\nfirst\nsecond\n");
  EXPECT_EQ(read("README.md", 2, 1).content, "first\n[lines 2 to 2 of 3" + more(3));
  EXPECT_EQ(read("README.md", 3).content, "second\n[lines 3 to 3, the last]\n");
  EXPECT_EQ(read("README.md", 0, 0).content, "# Title\n[lines 1 to 1 of 3" + more(2));
  EXPECT_EQ(read("README.md", 4).content, "'README.md' has only 3 lines; offset was 4");
  write(base_ / "root/nothing", "");
  EXPECT_EQ(read("nothing").content, "(the file is empty)");
  write(base_ / "root/open-end", "a\nb");
  EXPECT_EQ(read("open-end").content, "a\nb\n");
}

TEST_F(FileTools, read_a_long_file_page_by_page_without_losing_a_line) {
  std::string text;
  for (int i = 1; i <= 3000; ++i) text += "line " + std::to_string(i) + "\n";
  write(base_ / "root/long", text);
  std::string all;
  std::uint64_t offset = 1;
  while (true) {
    const ToolResult page = read("long", offset, 100'000);
    ASSERT_FALSE(page.is_error) << page.content;
    EXPECT_LE(page.content.size(), kFileToolOutputBytes);
    const std::size_t note = page.content.find("[lines ");
    all += page.content.substr(0, note);
    const std::size_t next = page.content.find(kMore);
    if (next == std::string::npos) break;
    offset = std::stoull(page.content.substr(next + kMore.size()));
  }
  EXPECT_EQ(all, text);
}

TEST_F(FileTools, cut_a_line_that_is_too_long_and_say_so) {
  std::string line;
  while (line.size() < 1'000'000) line += "ä";
  write(base_ / "root/wide", line + "\nnext\n");
  const ToolResult result = read("wide");
  EXPECT_LE(result.content.size(), kFileToolOutputBytes);
  EXPECT_THAT(result.content, HasSubstr("[line 1 is longer and was cut]\n[lines 1 to 1 of 2" + more(2)));
  EXPECT_EQ(read("wide", 2).content, "next\n[lines 2 to 2, the last]\n");
}

TEST_F(FileTools, refuse_what_is_not_text_or_not_a_file) {
  write(base_ / "root/binary", std::string("ELF\0\1\2", 6));
  EXPECT_EQ(read("binary").content, "'binary' is a binary file of 6 bytes and is not shown");
  EXPECT_EQ(read("src").content, "'src' is a folder; list_directory shows what is in it");
  EXPECT_EQ(list("README.md").content, "'README.md' is not a folder; read_file reads files");
  ASSERT_EQ(::mkfifo((base_ / "root/pipe").c_str(), 0600), 0);
  EXPECT_THAT(read("pipe").content, HasSubstr("is no regular file"));  // and it does not wait for a writer
  EXPECT_THAT(list().content, HasSubstr("pipe (neither file nor folder)"));
  EXPECT_THAT(search("answer").content, HasSubstr("src/main.cpp:2:"));
  ASSERT_EQ(::truncate((base_ / "root/binary").c_str(), 65 << 20), 0);  // sparse
  EXPECT_THAT(read("binary").content, HasSubstr("has 68157440 bytes; files up to 67108864 bytes are read"));
}

TEST_F(FileTools, suggest_names_for_one_that_is_not_there) {
  const ToolResult typo = read("src/mian.cpp");
  EXPECT_TRUE(typo.is_error);
  EXPECT_EQ(typo.content, "there is no 'src/mian.cpp'; did you mean main.cpp in 'src'?");
  EXPECT_EQ(read("readme.md").content, "there is no 'readme.md'; did you mean README.md?");
  EXPECT_THAT(read("zzz.bin").content, HasSubstr("list_directory shows what there is"));
  EXPECT_THAT(read("no/such/file").content, HasSubstr("there is no folder 'no/such'"));
  EXPECT_THAT(read("README.md/x").content, HasSubstr("there is no folder 'README.md'"));
}

// Each way out of the root that a path can name, with openat2 and without.
TEST_F(FileTools, cannot_be_led_out_of_the_root) {
  fs::create_symlink(base_ / "secret.txt", base_ / "root/absolute");
  fs::create_symlink("../secret.txt", base_ / "root/relative");
  fs::create_directory_symlink("..", base_ / "root/up");
  fs::create_directory_symlink("/", base_ / "root/slash");
  fs::create_symlink("loop", base_ / "root/loop");
  fs::create_symlink("/proc/self/root/etc/passwd", base_ / "root/magic");
  const std::string out = base_.string();
  const std::string paths[] = {"../secret.txt",
                               "..",
                               "src/../../secret.txt",
                               "./../secret.txt",
                               "src/deep/../../../secret.txt",
                               "absolute",
                               "relative",
                               "up/secret.txt",
                               "up",
                               "slash" + out + "/secret.txt",
                               "loop",
                               "magic",
                               out + "/secret.txt",
                               "/etc/passwd",
                               out + "/root-twin/secret.txt",
                               out + "/root/../secret.txt",
                               out,
                               "/..",
                               "//etc/passwd",
                               std::string("README.md\0/../..", 16)};
  for (const bool openat2 : {true, false}) {
    if (!openat2) root_->without_openat2();
    for (const std::string& path : paths) {
      for (const ToolResult& result : {read(path), list(path), search({"secret", path, {}, {}, {}, {}})}) {
        EXPECT_TRUE(result.is_error) << path << ": " << result.content;
        EXPECT_THAT(result.content, Not(HasSubstr("the secret answer"))) << path;
      }
    }
    EXPECT_THAT(search("secret").content, HasSubstr("no line matches"));
  }
  EXPECT_THAT(read("../secret.txt").content, HasSubstr("leads out of the root folder"));
  EXPECT_THAT(read("/etc/passwd").content, HasSubstr("is an absolute path: give one relative to the root folder"));
}

TEST_F(FileTools, follow_links_that_stay_inside_only_with_openat2) {
  fs::create_symlink("src/main.cpp", base_ / "root/inside");
  EXPECT_THAT(read("inside").content, StartsWith("int main()"));
  root_->without_openat2();
  EXPECT_THAT(read("inside").content, HasSubstr("symbolic link that cannot be followed"));
  EXPECT_THAT(read("src/main.cpp").content, StartsWith("int main()"));
  EXPECT_EQ(list("src").content, "deep/\nmain.cpp (43 bytes)\n");
  EXPECT_EQ(list("/").content, list(".").content);
}

// A folder is swapped for a link to the outside, again and again, while the tools read through it.
TEST_F(FileTools, do_not_lose_a_race_against_a_link_put_in_place) {
  write(base_ / "outside/note.txt", "the secret answer\n");
  fs::create_directory_symlink(base_ / "outside", base_ / "bad");
  write(base_ / "root/swap/note.txt", "harmless answer\n");
  for (const bool openat2 : {true, false}) {
    if (!openat2) root_->without_openat2();
    std::atomic<bool> stop{false};
    std::thread attacker([&] {
      while (!stop) {
        fs::rename(base_ / "root/swap", base_ / "parked");
        fs::rename(base_ / "bad", base_ / "root/swap");
        fs::rename(base_ / "root/swap", base_ / "bad");
        fs::rename(base_ / "parked", base_ / "root/swap");
      }
    });
    int n_good = 0;
    // On one busy core the attacker may be the one who is interrupted while the link is in place, for many reads in a row.
    for (int i = 0; i < 2000 || (n_good == 0 && i < 200000); ++i) {
      const ToolResult result = i % 4 == 0 ? search("answer") : read("swap/note.txt");
      EXPECT_THAT(result.content, Not(HasSubstr("secret")));
      n_good += result.content.find("harmless") != std::string::npos;
    }
    stop = true;
    attacker.join();
    EXPECT_GT(n_good, 0);
  }
}

TEST_F(FileTools, stay_with_the_root_when_it_is_moved) {
  fs::rename(base_ / "root", base_ / "elsewhere");
  fs::create_directory_symlink(base_ / "root-twin", base_ / "root");
  EXPECT_THAT(read("README.md").content, StartsWith("# Title"));
  EXPECT_TRUE(read("secret.txt").is_error);
}

TEST_F(FileTools, search_all_files_in_the_order_of_names) {
  EXPECT_EQ(search("answer").content, "src/main.cpp:2:   return 42;  // the answer\n");
  SearchFilesArguments any_case{"ANSWER", {}, {}, {}, true, {}};
  EXPECT_EQ(search(any_case).content, "src/deep/er/note.txt:1: Answer: none\nsrc/main.cpp:2:   return 42;  // the answer\n");
  any_case.glob = "*.txt";
  EXPECT_EQ(search(any_case).content, "src/deep/er/note.txt:1: Answer: none\n");
  any_case.glob = "src/*.cpp";
  EXPECT_EQ(search(any_case).content, "src/main.cpp:2:   return 42;  // the answer\n");
  EXPECT_EQ(search({"42", "src/main.cpp", {}, {}, {}, {}}).content, "src/main.cpp:2:   return 42;  // the answer\n");
  EXPECT_EQ(search({"none", "src/deep", {}, {}, {}, {}}).content, "src/deep/er/note.txt:1: Answer: none\n");
  EXPECT_EQ(search("return 4.").content, "no line matches\n");  // plain text, no regular expression
  EXPECT_EQ(search({"return 4.", {}, {}, true, {}, {}}).content, "src/main.cpp:2:   return 42;  // the answer\n");
}

TEST_F(FileTools, say_what_a_search_left_out) {
  write(base_ / "root/.git/config", "answer\n");
  write(base_ / "root/data.bin", std::string("answer\0", 7));
  write(base_ / "root/huge.txt", "answer\n");
  ASSERT_EQ(::truncate((base_ / "root/huge.txt").c_str(), 9 << 20), 0);
  EXPECT_EQ(search("answer").content,
            "src/main.cpp:2:   return 42;  // the answer\n[1 file(s) over 8 MiB were not searched; 1 binary file(s) were not searched]\n");
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "needle " + std::string(500, 'x') + "\n";
  write(base_ / "root/many.txt", many);
  const ToolResult result = search("needle");
  EXPECT_THAT(result.content, HasSubstr("50 matches are shown, there may be more"));
  EXPECT_THAT(result.content, HasSubstr("x...\n"));
  const ToolResult more = search({"needle", {}, {}, {}, {}, 500});
  EXPECT_LE(more.content.size(), kFileToolOutputBytes);
  EXPECT_THAT(more.content, HasSubstr("there may be more"));
}

TEST_F(FileTools, stop_a_search_when_they_are_told) {
  std::stop_source stop;
  stop.request_stop();
  ToolContext context;
  context.stop = stop.get_token();
  EXPECT_THAT(search_files(*root_, {"answer", {}, {}, {}, {}, {}}, context).content, HasSubstr("the search was stopped"));
}

TEST_F(FileTools, answer_patterns_that_are_malformed_or_too_hard) {
  EXPECT_THAT(search({"(a", {}, {}, true, {}, {}}).content, HasSubstr("malformed at position 3"));
  EXPECT_FALSE(search("(a").is_error);
  EXPECT_THAT(search("").content, HasSubstr("the pattern is empty"));
  EXPECT_THAT(search("a\nb").content, HasSubstr("line by line"));
  EXPECT_THAT(search(std::string(1001, 'a')).content, HasSubstr("1001 bytes"));
  write(base_ / "root/evil.txt", std::string(5000, 'a') + "!\n");
  EXPECT_THAT(search({"(a+)+$", {}, {}, true, {}, {}}).content, HasSubstr("too hard for the regular expression"));
  write(base_ / "root/latin1.txt", "caf\xE9 answer\n");
  EXPECT_THAT(search("answer").content, HasSubstr("latin1.txt:1:"));
}

TEST_F(FileTools, stop_a_search_whose_pattern_takes_too_much_work_and_give_what_was_found) {
  std::string text = "aaaa\n";
  for (int i = 0; i < 10'000; ++i) text += std::string(40, 'a') + "!\n";
  write(base_ / "root/evil.txt", text + "aaaa\n");
  write(base_ / "root/later.txt", "aaaa\n");
  const ToolResult result = search({"^(a+)+$", {}, "*.txt", true, {}, {}});
  EXPECT_FALSE(result.is_error);
  EXPECT_THAT(result.content, StartsWith("evil.txt:1: aaaa\n["));
  EXPECT_THAT(result.content, HasSubstr("the search stopped at evil.txt:"));
  EXPECT_THAT(result.content, HasSubstr("simplify the pattern"));
  EXPECT_THAT(result.content, testing::Not(HasSubstr("later.txt")));
}

int lines_until_out_of_work(LineMatcher& matcher, const std::string& line) {
  int n = 0;
  while (matcher.match(line) != LineMatcher::Match::out_of_work) ++n;
  return n;
}

TEST(LineMatcher, takes_no_more_work_over_all_lines_than_it_was_given) {
  constexpr std::uint64_t kWork = 3 * LineMatcher::kLineWork;
  const std::string many(60'000, 'a');
  for (const auto& [pattern, line] :
       std::vector<std::pair<std::string, std::string>>{{"(a+)+$", std::string(40, 'a') + "!"},  // stopped at its first place
                                                        {"(?:a?){12}b", many + "!b"},            // never for long at any place
                                                        {"[a-z]+!", many + "?!"},                // runs to the end from each place
                                                        {"(a+)+$", many + "!"}}) {
    auto matcher = LineMatcher::make(pattern, true, false, kWork).value();
    const int n = lines_until_out_of_work(matcher, line);
    EXPECT_GE(n, 2) << pattern;
    EXPECT_LE(n, 3000) << pattern;
    EXPECT_EQ(matcher.work_left(), 0u);
    EXPECT_EQ(matcher.match("a"), LineMatcher::Match::out_of_work);
  }
  auto literal = LineMatcher::make(std::string(999, 'a') + "b", false, true, kWork).value();
  EXPECT_LE(lines_until_out_of_work(literal, many), 3);
}

TEST(LineMatcher, searches_megabytes_with_the_work_that_a_search_has) {
  const std::string code = "  if (arguments.size() != count) return fail(name, \"takes \" + std::to_string(count) + \" arguments\");";
  const std::string minified = [&] {
    std::string text;
    while (text.size() < 60'000) text += code;
    return text;
  }();
  for (const char* pattern :
       {"return \\w+", "\\bfail\\(.*\\)", "(foo|bar|takes).*ments", "\\w+=", "std::\\w+_string$", "[A-Z][a-z]+Error"}) {
    auto matcher = LineMatcher::make(pattern, true, false).value();
    for (int i = 0; i < 5000; ++i) EXPECT_NE(matcher.match(code), LineMatcher::Match::gave_up) << pattern;
    for (int i = 0; i < 8; ++i) EXPECT_NE(matcher.match(minified), LineMatcher::Match::gave_up) << pattern;
    EXPECT_GE(matcher.work_left(), LineMatcher::kAllWork / 4 * 3) << pattern;
  }
  auto literal = LineMatcher::make("to_string", false, false).value();
  EXPECT_EQ(literal.match(minified), LineMatcher::Match::yes);
  EXPECT_EQ(literal.match("TO_STRING"), LineMatcher::Match::no);
}

TEST_F(FileTools, show_hostile_file_names_on_one_line) {
  write(base_ / "root/a\nsrc (folder)\x1B[2J", "x");
  EXPECT_THAT(list().content, HasSubstr("a?src (folder)?[2J (1 byte)\n"));
}

TEST(Glob, matches_names_and_paths) {
  const auto matches = [](const std::string& glob, std::string_view path) { return Glob::make(glob).value().matches(path); };
  EXPECT_TRUE(matches("*.cpp", "src/a.cpp"));
  EXPECT_FALSE(matches("*.cpp", "src/a.cpp.bak"));
  EXPECT_TRUE(matches("*.{h,cpp}", "a.h"));
  EXPECT_TRUE(matches("{a,b}{1,2}", "b1"));
  EXPECT_TRUE(matches("**/*.py", "a.py"));
  EXPECT_TRUE(matches("**/*.py", "x/y/a.py"));
  EXPECT_TRUE(matches("./src/*", "src/a"));
  EXPECT_FALSE(matches("src/*", "lib/a"));
  EXPECT_TRUE(matches("test_?.py", "test_1.py"));
  EXPECT_TRUE(matches("{", "{"));
  EXPECT_FALSE(matches("a*a*a*a*a*a*a*a*a*a*b", std::string(5000, 'a')));
  EXPECT_FALSE(Glob::make("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"));
}

TEST(RootFolder, must_be_a_folder) {
  const auto missing = RootFolder::open("/no/such/folder");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, errc::io);
  EXPECT_THAT(missing.error().message, HasSubstr("'/no/such/folder'"));
  EXPECT_FALSE(RootFolder::open("/etc/passwd"));
}

}  // namespace
}  // namespace baton::tools
