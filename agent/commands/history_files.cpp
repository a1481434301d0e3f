// baton history fork, export, import, backup, vacuum: copies conversations, moves them between journals, and maintains the journal.
#include <baton/agent/runtime/restore.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <baton/agent/terminal/print.h>
#include "history.h"

namespace baton::agent::cli {
namespace {

using memory::Json;

// The conversation, including text that a killed run had shown.
memory::Result<memory::Conversation> whole_conversation(memory::Journal& journal, const std::string& id) {
  auto conversation = journal.conversation(id);
  if (!conversation) return conversation;
  if (const auto kept = keep_cut_items(journal, conversation->id); !kept) return memory::Error{memory::errc::io, kept.error().message};
  return conversation;
}

// The item whose id has this prefix; in a fork the content still has the id of the original.
memory::Result<std::string> item_meant(memory::Journal& journal, const std::string& conversation_id, const std::string& prefix) {
  const auto items = journal.items(conversation_id);
  if (!items) return items.error();
  const memory::Item* found = nullptr;
  for (const memory::Item& item : *items) {
    const auto id = item.content.find("id");
    const bool shown = id != item.content.end() && id->is_string() && id->get_ref<const std::string&>().starts_with(prefix);
    if (!shown && !item.id.starts_with(prefix)) continue;
    if (found)
      return memory::Error{memory::errc::invalid_argument, "several items of " + conversation_id + " begin with " + prefix + ", such as " +
                                                               found->id + " and " + item.id + "; give more of the id"};
    found = &item;
  }
  if (!found)
    return memory::Error{memory::errc::not_found,
                         conversation_id + " has no item " + prefix + "; `baton history show " + conversation_id + " --json` shows them"};
  return found->id;
}

int fork(memory::Journal& journal, const std::string& id, const std::string& item, bool json) {
  const auto from = whole_conversation(journal, id);
  if (!from) return fail(from.error().message);
  std::string last;
  if (!item.empty()) {
    const auto meant = item_meant(journal, from->id, item);
    if (!meant) return fail(meant.error().message);
    last = *meant;
  }
  const auto made = journal.fork(from->id, last);
  if (!made) return fail(made.error().message);
  if (json) {
    Json line = to_json(*made);
    line["forked_from"] = from->id;
    print_json(line);
  } else {
    print("{}\nContinue it: baton run -c {} \"...\"\n", made->id, made->id);
  }
  return 0;
}

// Writes a new file that only its owner can read: completely or not at all.
int save(const std::string& path, const std::string& text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return fail(path + (errno == EEXIST ? " already exists; name a new file" : std::string(": ") + std::strerror(errno)));
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::write(file, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;
    done += static_cast<std::size_t>(n);
  }
  int reason = done < text.size() || ::fsync(file) != 0 ? errno : 0;
  if (::close(file) != 0 && reason == 0) reason = errno;
  if (reason == 0) return 0;
  ::unlink(path.c_str());
  return fail(path + ": " + std::strerror(reason));
}

int export_one(memory::Journal& journal, const std::string& id, const std::string& file, bool json) {
  const auto conversation = whole_conversation(journal, id);
  if (!conversation) return fail(conversation.error().message);
  const auto exported = journal.export_conversation(conversation->id);
  if (!exported) return fail(exported.error().message);
  const std::string text = json_text(*exported) + "\n";
  if (file.empty()) {
    write_out(text);
    return std::fflush(stdout) == 0 && !std::ferror(stdout) ? 0 : fail("standard output could not be written");
  }
  if (const int failed = save(file, text); failed != 0) return failed;
  const Json line = {{"conversation", conversation->id}, {"file", file}, {"bytes", text.size()}};
  if (json) {
    print_json(line);
  } else {
    print("{}: {}, {} bytes\n", file, conversation->id, text.size());
  }
  return 0;
}

int import_one(memory::Journal& journal, const std::string& file, bool json) {
  const auto text = read_text_file(file);
  if (!text) return fail(text.error().message);
  const Json exported = Json::parse(*text, nullptr, false);
  if (exported.is_discarded()) return fail(file + ": not a file that `baton history export` wrote: it is not JSON");
  const auto conversation = journal.import_conversation(exported);
  if (!conversation) return fail(file + ": " + conversation.error().message);
  if (json) {
    print_json(to_json(*conversation));
  } else {
    print("{}  {}\n", conversation->id, conversation->title);
  }
  return 0;
}

int backup(memory::Journal& journal, const std::string& file, bool json) {
  if (const auto done = journal.backup(file); !done) return fail(done.error().message);
  std::error_code unknown;
  const auto bytes = std::filesystem::file_size(file, unknown);
  if (json) {
    print_json({{"file", file}, {"bytes", bytes}});
  } else {
    print("{}: {} bytes. To restore it, replace {} with it while Baton is not running\n", file, bytes, journal.file().string());
  }
  return 0;
}

int vacuum(memory::Journal& journal, bool json) {
  const auto done = journal.vacuum();
  if (!done) return fail(done.error().message);
  if (json) {
    print_json({{"before_bytes", done->before_bytes}, {"after_bytes", done->after_bytes}});
  } else {
    print("{} bytes, previously {}\n", done->after_bytes, done->before_bytes);
  }
  return 0;
}

struct HistoryFilesArguments {
  std::string id, item, file;
  bool json = false;
};

}  // namespace

void add_history_files(CLI::App& history, const Globals& globals, Chosen& chosen) {
  auto a = std::make_shared<HistoryFilesArguments>();
  const auto add = [&](const char* name, const char* about, std::function<int(memory::Journal&)> action) {
    auto* sub = history.add_subcommand(name, about);
    sub->add_flag("--json", a->json, "Print one JSON object");
    with_journal(sub, globals, chosen, std::move(action));
    return sub;
  };
  const char* const id = "An id, the beginning of one, or `last`";
  auto* sub = add("fork", "Copy the beginning of a conversation into a new one",
                  [a](memory::Journal& j) { return fork(j, a->id, a->item, a->json); });
  sub->add_option("ID", a->id, id)->required();
  sub->add_option("ITEM", a->item, "The last item to copy, an id or the beginning of one; default: all");

  sub = add("export", "Export a whole conversation as one JSON object",
            [a](memory::Journal& j) { return export_one(j, a->id, a->file, a->json); });
  sub->add_option("ID", a->id, id)->required();
  sub->add_option("-o,--output", a->file, "The new file to write; default: standard output");

  sub = add("import", "Import a conversation that export wrote", [a](memory::Journal& j) { return import_one(j, a->file, a->json); });
  sub->add_option("FILE", a->file, "A file that `baton history export` wrote")->required();

  sub = add("backup", "Copy the whole journal, even while it is in use", [a](memory::Journal& j) { return backup(j, a->file, a->json); });
  sub->add_option("FILE", a->file, "The new file to write")->required();

  add("vacuum", "Shrink the journal's file by the space of deleted records", [a](memory::Journal& j) { return vacuum(j, a->json); });
}

}  // namespace baton::agent::cli
