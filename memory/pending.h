#pragma once
// The batches that wait for the writer, and the merging of waiting streamed text into one event.
#include <chrono>
#include <deque>

#include "batch.h"

namespace baton::memory {

// A caller that is told of a batch. Callers are told in the order of these numbers.
struct Waiter {
  std::uint64_t number = 0;  // order of submission
  Journal::Committed done;
};

struct Pending {
  static constexpr std::size_t kMaxMergedBytes = 64 * 1024;  // bytes of text in one merged event

  Pending(std::vector<Write> batch, Durability how, Journal::Committed done);

  std::vector<Write> writes;
  Durability durability;
  std::string delta_of;         // the response, if the batch consists of deltas of one response
  std::vector<Waiter> waiters;  // its own caller, who gets the events, then the callers of batches that were merged into it
  bool waited_for = false;      // submitted by commit_and_wait(): neither held nor merged
  std::chrono::steady_clock::time_point submitted = std::chrono::steady_clock::now();
  std::optional<Error> error;

  // Takes in the deltas of `later`, which keeps the rest. True: `later` is empty, and its waiter is now one of this batch's.
  bool take_in(Pending& later);
};

// Merges adjacent deltas of each response, keeping their order relative to everything else.
void merge_deltas(std::deque<Pending>& group);

}  // namespace baton::memory
