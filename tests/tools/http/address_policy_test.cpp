#include <baton/tools/http/address_policy.h>
#include <baton/tools/http/http_client.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tls_server.h"

namespace baton::tools {
namespace {

using testing::HasSubstr;
using tests::ServedConnection;
using tests::ServedRequest;
using tests::TlsServer;

TEST(IpAddress, tells_special_addresses_from_public_ones) {
  for (const char* special : {"0.0.0.0",
                              "0.1.2.3",
                              "10.0.0.1",
                              "10.255.255.255",
                              "100.64.0.1",
                              "100.127.255.255",
                              "100.100.100.200",
                              "127.0.0.1",
                              "127.1.2.3",
                              "169.254.0.1",
                              "169.254.169.254",
                              "168.63.129.16",
                              "172.16.0.1",
                              "172.31.255.255",
                              "192.0.0.8",
                              "192.0.2.1",
                              "192.88.99.1",
                              "192.168.0.1",
                              "198.18.0.1",
                              "198.19.255.255",
                              "198.51.100.7",
                              "203.0.113.9",
                              "224.0.0.1",
                              "239.255.255.255",
                              "240.0.0.1",
                              "255.255.255.255",
                              "::",
                              "::1",
                              "::7f00:1",
                              "::127.0.0.1",
                              "::8.8.8.8",
                              "::ffff:127.0.0.1",
                              "::ffff:a9fe:a9fe",
                              "::ffff:0:127.0.0.1",
                              "64:ff9b::127.0.0.1",
                              "64:ff9b::a9fe:a9fe",
                              "64:ff9b:1::8.8.8.8",
                              "100::1",
                              "2001::1",
                              "2001:0:7f00:1::",
                              "2001:10::1",
                              "2001:db8::1",
                              "2002:7f00:1::1",
                              "2002:a9fe:a9fe::",
                              "2002:c0a8:1::1",
                              "3fff::1",
                              "fc00::1",
                              "fd00:ec2::254",
                              "fdff::1",
                              "fe80::1",
                              "febf::1",
                              "fec0::1",
                              "ff02::1",
                              "4000::1",
                              "5f00::1",
                              "2600::5efe:10.0.0.1",
                              "2600::200:5efe:127.0.0.1"}) {
    const auto address = IpAddress::parse(special);
    ASSERT_TRUE(address) << special;
    EXPECT_NE(address->special(), nullptr) << special;
  }
  for (const char* open :
       {"1.1.1.1",    "8.8.8.8",         "9.255.255.255",   "11.0.0.0",     "100.63.255.255", "100.128.0.0",      "126.255.255.255",
        "128.0.0.1",  "169.253.1.1",     "172.15.0.1",      "172.32.0.1",   "192.167.0.1",    "192.169.0.1",      "198.17.0.1",
        "198.20.0.1", "223.255.255.255", "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"}) {
    const auto address = IpAddress::parse(open);
    ASSERT_TRUE(address) << open;
    EXPECT_EQ(address->special(), nullptr) << open;
  }
  for (const char* wrong :
       {"", "1.2.3", "1.2.3.4.5", "0x7f.0.0.1", "0177.0.0.1", "256.1.1.1", "1.2.3.4 ", "[::1]", "::1%lo", ":::", "host"}) {
    EXPECT_FALSE(IpAddress::parse(wrong)) << wrong;
  }
}

TEST(AddressPolicy, reads_entries_and_refuses_what_names_no_host) {
  for (const char* good : {"api.example.com", "API.Example.com.", "*.example.com", "example.com:8443", "*.example.com:443", "localhost",
                           "10.0.0.1", "10.0.0.1:80", "10.0.0.0/8", "0.0.0.0/0", "::1", "[::1]", "[fd00::5]:8080", "fd00::/8", "host_1"}) {
    EXPECT_TRUE(AddressPolicy::only({good})) << good;
  }
  for (const char* bad :
       {"", "*", "*.", "http://example.com", "example.com/", "example.com:", "example.com:0", "example.com:99999", "exa mple.com",
        "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "fd00::/129", "[::1", "[::1]80", "a..b", ".com", "user@host", "10.0.0.0/8:80"}) {
    const auto policy = AddressPolicy::only({bad});
    EXPECT_FALSE(policy) << bad;
    EXPECT_TRUE(!policy && policy.error().code == errc::invalid_argument);
  }
}

bool reaches(const AddressPolicy& policy, const char* host, const char* address, const char* port = "443") {
  return policy.check_host(host, port) && policy.check_address(host, *IpAddress::parse(address), port);
}

TEST(AddressPolicy, admits_what_is_named_and_no_more) {
  const AddressPolicy policy = *AddressPolicy::only({"api.example.com", "*.sub.example.com", "ports.example.com:8443", "localhost:8080",
                                                     "192.168.1.0/24", "10.1.1.1:9000", "169.254.0.0/16", "nas.home"});
  EXPECT_TRUE(reaches(policy, "api.example.com", "8.8.8.8"));
  EXPECT_TRUE(reaches(policy, "API.example.COM.", "8.8.8.8"));
  EXPECT_FALSE(reaches(policy, "xapi.example.com", "8.8.8.8"));
  EXPECT_FALSE(reaches(policy, "api.example.com.evil.test", "8.8.8.8"));
  EXPECT_FALSE(reaches(policy, "example.com", "8.8.8.8"));
  EXPECT_TRUE(reaches(policy, "a.sub.example.com", "8.8.8.8"));
  EXPECT_TRUE(reaches(policy, "a.b.sub.example.com", "8.8.8.8"));
  EXPECT_FALSE(reaches(policy, "sub.example.com", "8.8.8.8"));
  EXPECT_FALSE(reaches(policy, "evilsub.example.com", "8.8.8.8"));
  EXPECT_TRUE(reaches(policy, "ports.example.com", "8.8.8.8", "8443"));
  EXPECT_FALSE(reaches(policy, "ports.example.com", "8.8.8.8", "443"));
  // A name's owner cannot point it at an internal address; a name and a range together allow that.
  EXPECT_FALSE(reaches(policy, "api.example.com", "127.0.0.1"));
  EXPECT_FALSE(reaches(policy, "api.example.com", "10.1.1.1"));
  EXPECT_TRUE(reaches(policy, "nas.home", "192.168.1.7"));
  EXPECT_FALSE(reaches(policy, "nas.home", "192.168.2.7"));
  EXPECT_TRUE(reaches(policy, "192.168.1.7", "192.168.1.7"));
  EXPECT_TRUE(reaches(policy, "10.1.1.1", "10.1.1.1", "9000"));
  EXPECT_FALSE(reaches(policy, "10.1.1.1", "10.1.1.1", "9001"));
  EXPECT_TRUE(reaches(policy, "localhost", "127.0.0.1", "8080"));
  EXPECT_TRUE(reaches(policy, "localhost", "::1", "8080"));
  EXPECT_FALSE(reaches(policy, "localhost", "127.0.0.1", "8081"));
  EXPECT_FALSE(reaches(policy, "localhost", "192.168.2.1", "8080"));
  // A range does not open a metadata service: only its very address would.
  EXPECT_TRUE(reaches(policy, "169.254.1.1", "169.254.1.1"));
  EXPECT_FALSE(reaches(policy, "169.254.169.254", "169.254.169.254"));
  EXPECT_FALSE(reaches(policy, "8.8.8.8", "8.8.8.8"));

  const AddressPolicy open = *AddressPolicy::public_and({"127.0.0.1"});
  EXPECT_TRUE(reaches(open, "anything.test", "8.8.8.8"));
  EXPECT_TRUE(reaches(open, "127.0.0.1", "127.0.0.1"));
  EXPECT_FALSE(reaches(open, "anything.test", "10.0.0.1"));
  EXPECT_TRUE(reaches(AddressPolicy(), "localhost", "127.0.0.1"));
  EXPECT_FALSE(reaches(*AddressPolicy::only({}), "example.com", "8.8.8.8"));
}

// A client that resolves names from a list, and may reach public addresses only.
HttpOptions guarded(std::map<std::string, std::vector<std::string>> names, const std::vector<std::string>& allowed = {}) {
  HttpOptions options;
  options.connect_timeout = std::chrono::seconds(2);
  options.policy = *AddressPolicy::public_and(allowed);
  options.resolver = [names = std::move(names)](const std::string& host) -> Result<std::vector<std::string>> {
    const auto it = names.find(host);
    if (it == names.end()) return Error{errc::not_found, "the host '" + host + "' has no address"};
    return it->second;
  };
  return options;
}

TEST(AddressPolicy, of_hostile_urls_none_gets_through) {
  TlsServer server([](const ServedRequest&, ServedConnection& c) { c.respond(200, {}, "inside"); }, {.tls = false});
  const std::string port = ":" + std::to_string(server.port()) + "/";
  std::vector<std::string> urls;
  for (const char* host : {"127.0.0.1",
                           "127.1",
                           "127.0.1",
                           "127.127.127.127",
                           "2130706433",
                           "0x7f000001",
                           "0x7f.0.0.1",
                           "0x7f.1",
                           "0177.0.0.1",
                           "017700000001",
                           "0",
                           "0.0.0.0",
                           "00000.0",
                           "127.0.0.1.",
                           "localhost",
                           "LOCALHOST",
                           "localhost.",
                           "%6c%6f%63%61%6c%68%6f%73%74",
                           "%31%32%37.0.0.1",
                           "[::1]",
                           "[::]",
                           "[0:0:0:0:0:0:0:1]",
                           "[::ffff:127.0.0.1]",
                           "[::ffff:7f00:1]",
                           "[::127.0.0.1]",
                           "[::ffff:0:127.0.0.1]",
                           "[64:ff9b::7f00:1]",
                           "[2002:7f00:1::]",
                           "[2001:0:7f00:1::]",
                           "[fe80::1]",
                           "[fe80::1%25lo]",
                           "[fc00::1]",
                           "[fd00:ec2::254]",
                           "[ff02::1]",
                           "169.254.169.254",
                           "0xa9fea9fe",
                           "2852039166",
                           "0251.0376.0251.0376",
                           "10.0.0.1",
                           "192.168.0.1",
                           "172.16.0.1",
                           "100.64.0.1",
                           "198.18.0.1",
                           "224.0.0.1",
                           "255.255.255.255",
                           "240.0.0.1",
                           "192.0.2.1",
                           "rebound.test",
                           "mixed.test",
                           "mapped.test",
                           "nat64.test",
                           "meta.test",
                           "good.test@127.0.0.1",
                           "127.0.0.1%00.good.test",
                           "good.test%2f@127.0.0.1",
                           "good.test\\@127.0.0.1",
                           "\xE2\x91\xA0\xE2\x91\xA1\xE2\x91\xA6.0.0.1",
                           "127\xE3\x80\x82"
                           "0.0.1",
                           "127.0.0.1 .good.test",
                           "good.test#@127.0.0.1",
                           "169.254.169.254.nip.test"}) {
    urls.push_back("http://" + std::string(host) + port);
  }
  for (const char* url :
       {"file:///etc/passwd", "gopher://127.0.0.1:6379/_x", "ftp://127.0.0.1/", "//127.0.0.1/", "http:127.0.0.1", "http:///127.0.0.1/",
        "http:\\\\127.0.0.1\\", "http://127.0.0.1:80:80/", "http://[::1/", "jar:http://127.0.0.1!/", "http://", "unix:/var/run/x.sock"}) {
    urls.emplace_back(url);
  }
  const auto client = make_http_client(guarded({{"localhost", {"127.0.0.1", "::1"}},
                                                {"localhost.", {"127.0.0.1"}},
                                                {"rebound.test", {"127.0.0.1"}},
                                                {"mixed.test", {"10.0.0.1", "127.0.0.1", "::1"}},
                                                {"mapped.test", {"::ffff:127.0.0.1"}},
                                                {"nat64.test", {"64:ff9b::7f00:1"}},
                                                {"meta.test", {"169.254.169.254"}},
                                                {"169.254.169.254.nip.test", {"169.254.169.254"}}}));
  int accepted = 0;
  for (const std::string& url : urls) {
    const auto response = client->send({.url = url});
    if (response) {
      ++accepted;
      ADD_FAILURE() << url;
      continue;
    }
    const errc code = response.error().code;
    EXPECT_TRUE(code == errc::forbidden || code == errc::invalid_argument || code == errc::not_found)
        << url << ": " << response.error().message;
  }
  EXPECT_GE(urls.size(), 40u);
  EXPECT_EQ(accepted, 0);
  EXPECT_TRUE(server.requests().empty());
}

TEST(AddressPolicy, is_asked_again_after_each_redirect) {
  TlsServer inside([](const ServedRequest&, ServedConnection& c) { c.respond(200, {}, "secret"); }, {.tls = false});
  std::string location;
  TlsServer outside([&](const ServedRequest&, ServedConnection& c) { c.redirect(302, location); }, {.tls = false});
  // One port represents the outside; every other port of this machine is inside.
  const auto client =
      make_http_client(guarded({{"out.test", {"127.0.0.1"}}, {"in.test", {"127.0.0.1"}}}, {"127.0.0.1:" + std::to_string(outside.port())}));
  const std::string port = ":" + std::to_string(inside.port());
  for (const std::string& to : {"http://127.0.0.1" + port + "/", "http://in.test" + port + "/", "http://[::ffff:127.0.0.1]" + port + "/",
                                "//in.test" + port + "/", std::string("http://169.254.169.254/latest/meta-data/"),
                                "http://0x7f.1" + port + "/", std::string("http://10.0.0.1/"), std::string("http://[fd00:ec2::254]/")}) {
    location = to;
    const auto response = client->send({.url = "http://out.test:" + std::to_string(outside.port()) + "/"});
    ASSERT_FALSE(response) << to;
    EXPECT_TRUE(response.error().code == errc::forbidden || response.error().code == errc::network) << response.error().message;
  }
  EXPECT_EQ(outside.requests().size(), 8u);
  EXPECT_TRUE(inside.requests().empty());
}

TEST(AddressPolicy, a_name_is_resolved_once_and_that_address_is_connected_to) {
  TlsServer server([](const ServedRequest& r, ServedConnection& c) { c.respond(200, {}, r.header("host")); });
  int asked = 0;
  HttpOptions options = guarded({}, {"127.0.0.1"});
  options.ca_file = server.ca_file();
  // The first answer may be reached. A second look-up would get the metadata service.
  options.resolver = [&](const std::string&) -> Result<std::vector<std::string>> {
    return std::vector<std::string>{++asked == 1 ? "127.0.0.1" : "169.254.169.254"};
  };
  const auto response = make_http_client(options)->send({.url = server.url("/")});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(response->body, "localhost:" + std::to_string(server.port()));
  const auto again = make_http_client(options)->send({.url = server.url("/")});
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message, HasSubstr("the host 'localhost' leads to 169.254.169.254, which is a cloud metadata service"));
}

TEST(AddressPolicy, passes_over_the_forbidden_addresses_of_a_host) {
  TlsServer server([](const ServedRequest&, ServedConnection& c) { c.respond(200, {}, "ok"); }, {.tls = false});
  const std::string port = std::to_string(server.port());
  const auto client = make_http_client(guarded({{"two.test", {"10.0.0.1", "127.0.0.1"}}}, {"127.0.0.1:" + port}));
  EXPECT_TRUE(client->send({.url = "http://two.test:" + port + "/"}));
}

TEST(AddressPolicy, tells_what_to_allow) {
  const auto client = make_http_client(guarded({}));
  EXPECT_THAT(client->send({.url = "http://127.0.0.1:8080/x"}).error().message,
              HasSubstr("127.0.0.1, which is this machine itself; only the user can allow it (--allow-host 127.0.0.1:8080)"));
  HttpOptions options = guarded({});
  options.policy = *AddressPolicy::only({"a.test"});
  EXPECT_THAT(make_http_client(options)->send({.url = "http://b.test/"}).error().message,
              HasSubstr("the host 'b.test' is not among those that the user allowed (--allow-host b.test)"));
}

}  // namespace
}  // namespace baton::tools
