// Bodies that a server sends compressed, or in another encoding than UTF-8. The compressed ones were written by Python's gzip and zlib.
#include <baton/tools/http/charset.h>
#include <baton/tools/http/http_client.h>
#include <baton/tools/http/inflate.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "tls_server.h"

namespace baton::tools {
namespace {

using testing::HasSubstr;
using tests::ServedConnection;
using tests::ServedRequest;
using tests::TlsServer;
using namespace std::string_literals;

const std::string kPlain = R"({"city": "Zürich"})";
const std::string kGzip =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\x4a\xce\x2c\xa9\x54\xb2\x52\x50\x8a\x3a\xbc\xa7\x28\x33\x39\x43\xa9\x16\x00\xf4\xbe\xee\x7c\x13\x00\x00\x00"s;
const std::string kZlib = "\x78\x9c\xab\x56\x4a\xce\x2c\xa9\x54\xb2\x52\x50\x8a\x3a\xbc\xa7\x28\x33\x39\x43\xa9\x16\x00\x43\xef\x07\x13"s;
const std::string kRaw = "\xab\x56\x4a\xce\x2c\xa9\x54\xb2\x52\x50\x8a\x3a\xbc\xa7\x28\x33\x39\x43\xa9\x16\x00"s;
const std::string kTwoMembers =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x57\x00\x00\xf6\xf9\x81\xed\x06\x00\x00\x00"
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x2b\xcf\x2f\xca\x49\x01\x00\x43\x11\x77\x3a\x05\x00\x00\x00"s;

// The decoded body, read in pieces of `step` bytes; or the error's message.
std::string inflated(const std::string& coding, const std::string& data, std::size_t step) {
  const auto inflater = Inflater::of_coding(coding);
  std::string out;
  const auto take = [&](std::string_view bytes) -> Result<void> {
    out += bytes;
    return {};
  };
  for (std::size_t at = 0; at < data.size(); at += step) {
    if (const Result<void> done = inflater->write(std::string_view(data).substr(at, step), take); !done) return done.error().message;
  }
  const Result<void> ended = inflater->finish();
  return ended ? out : ended.error().message;
}

std::string zeros(std::size_t n) {
  std::string packed(compressBound(n), '\0');
  uLongf size = packed.size();
  const std::string plain(n, '\0');
  compress2(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(plain.data()), n, 9);
  packed.resize(size);
  return packed;
}

TEST(Inflater, undoes_gzip_and_both_forms_of_deflate_cut_anywhere) {
  for (const std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{1000}}) {
    EXPECT_EQ(inflated("gzip", kGzip, step), kPlain);
    EXPECT_EQ(inflated("X-GZip", kTwoMembers, step), "hello world");
    EXPECT_EQ(inflated("deflate", kZlib, step), kPlain);
    EXPECT_EQ(inflated("deflate", kRaw, step), kPlain);
  }
  EXPECT_EQ(Inflater::of_coding("br"), nullptr);
  EXPECT_EQ(Inflater::of_coding("gzip, gzip"), nullptr);
}

TEST(Inflater, says_what_is_wrong) {
  for (std::size_t length = 1; length < kGzip.size(); ++length)
    EXPECT_THAT(inflated("gzip", kGzip.substr(0, length), 5), HasSubstr("ends before its end")) << length;
  EXPECT_THAT(inflated("gzip", "hello, this is text", 100), HasSubstr("this is not gzip data"));
  std::string damaged = kGzip;
  damaged[15] = static_cast<char>(damaged[15] ^ 4);
  EXPECT_THAT(inflated("gzip", damaged, 3), HasSubstr("this is not gzip data"));
  EXPECT_THAT(inflated("deflate", kZlib + "more", 100), HasSubstr("bytes after the end"));
}

Result<HttpResponse> bring(const TlsServer& server, const std::string& path, std::uint64_t max_body_bytes = 1 << 20) {
  return make_http_client()->send({.url = server.url(path), .max_body_bytes = max_body_bytes});
}

TEST(ContentCoding, a_compressed_body_comes_decompressed) {
  TlsServer server(
      [](const ServedRequest& r, ServedConnection& c) {
        if (r.target == "/gzip") c.respond(200, {{"Content-Encoding", "gzip"}}, kGzip);
        if (r.target == "/empty") c.respond(200, {{"Content-Encoding", "gzip"}}, "");
        if (r.target == "/deflate") c.respond(404, {{"Content-Encoding", "deflate"}}, kZlib);
      },
      {.tls = false});
  const auto gzip = bring(server, "/gzip");
  ASSERT_TRUE(gzip) << gzip.error().message;
  EXPECT_EQ(gzip->body, kPlain);
  EXPECT_EQ(gzip->body_bytes, kPlain.size());
  EXPECT_FALSE(gzip->head.content_length) << "it counts what was sent";
  EXPECT_EQ(bring(server, "/deflate")->body, kPlain);
  EXPECT_EQ(bring(server, "/empty")->body, "");
}

TEST(ContentCoding, what_cannot_be_decompressed_is_the_servers_fault_and_a_bomb_is_too_large) {
  const std::string bomb = zeros(50 << 20);
  TlsServer server(
      [&](const ServedRequest& r, ServedConnection& c) {
        if (r.target == "/br") c.respond(200, {{"Content-Encoding", "br"}}, "x");
        if (r.target == "/text") c.respond(200, {{"Content-Encoding", "gzip"}}, "plain text");
        if (r.target == "/cut") c.respond(200, {{"Content-Encoding", "gzip"}}, kGzip.substr(0, 20));
        if (r.target == "/part") c.respond(206, {{"Content-Encoding", "gzip"}}, kGzip);
        if (r.target == "/bomb") c.respond(200, {{"Content-Encoding", "deflate"}}, bomb);
      },
      {.tls = false});
  for (const char* path : {"/br", "/text", "/cut", "/part"}) {
    const auto response = bring(server, path);
    ASSERT_FALSE(response) << path;
    EXPECT_EQ(response.error().code, errc::network) << path;
  }
  EXPECT_THAT(bring(server, "/br").error().message, HasSubstr("'br'"));
  EXPECT_THAT(bring(server, "/cut").error().message, HasSubstr("ends before its end"));
  ASSERT_LT(bomb.size(), std::size_t{1 << 20});
  const auto response = bring(server, "/bomb");
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, errc::too_large);
}

TEST(Charset, is_what_the_content_type_declares) {
  EXPECT_EQ(charset_of("text/html; charset=ISO-8859-1"), "ISO-8859-1");
  EXPECT_EQ(charset_of("text/html;level=1;  CHARSET=\"utf-16\"; x=y"), "utf-16");
  EXPECT_EQ(charset_of("text/html; charset=koi8-r; x"), "koi8-r");
  EXPECT_EQ(charset_of("text/html"), "");
  EXPECT_EQ(charset_of("text/html; notcharset=x"), "");
}

// Python's encodings of them.
TEST(Charset, the_encodings_of_the_web_become_utf8) {
  EXPECT_EQ(to_utf8("\x80\x35 Z\xfcrich", "latin1"), "€5 Zürich");
  EXPECT_EQ(to_utf8("\xed\xcf\xd3\xcb\xd7\xc1", "KOI8-R"), "Москва");
  EXPECT_EQ(to_utf8("\x93\x8c\x8b\x9e", "Shift_JIS"), "東京");
  EXPECT_EQ(to_utf8("\xc6\xfc\xcb\xdc", "euc-jp"), "日本");
  EXPECT_EQ(to_utf8("\x1b\x24\x42\x46\x7c\x4b\x5c\x1b\x28\x42", "iso-2022-jp"), "日本");
  EXPECT_EQ(to_utf8("\x9d\x68\xd7\xd6", "gb2312"), "漢字");
  EXPECT_EQ(to_utf8("\xba\x7e\xa6\x72", "big5"), "漢字");
  EXPECT_EQ(to_utf8("\xc7\xd1\xb1\xb9", "euc-kr"), "한국");
  EXPECT_EQ(to_utf8("\xff\xfeh\x00\xe9\x00"s, "utf-16"), "hé");
  EXPECT_EQ(to_utf8("\xfe\xff\x00h\x00\xe9"s, "utf-16"), "hé") << "the byte order mark decides";
  EXPECT_EQ(to_utf8("\x00h\x00\xe9"s, "utf-16be"), "hé");
}

TEST(Charset, what_is_not_of_it_is_marked_and_a_cut_character_left_out) {
  EXPECT_EQ(to_utf8("a\xa1\x30z", "euc-jp"),
            "a\xEF\xBF\xBD"
            "0z");
  EXPECT_EQ(to_utf8("\x93\x8c\x8b", "shift_jis"), "東");
  EXPECT_EQ(to_utf8("Z\xfcrich", "utf-8"), "Z\xEF\xBF\xBDrich");
  EXPECT_EQ(to_utf8(std::string(10'000, '\xfc'), "latin1")->size(), 20'000u);
  for (const char* label : {"", "utf-7", "utf-8//TRANSLIT", "iso-2022-cn-ext", "../../x", ",utf-8,"})
    EXPECT_FALSE(to_utf8("x", label)) << label;
}

TEST(Charset, a_body_is_decoded_as_its_type_says) {
  EXPECT_EQ(body_as_utf8("Z\xfcrich", "text/plain; charset=iso-8859-1"), "Zürich");
  EXPECT_EQ(body_as_utf8("Zürich", "application/json"), "Zürich");
  EXPECT_EQ(body_as_utf8("Z\xfcrich", "text/plain; charset=x-unknown"), "Z\xEF\xBF\xBDrich");
  EXPECT_EQ(body_as_utf8("\xff\xd8", "image/jpeg; charset=latin1"), "\xff\xd8");
}

}  // namespace
}  // namespace baton::tools
