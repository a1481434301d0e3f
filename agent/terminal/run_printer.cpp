#include "run_printer.h"

#include <baton/agent/core/items.h>
#include <fmt/core.h>

#include <cstdio>

#include "print.h"

namespace baton::agent::cli {
namespace {

constexpr int kLongPrefill = 1024;         // tokens; shorter prompts are computed before anybody could read a bar
constexpr std::size_t kResultShown = 400;  // bytes of a result on the screen; the journal has the whole result

std::string text_or(const Json& value, const char* key) {
  const auto it = value.find(key);
  return it != value.end() && it->is_string() ? it->get<std::string>() : "";
}

// {"expression":"1+1"} -> expression="1+1"
std::string short_arguments(const std::string& arguments) {
  const Json object = Json::parse(arguments, nullptr, false);
  if (!object.is_object()) return arguments;
  std::string out;
  for (const auto& [key, value] : object.items()) {
    out += (out.empty() ? "" : ", ") + key + "=" + value.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  return out;
}

std::string shortened(std::string text) {
  if (text.size() <= kResultShown) return text;
  std::size_t end = kResultShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + fmt::format(" … ({} bytes in all)", text.size());
}

}  // namespace

RunObserver RunPrinter::observer() {
  RunObserver observer;
  observer.event = [this](const memory::Event& event) { on_event(event); };
  if (!json_) {
    observer.prefill = [this](const llm::PrefillProgress& progress) { on_prefill(progress); };
    observer.tool_progress = [this](const std::string&, double fraction, const std::string& message) {
      end_line();
      const std::string line = dim(shown_text("   {:3.0f}% {}", 100 * fraction, message));
      print("{}\n", Own{line});
    };
    observer.finished = [this](const RunOutcome& outcome) { on_finished(outcome); };
  }
  return observer;
}

void RunPrinter::on_prefill(const llm::PrefillProgress& progress) {
  if (progress.total < kLongPrefill) return;
  if (!prefill_) prefill_ = std::make_unique<ProgressBar>("reading the prompt", "tokens");
  prefill_->update(progress.done, progress.total);
}

void RunPrinter::on_event(const memory::Event& event) {
  if (json_) {
    Json line = event.data;
    line["sequence_number"] = event.sequence_number;
    print_json(line);
    std::fflush(stdout);
    return;
  }
  prefill_.reset();
  const Json& data = event.data;
  if (event.type == "response.output_text.delta") {
    const std::string piece = text_or(data, "delta");
    write_out(answer_.add(piece));
    if (!piece.empty()) line_open_ = piece.back() != '\n';
  } else if (event.type == "response.output_item.added" && data.contains("item")) {
    names_[text_or(data["item"], "id")] = text_or(data["item"], "name");
  } else if (event.type == "response.mcp_call_arguments.done") {
    end_line();
    const std::string arrow = dim("->");
    print("{} {}({})\n", Own{arrow}, names_[text_or(data, "item_id")], short_arguments(text_or(data, "arguments")));
  } else if (event.type == "response.mcp_call.in_progress") {
    started_[text_or(data, "item_id")] = std::chrono::steady_clock::now();
  } else if (event.type == "response.output_item.done" && data.contains("item")) {
    on_item_done(data["item"]);
  }
  std::fflush(stdout);
}

void RunPrinter::on_item_done(const Json& item) {
  end_line();
  if (text_or(item, "type") != "mcp_call") return;
  const bool failed = call_item_failed(item);
  const auto started = started_.find(text_or(item, "id"));
  std::string time;
  if (started != started_.end()) {
    const auto spent = std::chrono::steady_clock::now() - started->second;
    time = fmt::format("({} ms)", std::chrono::duration_cast<std::chrono::milliseconds>(spent).count());
  }
  const std::string mark = dim(failed ? "!!" : "<-"), result = shortened(result_of_call_item(item)), spent_time = dim(time);
  print("{} {} {}\n", Own{mark}, Lines{result}, Own{spent_time});
}

void RunPrinter::end_line() {
  write_out(answer_.end());
  if (line_open_) write_out("\n");
  line_open_ = false;
}

void RunPrinter::on_finished(const RunOutcome& outcome) {
  end_line();
  prefill_.reset();
  const auto number = [&](const char* key) { return outcome.usage.is_object() ? outcome.usage.value(key, 0.0) : 0.0; };
  double cached = 0;
  if (outcome.usage.contains("input_tokens_details")) cached = outcome.usage["input_tokens_details"].value("cached_tokens", 0.0);
  const double prefill = number("baton.prefill_seconds"), decode = number("baton.decode_seconds");
  std::string line = shown_text("[{}{}; {:.0f} prompt tokens, {:.0f} of them cached, {:.0f} written", outcome.status,
                                outcome.reason.empty() || outcome.reason == outcome.status ? "" : ": " + outcome.reason,
                                number("input_tokens"), cached, number("output_tokens"));
  if (prefill > 0) line += fmt::format("; prefill {:.1f} tokens/s", (number("input_tokens") - cached) / prefill);
  if (decode > 0) line += fmt::format(", decode {:.1f} tokens/s", number("output_tokens") / decode);
  line = dim(line + "; " + outcome.conversation_id + "]");
  print("{}\n", Own{line});
  std::fflush(stdout);
}

}  // namespace baton::agent::cli
