#pragma once
// Decides which request is served next. Requests wait by client, so that a client with many of them delays only its own: a free place goes
// to the client that has the fewest requests in the batch. Internal to llm/engine; single-threaded.
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "request.h"

namespace baton::llm {

class ClientQueue {
 public:
  struct Client {
    std::deque<std::shared_ptr<ActiveRequest>> waiting;  // in order of arrival
    int n_active = 0;                                    // requests in the batch
    std::uint64_t last_place = 0;                        // number of the place that it was given last; 0: none since it came
    std::uint64_t last_chunk = 0;                        // number of the prompt chunk that was computed for it last; likewise
    bool passed_over = false;                            // until the next start_round()
  };

  void push(std::shared_ptr<ActiveRequest> request);

  // next() returns, of the waiting clients that were not passed over in this round, the one with the fewest requests in the batch; of
  // several, the one that was given a place the longest ago, then the one whose request came first. Null: there is none.
  void start_round();
  Client* next();
  // Gives its first request a place.
  std::shared_ptr<ActiveRequest> take(Client& client);

  void leave(const ActiveRequest& request);               // frees the request's place
  void put_back(std::shared_ptr<ActiveRequest> request);  // likewise, and the request waits again, before the others of its client

  // The client of a request that waits or is in the batch.
  Client& of(const ActiveRequest& request) { return clients_.at(request.client); }
  const Client& of(const ActiveRequest& request) const { return clients_.at(request.client); }
  // Calls `ends` with each waiting request and removes those for which it returns true.
  void remove_if(const std::function<bool(ActiveRequest&)>& ends);
  int n_waiting() const;

 private:
  void forget_if_gone(std::map<std::string, Client>::iterator client);

  // Contains only clients that have a request, so that it does not grow with the number of past clients.
  std::map<std::string, Client> clients_;
  std::uint64_t n_arrivals_ = 0, n_places_ = 0;
};

}  // namespace baton::llm
