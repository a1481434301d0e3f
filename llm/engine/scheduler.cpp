#include "scheduler.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace baton::llm {
namespace {

constexpr int kHeadroom = 64;  // tokens of an answer for which pages must be free when it starts or continues
constexpr int kTurn = 16;      // tokens that an answer may write before it makes room for a client without a place

}  // namespace

Scheduler::Scheduler(Model& model, const EngineOptions& options, Now now)
    : model_(model), options_(options), now_(std::move(now)), pool_(model.n_pages(), model.page_tokens()), cache_(pool_) {}

Scheduler::~Scheduler() { finish_all(EngineFinished::Reason::cancelled); }

void Scheduler::enqueue(std::shared_ptr<ActiveRequest> request) { queue_.push(std::move(request)); }

bool Scheduler::step() {
  for (const auto& request : active_) {
    if (request->cancelled()) request->finish(EngineFinished::Reason::cancelled);
  }
  retire_finished();
  end_waiting();
  const std::int64_t n_pauses = stats_.pauses;
  admit();
  if (active_.empty()) return false;
  take_pages();
  const std::vector<Part> parts = plan();
  // All running requests wait for their constraints. A request that was paused just now may find room in the next step.
  if (parts.empty()) return stats_.pauses > n_pauses;
  const Batch batch = make_batch(parts);
  int n_answers = 0, n_prompt = 0;
  for (const Part& part : parts) (part.n_tokens == 1 && part.request->n_output() > 0 ? n_answers : n_prompt) += part.n_tokens;
  const auto begun = now_();
  model_.forward(batch);
  times_.add(n_prompt, n_answers > 0, now_() - begun);
  ++stats_.steps;
  take_results(parts);
  retire_finished();
  return true;
}

// Ends the requests that can end without a place.
void Scheduler::end_waiting() {
  queue_.remove_if([](ActiveRequest& request) {
    if (request.refused) {
      request.finish(EngineFinished::Reason::error, request.refused);
    } else if (request.cancelled()) {
      request.finish(EngineFinished::Reason::cancelled);
    } else if (request.max_output_tokens <= 0) {
      request.finish(EngineFinished::Reason::length);
    }
    return request.finished();
  });
}

void Scheduler::admit() {
  int n_kept = 0;  // places kept for clients whose request waits for a prompt that another one computes
  queue_.start_round();
  while (ClientQueue::Client* client = queue_.next()) {
    ActiveRequest& request = *client->waiting.front();
    if (is_being_computed(request)) {
      client->passed_over = true;
      ++n_kept;
      continue;
    }
    if (static_cast<int>(active_.size()) + n_kept < options_.max_parallel && try_admit(request)) {
      active_.push_back(queue_.take(*client));
      active_.back()->n_output_at_place = active_.back()->n_output();
      continue;
    }
    // No client overtakes the one whose turn it is; otherwise a large request could wait for ever while small ones come and go. A client
    // that has two places more makes room. With a difference of one, the two would only swap roles, which they do if the one has no place
    // at all.
    ActiveRequest* other = most_dispensable();
    const bool has_more = other != nullptr && queue_.of(*other).n_active >= client->n_active + 2;
    if (!has_more) other = client->n_active == 0 ? longest_turn() : nullptr;
    if (other == nullptr) return;
    ClientQueue::Client& of_other = queue_.of(*other);
    pause(*other);
    if (!has_more) of_other.passed_over = true;  // its next turn is not in this round
  }
}

// The youngest request of the client with the most requests in the batch. So the oldest of all is never chosen while there are others, and
// the requests in the batch eventually end.
ActiveRequest* Scheduler::most_dispensable() const {
  const auto rank = [this](const auto& request) { return std::pair(queue_.of(*request).n_active, request->arrival); };
  const auto most = std::max_element(active_.begin(), active_.end(), [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  return most == active_.end() ? nullptr : most->get();
}

// Of the requests whose turn is over, the one that has written the most since it was given its place. Turns grow with the context, which
// has to be computed again if other requests need the pages of a paused one, or if its answer is under a constraint.
ActiveRequest* Scheduler::longest_turn() const {
  ActiveRequest* longest = nullptr;
  int most = 0;
  for (const auto& request : active_) {
    const int written = request->n_output() - request->n_output_at_place;
    if (written < std::max(kTurn, static_cast<int>(request->tokens.size()) / kTurn) || written <= most) continue;
    longest = request.get();
    most = written;
  }
  return longest;
}

// The computed tokens go to the cache, so that the request continues where it was, unless its pages were needed meanwhile: then they are
// computed again. The output is the same in both cases.
void Scheduler::pause(ActiveRequest& request) {
  const auto at = std::find_if(active_.begin(), active_.end(), [&](const auto& other) { return other.get() == &request; });
  std::shared_ptr<ActiveRequest> paused = std::move(*at);
  active_.erase(at);
  leave_in_cache(request, n_lasting(request));
  request.n_computed = 0;
  ++stats_.pauses;
  queue_.put_back(std::move(paused));
}

// Another request is computing the same beginning of the prompt right now: several answers to one question, or two clients with the same
// tools. Waiting for it costs less than computing the same twice.
bool Scheduler::is_being_computed(const ActiveRequest& request) const {
  return std::any_of(active_.begin(), active_.end(), [&](const auto& other) {
    if (!other->prefilling() || other->cancelled()) return false;
    const int common = std::min(common_prefix(other->tokens, request.tokens), std::min(request.n_prompt(), other->n_prompt()) - 1);
    return common - other->n_computed >= pool_.page_tokens();
  });
}

// Tokens whose pages will not be written again: an answer under a constraint may be rewound.
int Scheduler::n_lasting(const ActiveRequest& request) const {
  return request.constraint ? std::min(request.n_computed, request.n_prompt()) : request.n_computed;
}

// The longest computed prefix, either of an ended request or of a running one. The last token is always computed, because its logits choose
// the next one.
PrefixMatch Scheduler::match(const ActiveRequest& request) {
  const int limit = (request.constraint ? request.n_prompt() : static_cast<int>(request.tokens.size())) - 1;
  PrefixMatch match = cache_.match(model_.cache_key(), request.tokens, limit);
  for (const auto& other : active_) {
    const int n = std::min({common_prefix(other->tokens, request.tokens), n_lasting(*other), limit});
    if (n <= match.n_tokens) continue;
    for (const PageId page : match.pages) pool_.release(page);
    match = {n, {other->pages.begin(), other->pages.begin() + pool_.pages_for(n)}};
    for (const PageId page : match.pages) pool_.retain(page);
  }
  return match;
}

// The number of tokens after the longest possible answer.
int Scheduler::n_longest(const ActiveRequest& request) const {
  return static_cast<int>(std::min(std::int64_t{request.n_prompt()} + request.max_output_tokens, std::int64_t{model_.n_ctx()}));
}

// Takes the pages of the prompt and of the answer's beginning. The rest is taken on demand (take_pages), because most answers are far
// shorter than their limit, and one that may fill the context would keep all others waiting.
bool Scheduler::try_admit(ActiveRequest& request) {
  const int page_tokens = pool_.page_tokens();
  const int n_tokens =
      std::max(static_cast<int>(request.tokens.size()), std::min(static_cast<int>(request.tokens.size()) + kHeadroom, n_longest(request)));
  const PrefixMatch match = this->match(request);
  const int n_shared = match.n_tokens / page_tokens;  // full pages; a partly filled one is copied, because it will be written to
  const int n_new = pool_.pages_for(n_tokens) - n_shared;
  const bool room = cache_.make_room(n_new);
  if (room) {
    request.pages.assign(match.pages.begin(), match.pages.begin() + n_shared);
    for (int i = 0; i < n_new; ++i) request.pages.push_back(pool_.allocate());
    if (match.n_tokens % page_tokens != 0) model_.copy_page(match.pages[n_shared], request.pages[n_shared]);
    request.n_computed = match.n_tokens;
    if (request.admitted == EngineClock::time_point{}) {  // it is not continued after a pause
      request.n_cached = match.n_tokens;
      request.admitted = EngineClock::now();
      stats_.prompt_tokens += request.n_prompt();
      stats_.cached_tokens += match.n_tokens;
    }
  }
  for (std::size_t i = room ? n_shared : 0; i < match.pages.size(); ++i) pool_.release(match.pages[i]);
  return room;
}

// Takes the pages for the tokens of this step. If there are too few, requests pause until there are enough for the others. The context, and
// so any single request, fits into the pool.
void Scheduler::take_pages() {
  for (const auto& request : std::vector(active_)) {
    const auto is_active = [&] { return std::find(active_.begin(), active_.end(), request) != active_.end(); };
    while (is_active() && !take_pages_for(*request, static_cast<int>(request->tokens.size()))) pause(*most_dispensable());
  }
}

bool Scheduler::take_pages_for(ActiveRequest& request, int n_tokens) {
  const int n_new = pool_.pages_for(n_tokens) - static_cast<int>(request.pages.size());
  if (!cache_.make_room(n_new)) return false;
  for (int i = 0; i < n_new; ++i) request.pages.push_back(pool_.allocate());
  return true;
}

std::vector<Scheduler::Part> Scheduler::plan() {
  std::vector<ActiveRequest*> single, chunked;  // a prompt, or the tokens left after a rewind or a pause, is computed in chunks
  for (const auto& request : active_) {
    request->draft.clear();
    if (request->n_output() > 0 && request->constraint && request->constraint->waiting()) continue;
    (request->prefilling() || request->n_left() > 1 ? chunked : single).push_back(request.get());
  }
  std::vector<Part> parts;
  int budget = options_.prefill_chunk;
  if (!chunked.empty()) budget = single.empty() ? times_.n_without_answers(budget) : times_.n_beside_answers(budget);
  int draft_budget = chunked.empty() ? budget : budget / 2;  // the drafts of many answers must not keep prompts from being computed
  for (ActiveRequest* request : single) {
    parts.push_back({request, 1, true});
    make_draft(*request, draft_budget);
    const int n_drafted = static_cast<int>(request->draft.size());
    budget -= n_drafted;
    draft_budget -= n_drafted;
  }
  for (ActiveRequest* request : by_turn(std::move(chunked))) {
    if (budget <= 0) break;
    const int n = std::min(budget, request->n_left());
    parts.push_back({request, n, n == request->n_left()});
    budget -= n;
    queue_.of(*request).last_chunk = request->last_chunk = ++n_chunks_;
  }
  return parts;
}

// Clients take turns, and so do the requests of each.
std::vector<ActiveRequest*> Scheduler::by_turn(std::vector<ActiveRequest*> requests) {
  const auto rank = [this](const ActiveRequest* r) { return std::tuple(queue_.of(*r).last_chunk, r->last_chunk, r->arrival); };
  std::sort(requests.begin(), requests.end(), [&](const auto* a, const auto* b) { return rank(a) < rank(b); });
  return requests;
}

void Scheduler::make_draft(ActiveRequest& request, int budget) {
  // One more token is chosen after the last of them.
  const int n_tokens = static_cast<int>(request.tokens.size());
  const int limit = std::min({n_longest(request) - n_tokens - 1, budget, options_.max_draft});
  if (!request.constraint || limit <= 0) return;
  request.draft = request.constraint->draft();
  if (request.draft.size() > static_cast<std::size_t>(limit)) request.draft.resize(limit);
  if (!take_pages_for(request, n_tokens + static_cast<int>(request.draft.size()))) request.draft.clear();
}

Batch Scheduler::make_batch(const std::vector<Part>& parts) const {
  Batch batch;
  for (std::size_t s = 0; s < parts.size(); ++s) {
    const auto& [request, n_tokens, wants_logits] = parts[s];
    batch.sequences.push_back({request->pages});
    auto add = [&, position = request->n_computed](std::int32_t token) mutable {
      batch.tokens.push_back(token);
      batch.positions.push_back(position++);
      batch.sequence.push_back(static_cast<std::int32_t>(s));
    };
    for (int i = 0; i < n_tokens; ++i) add(request->tokens[request->n_computed + i]);
    if (!wants_logits) continue;
    batch.logit_rows.push_back(batch.n_tokens() - 1);
    for (const std::int32_t token : request->draft) {
      add(token);
      batch.logit_rows.push_back(batch.n_tokens() - 1);
    }
  }
  return batch;
}

void Scheduler::take_results(const std::vector<Part>& parts) {
  struct Open {
    ActiveRequest* request;
    int row;            // of the logits
    int n_drafted = 0;  // tokens of its draft that were chosen
  };
  std::vector<Open> open;
  int n_rows = 0;
  for (const auto& [request, n_tokens, wants_logits] : parts) {
    request->n_computed += n_tokens;
    const int n_of_prompt = std::min(request->n_computed, request->n_prompt());
    if (n_of_prompt > request->n_reported) {  // less after a pause
      request->n_reported = n_of_prompt;
      request->emit(EngineProgress{n_of_prompt, request->n_prompt(), request->n_cached});
    }
    if (!wants_logits) continue;
    open.push_back({request, n_rows});
    n_rows += 1 + static_cast<int>(request->draft.size());
    stats_.drafted_tokens += static_cast<std::int64_t>(request->draft.size());
  }
  // A choice depends on the choices before it, so the tokens of a draft are chosen one after the other.
  while (!open.empty()) {
    std::vector<SampleRow> rows;
    for (const Open& o : open) {
      TokenConstraint* constraint = o.request->constraint.get();
      rows.push_back(
          {o.row, &o.request->sampler, constraint ? constraint->mask() : nullptr, constraint ? constraint->min_share() : -1, constraint});
    }
    std::vector<Choice> choices = model_.sample(rows);
    std::vector<Open> next;
    for (std::size_t i = 0; i < open.size(); ++i) {
      auto [request, row, n_drafted] = open[i];
      const std::int32_t id = choices[i].id;
      const bool goes_on = take_token(*request, std::move(choices[i])) && !request->cancelled();
      const auto at = static_cast<std::size_t>(n_drafted);
      if (!goes_on || at == request->draft.size() || id != request->draft[at]) continue;
      ++request->n_computed;
      ++stats_.accepted_tokens;
      next.push_back({request, row + 1, n_drafted + 1});
    }
    open = std::move(next);
  }
}

// False: the answer ends, or is rewound.
bool Scheduler::take_token(ActiveRequest& request, Choice choice) {
  const std::int32_t id = choice.id;
  TokenConstraint* constraint = request.constraint.get();
  if (request.n_output() == 0) request.first_token = EngineClock::now();
  ++stats_.output_tokens;
  if (auto to = constraint ? constraint->accept(choice) : std::nullopt) {
    go_back(request, std::move(*to));
    return false;
  }
  request.tokens.push_back(id);
  request.emit(std::move(choice));
  if (request.is_stop_token(id)) {
    request.finish(EngineFinished::Reason::stop_token);
    return false;
  }
  finish_if_full(request);
  return !request.finished();
}

void Scheduler::go_back(ActiveRequest& request, Rewind to) {
  const int n_kept = request.n_prompt() + to.keep;
  request.tokens.resize(n_kept);
  request.tokens.insert(request.tokens.end(), to.then.begin(), to.then.end());
  // The last token is always computed, because its logits choose the next one.
  request.n_computed = std::min({request.n_computed, n_kept, static_cast<int>(request.tokens.size()) - 1});
  request.sampler.remember(request.tokens);
  request.emit(std::move(to));
  finish_if_full(request);
}

void Scheduler::finish_if_full(ActiveRequest& request) {
  const int n_tokens = static_cast<int>(request.tokens.size());
  if (request.n_output() >= request.max_output_tokens || n_tokens >= model_.n_ctx()) request.finish(EngineFinished::Reason::length);
}

void Scheduler::retire_finished() {
  for (auto& request : active_) {
    if (!request->finished()) continue;
    leave_in_cache(*request, request->n_computed);
    queue_.leave(*request);
    request.reset();
  }
  active_.erase(std::remove(active_.begin(), active_.end(), nullptr), active_.end());
}

// The computed tokens stay for the next request with the same beginning; pages without any are freed at once.
void Scheduler::leave_in_cache(ActiveRequest& request, int n_tokens) {
  const auto n_used = static_cast<std::size_t>(pool_.pages_for(n_tokens));
  for (std::size_t i = n_used; i < request.pages.size(); ++i) pool_.release(request.pages[i]);
  request.pages.resize(n_used);
  std::vector<PageId> pages = std::exchange(request.pages, {});
  if (n_used > 0) cache_.insert({model_.cache_key(), {request.tokens.begin(), request.tokens.begin() + n_tokens}, std::move(pages)});
}

void Scheduler::finish_all(EngineFinished::Reason reason, const std::optional<Error>& error) {
  for (const auto& request : active_) {
    request->finish(reason, error);
    // After a failure, the contents of a half-computed step's pages are undefined, so none of them are kept.
    for (PageId page : request->pages) pool_.release(page);
    queue_.leave(*request);
  }
  active_.clear();
  queue_.remove_if([&](ActiveRequest& request) {
    request.finish(reason, error);
    return true;
  });
}

EngineStats Scheduler::stats() const {
  EngineStats stats = stats_;
  stats.active = static_cast<int>(active_.size());
  stats.waiting = queue_.n_waiting();
  stats.pages_total = pool_.n_pages();
  stats.pages_free = pool_.n_free() + cache_.reclaimable();
  return stats;
}

}  // namespace baton::llm
