#pragma once
// The hosts and addresses that a client may reach. A URL chosen by a model must not reach the machine itself, its internal network or a
// cloud's metadata service, whatever a name resolves to. So both are checked: the host as the URL writes it, and the very address of the
// connection.
#include <baton/tools/error.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::tools {

// An IPv4 or IPv6 address. IPv4 inside IPv6 (::ffff:10.0.0.1) becomes IPv4, because packets to it go there.
class IpAddress {
 public:
  // Plain text form only: four decimal numbers without leading zeros, or IPv6 without brackets and zone. Null for anything else.
  static std::optional<IpAddress> parse(std::string_view text);

  bool is_v4() const { return v4_; }
  std::string text() const;
  // The reason why no public service can have this address ("a private address"); null: it is a public address.
  const char* special() const;
  // Whether this is a cloud metadata service: no range admits one, only its own address.
  bool is_metadata() const;

  const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }  // the first 4 for IPv4
  bool begins_with(const IpAddress& network, int prefix_bits) const;    // false for the other family

 private:
  bool v4_ = false;
  std::array<std::uint8_t, 16> bytes_{};
};

class AddressPolicy {
 public:
  // Everything may be reached: for URLs that the user wrote.
  AddressPolicy() = default;

  // Any host by name, but only public addresses, and in addition those that `entries` name:
  //   api.example.com   api.example.com:8443   *.example.com (its sub-domains)     that host
  //   192.168.1.20   192.168.1.20:8080   [fd00::5]:8080   10.0.0.0/8   localhost   addresses that are not public, too
  // A name alone admits no private address, because its owner could point it anywhere (write the name and the address for that).
  static Result<AddressPolicy> public_and(const std::vector<std::string>& entries);

  // Hosts are restricted, too: only those that an entry names. Without entries nothing can be reached.
  static Result<AddressPolicy> only(const std::vector<std::string>& entries);

  // Called before a look-up: may this host be looked up? errc::forbidden says how to allow it.
  Result<void> check_host(std::string_view host, std::string_view port) const;
  // Called before connecting: may this address, to which `host` resolved, be reached?
  Result<void> check_address(std::string_view host, const IpAddress& address, std::string_view port) const;

 private:
  struct Entry {
    std::string name{};  // lower case; empty: an address or range
    bool sub_domains = false;
    std::optional<IpAddress> network{};
    int prefix_bits = 0;
    std::string port{};  // empty: any
  };
  static Result<Entry> parse_entry(const std::string& text);
  bool admits_address(const IpAddress& address, std::string_view port) const;

  bool public_hosts_ = true;  // hosts that are not in any entry
  bool any_address_ = true;
  std::vector<Entry> entries_;
};

}  // namespace baton::tools
