#include "time_zone_names.h"

#include <utility>

namespace baton::tools {
namespace {

constexpr std::pair<std::string_view, std::string_view> kAliases[] = {
    // Abbreviations that mean only one zone.
    {"jst", "Asia/Tokyo"},
    {"kst", "Asia/Seoul"},
    {"hkt", "Asia/Hong_Kong"},
    {"sgt", "Asia/Singapore"},
    {"pkt", "Asia/Karachi"},
    {"npt", "Asia/Kathmandu"},
    {"wib", "Asia/Jakarta"},
    {"msk", "Europe/Moscow"},
    {"cest", "Europe/Berlin"},
    {"eest", "Europe/Athens"},
    {"aest", "Australia/Brisbane"},
    {"aedt", "Australia/Sydney"},
    {"awst", "Australia/Perth"},
    {"nzst", "Pacific/Auckland"},
    {"nzdt", "Pacific/Auckland"},
    {"edt", "America/New_York"},
    {"mdt", "America/Denver"},
    {"pdt", "America/Los_Angeles"},
    {"eastern time", "America/New_York"},
    {"central time", "America/Chicago"},
    {"mountain time", "America/Denver"},
    {"pacific time", "America/Los_Angeles"},
    // Large cities without a zone named after them.
    {"beijing", "Asia/Shanghai"},
    {"shenzhen", "Asia/Shanghai"},
    {"osaka", "Asia/Tokyo"},
    {"kyoto", "Asia/Tokyo"},
    {"mumbai", "Asia/Kolkata"},
    {"delhi", "Asia/Kolkata"},
    {"new delhi", "Asia/Kolkata"},
    {"bangalore", "Asia/Kolkata"},
    {"hanoi", "Asia/Ho_Chi_Minh"},
    {"tel aviv", "Asia/Jerusalem"},
    {"abu dhabi", "Asia/Dubai"},
    {"munich", "Europe/Berlin"},
    {"hamburg", "Europe/Berlin"},
    {"frankfurt", "Europe/Berlin"},
    {"cologne", "Europe/Berlin"},
    {"milan", "Europe/Rome"},
    {"barcelona", "Europe/Madrid"},
    {"geneva", "Europe/Zurich"},
    {"kyiv", "Europe/Kyiv"},
    {"edinburgh", "Europe/London"},
    {"rio de janeiro", "America/Sao_Paulo"},
    {"nyc", "America/New_York"},
    {"new york city", "America/New_York"},
    {"washington", "America/New_York"},
    {"washington dc", "America/New_York"},
    {"boston", "America/New_York"},
    {"miami", "America/New_York"},
    {"atlanta", "America/New_York"},
    {"houston", "America/Chicago"},
    {"dallas", "America/Chicago"},
    {"san francisco", "America/Los_Angeles"},
    {"seattle", "America/Los_Angeles"},
    {"las vegas", "America/Los_Angeles"},
    {"san diego", "America/Los_Angeles"},
    {"montreal", "America/Toronto"},
    {"cape town", "Africa/Johannesburg"},
    {"canberra", "Australia/Sydney"},
    {"wellington", "Pacific/Auckland"},
    // Countries with one zone, other than those that IANA names itself (Japan, Singapore, Turkey, ...).
    {"germany", "Europe/Berlin"},
    {"france", "Europe/Paris"},
    {"italy", "Europe/Rome"},
    {"switzerland", "Europe/Zurich"},
    {"austria", "Europe/Vienna"},
    {"netherlands", "Europe/Amsterdam"},
    {"sweden", "Europe/Stockholm"},
    {"norway", "Europe/Oslo"},
    {"uk", "Europe/London"},
    {"england", "Europe/London"},
    {"united kingdom", "Europe/London"},
    {"india", "Asia/Kolkata"},
    {"china", "Asia/Shanghai"},
    {"south korea", "Asia/Seoul"},
    {"korea", "Asia/Seoul"},
    {"south africa", "Africa/Johannesburg"},
};

}  // namespace

std::optional<std::string_view> zone_of_alias(std::string_view name) {
  for (const auto& [alias, zone] : kAliases) {
    if (alias == name) return zone;
  }
  return std::nullopt;
}

std::vector<std::string> zones_of_ambiguous(std::string_view name) {
  if (name == "ist") return {"Asia/Kolkata", "Europe/Dublin", "Asia/Jerusalem"};
  if (name == "cst") return {"America/Chicago", "Asia/Shanghai", "America/Havana"};
  if (name == "cdt") return {"America/Chicago", "America/Havana"};
  if (name == "bst") return {"Europe/London", "Asia/Dhaka"};
  if (name == "ast") return {"America/Halifax", "Asia/Riyadh"};
  if (name == "pst") return {"America/Los_Angeles", "Asia/Manila"};
  return {};
}

}  // namespace baton::tools
