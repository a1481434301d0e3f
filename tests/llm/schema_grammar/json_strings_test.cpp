// Every writing of a character in JSON, and none of another character.
#include "grammar_fixture.h"

#include <array>
#include <cstdio>

namespace baton::llm {
namespace {

std::string hex4(unsigned code, bool upper) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), upper ? "\\u%04X" : "\\u%04x", code);
  return text.data();
}

std::string utf8(std::uint32_t c) {
  std::string text;
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) return {static_cast<char>(0xC0 | (c >> 6)), static_cast<char>(0x80 | (c & 0x3F))};
  if (c < 0x10000)
    return {static_cast<char>(0xE0 | (c >> 12)), static_cast<char>(0x80 | ((c >> 6) & 0x3F)), static_cast<char>(0x80 | (c & 0x3F))};
  return {static_cast<char>(0xF0 | (c >> 18)), static_cast<char>(0x80 | ((c >> 12) & 0x3F)), static_cast<char>(0x80 | ((c >> 6) & 0x3F)),
          static_cast<char>(0x80 | (c & 0x3F))};
}

// With its quotes.
std::vector<std::string> writings(std::uint32_t c) {
  std::vector<std::string> all;
  if (c >= 0x20 && c != '"' && c != '\\') all.push_back(utf8(c));
  constexpr std::string_view kShort = "\"\\/\b\f\n\r\t", kLetters = "\"\\/bfnrt";
  if (const auto at = c < 0x80 ? kShort.find(static_cast<char>(c)) : std::string_view::npos; at != std::string_view::npos)
    all.push_back(std::string("\\") + kLetters[at]);
  for (const bool upper : {false, true}) {
    all.push_back(c < 0x10000 ? hex4(c, upper) : hex4(0xD800 + ((c - 0x10000) >> 10), upper) + hex4(0xDC00 + (c & 0x3FF), !upper));
  }
  for (std::string& text : all) text = '"' + text + '"';
  return all;
}

const std::vector<std::uint32_t> kCharacters = {0,      8,       '\n',    0x1F,    ' ',     '"',     '/',     'A',     '\\',   'e',
                                                0x7E,   0x7F,    0x80,    0xE9,    0x7FF,   0x800,   0x4F60,  0xD7FF,  0xE000, 0xFFFD,
                                                0xFFFF, 0x10000, 0x103FF, 0x10400, 0x1F600, 0x2FFFF, 0xFFFFF, 0x10FFFF};

TEST(JsonStrings, a_character_may_be_written_in_every_way_with_and_without_limits) {
  for (const char* schema :
       {R"({"type":"string"})", R"({"type":"string","minLength":1,"maxLength":1})", R"({"type":"string","minLength":1})",
        R"({"type":"string","pattern":"^[^]$"})", R"({"type":"string","pattern":"^[^x]*$","maxLength":1})",
        R"({"type":"string","not":{"enum":["x","xx","longer"]}})"}) {
    Written written(schema);
    for (const std::uint32_t c : kCharacters) {
      for (const std::string& text : writings(c)) {
        EXPECT_TRUE(written.takes(text)) << schema << " " << text;
        EXPECT_EQ(Json::parse(text).get<std::string>(), utf8(c)) << text;
      }
    }
    for (const char* text : {R"("\ud800")", R"("\udc00")", R"("\ud83dx")", R"("\ud83d\u0041")", R"("\x41")", R"("\u12")", R"("\u{41}")"})
      EXPECT_FALSE(written.takes(text)) << schema << " " << text;
  }
}

TEST(JsonStrings, an_escape_counts_one_character) {
  Written two(R"({"type":"string","minLength":2,"maxLength":2})");
  for (const char* text : {R"("\u00e9\u00e9")", R"("\ud83d\ude00x")", R"("\/\n")"}) EXPECT_TRUE(two.takes(text)) << text;
  for (const char* text : {R"("\u00e9")", R"("\ud83d\ude00")", R"("\u00e9\u00e9\u00e9")"}) EXPECT_FALSE(two.takes(text)) << text;
  EXPECT_FALSE(two.begins(R"("ab\)")) << "no room for another character, be it an escape";
}

TEST(JsonStrings, a_pattern_holds_however_a_character_is_written) {
  Written range(R"({"type":"string","pattern":"^[a-fé😀]+$"})");
  for (const char* text : {R"("abc")", R"("\u0061\u00E9")", R"("\uD83D\uDE00f")"}) EXPECT_TRUE(range.takes(text)) << text;
  for (const char* text : {R"("\u0067")", R"("\u00e8")", R"("\ud83d\ude01")", R"("\n")"}) EXPECT_FALSE(range.takes(text)) << text;
  Written boundary(R"({"type":"string","pattern":"^[\\u{FFFE}-\\u{10401}]$"})");
  for (const char* text : {R"("\ufffe")", R"("\ud800\udc00")", R"("\ud801\udc01")"}) EXPECT_TRUE(boundary.takes(text)) << text;
  for (const char* text : {R"("\ufffd")", R"("\ud801\udc02")", R"("\ud802\udc00")"}) EXPECT_FALSE(boundary.takes(text)) << text;
}

TEST(JsonStrings, what_is_left_out_is_left_out_in_every_writing) {
  Written no(R"({"type":"string","not":{"enum":["ré/","r\"","😀"]}})");
  for (const char* text : {R"("ré/")", R"("r\u00e9\/")", R"("\u0072\u00E9\u002f")", R"("r\"")", R"("r\u0022")", R"("\ud83d\uDE00")"})
    EXPECT_FALSE(no.takes(text)) << text;
  for (const char* text : {R"("r\u00e8\/")", R"("r\u00e9")", R"("r\u0022\u0022")", R"("\ud83d\ude01")", R"("\ud83d\ude00\ud83d\ude00")"})
    EXPECT_TRUE(no.takes(text)) << text;
  Written object(R"({"type":"object","properties":{"é":{"type":"integer"}},"additionalProperties":{"type":"boolean"}})");
  EXPECT_TRUE(object.takes(R"({"\u00e9": 1})"));
  EXPECT_TRUE(object.takes(R"({"\u00e8": true})"));
  EXPECT_FALSE(object.takes(R"({"\u00e9": true})"));
}

TEST(JsonStrings, listed_texts_may_be_written_as_other_writers_do) {
  Written listed(R"({"enum":["Café","Cafeteria","a/b",{"k":["<é>"]}]})");
  for (const char* text : {R"("Caf\u00e9")", R"("Caf\u00E9")", R"("Café")", R"("a\/b")", R"("a\u002Fb")", R"({"k": ["\u003c\u00e9>"]})"})
    EXPECT_TRUE(listed.takes(text)) << text;
  for (const char* text : {R"("Caf\u00e8")", R"("\u0043af\u00e9")"}) EXPECT_FALSE(listed.takes(text)) << text;
}

}  // namespace
}  // namespace baton::llm
