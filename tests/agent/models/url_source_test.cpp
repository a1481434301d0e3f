// Models that come from an https address, from a server on this machine.
#include <atomic>

#include "model_fixture.h"
#include "tls_server.h"

namespace baton::agent {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using tests::ServedConnection;
using tests::ServedRequest;
using tests::TlsServer;

// Long enough for several network reads; no two megabytes are equal.
std::string long_content(std::size_t size = 3'000'000) {
  std::string bytes = "GGUF";
  std::uint32_t state = 1;
  while (bytes.size() < size) bytes += static_cast<char>((state = state * 1664525u + 1013904223u) >> 24);
  return bytes;
}

class PullUrl : public PullTest {
 protected:
  static ModelSource source(const std::string& url) {
    ModelSource source;
    source.url = url;
    return source;
  }
  // A pull of a catalogue model that hashes to `wanted`.
  Result<std::filesystem::path> pull_from(TlsServer& server, const std::string& wanted) {
    options_.ca_file = server.ca_file();
    return pull_model(model_of(wanted, source(server.url("/m.gguf"))), options_);
  }
  void put_part(const std::string& bytes) {
    std::filesystem::create_directories(options_.models_dir);
    std::ofstream(options_.models_dir / "m.gguf.part", std::ios::binary) << bytes;
  }
};

TEST_F(PullUrl, fetches_and_checks_a_file_and_tells_its_progress) {
  const std::string content = long_content();
  TlsServer server([&](const ServedRequest& request, ServedConnection& connection) { connection.serve(request, content); });
  const auto pulled = pull_from(server, content);
  ASSERT_TRUE(pulled) << pulled.error().message;
  EXPECT_EQ(contents(*pulled), content);
  EXPECT_THAT(files(), ElementsAre("m.gguf"));
  EXPECT_GE(done_.size(), 3u);
  EXPECT_EQ(done_.back(), content.size());
  EXPECT_TRUE(std::is_sorted(done_.begin(), done_.end()));
}

TEST_F(PullUrl, follows_redirects_and_takes_the_range_along) {
  const std::string content = long_content();
  TlsServer server([&](const ServedRequest& request, ServedConnection& connection) {
    if (request.target == "/m.gguf") {
      connection.redirect(302, "/elsewhere");
    } else {
      connection.serve(request, content);
    }
  });
  put_part(content.substr(0, 1'000'000));
  const auto pulled = pull_from(server, content);
  ASSERT_TRUE(pulled) << pulled.error().message;
  EXPECT_EQ(contents(*pulled), content);
  EXPECT_EQ(server.requests().back().header("range"), "bytes=1000000-");
}

TEST_F(PullUrl, goes_on_where_the_last_pull_stopped) {
  const std::string content = long_content();
  TlsServer server([&](const ServedRequest& request, ServedConnection& connection) { connection.serve(request, content); });
  put_part(content.substr(0, 2'500'000));
  const auto pulled = pull_from(server, content);
  ASSERT_TRUE(pulled) << pulled.error().message;
  EXPECT_EQ(contents(*pulled), content);
  EXPECT_THAT(messages_, Contains("continuing after 2.5 MB"));
}

TEST_F(PullUrl, takes_a_connection_up_again_that_broke_off) {
  const std::string content = long_content();
  std::atomic<int> connections{0};
  TlsServer server([&](const ServedRequest& request, ServedConnection& connection) {
    if (connections++ == 0) {
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(content.size()) + "\r\n\r\n" + content.substr(0, 1'200'000));
    } else {
      connection.serve(request, content);
    }
  });
  const auto pulled = pull_from(server, content);
  ASSERT_TRUE(pulled) << pulled.error().message;
  EXPECT_EQ(contents(*pulled), content);
  ASSERT_EQ(server.requests().size(), 2u);
  EXPECT_THAT(server.requests().back().header("range"), ::testing::StartsWith("bytes="));
  EXPECT_THAT(messages_, Contains(HasSubstr("connecting again")));
}

TEST_F(PullUrl, starts_over_with_a_server_that_knows_no_ranges) {
  const std::string content = long_content();
  TlsServer server([&](const ServedRequest&, ServedConnection& connection) { connection.respond(200, {}, content); });
  put_part(content.substr(0, 1'000'000));
  const auto pulled = pull_from(server, content);
  ASSERT_TRUE(pulled) << pulled.error().message;
  EXPECT_EQ(contents(*pulled), content);
  EXPECT_THAT(messages_, Contains(HasSubstr("starting over")));
}

TEST_F(PullUrl, a_wrong_part_of_an_earlier_pull_is_found_and_fetched_anew) {
  const std::string content = long_content();
  TlsServer server([&](const ServedRequest& request, ServedConnection& connection) { connection.serve(request, content); });
  put_part(std::string(1'000'000, 'x'));
  const auto pulled = pull_from(server, content);
  ASSERT_TRUE(pulled) << pulled.error().message;
  EXPECT_EQ(contents(*pulled), content);
  EXPECT_THAT(messages_, Contains(HasSubstr("sha256 is")));
}

TEST_F(PullUrl, a_wrong_sha256_is_an_error_with_both_sums_and_leaves_nothing) {
  const std::string content = long_content(), forged = long_content(2'999'990) + "0123456789";
  TlsServer server([&](const ServedRequest& request, ServedConnection& connection) { connection.serve(request, forged); });
  const auto pulled = pull_from(server, content);
  ASSERT_FALSE(pulled);
  EXPECT_EQ(pulled.error().code, errc::verification);
  EXPECT_THAT(pulled.error().message, HasSubstr(sha256_of(forged)));
  EXPECT_THAT(pulled.error().message, HasSubstr(sha256_of(content)));
  EXPECT_THAT(files(), ElementsAre());
}

TEST_F(PullUrl, a_file_of_another_size_is_refused_before_it_is_fetched) {
  const std::string content = long_content();
  TlsServer server([&](const ServedRequest& request, ServedConnection& connection) { connection.serve(request, "short"); });
  const auto pulled = pull_from(server, content);
  ASSERT_FALSE(pulled);
  EXPECT_THAT(pulled.error().message, HasSubstr("the server's file has 5 bytes, the catalogue says 3000000"));
}

TEST_F(PullUrl, a_server_that_says_no_is_quoted_and_the_part_stays) {
  TlsServer server([&](const ServedRequest&, ServedConnection& connection) { connection.respond(404, {}, "no such file"); });
  put_part("GGUF");
  const auto pulled = pull_from(server, long_content());
  ASSERT_FALSE(pulled);
  EXPECT_EQ(pulled.error().code, errc::network);
  EXPECT_THAT(pulled.error().message, HasSubstr("HTTP status 404"));
  EXPECT_EQ(contents(options_.models_dir / "m.gguf.part"), "GGUF");
}

TEST_F(PullUrl, an_untrusted_server_gives_nothing) {
  const std::string content = long_content();
  TlsServer server([&](const ServedRequest& request, ServedConnection& connection) { connection.serve(request, content); });
  const auto pulled = pull_model(model_of(content, source(server.url("/m.gguf"))), options_);
  ASSERT_FALSE(pulled);
  EXPECT_EQ(pulled.error().code, errc::network);
  EXPECT_TRUE(server.requests().empty());
  EXPECT_THAT(files(), ElementsAre());
}

TEST_F(PullUrl, a_stop_ends_it_and_keeps_what_came) {
  const std::string content = long_content();
  TlsServer server([&](const ServedRequest&, ServedConnection& connection) {
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(content.size()) + "\r\n\r\n" + content.substr(0, 2'000'000));
    connection.hold();
  });
  std::stop_source stop;
  options_.stop = stop.get_token();
  options_.progress = [&](const PullProgress& progress) {
    if (progress.done > 1'000'000) stop.request_stop();
  };
  const auto pulled = pull_from(server, content);
  ASSERT_FALSE(pulled);
  EXPECT_EQ(pulled.error().code, errc::cancelled);
  const std::string part = contents(options_.models_dir / "m.gguf.part");
  EXPECT_GT(part.size(), 1'000'000u);
  EXPECT_EQ(part, content.substr(0, part.size()));
}

TEST_F(PullUrl, an_address_without_a_catalogue_entry_is_taken_when_it_is_gguf) {
  const std::string content = long_content();
  TlsServer server([&](const ServedRequest& request, ServedConnection& connection) {
    connection.serve(request, request.target == "/a.gguf" ? content : "<html>", {{"ETag", "\"1\""}});
  });
  options_.ca_file = server.ca_file();
  const auto pulled = pull(server.url("/a.gguf"), options_);
  ASSERT_TRUE(pulled) << pulled.error().message;
  EXPECT_EQ(contents(*pulled), content);
  EXPECT_THAT(messages_, Contains(HasSubstr(sha256_of(content))));
  EXPECT_EQ(*resolve_model(server.url("/a.gguf"), options_.models_dir), *pulled);
  const auto page = pull(server.url("/page.gguf"), options_);
  ASSERT_FALSE(page);
  EXPECT_THAT(page.error().message, HasSubstr("not a GGUF file"));
}

TEST_F(PullUrl, without_a_sha256_a_part_is_only_used_when_the_server_says_it_is_the_same_file) {
  const std::string content = long_content();
  std::atomic<int> connections{0};
  TlsServer server([&](const ServedRequest& request, ServedConnection& connection) {
    if (connections++ == 0) {
      connection.send("HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: " + std::to_string(content.size()) + "\r\n\r\n" +
                      content.substr(0, 1'200'000));
    } else {
      connection.serve(request, content, {{"ETag", "\"1\""}});
    }
  });
  options_.ca_file = server.ca_file();
  const auto pulled = pull(server.url("/a.gguf"), options_);
  ASSERT_TRUE(pulled) << pulled.error().message;
  EXPECT_EQ(contents(*pulled), content);
  EXPECT_EQ(server.requests().back().header("if-range"), "\"1\"");
}

TEST_F(PullUrl, too_little_space_is_found_from_the_servers_word_where_the_catalogue_has_none) {
  const std::string content = long_content();
  TlsServer server([&](const ServedRequest& request, ServedConnection& connection) { connection.serve(request, content); });
  options_.ca_file = server.ca_file();
  options_.free_space = [](const std::filesystem::path&) { return std::uint64_t{1'000'000}; };
  const auto pulled = pull(server.url("/a.gguf"), options_);
  ASSERT_FALSE(pulled);
  EXPECT_EQ(pulled.error().code, errc::no_space);
  EXPECT_THAT(pulled.error().message, HasSubstr("3.0 MB"));
}

TEST_F(PullUrl, what_cannot_be_understood_says_what_was_expected) {
  const auto message = [&](const char* what) {
    const auto pulled = pull(what, options_);
    return pulled ? "pulled" : pulled.error().message;
  };
  EXPECT_THAT(message("hf:owner/file.gguf"), HasSubstr("hf:OWNER/REPO/FILE.gguf"));
  EXPECT_THAT(message("hf:owner/repo/file.bin"), HasSubstr("hf:OWNER/REPO/FILE.gguf"));
  EXPECT_THAT(message("hf:owner/repo/../file.gguf"), HasSubstr("hf:OWNER/REPO/FILE.gguf"));
  EXPECT_THAT(message("https://example.com/page"), HasSubstr("address of a .gguf file"));
  EXPECT_THAT(message("unknown"), HasSubstr("smollm2-135m-instruct"));
}

TEST_F(PullUrl, a_folder_that_cannot_be_made_is_named) {
  std::ofstream(folder_.path() / "file") << "x";
  options_.models_dir = folder_.path() / "file" / "models";
  const auto pulled = pull("smollm2-135m-instruct", options_);
  ASSERT_FALSE(pulled);
  EXPECT_EQ(pulled.error().code, errc::io);
  EXPECT_THAT(pulled.error().message, HasSubstr("cannot create"));
}

}  // namespace
}  // namespace baton::agent
