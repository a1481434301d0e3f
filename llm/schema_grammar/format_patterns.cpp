#include "format_patterns.h"

#include <algorithm>
#include <iterator>

namespace baton::llm {
namespace {

#define DATE                                                                                                                \
  "(?:\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))" \
  "|(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)"
#define TIME "(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d+)?(?:[Zz]|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)"
#define IN_DAY "T(?:\\d+H(?:\\d+M)?(?:\\d+S)?|\\d+M(?:\\d+S)?|\\d+S)"
#define LABEL "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
#define HOST LABEL "(?:\\." LABEL ")*"
#define OCTET "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)"
#define IPV4 OCTET "\\." OCTET "\\." OCTET "\\." OCTET
#define H "[0-9A-Fa-f]{1,4}"
#define LAST32 "(?:" H ":" H "|" IPV4 ")"
#define ATOM "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
#define CHAR "(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})"
#define PATH_CHAR "(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
#define TAIL_CHAR "(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})"

constexpr FormatPattern kPatterns[] = {
    {"date", DATE, nullptr},
    {"time", TIME, "leap seconds are not written"},
    {"date-time", DATE "[Tt]" TIME, "leap seconds are not written"},
    {"duration", "P(?:\\d+W|\\d+Y(?:\\d+M)?(?:\\d+D)?(?:" IN_DAY ")?|\\d+M(?:\\d+D)?(?:" IN_DAY ")?|\\d+D(?:" IN_DAY ")?|" IN_DAY ")",
     nullptr},
    {"uuid", "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", nullptr},
    {"email", ATOM "(?:\\." ATOM ")*@" HOST, "quoted names and address literals are not written; lengths are checked afterwards"},
    {"ipv4", IPV4, nullptr},
    {"ipv6",
     "(?:(?:" H ":){6}" LAST32 "|::(?:" H ":){5}" LAST32 "|(?:" H ")?::(?:" H ":){4}" LAST32 "|(?:(?:" H ":){0,1}" H ")?::(?:" H
     ":){3}" LAST32 "|(?:(?:" H ":){0,2}" H ")?::(?:" H ":){2}" LAST32 "|(?:(?:" H ":){0,3}" H ")?::" H ":" LAST32 "|(?:(?:" H ":){0,4}" H
     ")?::" LAST32 "|(?:(?:" H ":){0,5}" H ")?::" H "|(?:(?:" H ":){0,6}" H ")?::)",
     nullptr},
    {"uri",
     "[A-Za-z][A-Za-z0-9+.-]*:(?://(?:(?:" CHAR "|:)*@)?" CHAR "*(?::\\d*)?(?:/(?:" PATH_CHAR "|/)*)?|/(?:" PATH_CHAR "(?:" PATH_CHAR
     "|/)*)?|" PATH_CHAR "(?:" PATH_CHAR "|/)*)?(?:\\?" TAIL_CHAR "*)?(?:#" TAIL_CHAR "*)?",
     "hosts that are IPv6 addresses are not written"},
    {"hostname", HOST, "the limit of 253 characters is checked afterwards"},
};

#undef DATE
#undef TIME
#undef IN_DAY
#undef LABEL
#undef HOST
#undef OCTET
#undef IPV4
#undef H
#undef LAST32
#undef ATOM
#undef CHAR
#undef PATH_CHAR
#undef TAIL_CHAR

}  // namespace

const FormatPattern* format_pattern(std::string_view name) {
  const auto found = std::find_if(std::begin(kPatterns), std::end(kPatterns), [&](const FormatPattern& f) { return f.name == name; });
  return found == std::end(kPatterns) ? nullptr : found;
}

}  // namespace baton::llm
