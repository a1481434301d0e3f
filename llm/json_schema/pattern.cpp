#include "pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <cctype>

namespace baton::llm {
namespace {

Error refused(std::string why) { return {errc::invalid_schema, std::move(why)}; }

// What PCRE2 would take, but as something else than ECMAScript means by it.
std::string foreign_syntax(const std::string& source) {
  bool in_class = false;
  for (std::size_t i = 0; i < source.size(); ++i) {
    const auto next = [&](std::size_t k) { return i + k < source.size() ? source[i + k] : '\0'; };
    const char c = source[i];
    if (c == '\\') {
      const char letter = next(1);
      constexpr std::string_view kKnown = "dDwWsSbBnrtfv0xucpPk";
      if (std::isalpha(static_cast<unsigned char>(letter)) && kKnown.find(letter) == std::string_view::npos)
        return std::string("the escape \\") + letter + " is not ECMAScript";
      ++i;
    } else if (in_class) {
      if (c == '[' && (next(1) == ':' || next(1) == '.' || next(1) == '=')) return "POSIX classes such as [:alpha:] are not ECMAScript";
      in_class = c != ']';
    } else if (c == '[') {
      in_class = true;
      // [] and [^] are whole classes: nothing, and anything.
      if (next(1) == '^') ++i;
    } else if (c == '(' && next(1) == '*') {
      return "(* is not ECMAScript";
    } else if (c == '(' && next(1) == '?') {
      const char a = next(2), b = next(3);
      const bool group = a == ':' || a == '=' || a == '!' ||
                         (a == '<' && (b == '=' || b == '!' || b == '_' || b == '$' || std::isalpha(static_cast<unsigned char>(b))));
      if (!group) return std::string("the group (?") + a + " is not supported; (?: (?= (?! (?<= (?<! and (?<name> are";
    } else if (c == '+' && i > 0 && (source[i - 1] == '+' || source[i - 1] == '*' || source[i - 1] == '?' || source[i - 1] == '}') &&
               (i < 2 || source[i - 2] != '\\')) {
      return "possessive quantifiers such as a++ are not ECMAScript";
    }
  }
  return {};
}

// \v is one character in ECMAScript and a class in PCRE2.
std::string vertical_tabs(const std::string& source) {
  std::string out;
  for (std::size_t i = 0; i < source.size(); ++i) {
    const bool escape = source[i] == '\\' && i + 1 < source.size();
    if (escape && source[i + 1] == 'v') {
      out += "\\x0b";
      ++i;
    } else {
      out += source[i];
      if (escape) out += source[++i];
    }
  }
  return out;
}

}  // namespace

Result<std::shared_ptr<const Pattern>> Pattern::compile(const std::string& source) {
  if (source.size() > kMaxLength) return refused("it is longer than " + std::to_string(kMaxLength) + " bytes");
  if (std::string foreign = foreign_syntax(source); !foreign.empty()) return refused(std::move(foreign));
  pcre2_compile_context* context = pcre2_compile_context_create(nullptr);
  pcre2_set_compile_extra_options(context, PCRE2_EXTRA_ALT_BSUX);
  const std::uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX | PCRE2_ALLOW_EMPTY_CLASS |
                                PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_BACKSLASH_C;
  pcre2_set_newline(context, PCRE2_NEWLINE_ANYCRLF);  // what `.` does not match
  const std::string translated = vertical_tabs(source);
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(), options, &error, &offset, context);
  pcre2_compile_context_free(context);
  if (!code) {
    PCRE2_UCHAR message[200];
    pcre2_get_error_message(error, message, sizeof message);
    return refused(std::string(reinterpret_cast<const char*>(message)) + " at offset " + std::to_string(offset));
  }
  std::uint32_t all = 0;
  pcre2_pattern_info(code, PCRE2_INFO_ALLOPTIONS, &all);
  return std::shared_ptr<const Pattern>(new Pattern(code, (all & PCRE2_ANCHORED) != 0));
}

Pattern::~Pattern() { pcre2_code_free(static_cast<pcre2_code*>(code_)); }

Pattern::Answer Pattern::search(std::string_view text, std::size_t& steps) const {
  // PCRE2 limits the backtracking of each starting point, and cannot tell afterwards what was used. So the limit begins low, and each
  // attempt is paid for as if it had used it up, a hundred backtracks a step.
  constexpr std::uint32_t kLimits[] = {50, 1000, 20'000, 400'000};
  constexpr std::size_t kBacktracksPerStep = 100, kBytesPerStep = 64;
  constexpr std::uint32_t kMaxHeapKib = 64 * 1024;
  const std::size_t starts = anchored_ ? 1 : text.size() + 1;
  pcre2_match_context* context = pcre2_match_context_create(nullptr);
  pcre2_match_data* data = pcre2_match_data_create(1, nullptr);
  pcre2_set_heap_limit(context, kMaxHeapKib);
  Answer answer = Answer::too_expensive;
  for (const std::uint32_t limit : kLimits) {
    const std::size_t cost = 1 + text.size() / kBytesPerStep + starts * limit / kBacktracksPerStep;
    if (cost > steps) break;
    steps -= cost;
    pcre2_set_match_limit(context, limit);
    const int matched =
        pcre2_match(static_cast<const pcre2_code*>(code_), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, 0, data, context);
    if (matched == PCRE2_ERROR_MATCHLIMIT) continue;
    if (matched >= 0) answer = Answer::yes;
    if (matched == PCRE2_ERROR_NOMATCH) answer = Answer::no;
    break;
  }
  pcre2_match_data_free(data);
  pcre2_match_context_free(context);
  return answer;
}

}  // namespace baton::llm
