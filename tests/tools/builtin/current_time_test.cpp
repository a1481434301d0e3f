#include <baton/tools/builtin/current_time.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace baton::tools {
namespace {

using testing::HasSubstr;

// 2026-01-31 22:30:05 UTC, a Saturday; and half a year later. Checked with date(1).
const auto kWinter = std::chrono::system_clock::from_time_t(1769898605);
const auto kSummer = std::chrono::system_clock::from_time_t(1785536999);  // 2026-07-31 22:29:59 UTC

Json at(std::string_view place, std::chrono::system_clock::time_point now = kWinter) {
  const Result<Json> result = current_time(place, now);
  return result ? *result : Json{{"error", result.error().message}};
}

std::string zone(std::string_view place) { return at(place).value("timezone", at(place).dump()); }
std::string time_error(std::string_view place) { return at(place).value("error", "no error"); }

TEST(CurrentTime, tells_everything_about_a_zone) {
  EXPECT_EQ(
      at("Asia/Tokyo").dump(),
      R"({"timezone":"Asia/Tokyo","time":"2026-02-01T07:30:05+09:00","weekday":"Sunday","utc_offset":"+09:00","abbreviation":"JST"})");
}

TEST(CurrentTime, knows_daylight_saving_and_odd_offsets) {
  EXPECT_EQ(at("America/New_York")["time"], "2026-01-31T17:30:05-05:00");
  EXPECT_EQ(at("America/New_York", kSummer)["time"], "2026-07-31T18:29:59-04:00");
  EXPECT_EQ(at("America/New_York", kSummer)["abbreviation"], "EDT");
  EXPECT_EQ(at("Asia/Kathmandu")["utc_offset"], "+05:45");
  EXPECT_EQ(at("America/St_Johns")["utc_offset"], "-03:30");
}

TEST(CurrentTime, takes_names_in_any_case_cities_and_aliases) {
  EXPECT_EQ(zone("asia/tokyo"), "Asia/Tokyo");
  EXPECT_EQ(zone("tokyo"), "Asia/Tokyo");
  EXPECT_EQ(zone(" Tokyo, Japan "), "Asia/Tokyo");
  EXPECT_EQ(zone("america/new york"), "America/New_York");
  EXPECT_EQ(zone("New York"), "America/New_York");
  EXPECT_EQ(zone("san francisco"), "America/Los_Angeles");
  EXPECT_EQ(zone("JST"), "Asia/Tokyo");
  EXPECT_EQ(zone("India"), "Asia/Kolkata");
  EXPECT_EQ(zone("Japan"), "Japan");
}

TEST(CurrentTime, takes_offsets_with_the_sign_that_people_mean) {
  EXPECT_EQ(at("UTC+9")["time"], "2026-02-01T07:30:05+09:00");
  EXPECT_EQ(at("gmt-3:30")["utc_offset"], "-03:30");
  EXPECT_EQ(at("UTC +0530")["utc_offset"], "+05:30");
  EXPECT_EQ(at("+14")["utc_offset"], "+14:00");
  EXPECT_EQ(zone("UTC"), "UTC");
  EXPECT_EQ(zone("gmt"), "UTC");
  EXPECT_EQ(zone("Z"), "UTC");
  EXPECT_EQ(zone("UTC+0"), "UTC");
  EXPECT_THAT(time_error("UTC+15"), HasSubstr("no place has the offset '+15'"));
  EXPECT_THAT(time_error("UTC+9:5"), HasSubstr("no place has the offset"));
  EXPECT_THAT(time_error("UTC+99999999999"), HasSubstr("no place has the offset"));
}

TEST(CurrentTime, uses_the_machines_zone_when_none_is_named) { EXPECT_THAT(at("").dump(), HasSubstr("\"time\":\"2026-")); }

TEST(CurrentTime, suggests_zones_for_a_name_that_it_does_not_know) {
  EXPECT_THAT(time_error("Europe/Berln"), HasSubstr("there is no time zone 'Europe/Berln'; did you mean Europe/Berlin"));
  EXPECT_THAT(time_error("Tokio"), HasSubstr("Tokyo"));
  EXPECT_THAT(time_error("Atlantisville"), HasSubstr("write an IANA name"));
  EXPECT_THAT(time_error("../../etc/passwd"), HasSubstr("there is no time zone"));
  EXPECT_THAT(time_error(std::string(100'000, 'x')), HasSubstr("there is no time zone"));
  EXPECT_THAT(time_error(std::string("Asia/Tokyo\0x", 12)), HasSubstr("there is no time zone"));
}

TEST(CurrentTime, does_not_guess_an_ambiguous_abbreviation) {
  EXPECT_EQ(time_error("IST"), "'IST' means several time zones: write Asia/Kolkata, Europe/Dublin or Asia/Jerusalem");
}

}  // namespace
}  // namespace baton::tools
