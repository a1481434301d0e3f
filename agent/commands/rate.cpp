// baton rate: stores the user's rating of an answer with it.

#include <baton/agent/terminal/print.h>
#include "history.h"

namespace baton::agent::cli {
namespace {

using memory::Json;

// `id` is that of a response or of a conversation; of a conversation, the last response is rated.
memory::Result<memory::Response> response_meant(memory::Journal& journal, const std::string& id) {
  if (id.starts_with("resp_")) return journal.response(id);
  const auto conversation = journal.conversation(id);
  if (!conversation) return conversation.error();
  auto responses = journal.responses(conversation->id);
  if (!responses) return responses.error();
  if (responses->empty()) return memory::Error{memory::errc::not_found, "conversation " + conversation->id + " has no response to rate"};
  return std::move(responses->back());
}

int rate(memory::Journal& journal, const std::string& id, const std::string& rating, const std::string& note, bool json) {
  const auto response = response_meant(journal, id);
  if (!response) return fail(response.error().message);
  if (const auto rated = journal.rate(response->id, rating == "none" ? "" : rating, note); !rated) return fail(rated.error().message);
  const auto now = journal.response(response->id);
  if (!now) return fail(now.error().message);
  if (json) {
    const Json line = {{"response", now->id}, {"conversation", now->conversation_id}, {"rating", now->rating}, {"note", now->rating_note}};
    print_json(line);
  } else {
    print("{}  {}\n", now->id, now->rating.empty() ? "not rated" : now->rating);
  }
  return 0;
}

struct RateArguments {
  std::string id, rating, note;
  bool json = false;
};

}  // namespace

void add_rate(CLI::App& app, const Globals& globals, Chosen& chosen) {
  auto* command = app.add_subcommand("rate", "Rate an answer");
  auto a = std::make_shared<RateArguments>();
  command->add_option("ID", a->id, "The id of a response; or of a conversation (or its beginning, or `last`), whose last response is rated")
      ->required();
  command->add_option("RATING", a->rating, "good or bad; none removes the rating")
      ->required()
      ->check(CLI::IsMember({"good", "bad", "none"}));
  command->add_option("NOTE", a->note, "The reason for the rating");
  command->add_flag("--json", a->json, "Print one JSON object");
  with_journal(command, globals, chosen, [a](memory::Journal& journal) { return rate(journal, a->id, a->rating, a->note, a->json); });
}

}  // namespace baton::agent::cli
