#include "scheduler.h"

#include <algorithm>
#include <thread>

namespace baton::llm {
namespace {

constexpr std::chrono::microseconds kNap{200};  // where nothing can be computed

}  // namespace

Scheduler::Scheduler(Model& model, const EngineOptions& options)
    : model_(model), options_(options), pool_(model.n_pages(), model.page_tokens()), cache_(pool_) {}

Scheduler::~Scheduler() { finish_all(EngineFinished::Reason::cancelled); }

void Scheduler::enqueue(std::shared_ptr<ActiveRequest> request) { waiting_.push_back(std::move(request)); }

bool Scheduler::step() {
  admit();
  if (active_.empty()) return false;
  for (const auto& request : active_) {
    if (request->cancelled() && !request->finished()) request->finish(EngineFinished::Reason::cancelled);
  }
  retire_finished();
  const std::vector<Part> parts = plan();
  if (parts.empty()) {  // all that runs waits for grammars
    if (!active_.empty()) std::this_thread::sleep_for(kNap);
    return !active_.empty() || !waiting_.empty();
  }
  model_.forward(make_batch(parts));
  ++stats_.steps;
  take_results(parts);
  retire_finished();
  return true;
}

void Scheduler::admit() {
  // Strictly in the order of arrival: a large request is not overtaken for ever by small ones.
  while (!waiting_.empty()) {
    ActiveRequest& request = *waiting_.front();
    if (request.refused) {
      request.finish(EngineFinished::Reason::error, request.refused);
    } else if (request.cancelled()) {
      request.finish(EngineFinished::Reason::cancelled);
    } else if (request.max_output_tokens <= 0) {
      request.finish(EngineFinished::Reason::length);
    } else {
      if (static_cast<int>(active_.size()) >= options_.max_parallel || is_being_computed(request) || !try_admit(request)) return;
      active_.push_back(waiting_.front());
    }
    waiting_.pop_front();
  }
}

// Another request is at the prompt's beginning right now: several answers to one question, or two clients with the same tools. Waiting for
// it costs less than computing the same twice.
bool Scheduler::is_being_computed(const ActiveRequest& request) const {
  return std::any_of(active_.begin(), active_.end(), [&](const auto& other) {
    if (!other->prefilling() || other->cancelled()) return false;
    const int common = std::min(common_prefix(other->tokens, request.tokens), std::min(request.n_prompt(), other->n_prompt()) - 1);
    return common - other->n_computed >= pool_.page_tokens();
  });
}

// The longest beginning that was computed, be it by a request that has ended or by one that is under way. The last prompt token is computed
// in any case: its logits choose the first token.
PrefixMatch Scheduler::match(const ActiveRequest& request) {
  const int limit = request.n_prompt() - 1;
  PrefixMatch match = cache_.match(model_.cache_key(), request.tokens, limit);
  for (const auto& other : active_) {
    // An answer under a constraint may go back and write its pages again.
    const int lasting = other->constraint ? std::min(other->n_computed, other->n_prompt()) : other->n_computed;
    const int n = std::min({common_prefix(other->tokens, request.tokens), lasting, limit});
    if (n <= match.n_tokens) continue;
    for (const PageId page : match.pages) pool_.release(page);
    match = {n, {other->pages.begin(), other->pages.begin() + pool_.pages_for(n)}};
    for (const PageId page : match.pages) pool_.retain(page);
  }
  return match;
}

// All pages that the request can ever need are taken now, so that no sequence gets stuck half-way for want of a page.
bool Scheduler::try_admit(ActiveRequest& request) {
  const int page_tokens = pool_.page_tokens();
  const int longest = std::min(request.n_prompt() + request.max_output_tokens, model_.n_ctx());
  const PrefixMatch match = this->match(request);
  const int n_shared = match.n_tokens / page_tokens;  // full pages; a partly filled one is copied, because it will be written to
  const int n_new = pool_.pages_for(longest) - n_shared;
  const bool room = cache_.make_room(n_new);
  if (room) {
    request.pages.assign(match.pages.begin(), match.pages.begin() + n_shared);
    for (int i = 0; i < n_new; ++i) request.pages.push_back(pool_.allocate());
    if (match.n_tokens % page_tokens != 0) model_.copy_page(match.pages[n_shared], request.pages[n_shared]);
    request.n_computed = request.n_cached = match.n_tokens;
    request.admitted = EngineClock::now();
    stats_.prompt_tokens += request.n_prompt();
    stats_.cached_tokens += match.n_tokens;
  }
  for (std::size_t i = room ? n_shared : 0; i < match.pages.size(); ++i) pool_.release(match.pages[i]);
  return room;
}

std::vector<Scheduler::Part> Scheduler::plan() {
  std::vector<Part> parts;
  int budget = options_.prefill_chunk;
  for (const auto& request : active_) {
    if (request->prefilling() || (request->constraint && request->constraint->waiting())) continue;
    // One token, but for those that a rewind put there, which are computed in chunks like a prompt's.
    const int left = static_cast<int>(request->tokens.size()) - request->n_computed;
    const int n = std::min(left, std::max(budget, 1));
    if (left > 1) budget -= n;
    parts.push_back({request.get(), n, n == left});
    request->draft.clear();
    if (left == 1) make_draft(*request, budget);
    budget -= static_cast<int>(request->draft.size());
  }
  for (std::size_t i = 0; i < active_.size() && budget > 0; ++i) {
    ActiveRequest& request = *active_[(prefill_turn_ + i) % active_.size()];
    if (!request.prefilling()) continue;
    const int n = std::min(budget, request.n_prompt() - request.n_computed);
    parts.push_back({&request, n, request.n_computed + n == request.n_prompt()});
    budget -= n;
  }
  ++prefill_turn_;
  return parts;
}

void Scheduler::make_draft(ActiveRequest& request, int budget) const {
  // Behind the last of them one more is chosen.
  const int room = std::min(request.max_output_tokens - request.n_output(), model_.n_ctx() - static_cast<int>(request.tokens.size())) - 1;
  const int limit = std::min({room, budget, options_.max_draft});
  if (!request.constraint || limit <= 0) return;
  request.draft = request.constraint->draft();
  if (request.draft.size() > static_cast<std::size_t>(limit)) request.draft.resize(limit);
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
    const bool prefill = request->prefilling();
    request->n_computed += n_tokens;
    if (prefill) request->emit(EngineProgress{request->n_computed, request->n_prompt(), request->n_cached});
    if (!wants_logits) continue;
    open.push_back({request, n_rows});
    n_rows += 1 + static_cast<int>(request->draft.size());
    stats_.drafted_tokens += static_cast<std::int64_t>(request->draft.size());
  }
  // What may be chosen depends on what was chosen before it, so the tokens of a draft are chosen one after the other.
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

// False: the answer ends, or goes back.
bool Scheduler::take_token(ActiveRequest& request, Choice choice) {
  const std::int32_t id = choice.id;
  TokenConstraint* constraint = request.constraint.get();
  if (request.n_output() == 0) request.first_token = EngineClock::now();
  ++stats_.output_tokens;
  if (constraint) constraint->accept(choice);
  if (auto to = constraint ? constraint->rewind() : std::nullopt) {
    go_back(request, std::move(*to));
    return false;
  }
  request.tokens.push_back(id);
  request.emit(std::move(choice));
  if (request.is_stop_token(id)) {
    request.finish(EngineFinished::Reason::stop_token);
    return false;
  }
  if (auto to = constraint ? constraint->rewind() : std::nullopt) {
    go_back(request, std::move(*to));
    return false;
  }
  finish_if_full(request);
  return !request.finished();
}

void Scheduler::go_back(ActiveRequest& request, Rewind to) {
  const int n_kept = request.n_prompt() + to.keep;
  request.tokens.resize(n_kept);
  request.tokens.insert(request.tokens.end(), to.then.begin(), to.then.end());
  // The last token is computed in any case: its logits choose the next.
  request.n_computed = std::min({request.n_computed, n_kept, static_cast<int>(request.tokens.size()) - 1});
  request.sampler.remember(request.tokens);
  request.emit(std::move(to));
  finish_if_full(request);
}

void Scheduler::finish_if_full(ActiveRequest& request) {
  const int n_tokens = static_cast<int>(request.tokens.size());
  if (request.n_output() >= request.max_output_tokens || n_tokens >= model_.n_ctx()) request.finish(EngineFinished::Reason::length);
}

// What was computed stays for the next request that begins the same way; pages that hold nothing go back at once.
void Scheduler::retire_finished() {
  for (auto& request : active_) {
    if (!request->finished()) continue;
    const int n_used = pool_.pages_for(request->n_computed);
    for (std::size_t i = n_used; i < request->pages.size(); ++i) pool_.release(request->pages[i]);
    request->pages.resize(n_used);
    request->tokens.resize(request->n_computed);
    if (n_used > 0) cache_.insert({model_.cache_key(), std::move(request->tokens), std::move(request->pages)});
    request.reset();
  }
  active_.erase(std::remove(active_.begin(), active_.end(), nullptr), active_.end());
}

void Scheduler::finish_all(EngineFinished::Reason reason, const std::optional<Error>& error) {
  for (const auto& request : active_) request->finish(reason, error);
  // After a failure the pages of a half-computed step hold nobody knows what, so nothing of it is kept.
  for (const auto& request : active_) {
    for (PageId page : request->pages) pool_.release(page);
  }
  active_.clear();
  for (const auto& request : waiting_) request->finish(reason, error);
  waiting_.clear();
}

EngineStats Scheduler::stats() const {
  EngineStats stats = stats_;
  stats.active = static_cast<int>(active_.size());
  stats.waiting = static_cast<int>(waiting_.size());
  stats.pages_total = pool_.n_pages();
  stats.pages_free = pool_.n_free() + cache_.reclaimable();
  return stats;
}

}  // namespace baton::llm
