// Admission: every combination that an attacker's page, or another machine, can produce.
#include <baton/agent/api/gate.h>
#include <gtest/gtest.h>

namespace baton::agent::api {
namespace {

constexpr const char* kToken = "0123456789abcdef0123";

ServerConfig config(bool token) {
  ServerConfig c;
  c.allowed_hosts = {"baton.lan"};
  c.allowed_origins = {"https://app.example.com"};
  if (token) c.token = kToken;
  return c;
}

TEST(Gate, lets_in_exactly_what_is_right_in_every_respect) {
  const std::vector<std::pair<std::string, bool>> hosts = {{"127.0.0.1:8377", true},       {"localhost:8377", true},
                                                           {"[::1]:8377", true},           {"LOCALHOST:8377", true},
                                                           {"baton.lan:8377", true},       {"127.0.0.1", false},
                                                           {"localhost:80", false},        {"evil.example:8377", false},
                                                           {"localhost.evil:8377", false}, {"baton.lan", false},
                                                           {"127.0.0.1:8377@x", false},    {"0.0.0.0:8377", false},
                                                           {"2130706433:8377", false},     {"", false}};
  // Beside Baton's own page, whose origin has the Host's name.
  const std::vector<std::pair<std::string, bool>> origins = {{"", true},
                                                             {"OURS", true},
                                                             {"https://app.example.com", true},
                                                             {"null", false},
                                                             {"https://evil.example", false},
                                                             {"http://app.example.com", false},
                                                             {"https://app.example.com.evil", false},
                                                             {"https://app.example.com:443", false},
                                                             {"http://127.0.0.1:1", false},
                                                             {"file://", false}};
  const std::vector<std::pair<std::string, bool>> tokens = {{"", false},
                                                            {std::string("Bearer ") + kToken, true},
                                                            {std::string("bearer ") + kToken, false},
                                                            {"Bearer 0123456789abcdef0124", false},
                                                            {"Bearer ", false},
                                                            {std::string("Bearer ") + kToken + kToken, false},
                                                            {std::string("Basic ") + kToken, false}};
  int n = 0, accepted = 0;
  for (const bool with_token : {false, true}) {
    const Gate gate(config(with_token), 8377);
    for (const char* path : {"/v1/responses", "/v1/models", "/metrics", "/v1/conversations/conv_1", "/healthz", "/"}) {
      for (const char* method : {"GET", "POST", "DELETE", "OPTIONS"}) {
        for (const auto& [host, host_ok] : hosts) {
          for (const auto& [origin, origin_ok] : origins) {
            for (const auto& [token, token_ok] : tokens) {
              GateRequest request{method, path, {host}, {}, token, {}};
              if (!origin.empty()) request.origin = {origin == "OURS" ? "http://" + host : origin};
              const bool open = std::string(method) == "GET" && (std::string(path) == "/" || std::string(path) == "/healthz");
              const bool preflight = std::string(method) == "OPTIONS" && origin == "https://app.example.com";
              const bool right = host_ok && origin_ok && (!with_token || token_ok || open || preflight);
              EXPECT_EQ(static_cast<bool>(gate.admit(request)), right)
                  << method << " " << path << " Host " << host << " Origin " << origin << " " << token;
              ++n;
              accepted += right ? 1 : 0;
            }
          }
        }
      }
    }
  }
  EXPECT_GT(accepted, 0);
  EXPECT_GT(n, accepted);
}

TEST(Gate, wants_one_host_and_at_most_one_origin) {
  const Gate gate(config(false), 8377);
  EXPECT_FALSE(gate.admit({"GET", "/", {}, {}, {}, {}}));
  EXPECT_FALSE(gate.admit({"GET", "/", {"127.0.0.1:8377", "evil"}, {}, {}, {}}));
  EXPECT_FALSE(gate.admit({"GET", "/", {"127.0.0.1:8377"}, {"http://127.0.0.1:8377", "https://evil"}, {}, {}}));
}

TEST(Gate, takes_the_token_of_a_browsers_socket_from_its_protocols) {
  const Gate gate(config(true), 8377);
  GateRequest request{"GET", "/v1/responses", {"127.0.0.1:8377"}, {"http://127.0.0.1:8377"}, {}, std::string("baton, bearer.") + kToken};
  EXPECT_TRUE(gate.admit(request));
  request.protocols = "baton, bearer.wrong";
  EXPECT_FALSE(gate.admit(request));
  request.protocols = "bearer";
  EXPECT_FALSE(gate.admit(request));
}

TEST(Gate, answers_cors_to_named_origins_only) {
  const Gate gate(config(false), 8377);
  EXPECT_EQ(gate.admit({"GET", "/v1/models", {"127.0.0.1:8377"}, {"https://app.example.com"}, {}, {}})->cors_origin,
            "https://app.example.com");
  EXPECT_EQ(gate.admit({"GET", "/v1/models", {"127.0.0.1:8377"}, {"http://127.0.0.1:8377"}, {}, {}})->cors_origin, "");
}

TEST(Gate, a_configuration_that_lets_anybody_in_does_not_listen) {
  ServerConfig c;
  EXPECT_FALSE(refused_configuration(c));
  c.address = "0.0.0.0";
  EXPECT_TRUE(refused_configuration(c));
  c.token = "short";
  EXPECT_TRUE(refused_configuration(c));
  c.token = kToken;
  EXPECT_FALSE(refused_configuration(c));
  c.tls_key = "key.pem";
  EXPECT_TRUE(refused_configuration(c));
}

}  // namespace
}  // namespace baton::agent::api
