#include "answer_reader.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <random>

namespace baton::llm {
namespace {

// Unique beyond this process, because conversations outlive it.
std::string new_call_id() {
  static const std::uint64_t process = (std::uint64_t{std::random_device()()} << 32) | std::random_device()();
  static std::atomic<std::uint32_t> count = 0;
  char id[40];
  std::snprintf(id, sizeof id, "call_%016llx%08x", static_cast<unsigned long long>(process), ++count);
  return id;
}

CallParserOptions parser_options(const ToolSyntax& syntax, AnswerReaderOptions& options) {
  CallParserOptions parser;
  parser.tools = std::move(options.tools);
  parser.syntax = syntax;
  parser.parallel = options.parallel;
  parser.starts_in_reasoning = options.starts_in_reasoning;
  parser.new_call_id = new_call_id;
  return parser;
}

}  // namespace

AnswerReader::AnswerReader(const Tokenizer& tokenizer, const ToolSyntax& syntax, AnswerReaderOptions options)
    : tokenizer_(&tokenizer),
      syntax_(&syntax),
      detokenizer_(tokenizer),
      parser_(parser_options(syntax, options)),
      is_plain_text_(options.is_plain_text),
      forced_ids_(std::move(options.forced_ids)),
      forced_text_(std::move(options.forced_text)) {}

void AnswerReader::begin() {
  if (std::exchange(begun_, true)) return;
  for (const std::int32_t forced : forced_ids_) written_.push_back({forced, 0, {}});
  n_text_ = forced_text_.size();
  if (!forced_text_.empty()) read(forced_text_, 0);
}

void AnswerReader::push(const Choice& choice, bool certain) {
  if (done()) return;
  begin();
  if (certain) parser_.certain(true);
  write(choice.id, choice.logprob);
}

void AnswerReader::go_back(const Rewind& to) {
  if (done()) return;
  begin();
  const std::size_t keep = forced_ids_.size() + static_cast<std::size_t>(to.keep);
  const std::size_t begin = keep < written_.size() ? written_[keep].begin : n_text_;
  if (parser_.n_calls() > 0) {
    if (parser_.in_own_form()) {
      for (const Written& token : written_) own_form_.push_back(token.id);
    }
    parser_.begin_list_again(begin);
  } else {
    parser_.drop_candidate(begin);
  }
  written_.resize(std::min(keep, written_.size()));
  n_text_ = begin;
  for (const std::int32_t id : to.then) write(id, 0);
}

void AnswerReader::finish(bool cut) {
  if (!done()) read(detokenizer_.flush(), 0);
  parser_.finish(cut, deltas_);
}

void AnswerReader::write(std::int32_t id, float logprob) {
  const std::string text = text_of(id);
  written_.push_back({id, n_text_, text});
  n_text_ += text.size();
  read(text, logprob);
}

void AnswerReader::read(const std::string& text, float logprob) {
  if (!is_plain_text_) return parser_.push(text, logprob, deltas_);
  if (!text.empty()) deltas_.push_back(TextDelta{text});
}

// Control tokens have no text for people, but in some models the tags of calls and reasoning are control tokens.
std::string AnswerReader::text_of(std::int32_t id) {
  if (!tokenizer_->is_valid(id)) return detokenizer_.push(id);
  if (tokenizer_->ends_generation(id)) return {};
  if (tokenizer_->type(id) != TokenType::control) return detokenizer_.push(id);
  const std::string_view name = tokenizer_->text(id);
  return CallParser::is_tag(name) || syntax_->has_token(name) ? detokenizer_.flush() + std::string(name) : std::string();
}

std::optional<AnswerReader::Candidate> AnswerReader::candidate() const {
  const auto name = parser_.open_name();
  if (!name) return std::nullopt;
  Candidate candidate{*name, std::nullopt};
  for (std::size_t i = forced_ids_.size(); i < written_.size() && written_[i].begin <= parser_.candidate_begin(); ++i) {
    if (written_[i].text.empty() || !parser_.can_drop_candidate(written_[i].begin)) continue;
    candidate.first_token = static_cast<int>(i - forced_ids_.size());
    break;
  }
  return candidate;
}

std::vector<std::int32_t> AnswerReader::raw_ids_of(std::string_view shown) const {
  std::string_view left = shown;
  for (const Written& token : written_) {
    const std::size_t n = std::min(left.size(), token.text.size());
    if (token.text.compare(0, n, left, 0, n) != 0) return {};
    left.remove_prefix(n);
  }
  return ids_until(shown.size());
}

std::vector<std::int32_t> AnswerReader::ids_until(std::size_t length) const {
  // Nothing was added to the call: a history has it in the template's form.
  if (parser_.n_calls() == 1 && !own_form_.empty()) return own_form_;
  std::vector<std::int32_t> ids;
  std::string_view rest;  // of the last token, after the answer's end
  for (const Written& token : written_) {
    const std::size_t end = token.begin + token.text.size();
    if (token.begin >= length && end > length) break;
    ids.push_back(token.id);
    if (end > length) rest = std::string_view(token.text).substr(length - token.begin);
  }
  if (rest.find_first_not_of(" \t\r\n") != std::string_view::npos || parser_.left_out_calls()) return {};
  return ids;
}

}  // namespace baton::llm
