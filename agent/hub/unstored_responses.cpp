#include "unstored_responses.h"

#include <algorithm>
#include <utility>

namespace baton::agent {
namespace {

bool same_maker(const UnstoredResponse& a, const UnstoredResponse& b) {
  return a.session == b.session && (!a.session.empty() || a.client == b.client);
}

}  // namespace

template <class Which>
std::vector<UnstoredResponse> UnstoredResponses::take(Which which) {
  const auto gone = std::stable_partition(kept_.begin(), kept_.end(), [&](const Kept& kept) { return !which(kept); });
  std::vector<UnstoredResponse> taken;
  for (auto kept = gone; kept != kept_.end(); ++kept) taken.push_back(std::move(kept->response));
  kept_.erase(gone, kept_.end());
  return taken;
}

std::vector<UnstoredResponse> UnstoredResponses::add(UnstoredResponse response, Clock::time_point now) {
  const Clock::time_point until = now + (response.session.empty() ? kLife : kSessionLife);
  kept_.push_back({std::move(response), until});
  const UnstoredResponse& newest = kept_.back().response;
  const auto own = static_cast<std::size_t>(
      std::count_if(kept_.begin(), kept_.end(), [&](const Kept& kept) { return same_maker(kept.response, newest); }));
  const bool too_many_own = own > kMostOfOne;
  if (!too_many_own && kept_.size() <= kMost) return {};
  const auto oldest =
      std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) { return !too_many_own || same_maker(kept.response, newest); });
  std::vector<UnstoredResponse> gone{std::move(oldest->response)};
  kept_.erase(oldest);
  return gone;
}

std::vector<UnstoredResponse> UnstoredResponses::end_session(const std::string& session) {
  return take([&](const Kept& kept) { return kept.response.session == session; });
}

std::vector<UnstoredResponse> UnstoredResponses::expired(Clock::time_point now) {
  return take([&](const Kept& kept) { return kept.until <= now; });
}

std::vector<UnstoredResponse> UnstoredResponses::all() {
  return take([](const Kept&) { return true; });
}

bool UnstoredResponses::may_continue(const std::string& response_id, const std::string& session, const std::string& client) const {
  return std::any_of(kept_.begin(), kept_.end(), [&](const Kept& kept) {
    const UnstoredResponse& response = kept.response;
    if (response.response_id != response_id) return false;
    return response.session.empty() ? response.client == client : response.session == session;
  });
}

}  // namespace baton::agent
