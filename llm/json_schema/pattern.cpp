#include "pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "pattern_syntax.h"

namespace baton::llm {
namespace {

Error refused(std::string why) { return {errc::invalid_schema, std::move(why)}; }

pcre2_code* compiled(const std::string& pattern, int& error, PCRE2_SIZE& offset) {
  pcre2_compile_context* context = pcre2_compile_context_create(nullptr);
  pcre2_set_compile_extra_options(context, PCRE2_EXTRA_ALT_BSUX);
  const std::uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX | PCRE2_ALLOW_EMPTY_CLASS |
                                PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_BACKSLASH_C;
  pcre2_set_newline(context, PCRE2_NEWLINE_ANYCRLF);  // what `.` does not match
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), options, &error, &offset, context);
  pcre2_compile_context_free(context);
  return code;
}

}  // namespace

Result<std::shared_ptr<const Pattern>> Pattern::compile(const std::string& source) {
  if (source.size() > kMaxLength) return refused("it is longer than " + std::to_string(kMaxLength) + " bytes");
  pcre2_code* code = nullptr;
  bool whole = true;
  for (const Repetitions repetitions : {Repetitions::exact, Repetitions::without}) {
    const auto pattern = pcre2_pattern(source, repetitions);
    if (!pattern) return pattern.error();
    int error = 0;
    PCRE2_SIZE offset = 0;
    code = compiled(*pattern, error, offset);
    if (code) break;
    if (error != PCRE2_ERROR_PATTERN_TOO_LARGE || !whole) {
      PCRE2_UCHAR message[200];
      pcre2_get_error_message(error, message, sizeof message);
      return refused(std::string(reinterpret_cast<const char*>(message)) + " at offset " + std::to_string(offset));
    }
    whole = false;
  }
  std::uint32_t all = 0;
  pcre2_pattern_info(code, PCRE2_INFO_ALLOPTIONS, &all);
  return std::shared_ptr<const Pattern>(new Pattern(code, (all & PCRE2_ANCHORED) != 0, whole));
}

Pattern::~Pattern() { pcre2_code_free(static_cast<pcre2_code*>(code_)); }

Pattern::Answer Pattern::search(std::string_view text, std::size_t& steps) const {
  // PCRE2 limits the backtracking of each starting point, and cannot report afterwards how much was used. So the limit begins low, and each
  // attempt is charged as if it had used all of it, a hundred backtracks a step.
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
