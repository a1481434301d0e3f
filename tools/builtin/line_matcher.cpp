#define PCRE2_CODE_UNIT_WIDTH 8
#include "line_matcher.h"

#include <pcre2.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace baton::tools {
namespace {

constexpr std::size_t kMaxPatternBytes = 1000;
constexpr std::size_t kMaxGlobAlternatives = 64;
// Steps and memory of one match at one place: far above what a sensible pattern needs on a line. They do not bound a line, which has many
// places; the counted work does.
constexpr std::uint32_t kMatchLimit = 200'000;
constexpr std::uint32_t kDepthLimit = 2'000;
constexpr std::uint32_t kHeapLimitKib = 8 * 1024;
constexpr std::size_t kBytesAUnit = 32;         // bytes that a part such as `.*` runs over, or that are compared
constexpr std::size_t kBytesAheadAUnit = 4096;  // bytes that a part may have run over in vain, which PCRE2 does not report
constexpr int kTooMuchWork = -10'000;           // the result of a match that was ended: none of PCRE2's own codes

std::string error_text(int number) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(number, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

// Greedy, backtracking only to the last '*', so there is no exponential case.
bool glob_matches(std::string_view glob, std::string_view text) {
  std::size_t g = 0, t = 0, star = std::string_view::npos, star_text = 0;
  while (t < text.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      star_text = t;
    } else if (g < glob.size() && (glob[g] == '?' || glob[g] == text[t])) {
      ++g;
      ++t;
    } else if (star != std::string_view::npos) {
      g = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

}  // namespace

struct LineMatcher::Impl {
  struct Work {
    std::uint64_t left = 0;
    std::size_t last_place = 0;
  };

  struct FreePcre2 {
    void operator()(pcre2_code* p) const { pcre2_code_free(p); }
    void operator()(pcre2_match_data* p) const { pcre2_match_data_free(p); }
    void operator()(pcre2_match_context* p) const { pcre2_match_context_free(p); }
  };

  // Called for each part of the expression that is tried at a place. A negative result ends the match with it.
  static int count_work(pcre2_callout_block* at, void* counted) {
    Work& work = *static_cast<Work*>(counted);
    const std::size_t place = at->current_position;
    const std::size_t moved = place > work.last_place ? place - work.last_place : work.last_place - place;
    const std::uint64_t units = 1 + moved / kBytesAUnit + (at->subject_length - place) / kBytesAheadAUnit;
    work.last_place = place;
    if (units > work.left) return kTooMuchWork;
    work.left -= units;
    return 0;
  }

  std::unique_ptr<pcre2_code, FreePcre2> code;
  std::unique_ptr<pcre2_match_data, FreePcre2> data;
  std::unique_ptr<pcre2_match_context, FreePcre2> limits;
  std::string text;  // a text that is searched byte by byte; empty: `code` is matched
  std::size_t pattern_bytes = 0;
  bool is_regex = false;
  std::uint64_t work_left = 0;  // for all lines
  Work line;                    // for this one
};

LineMatcher::LineMatcher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LineMatcher::LineMatcher(LineMatcher&&) noexcept = default;
LineMatcher::~LineMatcher() = default;

Result<LineMatcher> LineMatcher::make(const std::string& pattern, bool regex, bool ignore_case, std::uint64_t work) {
  if (pattern.empty()) return Error{errc::invalid_argument, "the pattern is empty"};
  if (pattern.size() > kMaxPatternBytes) {
    return Error{errc::invalid_argument,
                 "the pattern has " + std::to_string(pattern.size()) + " bytes; at most " + std::to_string(kMaxPatternBytes)};
  }
  if (pattern.find('\n') != std::string::npos)
    return Error{errc::invalid_argument, "the pattern holds a line break; the search goes line by line"};
  // MATCH_INVALID_UTF: files may hold any bytes, and bytes that are not UTF-8 never match.
  std::uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT;
  if (!regex) options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_LITERAL;
  if (ignore_case) options |= PCRE2_CASELESS;
  int number = 0;
  PCRE2_SIZE offset = 0;
  auto impl = std::make_unique<Impl>();
  impl->code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), options, &number, &offset, nullptr));
  if (impl->code == nullptr) {
    return Error{errc::invalid_argument, "the regular expression is malformed at position " + std::to_string(offset + 1) + ": " +
                                             error_text(number) + "; leave regex out to search for the text as it is"};
  }
  impl->data.reset(pcre2_match_data_create(1, nullptr));
  impl->limits.reset(pcre2_match_context_create(nullptr));
  pcre2_set_match_limit(impl->limits.get(), kMatchLimit);
  pcre2_set_depth_limit(impl->limits.get(), kDepthLimit);
  pcre2_set_heap_limit(impl->limits.get(), kHeapLimitKib);
  pcre2_set_callout(impl->limits.get(), Impl::count_work, &impl->line);
  if (!regex && !ignore_case) impl->text = pattern;
  impl->pattern_bytes = pattern.size();
  impl->is_regex = regex;
  impl->work_left = work;
  return LineMatcher(std::move(impl));
}

LineMatcher::Match LineMatcher::match(std::string_view line) {
  Impl& in = *impl_;
  // A literal text: in the worst case, all of it is compared at every place.
  const std::uint64_t work = 1 + line.size() * (in.is_regex || !in.text.empty() ? 1 : in.pattern_bytes) / kBytesAUnit;
  if (work > in.work_left) {
    in.work_left = 0;
    return Match::out_of_work;
  }
  in.work_left -= work;
  // memmem() takes linear time.
  if (!in.text.empty()) return ::memmem(line.data(), line.size(), in.text.data(), in.text.size()) ? Match::yes : Match::no;
  const std::uint64_t granted = std::min(kLineWork, in.work_left);
  in.line = {granted, 0};
  const int rc = pcre2_match(in.code.get(), reinterpret_cast<PCRE2_SPTR>(line.data()), line.size(), 0, 0, in.data.get(), in.limits.get());
  if (rc == kTooMuchWork) in.line.left = 0;
  in.work_left -= granted - in.line.left;
  if (rc >= 0) return Match::yes;
  if (rc == PCRE2_ERROR_NOMATCH) return Match::no;
  return in.work_left == 0 ? Match::out_of_work : Match::gave_up;
}

std::uint64_t LineMatcher::work_left() const { return impl_->work_left; }

Result<Glob> Glob::make(const std::string& glob) {
  if (glob.size() > kMaxPatternBytes) return Error{errc::invalid_argument, "the glob is too long"};
  Glob result;
  std::vector<std::string> todo = {glob};
  while (!todo.empty()) {
    std::string next = std::move(todo.back());
    todo.pop_back();
    const std::size_t close = next.find('}');
    const std::size_t open = close == std::string::npos ? close : next.rfind('{', close);
    if (open == std::string::npos) {
      if (next.rfind("./", 0) == 0) next.erase(0, 2);
      result.alternatives_.push_back(next);
      // "**/x" also means x at the top.
      if (next.rfind("**/", 0) == 0) result.alternatives_.push_back(next.substr(3));
    } else {
      for (std::size_t at = open + 1; at <= close;) {
        const std::size_t end = std::min(next.find(',', at), close);
        todo.push_back(next.substr(0, open).append(next, at, end - at).append(next, close + 1));
        at = end + 1;
      }
    }
    if (todo.size() + result.alternatives_.size() > kMaxGlobAlternatives) {
      return Error{errc::invalid_argument, "the glob has too many alternatives in braces"};
    }
  }
  result.whole_path_ = glob.find('/') != std::string::npos;
  return result;
}

bool Glob::matches(std::string_view path) const {
  const std::string_view text = whole_path_ ? path : path.substr(path.rfind('/') + 1);
  return std::any_of(alternatives_.begin(), alternatives_.end(), [&](const std::string& glob) { return glob_matches(glob, text); });
}

}  // namespace baton::tools
