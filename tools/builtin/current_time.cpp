#include "current_time.h"

#include <baton/tools/near_names.h>
#include <date/date.h>
#include <date/tz.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <utility>

#include "time_zone_names.h"

namespace baton::tools {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr const char* kWeekdays[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

// Lower case, '_' as a space, single spaces, and only the part before a comma ("Tokyo, Japan").
std::string normal_form(std::string_view name) {
  std::string out;
  for (const char c : name.substr(0, std::min(name.find(','), name.size()))) {
    const bool space = c == ' ' || c == '_' || c == '\t' || c == '\n';
    if (space && (out.empty() || out.back() == ' ')) continue;
    out += space ? ' ' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::string offset_text(seconds offset) {
  const long total = std::labs(offset.count() / 60);
  char text[32];
  std::snprintf(text, sizeof text, "%c%02ld:%02ld", offset.count() < 0 ? '-' : '+', total / 60, total % 60);
  return text;
}

Json described(const std::string& zone, const std::string& abbreviation, seconds offset, date::sys_seconds now) {
  const date::sys_seconds local = now + offset;
  const auto day = date::floor<date::days>(local);
  const date::year_month_day ymd(day);
  const date::hh_mm_ss<seconds> clock(local - day);
  char time[48];
  std::snprintf(time, sizeof time, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(ymd.year()), static_cast<unsigned>(ymd.month()),
                static_cast<unsigned>(ymd.day()), static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return Json{{"timezone", zone},
              {"time", time + offset_text(offset)},
              {"weekday", kWeekdays[date::weekday(day).c_encoding()]},
              {"utc_offset", offset_text(offset)},
              {"abbreviation", abbreviation}};
}

// "utc+9", "gmt-03:30", "+0530", "z". Null: not an offset at all.
std::optional<Result<seconds>> offset_of(std::string_view name) {
  for (const std::string_view prefix : {"utc", "gmt"}) {
    if (name.substr(0, 3) == prefix) name.remove_prefix(3);
  }
  while (!name.empty() && name.front() == ' ') name.remove_prefix(1);
  if (name == "z") return Result<seconds>(seconds(0));
  if (name.size() < 2 || (name[0] != '+' && name[0] != '-')) return std::nullopt;
  std::string digits, after_colon;
  bool colon = false;
  for (const char c : name.substr(1)) {
    if (c == ':' && !colon) {
      colon = true;
    } else if (c >= '0' && c <= '9') {
      (colon ? after_colon : digits) += c;
    } else if (c != ' ' || !digits.empty()) {
      return std::nullopt;
    }
  }
  if (!colon && digits.size() >= 3) {
    after_colon = digits.substr(digits.size() - 2);
    digits.resize(digits.size() - 2);
  }
  const bool well_formed = !digits.empty() && digits.size() <= 2 && (after_colon.empty() ? !colon : after_colon.size() == 2);
  const int hours = well_formed ? std::atoi(digits.c_str()) : 99;
  const int mins = well_formed && !after_colon.empty() ? std::atoi(after_colon.c_str()) : 0;
  const minutes total = minutes(hours * 60 + mins) * (name[0] == '-' ? -1 : 1);
  if (mins > 59 || total > minutes(14 * 60) || total < minutes(-12 * 60)) {
    return Result<seconds>(
        Error{errc::invalid_argument, "no place has the offset '" + std::string(name) + "': they go from -12:00 to +14:00"});
  }
  return Result<seconds>(seconds(total));
}

std::vector<std::string> all_zones() {
  std::vector<std::string> names;
  for (const auto& zone : date::get_tzdb().zones) {
    if (zone.name().rfind("posix/", 0) != 0 && zone.name().rfind("right/", 0) != 0) names.push_back(zone.name());
  }
  return names;
}

// The whole name, or its last part if that is unique.
Result<std::string> zone_named(std::string_view written, const std::string& wanted) {
  const std::vector<std::string> zones = all_zones();
  std::vector<std::string> by_city;
  for (const std::string& zone : zones) {
    const std::string name = normal_form(zone);
    if (name == wanted) return zone;
    if (name.substr(name.rfind('/') + 1) == wanted) by_city.push_back(zone);
  }
  if (const auto alias = zone_of_alias(wanted)) return std::string(*alias);
  if (by_city.size() == 1) return by_city[0];
  const std::string quoted = "'" + std::string(written.substr(0, 100)) + "'";
  if (const auto zones_meant = zones_of_ambiguous(wanted); !zones_meant.empty()) {
    return Error{errc::invalid_argument, quoted + " means several time zones: write " + listed(zones_meant)};
  }
  if (by_city.size() > 1) return Error{errc::invalid_argument, quoted + " means several time zones: write " + listed(by_city)};
  std::string as_name = wanted;
  std::replace(as_name.begin(), as_name.end(), ' ', '_');
  const std::vector<std::string> near = near_names(as_name, zones, 3);
  // A misspelt city is closer to a zone's last part than to its whole name.
  std::vector<std::string> cities;
  for (const std::string& zone : zones) cities.push_back(zone.substr(zone.rfind('/') + 1));
  std::vector<std::string> near_cities = near_names(as_name, cities, 3);
  near_cities.erase(std::unique(near_cities.begin(), near_cities.end()), near_cities.end());
  const std::vector<std::string>& shown = near.empty() ? near_cities : near;
  return Error{errc::not_found,
               "there is no time zone " + quoted + "; " +
                   (shown.empty() ? "write an IANA name such as Europe/Berlin, or an offset such as UTC+9, for the nearest large city"
                                  : "did you mean " + listed(shown) + "?")};
}

}  // namespace

Result<Json> current_time(std::string_view place, std::chrono::system_clock::time_point now) {
  const date::sys_seconds time = date::floor<seconds>(now);
  const std::string wanted = normal_form(place);
  if (wanted == "utc" || wanted == "gmt") return {boost::system::in_place_value, described("UTC", "UTC", seconds(0), time)};
  if (const auto offset = offset_of(wanted)) {
    if (!*offset) return offset->error();
    const std::string name = "UTC" + (**offset == seconds(0) ? std::string() : offset_text(**offset));
    return {boost::system::in_place_value, described(name, name, **offset, time)};
  }
  try {  // date-tz reports missing or damaged zone files by exceptions
    const date::time_zone* zone = nullptr;
    if (wanted.empty()) {
      zone = date::current_zone();
    } else {
      const Result<std::string> name = zone_named(place, wanted);
      if (!name) return name.error();
      zone = date::locate_zone(*name);
    }
    const date::sys_info info = zone->get_info(time);
    return {boost::system::in_place_value, described(zone->name(), info.abbrev, info.offset, time)};
  } catch (const std::exception& e) {
    return Error{errc::io, std::string("the system's time zone data cannot be used (is tzdata installed?): ") + e.what()};
  }
}

}  // namespace baton::tools
