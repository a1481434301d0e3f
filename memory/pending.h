#pragma once
// What waits for the writer, and how streamed text that waits together becomes one event.
#include <chrono>
#include <deque>

#include "batch.h"

namespace baton::memory {

// Who is told of a batch, in the order of these numbers.
struct Waiter {
  std::uint64_t number = 0;  // of its submission
  Journal::Committed done;
};

struct Pending {
  static constexpr std::size_t kMaxMergedBytes = 64 * 1024;  // of the text of one merged event

  Pending(std::vector<Write> batch, Durability how, Journal::Committed done);

  std::vector<Write> writes;
  Durability durability;
  std::string delta_of;         // the response, when the batch is nothing but deltas of one
  std::vector<Waiter> waiters;  // its own caller, who gets the events, then those whose text it took in
  bool waited_for = false;      // by commit_and_wait(): neither held nor merged
  std::chrono::steady_clock::time_point submitted = std::chrono::steady_clock::now();
  std::optional<Error> error;

  // Takes in the deltas of `later`, which keeps what does not fit. True: nothing is left of it but a waiter more here.
  bool take_in(Pending& later);
};

// Merges adjacent deltas of each response, keeping their order relative to everything else.
void merge_deltas(std::deque<Pending>& group);

}  // namespace baton::memory
