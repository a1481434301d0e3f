#include "formats.h"

#include <arpa/inet.h>

#include <algorithm>
#include <string>

namespace baton::llm {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool hex(char c) { return digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// "2024-12-31" against "dddd-dd-dd".
bool shaped(std::string_view text, std::string_view shape) {
  return text.size() == shape.size() && std::equal(text.begin(), text.end(), shape.begin(), [](char c, char s) {
           return s == 'd' ? digit(c) : s == 'h' ? hex(c) : c == s;
         });
}

int number(std::string_view digits) {
  int value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  return value;
}

bool is_date(std::string_view text) {
  if (!shaped(text, "dddd-dd-dd")) return false;
  const int year = number(text.substr(0, 4)), month = number(text.substr(5, 2)), day = number(text.substr(8, 2));
  if (month < 1 || month > 12 || day < 1) return false;
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return day <= kDays[month - 1] + (month == 2 && leap);
}

bool is_time(std::string_view text) {
  if (text.size() < 9 || !shaped(text.substr(0, 8), "dd:dd:dd")) return false;
  const int hour = number(text.substr(0, 2)), minute = number(text.substr(3, 2)), second = number(text.substr(6, 2));
  std::size_t at = 8;
  if (text[at] == '.') {
    const std::size_t first = ++at;
    while (at < text.size() && digit(text[at])) ++at;
    if (at == first) return false;
  }
  int offset = 0;  // minutes east of UTC
  const std::string_view zone = text.substr(at);
  if (zone != "Z" && zone != "z") {
    if (!shaped(zone, "+dd:dd") && !shaped(zone, "-dd:dd")) return false;
    const int hours = number(zone.substr(1, 2)), minutes = number(zone.substr(4, 2));
    if (hours > 23 || minutes > 59) return false;
    offset = (zone[0] == '+' ? 1 : -1) * (hours * 60 + minutes);
  }
  if (hour > 23 || minute > 59 || second > 60) return false;
  constexpr int kDay = 24 * 60;
  return second < 60 || (hour * 60 + minute - offset + kDay) % kDay == kDay - 1;  // leap seconds end a UTC day
}

bool is_date_time(std::string_view text) {
  return text.size() > 11 && (text[10] == 'T' || text[10] == 't') && is_date(text.substr(0, 10)) && is_time(text.substr(11));
}

// Numbers followed by units in the given order, at least one.
bool is_units(std::string_view text, std::string_view units) {
  if (text.empty()) return false;
  std::size_t unit = 0;
  while (!text.empty()) {
    const std::size_t digits = static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), digit) - text.begin());
    if (digits == 0 || digits == text.size()) return false;
    unit = units.find(text[digits], unit);
    if (unit++ == std::string_view::npos) return false;
    text.remove_prefix(digits + 1);
  }
  return true;
}

bool is_duration(std::string_view text) {
  if (text.empty() || text[0] != 'P') return false;
  text.remove_prefix(1);
  if (is_units(text, "W")) return true;
  const std::size_t t = text.find('T');
  if (t == std::string_view::npos) return is_units(text, "YMD");
  return (t == 0 || is_units(text.substr(0, t), "YMD")) && is_units(text.substr(t + 1), "HMS");
}

bool is_uuid(std::string_view text) { return shaped(text, "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh"); }

bool is_address(std::string_view text, int family) {
  unsigned char bytes[16];
  return text.find('\0') == std::string_view::npos && inet_pton(family, std::string(text).c_str(), bytes) == 1;
}
bool is_ipv4(std::string_view text) { return is_address(text, AF_INET); }
bool is_ipv6(std::string_view text) { return is_address(text, AF_INET6); }

bool is_hostname(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  std::size_t start = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] != '.') {
      if (!letter(text[i]) && !digit(text[i]) && text[i] != '-') return false;
      continue;
    }
    if (i == start || i - start > 63 || text[start] == '-' || text[i - 1] == '-') return false;
    start = i + 1;
  }
  return true;
}

bool is_email(std::string_view text) {
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos || at == 0 || at > 64) return false;
  const std::string_view local = text.substr(0, at), domain = text.substr(at + 1);
  if (local.front() == '"') {
    if (local.size() < 2 || local.back() != '"') return false;
    for (std::size_t i = 1; i + 1 < local.size(); ++i) {
      if (local[i] == '\\') {
        if (++i + 1 >= local.size()) return false;
      } else if (local[i] == '"') {
        return false;
      }
      if (static_cast<unsigned char>(local[i]) < 0x20 || static_cast<unsigned char>(local[i]) > 0x7e) return false;
    }
  } else {
    if (local.front() == '.' || local.back() == '.' || local.find("..") != std::string_view::npos) return false;
    for (const char c : local)
      if (!letter(c) && !digit(c) && std::string_view(".!#$%&'*+-/=?^_`{|}~").find(c) == std::string_view::npos) return false;
  }
  if (domain.size() > 2 && domain.front() == '[' && domain.back() == ']') {
    const std::string_view literal = domain.substr(1, domain.size() - 2);
    return literal.substr(0, 5) == "IPv6:" ? is_ipv6(literal.substr(5)) : is_ipv4(literal);
  }
  return is_hostname(domain);
}

bool is_uri_characters(std::string_view text, std::string_view others) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size() || !hex(text[i + 1]) || !hex(text[i + 2])) return false;
      i += 2;
    } else if (!letter(text[i]) && !digit(text[i]) && std::string_view("-._~!$&'()*+,;=").find(text[i]) == std::string_view::npos &&
               others.find(text[i]) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

bool is_authority(std::string_view text) {
  if (const std::size_t user = text.find('@'); user != std::string_view::npos) {
    if (!is_uri_characters(text.substr(0, user), ":")) return false;
    text.remove_prefix(user + 1);
  }
  std::string_view port;
  if (!text.empty() && text.front() == '[') {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos || !is_ipv6(text.substr(1, end - 1))) return false;
    port = text.substr(end + 1);
    if (!port.empty() && port.front() != ':') return false;
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    if (!is_uri_characters(text.substr(0, colon), "")) return false;
    port = text.substr(colon);
  }
  return port.empty() || std::all_of(port.begin() + 1, port.end(), digit);
}

bool is_uri(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || !letter(text[0])) return false;
  for (const char c : text.substr(0, colon))
    if (!letter(c) && !digit(c) && c != '+' && c != '-' && c != '.') return false;
  text.remove_prefix(colon + 1);
  const std::size_t fragment = std::min(text.find('#'), text.size());
  if (fragment < text.size() && !is_uri_characters(text.substr(fragment + 1), ":@/?")) return false;
  text = text.substr(0, fragment);
  const std::size_t query = std::min(text.find('?'), text.size());
  if (query < text.size() && !is_uri_characters(text.substr(query + 1), ":@/?")) return false;
  text = text.substr(0, query);
  if (text.substr(0, 2) == "//") {
    const std::size_t path = std::min(text.find('/', 2), text.size());
    if (!is_authority(text.substr(2, path - 2))) return false;
    text.remove_prefix(path);
  }
  return is_uri_characters(text, ":@/");
}

constexpr Format kFormats[] = {
    {"date", is_date, "a date such as 2024-12-31"},
    {"time", is_time, "a time with its zone such as 14:30:00Z or 14:30:00+02:00"},
    {"date-time", is_date_time, "a date and time such as 2024-12-31T14:30:00Z"},
    {"duration", is_duration, "a duration such as PT30M or P1DT12H"},
    {"uuid", is_uuid, "a UUID such as 123e4567-e89b-12d3-a456-426614174000"},
    {"email", is_email, "an e-mail address such as ann@example.com"},
    {"ipv4", is_ipv4, "an IPv4 address such as 192.0.2.1"},
    {"ipv6", is_ipv6, "an IPv6 address such as 2001:db8::1"},
    {"uri", is_uri, "an absolute URI such as https://example.com/page"},
    {"hostname", is_hostname, "a host name such as www.example.com"},
};

}  // namespace

const Format* find_format(std::string_view name) {
  const Format* found = std::find_if(std::begin(kFormats), std::end(kFormats), [&](const Format& f) { return f.name == name; });
  return found == std::end(kFormats) ? nullptr : found;
}

}  // namespace baton::llm
