// baton history: earlier runs, from the journal.
#include <baton/agent/core/items.h>
#include <baton/agent/runtime/restore.h>
#include <date/date.h>
#include <unistd.h>

#include <chrono>
#include <iostream>

#include <baton/agent/terminal/print.h>

#include "history.h"

namespace baton::agent::cli {
namespace {

using memory::Json;

std::string time_text(std::int64_t ms) {
  const std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds(ms)};
  return date::format("%F %T", std::chrono::floor<std::chrono::seconds>(time)) + "Z";
}

// The rating of the newest response that has one.
std::string rating_of(memory::Journal& journal, const std::string& conversation_id) {
  const auto responses = journal.responses(conversation_id);
  std::string rating;
  if (responses)
    for (const auto& r : *responses)
      if (!r.rating.empty()) rating = r.rating;
  return rating;
}

int list(memory::Journal& journal, int limit, bool json) {
  const auto conversations = journal.conversations(limit);
  if (!conversations) return fail(conversations.error().message);
  for (const auto& c : *conversations) {
    const std::string rating = rating_of(journal, c.id);
    if (json) {
      Json line = to_json(c);
      line["rating"] = rating;
      print_json(line);
    } else {
      print("{}  {}  {:>2} run{}  {:4}  {}\n", c.id, time_text(c.updated_ms), c.n_responses, c.n_responses == 1 ? " " : "s", rating,
            c.title);
    }
  }
  if (!json && conversations->empty()) print("No conversation yet: baton run \"...\" starts one.\n");
  return 0;
}

void print_item(const Json& item) {
  const std::string type = item.value("type", "");
  if (type == "mcp_call") {
    print("  -> {}({})\n", item.value("name", ""), item.value("arguments", ""));
    const std::string result = result_of_call_item(item);
    print("  {} {}\n", call_item_failed(item) ? "!!" : "<-", Lines{result});
    return;
  }
  std::string text;
  if (item.contains("content") && item["content"].is_array()) {
    for (const Json& part : item["content"]) text += part.value("text", "");
  }
  print("{}: {}\n", type == "message" ? item.value("role", "?") : type, Lines{text});
}

int show(memory::Journal& journal, const std::string& id, bool json) {
  const auto conversation = journal.conversation(id);
  if (!conversation) return fail(conversation.error().message);
  // Text that a killed run had shown belongs to the conversation. If it cannot be stored, the rest is shown all the same.
  if (const auto kept = keep_cut_items(journal, conversation->id); !kept) print_error("{}\n", Lines{kept.error().message});
  const auto items = journal.items(conversation->id);
  if (!items) return fail(items.error().message);
  const auto responses = journal.responses(conversation->id);
  if (!responses) return fail(responses.error().message);
  if (json) {
    Json out = to_json(*conversation);
    out["items"] = Json::array();
    for (const auto& item : *items) out["items"].push_back(item.content);
    out["responses"] = Json::array();
    for (const auto& r : *responses) {
      out["responses"].push_back({{"id", r.id},
                                  {"model", r.model},
                                  {"status", r.status},
                                  {"reason", r.reason},
                                  {"usage", r.usage},
                                  {"rating", r.rating},
                                  {"rating_note", r.rating_note}});
    }
    print_json(out, 2);
    return 0;
  }
  print("{}  {}  {}\n", conversation->id, time_text(conversation->created_ms), conversation->title);
  for (const auto& item : *items) print_item(item.content);
  for (const auto& r : *responses) {
    print("{}  {}  {}{}", r.id, r.model, r.status, r.reason.empty() ? "" : " (" + r.reason + ")");
    if (!r.rating.empty()) print("  rated {}{}", r.rating, r.rating_note.empty() ? "" : ": " + r.rating_note);
    print("\n");
  }
  return 0;
}

int search(memory::Journal& journal, const std::string& words, int limit, bool json) {
  const auto hits = journal.search(words, limit);
  if (!hits) return fail(hits.error().message);
  for (const auto& hit : *hits) {
    if (json) {
      const Json line = {{"conversation", hit.conversation_id}, {"item", hit.item_id}, {"title", hit.title}, {"snippet", hit.snippet}};
      print_json(line);
    } else {
      print("{}  {}  {}\n", hit.conversation_id, time_text(hit.created_ms), hit.snippet);
    }
  }
  if (!json && hits->empty()) print("Nothing found.\n");
  return 0;
}

int remove(memory::Journal& journal, const std::string& id, bool sure, bool json) {
  const auto conversation = journal.conversation(id);
  if (!conversation) return fail(conversation.error().message);
  if (!sure) {
    if (json || !isatty(STDIN_FILENO)) return fail("a deletion cannot be undone: confirm it with --yes");
    print("Delete {} ({}) for good? [y/N] ", conversation->id, conversation->title);
    std::fflush(stdout);
    std::string answer;
    std::getline(std::cin, answer);
    if (answer != "y" && answer != "Y") return kFailed;
  }
  auto removed = journal.remove_conversation(conversation->id);
  if (!removed && removed.error().code == memory::errc::in_use) {  // left open by a process that has ended
    const auto responses = journal.responses(conversation->id);
    if (!responses) return fail(responses.error().message);
    for (const memory::Response& response : *responses) (void)journal.end_if_abandoned(response.id);
    removed = journal.remove_conversation(conversation->id);
  }
  if (!removed) return fail(removed.error().message);
  if (json) {
    const Json line = {{"id", conversation->id}, {"deleted", true}};
    print_json(line);
  } else {
    print("deleted {}\n", conversation->id);
  }
  return 0;
}

struct HistoryArguments {
  std::string id, words;
  int limit = 20;
  bool json = false, sure = false;
};

}  // namespace

Json to_json(const memory::Conversation& c) {
  return {{"id", c.id}, {"title", c.title}, {"created_ms", c.created_ms}, {"updated_ms", c.updated_ms}, {"n_responses", c.n_responses}};
}

void with_journal(CLI::App* command, const Globals& globals, Chosen& chosen, std::function<int(memory::Journal&)> action) {
  command->callback([&globals, &chosen, action = std::move(action)] {
    chosen = [&globals, action] {
      auto journal = memory::Journal::open(globals.journal);
      return journal ? action(**journal) : fail(journal.error().message);
    };
  });
}

void add_history(CLI::App& app, const Globals& globals, Chosen& chosen) {
  auto* command = app.add_subcommand("history", "Show, copy, move and delete earlier conversations");
  command->require_subcommand(1);
  auto a = std::make_shared<HistoryArguments>();
  auto* sub = command->add_subcommand("list", "List the newest conversations");
  sub->add_option("-n,--limit", a->limit, "At most this many")->capture_default_str();
  sub->add_flag("--json", a->json, "Print one JSON object per line");
  with_journal(sub, globals, chosen, [a](memory::Journal& journal) { return list(journal, a->limit, a->json); });

  sub = command->add_subcommand("show", "Show one conversation with its calls");
  sub->add_option("ID", a->id, "An id, the beginning of one, or `last`")->required();
  sub->add_flag("--json", a->json, "Print one JSON object");
  with_journal(sub, globals, chosen, [a](memory::Journal& journal) { return show(journal, a->id, a->json); });

  sub = command->add_subcommand("search", "Search the text of messages, calls and results");
  sub->add_option("WORDS", a->words, "Words that must all occur")->required();
  sub->add_option("-n,--limit", a->limit, "At most this many")->capture_default_str();
  sub->add_flag("--json", a->json, "Print one JSON object per line");
  with_journal(sub, globals, chosen, [a](memory::Journal& journal) { return search(journal, a->words, a->limit, a->json); });

  sub = command->add_subcommand("delete", "Delete a conversation for good");
  sub->add_option("ID", a->id, "An id, the beginning of one, or `last`")->required();
  sub->add_flag("--yes", a->sure, "Delete without asking");
  sub->add_flag("--json", a->json, "Print the id as one JSON object; needs --yes");
  with_journal(sub, globals, chosen, [a](memory::Journal& journal) { return remove(journal, a->id, a->sure, a->json); });

  add_history_files(*command, globals, chosen);
}

}  // namespace baton::agent::cli
