#pragma once
// Which hosts and addresses a client may reach. What a model can choose a URL for must not reach the machine itself, the network behind
// it or a cloud's metadata service, whatever a name resolves to; so both are checked: the host as the URL writes it, and the very address
// that is connected to.
#include <baton/tools/error.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::tools {

// An IPv4 or IPv6 address. IPv4 inside IPv6 (::ffff:10.0.0.1) becomes IPv4, because that is where a packet to it goes.
class IpAddress {
 public:
  // Plain text form only: four decimal numbers without leading zeros, or IPv6 without brackets and zone. Null: anything else.
  static std::optional<IpAddress> parse(std::string_view text);

  bool is_v4() const { return v4_; }
  std::string text() const;
  // Why no public service can live there ("a private address"); null: it is a public address.
  const char* special() const;
  // Cloud metadata services: no range admits them, only their own address.
  bool is_metadata() const;

  const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }  // the first 4 for IPv4
  bool begins_with(const IpAddress& network, int prefix_bits) const;    // false for the other family

 private:
  bool v4_ = false;
  std::array<std::uint8_t, 16> bytes_{};
};

class AddressPolicy {
 public:
  // Anything may be reached: for URLs that the user wrote.
  AddressPolicy() = default;

  // Any host by name, but only public addresses, and beside them what `entries` name:
  //   api.example.com   api.example.com:8443   *.example.com (its sub-domains)     that host
  //   192.168.1.20   192.168.1.20:8080   [fd00::5]:8080   10.0.0.0/8   localhost   addresses that are not public, too
  // A name alone opens no private address: whoever owns the name could point it anywhere (write the name and the address for that).
  static Result<AddressPolicy> public_and(const std::vector<std::string>& entries);

  // Of the hosts, too, only those that an entry names; none: nothing can be reached.
  static Result<AddressPolicy> only(const std::vector<std::string>& entries);

  // Before a look-up: may this host be asked for? errc::forbidden tells what to allow.
  Result<void> check_host(std::string_view host, std::string_view port) const;
  // Before connecting: may this address, to which `host` resolved?
  Result<void> check_address(std::string_view host, const IpAddress& address, std::string_view port) const;

 private:
  struct Entry {
    std::string name{};  // lower case, or empty: an address or range
    bool sub_domains = false;
    std::optional<IpAddress> network{};
    int prefix_bits = 0;
    std::string port{};  // empty: any
  };
  static Result<Entry> parse_entry(const std::string& text);
  bool admits_address(const IpAddress& address, std::string_view port) const;

  bool public_hosts_ = true;  // hosts that no entry names
  bool any_address_ = true;
  std::vector<Entry> entries_;
};

}  // namespace baton::tools
