#pragma once
// The time in a place.
#include <baton/tools/tool.h>

#include <chrono>
#include <string_view>

namespace baton::tools {

// `place`: an IANA name in any case ("Asia/Tokyo", "america/new york"), its city ("Tokyo", "tokyo, Japan") or another well-known one
// ("San Francisco"), an offset ("UTC+9", "+05:30"), an abbreviation that means one zone ("JST"), or empty for this machine's zone.
// {"timezone": "Asia/Tokyo", "time": "2026-11-23T17:05:03+09:00", "weekday": "Monday", "utc_offset": "+09:00", "abbreviation": "JST"}
// Errors: not_found with near names; invalid_argument for an offset that no place has or an abbreviation that means several zones; io
// when the system has no time zone data.
Result<Json> current_time(std::string_view place, std::chrono::system_clock::time_point now);

}  // namespace baton::tools
