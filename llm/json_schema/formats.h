#pragma once
// The values of `format` that are checked; all other values are annotations.
#include <string_view>

namespace baton::llm {

struct Format {
  std::string_view name;
  bool (*matches)(std::string_view text);
  std::string_view described;  // "a date such as 2024-12-31"
};

// date, time, date-time, duration (RFC 3339), uuid (RFC 4122), email (RFC 5321), ipv4, ipv6, uri (RFC 3986, absolute), hostname (RFC 1123);
// Null for other names.
const Format* find_format(std::string_view name);

}  // namespace baton::llm
