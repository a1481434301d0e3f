// Compressed bodies: the size of their content is bounded in every case.
#include <zlib.h>

#include "server_fixture.h"

namespace baton::agent::server {
namespace {

std::string compressed(const std::string& text, int window_bits) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}
std::string gzip(const std::string& text) { return compressed(text, MAX_WBITS + 16); }

const std::string kBody = Json{{"input", "say yes"}}.dump();

class ContentEncodingTest : public ServerTest {
 protected:
  Answer post_encoded(const std::string& body, const std::string& coding, const std::string& path = "/v1/responses") {
    tcp::socket socket = send("POST " + path, body, "Content-Encoding: " + coding + "\r\nConnection: close\r\n");
    return answer_on(socket);
  }
};

TEST_F(ContentEncodingTest, gzip_and_deflate_are_read) {
  const std::pair<std::string, const char*> cases[] = {{gzip(kBody), "gzip"},
                                                       {gzip(kBody), "x-gzip"},
                                                       {gzip(kBody), "GZIP"},
                                                       {compressed(kBody, MAX_WBITS), "deflate"},
                                                       {compressed(kBody, -MAX_WBITS), "deflate"},
                                                       {kBody, "identity"}};
  for (const auto& [body, coding] : cases) {
    const Answer answer = post_encoded(body, coding);
    EXPECT_EQ(answer.status, 200) << coding << ": " << answer.body;
    EXPECT_EQ(answer.json["output"][0]["content"][0]["text"], "yes");
  }
  Json streamed = Json::parse(kBody);
  streamed["stream"] = true;
  EXPECT_THAT(post_encoded(gzip(streamed.dump()), "gzip").body, HasSubstr("response.completed"));
}

TEST_F(ContentEncodingTest, other_codings_are_415) {
  for (const char* coding : {"br", "zstd", "compress", "gzip, deflate"}) {
    Answer answer = post_encoded(kBody, coding);
    EXPECT_EQ(answer.status, 415) << coding;
    EXPECT_EQ(answer.headers["Accept-Encoding"], "gzip, deflate");
  }
}

TEST_F(ContentEncodingTest, a_body_that_is_not_what_it_says_is_refused) {
  const std::string whole = gzip(kBody);
  std::string broken = whole;
  broken[broken.size() - 5] ^= 1;  // a byte of the checksum
  for (const std::string& body : {whole.substr(0, whole.size() - 1), broken, whole + "x", kBody, std::string()}) {
    const Answer answer = post_encoded(body, "gzip");
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.json["error"]["code"], "invalid_content_encoding") << answer.body;
  }
}

TEST_F(ContentEncodingTest, a_body_that_holds_more_than_is_taken_is_413) {
  ServerLimits limits;
  limits.body_bytes = 1 << 20;
  start(limits);
  const std::string most = "{\"input\": \"say yes\"" + std::string((1 << 20) - 20, ' ') + "}";
  ASSERT_EQ(most.size(), std::size_t{1} << 20);
  EXPECT_EQ(post_encoded(gzip(most), "gzip").status, 200);
  EXPECT_EQ(post_encoded(gzip(most + " "), "gzip").status, 413);
  std::string bomb = gzip(std::string(64 << 20, ' '));
  ASSERT_LT(bomb.size(), 100'000u);
  EXPECT_EQ(post_encoded(bomb, "gzip").status, 413);
  bomb.clear();
  for (int i = 0; i < 1000; ++i) bomb += gzip("");  // many empty members
  EXPECT_EQ(post_encoded(bomb, "gzip").status, 400) << "an empty body";
  EXPECT_EQ(ask(http::verb::get, "/healthz").status, 200);
}

}  // namespace
}  // namespace baton::agent::server
