#include <algorithm>
#include <map>

#include <baton/llm/chat_template/bind.h>
#include <baton/llm/chat_template/operators.h>
#include <baton/llm/chat_template/python_text.h>
#include <baton/llm/template_values/unicode.h>
#include "filters.h"
#include "text_functions.h"

namespace baton::llm::jinja {
namespace {

Value length(Interpreter& in, const Value& subject, Arguments& arguments) {
  if (!Parameters(in, "length", arguments, {})) return {};
  bool mark = subject.from_template();
  std::size_t size = 0;
  if (auto* text = subject.text()) {
    if (!in.charge(text->size() / 16)) return {};
    size = count_characters(text->bytes());
  } else if (auto* dict = subject.dict()) {
    size = dict->size();
  } else if (subject.sequence() && !subject.sequence()->is_iterator()) {
    size = subject.sequence()->items.size();
  } else if (subject.loop()) {
    return in.attribute(subject, "length");
  } else if (!subject.is_undefined()) {
    return in.fail("object of type '" + subject.type_name() + "' has no len()");
  }
  return Value::integer(static_cast<Integer>(size), mark);
}

Value first(Interpreter& in, const Value& subject, Arguments& arguments) {
  if (!Parameters(in, "first", arguments, {})) return {};
  Sequence* sequence = subject.sequence();
  if (sequence && sequence->is_iterator()) {
    if (sequence->consumed < sequence->items.size()) return sequence->items[sequence->consumed++];
  } else if (sequence) {
    if (!sequence->items.empty()) return sequence->items.front();
  } else {
    std::vector<Value> items;
    if (!in.iterate(subject, items)) return {};
    if (!items.empty()) return items.front();
  }
  return Value::undefined("No first item, sequence was empty.");
}

Value last(Interpreter& in, const Value& subject, Arguments& arguments) {
  if (!Parameters(in, "last", arguments, {})) return {};
  Sequence* sequence = subject.sequence();
  bool reversible = subject.text() || subject.dict() || subject.is_undefined() || (sequence && !sequence->is_iterator());
  if (!reversible) return in.fail("'" + subject.type_name() + "' object is not reversible");
  if (sequence) {
    if (!sequence->items.empty()) return sequence->items.back();
  } else {
    std::vector<Value> items;
    if (!in.iterate(subject, items)) return {};
    if (!items.empty()) return items.back();
  }
  return Value::undefined("No last item, sequence was empty.");
}

Value list(Interpreter& in, const Value& subject, Arguments& arguments) {
  std::vector<Value> items;
  if (!Parameters(in, "list", arguments, {}) || !in.iterate(subject, items)) return {};
  return in.make_list(std::move(items), subject.from_template());
}

Value reverse(Interpreter& in, const Value& subject, Arguments& arguments) {
  if (!Parameters(in, "reverse", arguments, {})) return {};
  if (subject.text()) return Value::text(reversed(in, *subject.text()));
  std::vector<Value> items;
  if (!in.iterate(subject, items)) return {};
  std::reverse(items.begin(), items.end());
  bool was_iterator = subject.sequence() && subject.sequence()->is_iterator();
  return in.make_sequence(was_iterator ? Sequence::Type::list : Sequence::Type::reverse_iterator, std::move(items),
                          subject.from_template());
}

Value join(Interpreter& in, const Value& subject, Arguments& arguments) {
  Parameters given(in, "join", arguments, {"d", "attribute"});
  std::vector<Value> items;
  if (!given || !in.iterate(subject, items)) return {};
  if (given[1] && !given[1]->is_none()) {
    AttributePath path(*given[1]);
    for (Value& item : items) item = path.get(in, item);
  }
  Text separator = given[0] ? to_str(in, *given[0]) : Text({}, true);
  return Value::text(joined(in, separator, items));
}

Value items(Interpreter& in, const Value& subject, Arguments& arguments) {
  if (!Parameters(in, "items", arguments, {})) return {};
  std::vector<Value> pairs;
  if (!subject.is_undefined()) {
    if (!subject.dict()) return in.fail("Can only get item pairs from a mapping.");
    for (const auto& [key, value] : subject.dict()->items()) {
      if (in.failed()) return {};
      pairs.push_back(in.make_sequence(Sequence::Type::tuple, {key, value}, subject.from_template()));
    }
  }
  return in.make_sequence(Sequence::Type::generator, std::move(pairs), subject.from_template());
}

Value dict_sort(Interpreter& in, const Value& subject, Arguments& arguments) {
  Parameters given(in, "dictsort", arguments, {"case_sensitive", "by", "reverse"});
  bool sensitive = false;
  bool backwards = false;
  std::string by = "key";
  if (!given.truth(0, sensitive) || !given.truth(2, backwards)) return {};
  if (given[1]) by = to_str(in, *given[1]).bytes();
  if (by != "key" && by != "value") return in.fail("You can only sort by either \"key\" or \"value\"");
  if (subject.is_undefined()) return in.fail_undefined(subject);
  if (!subject.dict()) return in.fail("dictsort() needs a mapping, not " + subject.type_name());
  struct Entry {
    Value key;
    const std::pair<Value, Value>* pair = nullptr;
  };
  std::vector<Entry> entries;
  for (const auto& pair : subject.dict()->items()) {
    const Value& key = by == "key" ? pair.first : pair.second;
    entries.push_back({sensitive ? key : case_folded(in, key), &pair});
  }
  sort_values(
      in, entries, [](const Entry& entry) -> const Value& { return entry.key; }, backwards);
  std::vector<Value> pairs;
  for (const Entry& entry : entries) {
    if (in.failed()) return {};
    pairs.push_back(in.make_sequence(Sequence::Type::tuple, {entry.pair->first, entry.pair->second}, subject.from_template()));
  }
  return in.make_list(std::move(pairs), subject.from_template());
}

struct Keyed {
  Value key;
  Value item;
};

// The items with their keys for comparison. A `path` with commas means several attributes, one after the other.
bool keyed(Interpreter& in, const Value& subject, const Value* attribute, bool sensitive, bool several, const Value* fallback,
           std::vector<Keyed>& out) {
  std::vector<Value> all;
  if (!in.iterate(subject, all)) return false;
  std::vector<AttributePath> paths;
  const Text* text = attribute ? attribute->text() : nullptr;
  if (text && several && text->bytes().find(',') != std::string::npos) {
    Text comma(",", true);
    for (const Value& part : split(in, *text, &comma, -1)) paths.emplace_back(part);
  } else {
    paths.push_back(attribute ? AttributePath(*attribute) : AttributePath());
  }
  for (Value& item : all) {
    std::vector<Value> keys;
    for (const AttributePath& path : paths) {
      Value key = path.get(in, item, fallback);
      keys.push_back(sensitive ? key : case_folded(in, key));
    }
    if (in.failed()) return false;
    // sort() compares lists of keys, in which two undefined keys are equal and so need no order.
    out.push_back({several ? in.make_list(std::move(keys), true) : keys[0], std::move(item)});
  }
  return true;
}

Value sort(Interpreter& in, const Value& subject, Arguments& arguments) {
  Parameters given(in, "sort", arguments, {"reverse", "case_sensitive", "attribute"});
  bool backwards = false;
  bool sensitive = false;
  std::vector<Keyed> entries;
  if (!given.truth(0, backwards) || !given.truth(1, sensitive) || !keyed(in, subject, given[2], sensitive, true, nullptr, entries))
    return {};
  sort_values(
      in, entries, [](const Keyed& entry) -> const Value& { return entry.key; }, backwards);
  std::vector<Value> sorted;
  for (Keyed& entry : entries) sorted.push_back(std::move(entry.item));
  return in.make_list(std::move(sorted), subject.from_template());
}

Value unique(Interpreter& in, const Value& subject, Arguments& arguments) {
  Parameters given(in, "unique", arguments, {"case_sensitive", "attribute"});
  bool sensitive = false;
  std::vector<Keyed> entries;
  if (!given.truth(0, sensitive) || !keyed(in, subject, given[1], sensitive, false, nullptr, entries)) return {};
  Dict seen;
  std::vector<Value> kept;
  for (Keyed& entry : entries) {
    std::size_t before = seen.size();
    in.set_item(seen, entry.key, Value::none());
    if (seen.size() > before) kept.push_back(std::move(entry.item));
  }
  return in.make_sequence(Sequence::Type::generator, std::move(kept), subject.from_template());
}

template <bool smallest>
Value extreme(Interpreter& in, const Value& subject, Arguments& arguments) {
  Parameters given(in, smallest ? "min" : "max", arguments, {"case_sensitive", "attribute"});
  bool sensitive = false;
  std::vector<Keyed> entries;
  if (!given.truth(0, sensitive) || !keyed(in, subject, given[1], sensitive, false, nullptr, entries)) return {};
  if (entries.empty()) return Value::undefined("No aggregated item, sequence was empty.");
  const Keyed* best = &entries[0];
  for (const Keyed& entry : entries) {
    if (&entry == best) continue;
    if (smallest ? less(in, entry.key, best->key) : less(in, best->key, entry.key, ">")) best = &entry;
  }
  return best->item;
}

Value sum(Interpreter& in, const Value& subject, Arguments& arguments) {
  Parameters given(in, "sum", arguments, {"attribute", "start"});
  std::vector<Value> all;
  if (!given || !in.iterate(subject, all)) return {};
  Value total = given[1] ? *given[1] : Value::integer(0);
  if (total.text()) return in.fail("sum() can't sum strings [use ''.join(seq) instead]");
  AttributePath path = given[0] ? AttributePath(*given[0]) : AttributePath();
  for (const Value& item : all) {
    total = arithmetic(in, "+", total, path.get(in, item));
    if (in.failed()) return {};
  }
  return total;
}

Value group_by(Interpreter& in, const Value& subject, Arguments& arguments) {
  Parameters given(in, "groupby", arguments, {"attribute", "default", "case_sensitive"}, 1);
  bool sensitive = false;
  std::vector<Keyed> entries;
  if (!given.truth(2, sensitive) || !keyed(in, subject, given[0], sensitive, false, given[1], entries)) return {};
  sort_values(
      in, entries, [](const Keyed& entry) -> const Value& { return entry.key; }, false);
  AttributePath path(*given[0]);
  std::vector<Value> groups;
  bool mark = subject.from_template();
  for (std::size_t begin = 0; begin < entries.size() && !in.failed();) {
    std::vector<Value> members;
    std::size_t end = begin;
    while (end < entries.size() && equals(in, entries[end].key, entries[begin].key)) members.push_back(entries[end++].item);
    if (end == begin) ++end;  // nan is not equal to anything, not even itself
    Value key = path.get(in, entries[begin].item, given[1]);
    Value group = in.make_sequence(Sequence::Type::tuple, {key, in.make_list(std::move(members), mark)}, mark);
    if (Sequence* tuple = group.sequence()) tuple->field_names = {"grouper", "list"};
    groups.push_back(std::move(group));
    begin = end;
  }
  return in.make_list(std::move(groups), mark);
}

// ---- batch and slice: both create lists of items, of a given length or a given number

Value batch(Interpreter& in, const Value& subject, Arguments& arguments) {
  Parameters given(in, "batch", arguments, {"linecount", "fill_with"}, 1);
  Integer count = 0;
  std::vector<Value> all;
  if (!given.integer(0, count) || !in.iterate(subject, all)) return {};
  bool mark = subject.from_template();
  std::vector<Value> rows;
  std::vector<Value> row;
  for (Value& item : all) {
    if (static_cast<Integer>(row.size()) == count) rows.push_back(in.make_list(std::exchange(row, {}), mark));
    row.push_back(std::move(item));
  }
  if (!row.empty()) {
    bool fills = given[1] && !given[1]->is_none();
    for (auto size = static_cast<Integer>(row.size()); fills && size < count && in.charge(); ++size) row.push_back(*given[1]);
    rows.push_back(in.make_list(std::move(row), mark));
  }
  return in.make_sequence(Sequence::Type::generator, std::move(rows), mark);
}

Value slice(Interpreter& in, const Value& subject, Arguments& arguments) {
  Parameters given(in, "slice", arguments, {"slices", "fill_with"}, 1);
  Integer slices = 0;
  std::vector<Value> all;
  if (!given.integer(0, slices) || !in.iterate(subject, all)) return {};
  if (slices == 0) return in.fail("integer division or modulo by zero");
  bool mark = subject.from_template();
  std::vector<Value> columns;
  std::size_t at = 0;
  for (Integer i = 0; i < slices && in.charge(); ++i) {
    auto size = static_cast<Integer>(all.size());
    bool longer = i < size % slices;
    std::size_t count = static_cast<std::size_t>(size / slices) + (longer ? 1 : 0);
    std::vector<Value> column(all.begin() + static_cast<std::ptrdiff_t>(at), all.begin() + static_cast<std::ptrdiff_t>(at + count));
    at += count;
    if (!longer && given[1] && !given[1]->is_none()) column.push_back(*given[1]);
    columns.push_back(in.make_list(std::move(column), mark));
  }
  return in.make_sequence(Sequence::Type::generator, std::move(columns), mark);
}

}  // namespace

Filter sequence_filter(std::string_view name) {
  static const std::map<std::string_view, Filter> kFilters = {
      {"batch", batch},     {"count", length}, {"dictsort", dict_sort}, {"first", first}, {"groupby", group_by},   {"items", items},
      {"join", join},       {"last", last},    {"length", length},      {"list", list},   {"max", extreme<false>}, {"min", extreme<true>},
      {"reverse", reverse}, {"slice", slice},  {"sort", sort},          {"sum", sum},     {"unique", unique},
  };
  auto found = kFilters.find(name);
  return found == kFilters.end() ? nullptr : found->second;
}

}  // namespace baton::llm::jinja
