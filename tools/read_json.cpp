#include "read_json.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "text.h"

namespace baton::tools {
namespace {

constexpr std::size_t kFewKeys = 8;  // of an object: searching them one by one is faster than a tree
constexpr std::size_t kMaxPointerBytes = 1000;

// Iterates over the text and stores its position in *read: the SAX events do not say where they happened.
class Cursor {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Cursor() = default;
  Cursor(const char* at, const char** read) : at_(at), read_(read) {}
  reference operator*() const { return *at_; }
  Cursor& operator++() {
    *read_ = ++at_;
    return *this;
  }
  Cursor operator++(int) {
    Cursor before = *this;
    ++*this;
    return before;
  }
  bool operator==(const Cursor& other) const { return at_ == other.at_; }

 private:
  const char* at_ = nullptr;
  const char** read_ = nullptr;
};

// The end of the text that was read.
std::string last_of(std::string_view read) {
  const char c = read.back();
  if (c == '"') return "a string";
  if (c > ' ' && c < '\x7f') return {'\'', c, '\''};
  constexpr char kDigits[] = "0123456789ABCDEF";
  return {'t', 'h', 'e', ' ', 'b', 'y', 't', 'e', ' ', '0', 'x', kDigits[static_cast<unsigned char>(c) >> 4], kDigits[c & 15]};
}

// Rewrites a message of nlohmann's parser:
// "[json.exception.parse_error.101] parse error at line 1, column 1: syntax error while parsing value - invalid literal; last read: 'x'".
std::string in_our_words(const std::string& what, std::string_view read, bool ended) {
  const auto between = [&](std::string_view begin, std::string_view end) {
    const std::size_t from = what.find(begin);
    if (from == std::string::npos) return std::string();
    return what.substr(from + begin.size(), what.find(end, from + begin.size()) - from - begin.size());
  };
  if (what.find("number overflow") != std::string::npos) return "this number is too large";
  const std::string place = between("while parsing ", " - ");
  const std::string problem = between(" - ", "; last read");
  for (const char* of_a_token : {"invalid string", "invalid number", "invalid BOM"}) {
    if (problem.rfind(of_a_token, 0) == 0) return problem;
  }
  std::string expected = "a value";
  if (place == "array") expected = "',' or ']'";
  if (place == "object") expected = "',' or '}'";
  if (place == "object key") expected = "a key in quotes";
  if (place == "object separator") expected = "':'";
  if (what.ends_with("expected end of input")) expected = "nothing after the value";
  return "expected " + expected + ", found " + (ended ? "the end of the text" : last_of(read));
}

// Builds each object and array at its end, from the values since its beginning: its size is known then, and nothing is moved twice. (A
// vector of members that grows copies them, because their keys are const.)
class Builder final : public nlohmann::json_sax<Json> {
 public:
  Builder(std::string_view text, const JsonLimits& limits) : text_(text), limits_(limits) {}

  Result<ReadJson> read() {
    const char* const begin = text_.data();
    read_ = begin;
    if (Json::sax_parse(Cursor(begin, &read_), Cursor(begin + text_.size(), &read_), this)) {
      out_.value = std::move(values_.front());
      return std::move(out_);
    }
    return *error_;
  }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // does not occur in text
  bool start_object(std::size_t) override { return open(false); }
  bool start_array(std::size_t) override { return open(true); }

  bool key(string_t& key) override {
    Level& here = levels_.back();
    const std::size_t n = keys_.size() - here.first_key;
    here.slot = slot_of(here, key);
    if (out_.keys == limits_.keys) return refuse("its objects have more than " + std::to_string(out_.keys) + " keys in all");
    ++out_.keys;
    if (here.slot < n) {
      note_repeated();
      return true;
    }
    if (n == limits_.keys_of_object) return refuse("an object has more than " + std::to_string(n) + " keys");
    keys_.push_back(std::move(key));
    if (n >= kFewKeys) {
      for (std::size_t i = here.slots.size(); i <= n; ++i) here.slots.emplace(keys_[here.first_key + i], i);
    }
    return true;
  }

  bool end_object() override {
    const Level& here = levels_.back();
    Json object = Json::object();
    auto& members = static_cast<Json::object_t::Container&>(object.get_ref<Json::object_t&>());
    const std::size_t n = keys_.size() - here.first_key;
    members.reserve(n);
    for (std::size_t i = 0; i < n; ++i)
      members.emplace_back(std::move(keys_[here.first_key + i]), std::move(values_[here.first_value + i]));
    return close(std::move(object));
  }

  bool end_array() override {
    const Level& here = levels_.back();
    const auto begin = values_.begin() + static_cast<std::ptrdiff_t>(here.first_value);
    return close(Json(Json::array_t(std::make_move_iterator(begin), std::make_move_iterator(values_.end()))));
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& e) override {
    const std::size_t byte = std::min(position, text_.size());  // the end of the text counts as a byte there
    return fail(errc::invalid_argument, "invalid JSON", byte, in_our_words(e.what(), text_.substr(0, byte), position > byte || byte == 0));
  }

 private:
  struct Level {  // an open object or array
    bool array = false;
    std::size_t first_value = 0, first_key = 0;     // its own, in values_ and keys_
    std::size_t slot = 0;                           // of an object: where the next value belongs, counted from first_value
    std::map<std::string_view, std::size_t> slots;  // of its keys, once they are many. A tree, since hash collisions can be computed
  };

  // The slot of this key among those of the object, or the next free one.
  std::size_t slot_of(const Level& level, const std::string& key) const {
    const std::size_t n = keys_.size() - level.first_key;
    if (n > kFewKeys) {
      const auto found = level.slots.find(key);
      return found == level.slots.end() ? n : found->second;
    }
    std::size_t i = 0;
    while (i < n && keys_[level.first_key + i] != key) ++i;
    return i;
  }

  bool open(bool array) {
    if (levels_.size() == limits_.levels) return refuse("it is nested deeper than " + std::to_string(limits_.levels) + " levels");
    Level level;
    level.array = array;
    level.first_value = values_.size();
    level.first_key = keys_.size();
    levels_.push_back(std::move(level));
    return true;
  }

  bool close(Json value) {
    const Level& here = levels_.back();
    values_.resize(here.first_value);
    keys_.resize(here.first_key);
    levels_.pop_back();
    return add(std::move(value));
  }

  bool add(Json value) {
    if (n_values_ == limits_.values) return refuse("it has more than " + std::to_string(n_values_) + " values");
    ++n_values_;
    if (!levels_.empty() && !levels_.back().array) {
      const std::size_t at = levels_.back().first_value + levels_.back().slot;
      if (at < values_.size()) {
        values_[at] = std::move(value);
        return true;
      }
    }
    values_.push_back(std::move(value));
    return true;
  }

  void note_repeated() {
    if (out_.repeated.size() == ReadJson::kMostRepeated) return;
    std::string pointer;
    for (std::size_t i = 0; i < levels_.size() && pointer.size() <= kMaxPointerBytes; ++i) {
      const Level& level = levels_[i];
      if (level.array) {
        pointer += "/" + std::to_string(levels_[i + 1].first_value - level.first_value);
      } else {
        pointer += (Json::json_pointer() / keys_[level.first_key + level.slot]).to_string();
      }
    }
    if (pointer.size() > kMaxPointerBytes) pointer = pointer.substr(0, utf8_prefix(pointer, kMaxPointerBytes)) + "…";
    out_.repeated.push_back(std::move(pointer));
  }

  bool refuse(const std::string& why) { return fail(errc::too_large, "JSON refused", static_cast<std::size_t>(read_ - text_.data()), why); }

  bool fail(errc code, const char* what, std::size_t byte, const std::string& why) {
    const auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(byte), '\n');
    error_ = Error{code, std::string(what) + " at byte " + std::to_string(byte) + (line > 1 ? " (line " + std::to_string(line) + ")" : "") +
                             ": " + why};
    return false;
  }

  const std::string_view text_;
  const JsonLimits limits_;
  const char* read_ = nullptr;  // the end of what was read
  ReadJson out_;
  std::size_t n_values_ = 0;
  std::vector<Level> levels_;
  std::vector<Json> values_;      // the complete values of all open levels
  std::deque<std::string> keys_;  // likewise; a deque, so that a Level's slots may point into it
  std::optional<Error> error_;
};

}  // namespace

Result<ReadJson> read_json(std::string_view text, const JsonLimits& limits) { return Builder(text, limits).read(); }

}  // namespace baton::tools
