// The operator's view: the log of the daemon, the report of doctor, and files that are refused.
#include <arpa/inet.h>
#include <baton/agent/terminal/log.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>

#include "cli_fixture.h"

namespace baton {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ServeTest : public CliTest {
 protected:
  std::string read(const std::string& name) {
    std::ifstream in(folder_.path() / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static Json check(const Json& doctor, const std::string& what) {
    for (const Json& one : doctor["checks"]) {
      if (one["what"] == what) return one;
    }
    return {};
  }
};

TEST_F(ServeTest, the_log_says_start_and_end_and_no_secret_and_doctor_knows_the_daemon) {
  file("token", "secret-token-4711\n");
  const Output out = script("chmod 600 token\n$BATON -m " + tiny_model() +
                            " --log-json serve --port 0 --max-runs 7 --token-file token >out 2>log &\n"
                            "pid=$!\n"
                            "while kill -0 $pid && ! grep -q 'serves on' out; do sleep 0.05; done\n"
                            "port=$(sed -n 's/.*serves on .*:\\([0-9]*\\).*/\\1/p' out)\n"
                            "printf '[serve]\\nport = %s\\n' $port >port.toml\n"
                            "$BATON --config port.toml doctor --json >doctor.json\n"
                            "kill -TERM $pid\n"
                            "wait $pid\n");
  EXPECT_EQ(out.code, 0) << out.text << read("log");
  std::istringstream lines(read("log"));
  std::vector<Json> log;
  for (std::string line; std::getline(lines, line);) {
    log.push_back(Json::parse(line, nullptr, false));
    ASSERT_TRUE(log.back().is_object()) << line;
    EXPECT_THAT(log.back()["time"].get<std::string>(), testing::MatchesRegex("....-..-..T..:..:..\\....Z"));
  }
  const auto find = [&](const std::string& start) {
    for (const Json& line : log) {
      if (line["message"].get<std::string>().starts_with(start)) return line;
    }
    ADD_FAILURE() << "no line begins with " << start << "\n" << read("log");
    return Json::object();
  };
  EXPECT_EQ(find("model loaded:")["device"], "cpu");
  const Json started = find("started:");
  EXPECT_EQ(started["level"], "info");
  EXPECT_EQ(started["model"], "tiny");
  EXPECT_EQ(started["tls"], false);
  EXPECT_EQ(started["token"], true);
  EXPECT_EQ(started["max_runs"], 7);
  EXPECT_FALSE(started.contains("max_connections")) << "only limits that are not the default";
  EXPECT_GT(started["tools"].get<int>(), 0);
  EXPECT_EQ(find("shutting down:")["why"], "SIGTERM");
  EXPECT_EQ(find("stopped:")["parked"], 0);
  EXPECT_THAT(read("log"), Not(HasSubstr("secret-token")));

  const Json port = check(Json::parse(read("doctor.json")), "port");
  EXPECT_EQ(port["status"], "ok") << port;
  EXPECT_THAT(port["text"].get<std::string>(), HasSubstr("in use by a baton"));
}

TEST_F(ServeTest, a_log_that_nobody_reads_any_more_does_not_end_the_daemon) {
  const Output out = script("mkfifo log\nhead -n 1 log >first &\nreader=$!\n$BATON -m " + tiny_model() +
                            " serve --port 0 >out 2>log &\n"
                            "pid=$!\n"
                            "while kill -0 $pid && ! grep -q 'serves on' out; do sleep 0.05; done\n"
                            "wait $reader\n"
                            "kill -TERM $pid\n"
                            "wait $pid\n");
  EXPECT_EQ(out.code, 0) << out.text;
  EXPECT_THAT(read("first"), HasSubstr("model loaded:"));
}

TEST_F(ServeTest, a_token_that_others_can_read_is_refused_with_what_mends_it) {
  const std::string token = file("token", "abc\n");
  for (const char* mode : {"644", "640", "604"}) {
    const Output out = script("chmod " + std::string(mode) + " token; exec $BATON serve --token-file token");
    EXPECT_EQ(out.code, 1);
    EXPECT_THAT(out.text, AllOf(HasSubstr("token can be read by other users"), HasSubstr("chmod 600 token"))) << mode;
  }
  EXPECT_THAT(script("chmod 620 token; exec $BATON serve --token-file token").text,
              AllOf(HasSubstr("token can be changed by other users"), HasSubstr("chmod 600 token")));
  EXPECT_THAT(script("chmod 600 token; exec $BATON serve --token-file token").text,
              AllOf(Not(HasSubstr("chmod")), HasSubstr("baton pull")));
}

TEST_F(ServeTest, a_file_that_may_not_grow_is_an_error_and_not_a_death) {
  const Output out = script("ulimit -f 8\nexec $BATON -m " + tiny_model() + " run --no-tools --max-output-tokens 2 hello");
  EXPECT_EQ(out.code, 1) << out.text;
  EXPECT_THAT(out.text, HasSubstr("baton: "));
}

TEST_F(ServeTest, doctor_is_content_with_a_machine_that_has_all) {
  const Output out = baton("--config " + file("c.toml", "[serve]\nport = 0\n") + " -m " + tiny_model() + " doctor");
  EXPECT_EQ(out.code, 0) << out.text;
  EXPECT_THAT(out.text, AllOf(HasSubstr("checks\n"), HasSubstr("tiny.gguf: qwen2"), Not(HasSubstr("problem"))));
}

TEST_F(ServeTest, doctor_says_what_is_wrong_and_what_to_do) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  file("token", "abc\n");
  std::filesystem::permissions(folder_.path() / "token", std::filesystem::perms(0644));
  const std::string config = file("c.toml", "[serve]\nport = " + std::to_string(ntohs(address.sin_port)) + "\ntoken-file = \"" +
                                                (folder_.path() / "token").string() + "\"\n");
  const std::string notes = file("notes", "");
  const Output out = baton("--config " + config + " --journal " + notes + "/below/journal.db -m /nowhere.gguf doctor --json");
  ::close(listener);
  EXPECT_EQ(out.code, 1) << out.text;
  const Json doctor = Json::parse(out.text);
  for (const char* what : {"port", "token", "journal", "model"}) {
    EXPECT_EQ(check(doctor, what)["status"], "problem") << what << out.text;
    EXPECT_NE(check(doctor, what)["remedy"], "") << what;
  }
  EXPECT_THAT(check(doctor, "port")["text"].get<std::string>(), HasSubstr("another program"));
  EXPECT_EQ(check(doctor, "home")["status"], "ok");
  EXPECT_EQ(check(doctor, "config")["status"], "ok");
}

TEST_F(ServeTest, doctor_tells_of_a_wrong_config_file_and_goes_on) {
  const std::string config = file("c.toml", "tokn-file = 1\n");
  const Output out = baton("--config " + config + " doctor --json");
  EXPECT_EQ(out.code, 2);
  const Json doctor = Json::parse(out.text);
  EXPECT_THAT(check(doctor, "config")["text"].get<std::string>(), StartsWith(config + ":1: "));
  EXPECT_GT(doctor["checks"].size(), 5u);
}

std::string logged(bool json, const std::string& message) {
  testing::internal::CaptureStderr();
  agent::cli::set_up_log("info", json);
  spdlog::warn("{}", message);
  spdlog::debug("not shown");
  spdlog::default_logger()->flush();
  spdlog::drop_all();
  return testing::internal::GetCapturedStderr();
}

TEST(Log, one_message_is_one_line_and_steers_nothing) {
  const std::string text = logged(false, "refused: path=/\x1b[2J\u009b\n2026 error forged");
  EXPECT_THAT(text, testing::MatchesRegex("....-..-..T..:..:..\\....Z warn refused: path=/.x1b.2J.u009b.n2026 error forged\n"));
}

TEST(Log, pairs_of_a_message_are_fields_of_its_json) {
  const Json line = Json::parse(logged(true, R"(request: status=200 ms=1.5 path="/a b\" c=1" tls=false status=500 level=x end=)"));
  EXPECT_EQ(line["level"], "warn");
  EXPECT_EQ(line["status"], 200) << "the first counts";
  EXPECT_EQ(line["ms"], 1.5);
  EXPECT_EQ(line["path"], "/a b\" c=1");
  EXPECT_EQ(line["tls"], false);
  EXPECT_EQ(line["end"], "");
  EXPECT_FALSE(line.contains("c"));
  EXPECT_THAT(line["message"].get<std::string>(), StartsWith("request: "));
}

}  // namespace
}  // namespace baton
