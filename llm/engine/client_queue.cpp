#include "client_queue.h"

#include <algorithm>
#include <tuple>

namespace baton::llm {

void ClientQueue::push(std::shared_ptr<ActiveRequest> request) {
  request->arrival = ++n_arrivals_;
  auto& waiting = clients_[request->client].waiting;
  waiting.push_back(std::move(request));
}

void ClientQueue::start_round() {
  for (auto& [name, client] : clients_) client.passed_over = false;
}

ClientQueue::Client* ClientQueue::next() {
  const auto rank = [](const Client& client) { return std::tuple(client.n_active, client.last_place, client.waiting.front()->arrival); };
  Client* best = nullptr;
  for (auto& [name, client] : clients_) {
    if (client.waiting.empty() || client.passed_over) continue;
    if (best == nullptr || rank(client) < rank(*best)) best = &client;
  }
  return best;
}

std::shared_ptr<ActiveRequest> ClientQueue::take(Client& client) {
  auto request = std::move(client.waiting.front());
  client.waiting.pop_front();
  ++client.n_active;
  client.last_place = ++n_places_;
  return request;
}

void ClientQueue::leave(const ActiveRequest& request) {
  const auto client = clients_.find(request.client);
  --client->second.n_active;
  forget_if_gone(client);
}

void ClientQueue::put_back(std::shared_ptr<ActiveRequest> request) {
  Client& client = of(*request);
  --client.n_active;
  client.waiting.push_front(std::move(request));
}

void ClientQueue::remove_if(const std::function<bool(ActiveRequest&)>& ends) {
  for (auto client = clients_.begin(); client != clients_.end();) {
    const auto here = client++;
    auto& waiting = here->second.waiting;
    waiting.erase(std::remove_if(waiting.begin(), waiting.end(), [&](const auto& request) { return ends(*request); }), waiting.end());
    forget_if_gone(here);
  }
}

int ClientQueue::n_waiting() const {
  std::size_t n = 0;
  for (const auto& [name, client] : clients_) n += client.waiting.size();
  return static_cast<int>(n);
}

void ClientQueue::forget_if_gone(std::map<std::string, Client>::iterator client) {
  if (client->second.n_active == 0 && client->second.waiting.empty()) clients_.erase(client);
}

}  // namespace baton::llm
