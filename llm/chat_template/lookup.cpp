#include <baton/llm/template_values/unicode.h>
#include "builtins/methods.h"
#include "builtins/text_functions.h"
#include "interpreter.h"
#include "python_text.h"

namespace baton::llm::jinja {
namespace {

// jinja2's name for an object in "... has no attribute".
std::string object_name(const Value& object) {
  if (object.is_none()) return "None";
  std::string type = object.type_name();
  if (type == "Namespace") type = "jinja2.utils.Namespace";
  return type + " object";
}

// object[key] by Python's rules alone; null where it raises TypeError or LookupError.
const Value* subscript(Interpreter& in, const Value& object, const Value& key, Value& made) {
  if (const Dict* dict = object.dict()) {
    if (key.text()) return dict->find_text(key.text()->bytes());
    if (key.dict() || key.sequence(Sequence::Type::list)) return nullptr;
    std::string identity;
    return identity_of_key(in, key, identity) ? dict->find(identity) : nullptr;
  }
  Integer index = 0;
  if (!key.to_integer(index)) return nullptr;
  if (Sequence* sequence = object.sequence()) {
    bool indexed =
        sequence->type == Sequence::Type::list || sequence->type == Sequence::Type::tuple || sequence->type == Sequence::Type::range;
    auto size = static_cast<Integer>(sequence->items.size());
    if (index < 0) index += size;
    if (!indexed || index < 0 || index >= size) return nullptr;
    return &sequence->items[static_cast<std::size_t>(index)];
  }
  if (const Text* text = object.text()) {
    const std::string& bytes = text->bytes();
    if (!in.charge(bytes.size() / 16)) return nullptr;
    auto limit = static_cast<Integer>(bytes.size());
    if (index < -limit || index >= limit) return nullptr;
    if (index < 0) index += static_cast<Integer>(count_characters(bytes));
    if (index < 0) return nullptr;
    std::size_t at = offset_of(bytes, static_cast<std::size_t>(index));
    if (at >= bytes.size()) return nullptr;
    made = in.make_text(text->slice(at, at + character_at(bytes, at).size));
    return &made;
  }
  return nullptr;
}

// start, stop and step of a slice, resolved for a length as by slice.indices.
struct Range {
  Integer start;
  Integer stop;
  Integer step;
  Integer count;
};

bool bound(Interpreter& in, const Value& value, Integer& number, bool& given) {
  given = !value.is_none();
  if (!given || value.to_integer(number)) return true;
  if (value.is_undefined()) {
    in.fail_undefined(value);
  } else {
    in.fail("slice indices must be integers or None, not " + value.type_name());
  }
  return false;
}

bool range_of(Interpreter& in, const Value& start, const Value& stop, const Value& step, std::size_t length, Range& range) {
  bool given = false;
  auto size = static_cast<Integer>(length);
  range.step = 1;
  if (!bound(in, step, range.step, given)) return false;
  if (range.step == 0) {
    in.fail("slice step cannot be zero");
    return false;
  }
  bool forward = range.step > 0;
  auto place = [&](Integer index) -> Integer {
    if (index < 0) index += size;
    if (index < 0) return forward ? 0 : -1;
    return index >= size ? (forward ? size : size - 1) : index;
  };
  Integer end = 0;
  if (!bound(in, start, range.start, given)) return false;
  range.start = given ? place(range.start) : forward ? 0 : size - 1;
  if (!bound(in, stop, end, given)) return false;
  end = given ? place(end) : forward ? size : -1;
  // A step beyond the length takes one item; it is reduced so that nothing below can overflow.
  if (range.step > size + 1) range.step = size + 1;
  if (range.step < -size - 1) range.step = -size - 1;
  Integer distance = forward ? end - range.start : range.start - end;
  Integer stride = forward ? range.step : -range.step;
  range.stop = end;
  range.count = distance > 0 ? (distance + stride - 1) / stride : 0;
  return true;
}

Value slice_of_text(Interpreter& in, const Text& text, const Value& start, const Value& stop, const Value& step) {
  if (!in.charge(text.size() / 4)) return {};
  std::vector<std::size_t> offsets = character_offsets(text.bytes());
  Range range{};
  if (!range_of(in, start, stop, step, offsets.size() - 1, range)) return {};
  if (range.step == 1 || range.count == 0) {
    std::size_t begin = offsets[static_cast<std::size_t>(range.count == 0 ? 0 : range.start)];
    std::size_t end = range.count == 0 ? begin : offsets[static_cast<std::size_t>(range.start + range.count)];
    return in.make_text(text.slice(begin, end));
  }
  Text empty({}, text.all_from_template());
  empty.markup = text.markup;
  Builder builder(in, empty);
  for (Integer i = 0; i < range.count && in.charge(); ++i) {
    auto at = static_cast<std::size_t>(range.start + i * range.step);
    builder.add(text, offsets[at], offsets[at + 1]);
  }
  return builder.value();
}

}  // namespace

Value missing_attribute(const Value& object, std::string_view name) {
  return Value::undefined(repr_of(object_name(object)) + " has no attribute " + repr_of(name));
}

Value Interpreter::attribute(const Value& object, std::string_view name) {
  if (failed()) return {};
  if (object.is_undefined()) return fail_undefined(object);
  if (auto* loop = object.loop()) return loop_attribute(*loop, name);
  if (std::optional<Value> method = method_of(*this, object, name)) return *method;
  if (const Dict* dict = object.dict()) {
    if (const Value* found = dict->find_text(name)) return *found;
  }
  return missing_attribute(object, name);
}

Value Interpreter::item(const Value& object, const Value& key) {
  if (failed()) return {};
  if (object.is_undefined()) return fail_undefined(object);
  Value made;
  if (const Value* found = subscript(*this, object, key, made)) return *found;
  if (failed()) return {};
  if (const Text* name = key.text()) {
    if (auto* loop = object.loop()) return loop_attribute(*loop, name->bytes());
    if (std::optional<Value> method = method_of(*this, object, name->bytes())) return *method;
    return missing_attribute(object, name->bytes());
  }
  return Value::undefined(object_name(object) + " has no element " + to_repr(*this, key).bytes());
}

Value Interpreter::slice(const Value& object, const Value& start, const Value& stop, const Value& step) {
  if (failed()) return {};
  if (object.is_undefined()) return fail_undefined(object);
  if (const Text* text = object.text()) return slice_of_text(*this, *text, start, stop, step);
  Sequence* sequence = object.sequence();
  bool sliced = sequence && (sequence->type == Sequence::Type::list || sequence->type == Sequence::Type::tuple ||
                             sequence->type == Sequence::Type::range);
  if (!sliced) return fail("'" + object.type_name() + "' object cannot be sliced");
  Range range{};
  if (!range_of(*this, start, stop, step, sequence->items.size(), range)) return {};
  std::vector<Value> items;
  if (!charge(static_cast<std::size_t>(range.count))) return {};
  for (Integer i = 0; i < range.count; ++i) items.push_back(sequence->items[static_cast<std::size_t>(range.start + i * range.step)]);
  Value result = make_sequence(sequence->type, std::move(items), object.from_template());
  if (Sequence* made = result.sequence(Sequence::Type::range)) {
    made->step = sequence->step * range.step;
    made->start = sequence->start + range.start * sequence->step;
    made->stop = sequence->start + range.stop * sequence->step;
  }
  return result;
}

}  // namespace baton::llm::jinja
