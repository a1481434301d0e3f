#pragma once
// Who is served next. Requests wait by client, so that a client with many of them holds up its own and nobody else's: a free place goes to
// the client that has the fewest requests in the batch. Internal to llm/engine; single-threaded.
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
    std::deque<std::shared_ptr<ActiveRequest>> waiting;  // in the order of their arrival
    int n_active = 0;                                    // requests in the batch
    std::uint64_t last_place = 0;                        // counts the places that were given; 0: none since it came
    std::uint64_t last_chunk = 0;                        // counts the chunks of prompts that were computed; likewise
    bool passed_over = false;                            // until the next start_round()
  };

  void push(std::shared_ptr<ActiveRequest> request);

  // next() is, of the clients that wait and were not passed over in this round, the one with the fewest requests in the batch; of several,
  // the one that was given a place the longest ago, then the one whose request came first. Null: there is none.
  void start_round();
  Client* next();
  // Its first request gets a place.
  std::shared_ptr<ActiveRequest> take(Client& client);

  void leave(const ActiveRequest& request);               // its place is free
  void put_back(std::shared_ptr<ActiveRequest> request);  // likewise, and it waits again, before the others of its client

  // Of a request that waits or is in the batch.
  Client& of(const ActiveRequest& request) { return clients_.at(request.client); }
  const Client& of(const ActiveRequest& request) const { return clients_.at(request.client); }
  // Calls `ends` with each request that waits and takes out those for which it is true.
  void remove_if(const std::function<bool(ActiveRequest&)>& ends);
  int n_waiting() const;

 private:
  void forget_if_gone(std::map<std::string, Client>::iterator client);

  // Only of clients that have a request here, so that this does not grow with the number of those that ever came.
  std::map<std::string, Client> clients_;
  std::uint64_t n_arrivals_ = 0, n_places_ = 0;
};

}  // namespace baton::llm
