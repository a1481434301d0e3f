#pragma once
// The server's lines of the log: never a token, a body or a query.
#include <baton/agent/protocol/notes.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "server_metrics.h"

namespace baton::agent::api {

// A client's text for a line of the log: control characters and non-ASCII bytes as \xNN, the rest of a long one left out. `spaces`: spaces
// are kept.
std::string visible(std::string_view text, std::size_t most = 200, bool spaces = true);

// A line of a request that was answered.
struct AnsweredRequest {
  std::string method, path, client, id;
  int status = 0;
  std::chrono::microseconds time{0};
  std::int64_t bytes = 0;  // of the body, out
  bool left = false;       // the client left before the end
  std::string failure;     // of a 500: the cause, which the client is not told
};
void log_answered(const AnsweredRequest& request);

// Refusals, of which an attacker can cause any number: at most `most` lines a second, then one with the number of lines left out. Any
// thread.
class RefusalLog {
 public:
  explicit RefusalLog(int most = 20) : most_(most) {}
  void refused(Refusal why, const std::string& client, const std::string& id, const std::string& detail);
  // Whether a line may be written now; `left_out`: the number of lines left out since the last second that had too many.
  bool allow(std::chrono::steady_clock::time_point now, std::int64_t& left_out);

 private:
  const int most_;
  std::mutex mutex_;  // guards all below
  std::chrono::steady_clock::time_point second_{};
  int written_ = 0;
  std::int64_t left_out_ = 0;
};

// Fields without effect that clients send. Each field is reported once a client, within the number of clients and fields that are
// remembered. Any thread.
class IgnoredLog {
 public:
  void tell(const std::string& client, const protocol::Notes& notes);
  // Those of `paths` that were not reported yet for this client.
  std::vector<std::string> untold(const std::string& client, const std::vector<std::string>& paths);

 private:
  static constexpr std::size_t kMostClients = 1024;  // that are remembered; beyond it all are forgotten
  static constexpr std::size_t kMostFields = 128;    // of one client; further ones are not reported

  std::mutex mutex_;  // guards all below
  std::map<std::string, std::set<std::string>> told_;
};

}  // namespace baton::agent::api
