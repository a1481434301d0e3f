#include "nfc.h"

#include <utf8proc.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "utf8.h"

namespace baton::llm {
namespace {

// Characters below U+0300 are in NFC and never change with their neighbours, as far as these are below it also; in UTF-8 the lead byte of
// U+0300 is 0xCC, and continuation bytes are smaller.
bool is_surely_nfc(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0xCC; });
}

// Stable, and unlike utf8proc_decompose's own exchange sort not quadratic: text may be ten thousand accents on one letter.
void order_marks(std::vector<utf8proc_int32_t>& points) {
  const auto rank = [](utf8proc_int32_t point) { return utf8proc_get_property(point)->combining_class; };
  for (auto at = points.begin(); at != points.end();) {
    if (rank(*at) == 0) {
      ++at;
      continue;
    }
    const auto end = std::find_if(at, points.end(), [&](auto point) { return rank(point) == 0; });
    if (end - at > 1) std::stable_sort(at, end, [&](auto a, auto b) { return rank(a) < rank(b); });
    at = end;
  }
}

}  // namespace

bool normalise_nfc(std::string_view text, std::string& out) {
  if (is_surely_nfc(text)) return false;
  constexpr auto kDecompose = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE);
  constexpr auto kCompose = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  constexpr std::size_t kLongest = 4;  // code points of the longest canonical decomposition (UAX #15, table 7)
  std::vector<utf8proc_int32_t> points;
  points.reserve(text.size());
  for (auto rest = text; !rest.empty();) {
    const auto unit = first_unit(rest);
    utf8proc_int32_t parts[kLongest];
    int boundary = 0;
    const auto n = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(code_point(rest.substr(0, unit.size))), parts, kLongest,
                                           kDecompose, &boundary);
    if (n < 0 || static_cast<std::size_t>(n) > kLongest) throw std::logic_error("utf8proc does not decompose a valid character");
    points.insert(points.end(), parts, parts + n);
    rest.remove_prefix(unit.size);
  }
  order_marks(points);
  const auto n = utf8proc_normalize_utf32(points.data(), static_cast<utf8proc_ssize_t>(points.size()), kCompose);
  if (n < 0) throw std::logic_error("utf8proc does not compose valid characters");
  out.clear();
  out.reserve(text.size());
  for (utf8proc_ssize_t i = 0; i < n; ++i) append_code_point(static_cast<char32_t>(points[static_cast<std::size_t>(i)]), out);
  return true;
}

}  // namespace baton::llm
