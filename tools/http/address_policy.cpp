#include "address_policy.h"

#include <baton/tools/text.h>

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace baton::tools {
namespace {

struct SpecialRange {
  const char* network;
  int prefix_bits;
  const char* what;
};

constexpr const char* kThisMachine = "this machine itself";
constexpr const char* kMetadata = "a cloud metadata service";

// IANA's special-purpose registries, and the metadata services outside them. The first matching entry describes the address.
constexpr SpecialRange kSpecial[] = {
    {"169.254.169.254", 32, kMetadata},
    {"168.63.129.16", 32, kMetadata},
    {"100.100.100.200", 32, kMetadata},
    {"192.0.0.192", 32, kMetadata},
    {"0.0.0.0", 8, "the unspecified network"},
    {"10.0.0.0", 8, "a private address"},
    {"100.64.0.0", 10, "a carrier's private address"},
    {"127.0.0.0", 8, kThisMachine},
    {"169.254.0.0", 16, "a link-local address"},
    {"172.16.0.0", 12, "a private address"},
    {"192.0.0.0", 24, "a reserved address"},
    {"192.0.2.0", 24, "an address for documentation"},
    {"192.31.196.0", 24, "a reserved address"},
    {"192.52.193.0", 24, "a reserved address"},
    {"192.88.99.0", 24, "a reserved address"},
    {"192.168.0.0", 16, "a private address"},
    {"192.175.48.0", 24, "a reserved address"},
    {"198.18.0.0", 15, "an address for benchmarks"},
    {"198.51.100.0", 24, "an address for documentation"},
    {"203.0.113.0", 24, "an address for documentation"},
    {"224.0.0.0", 4, "a multicast address"},
    {"255.255.255.255", 32, "the broadcast address"},
    {"240.0.0.0", 4, "a reserved address"},
    {"fd00:ec2::254", 128, kMetadata},
    {"fd20:ce::254", 128, kMetadata},
    {"::", 128, "the unspecified address"},
    {"::1", 128, kThisMachine},
    {"64:ff9b:1::", 48, "a private address"},  // NAT64 of one's own network
    {"100::", 64, "a reserved address"},
    {"2001::", 23, "a reserved address"},  // Teredo and ORCHID among them
    {"2001:db8::", 32, "an address for documentation"},
    {"3fff::", 20, "an address for documentation"},
    {"5f00::", 16, "a reserved address"},
    {"fc00::", 7, "a private address"},
    {"fe80::", 10, "a link-local address"},
    {"fec0::", 10, "a private address"},
    {"ff00::", 8, "a multicast address"},
};

// "Example.COM." -> "example.com"
std::string plain_name(std::string_view host) {
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  std::string name(host);
  std::transform(name.begin(), name.end(), name.begin(), [](char c) { return ascii_lower(c); });
  return name;
}

bool is_port(std::string_view text) {
  unsigned n = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  return ec == std::errc() && end == text.data() + text.size() && n >= 1 && n <= 65535 && text.front() != '0';
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 253 && text.front() != '.' && text.find("..") == std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
         });
}

// The IPv4 address at bytes[at] of an IPv6 one.
IpAddress v4_inside(const IpAddress& address, std::size_t at) {
  char text[INET_ADDRSTRLEN];
  inet_ntop(AF_INET, address.bytes().data() + at, text, sizeof text);
  return *IpAddress::parse(text);
}

struct Range {
  IpAddress network;
  int prefix_bits;
  const char* what;
};

const std::vector<Range>& special_ranges() {
  static const std::vector<Range> ranges = [] {
    std::vector<Range> all;
    for (const SpecialRange& range : kSpecial) all.push_back({*IpAddress::parse(range.network), range.prefix_bits, range.what});
    return all;
  }();
  return ranges;
}

bool in_range(const IpAddress& address, const char* network, int prefix_bits) {
  return address.begins_with(*IpAddress::parse(network), prefix_bits);
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string copy(text);
  if (copy.find('\0') != std::string::npos) return std::nullopt;
  IpAddress address;
  if (inet_pton(AF_INET, copy.c_str(), address.bytes_.data()) == 1) {
    address.v4_ = true;
    return address;
  }
  if (inet_pton(AF_INET6, copy.c_str(), address.bytes_.data()) != 1) return std::nullopt;
  constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (std::equal(std::begin(kMapped), std::end(kMapped), address.bytes_.begin())) {
    IpAddress mapped;
    mapped.v4_ = true;
    std::copy(address.bytes_.begin() + 12, address.bytes_.end(), mapped.bytes_.begin());
    return mapped;
  }
  return address;
}

std::string IpAddress::text() const {
  char text[INET6_ADDRSTRLEN];
  inet_ntop(v4_ ? AF_INET : AF_INET6, bytes_.data(), text, sizeof text);
  return text;
}

bool IpAddress::begins_with(const IpAddress& network, int prefix_bits) const {
  if (v4_ != network.v4_) return false;
  for (int bit = 0; bit < prefix_bits; bit += 8) {
    const int n = std::min(8, prefix_bits - bit);
    const auto mask = static_cast<std::uint8_t>(0xFF << (8 - n));
    if (((bytes_[bit / 8] ^ network.bytes_[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

const char* IpAddress::special() const {
  for (const Range& range : special_ranges()) {
    if (begins_with(range.network, range.prefix_bits)) return range.what;
  }
  if (v4_) return nullptr;
  // Tunnels and translators: the IPv4 address that they lead to decides.
  if (in_range(*this, "64:ff9b::", 96)) return v4_inside(*this, 12).special();
  if (in_range(*this, "2002::", 16)) return v4_inside(*this, 2).special();
  const bool isatap = (bytes_[8] & 0xFD) == 0 && bytes_[9] == 0 && bytes_[10] == 0x5E && bytes_[11] == 0xFE;
  if (isatap) return v4_inside(*this, 12).special();
  return in_range(*this, "2000::", 3) ? nullptr : "a reserved address";
}

bool IpAddress::is_metadata() const { return special() == kMetadata; }

Result<AddressPolicy::Entry> AddressPolicy::parse_entry(const std::string& text) {
  const Error wrong{errc::invalid_argument, "'" + text.substr(0, 300) +
                                                "' is not a host that can be allowed: write a host (api.example.com), *.example.com, "
                                                "host:port, an address or a range of them (192.168.1.0/24)"};
  Entry entry;
  std::string_view rest = text;
  if (const std::size_t slash = rest.find('/'); slash != std::string_view::npos) {
    entry.network = IpAddress::parse(rest.substr(0, slash));
    const std::string_view bits = rest.substr(slash + 1);
    const auto [end, ec] = std::from_chars(bits.data(), bits.data() + bits.size(), entry.prefix_bits);
    if (!entry.network || ec != std::errc() || end != bits.data() + bits.size() || entry.prefix_bits < 0) return wrong;
    if (entry.prefix_bits > (entry.network->is_v4() ? 32 : 128)) return wrong;
    return entry;
  }
  std::string_view host = rest;
  if (!rest.empty() && rest.front() == '[') {
    const std::size_t end = rest.find(']');
    if (end == std::string_view::npos) return wrong;
    host = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
    if (!rest.empty() && rest.front() != ':') return wrong;
  } else if (const std::size_t colon = rest.find(':'); colon != std::string_view::npos && colon == rest.rfind(':')) {
    host = rest.substr(0, colon);
    rest.remove_prefix(colon);
  } else {
    rest = {};
  }
  if (!rest.empty()) {
    rest.remove_prefix(1);
    if (!is_port(rest.empty() ? "x" : rest)) return wrong;
    entry.port = std::string(rest);
  }
  if (host.substr(0, 2) == "*.") {
    entry.sub_domains = true;
    host.remove_prefix(2);
  } else if ((entry.network = IpAddress::parse(host))) {
    entry.prefix_bits = entry.network->is_v4() ? 32 : 128;
    return entry;
  }
  if (!is_name(host)) return wrong;
  entry.name = plain_name(host);
  return entry;
}

Result<AddressPolicy> AddressPolicy::public_and(const std::vector<std::string>& entries) {
  AddressPolicy policy;
  policy.any_address_ = false;
  for (const std::string& text : entries) {
    Result<Entry> entry = parse_entry(text);
    if (!entry) return entry.error();
    policy.entries_.push_back(std::move(*entry));
  }
  return policy;
}

Result<AddressPolicy> AddressPolicy::only(const std::vector<std::string>& entries) {
  Result<AddressPolicy> policy = public_and(entries);
  if (policy) policy->public_hosts_ = false;
  return policy;
}

bool AddressPolicy::admits_address(const IpAddress& address, std::string_view port) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    if (!entry.port.empty() && entry.port != port) return false;
    // The name localhost cannot be pointed elsewhere by others, so it admits its own addresses.
    if (!entry.network) return entry.name == "localhost" && !entry.sub_domains && address.special() == kThisMachine;
    if (address.is_metadata() && entry.prefix_bits < (address.is_v4() ? 32 : 128)) return false;
    return address.begins_with(*entry.network, entry.prefix_bits);
  });
}

Result<void> AddressPolicy::check_host(std::string_view host, std::string_view port) const {
  if (any_address_) return {};
  if (const std::optional<IpAddress> address = IpAddress::parse(host)) {
    if (!public_hosts_ && !admits_address(*address, port)) {
      return Error{errc::forbidden, "the host " + address->text() + " is not among those that the user allowed (--allow-host " +
                                        (address->is_v4() ? address->text() : "[" + address->text() + "]") + ":" + std::string(port) + ")"};
    }
    return check_address(host, *address, port);
  }
  if (public_hosts_) return {};
  const std::string name = plain_name(host);
  const bool named = std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    if (entry.network || (!entry.port.empty() && entry.port != port)) return false;
    if (!entry.sub_domains) return name == entry.name;
    return name.size() > entry.name.size() + 1 && name.ends_with("." + entry.name);
  });
  if (named) return {};
  return Error{errc::forbidden, "the host '" + name + "' is not among those that the user allowed (--allow-host " + name + ")"};
}

Result<void> AddressPolicy::check_address(std::string_view host, const IpAddress& address, std::string_view port) const {
  if (any_address_) return {};
  const char* special = address.special();
  if (special == nullptr || admits_address(address, port)) return {};
  const std::string of = IpAddress::parse(host) ? "" : "the host '" + plain_name(host) + "' leads to ";
  return Error{errc::forbidden, of + address.text() + ", which is " + special + "; only the user can allow it (--allow-host " +
                                    (address.is_v4() ? address.text() : "[" + address.text() + "]") + ":" + std::string(port) + ")"};
}

}  // namespace baton::tools
