#pragma once
// Responses that are over and were not to be stored: for a while the client that made them may continue them. They are bounded by number
// and time.
#include <chrono>
#include <deque>
#include <string>
#include <vector>

namespace baton::agent {

struct UnstoredResponse {
  std::string response_id;
  std::string conversation_id;  // a temporary one, of this response alone
  std::string session;          // of the WebSocket that made it; empty: it came over HTTP
  std::string client;
};

// Not thread-safe. Responses that a function returns must be removed from the journal.
class UnstoredResponses {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kMost = 512;
  static constexpr std::size_t kMostOfOne = 32;            // of a session, or of a client over HTTP
  static constexpr std::chrono::minutes kLife{5};          // of a response that came over HTTP
  static constexpr std::chrono::minutes kSessionLife{60};  // of a response that came over a WebSocket, while that is open

  std::vector<UnstoredResponse> add(UnstoredResponse response, Clock::time_point now);
  std::vector<UnstoredResponse> end_session(const std::string& session);
  std::vector<UnstoredResponse> expired(Clock::time_point now);
  std::vector<UnstoredResponse> all();

  // On the WebSocket that made it, or, if it came over HTTP, by the same client.
  bool may_continue(const std::string& response_id, const std::string& session, const std::string& client) const;
  std::size_t size() const { return kept_.size(); }

 private:
  struct Kept {
    UnstoredResponse response;
    Clock::time_point until;
  };
  template <class Which>
  std::vector<UnstoredResponse> take(Which which);

  std::deque<Kept> kept_;  // oldest first
};

}  // namespace baton::agent
