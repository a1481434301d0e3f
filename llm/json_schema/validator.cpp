#include "validator.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "formats.h"
#include "json_value.h"
#include "pattern.h"
#include "schema_parser.h"
#include "wording.h"

namespace baton::llm {
namespace {

int type_of(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return kNullType;
    case Json::value_t::boolean:
      return kBooleanType;
    case Json::value_t::string:
      return kStringType;
    case Json::value_t::array:
      return kArrayType;
    case Json::value_t::object:
      return kObjectType;
    default:
      return is_integer(value) ? kIntegerType : kNumberType;
  }
}

}  // namespace

std::string Validator::Path::pointer() const {
  std::vector<const Path*> steps;
  for (const Path* at = this; at->parent; at = at->parent) steps.push_back(at);
  std::string text;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step)
    text += (*step)->name.data() ? pointer_step((*step)->name) : '/' + std::to_string((*step)->index);
  return text;
}

std::vector<Violation> Validator::run(const SchemaNode& root, const Json& instance) {
  Report report{{}, Schema::kMaxViolations};
  visit(root, instance, Path{nullptr, {}, 0}, report);
  // A value whose validation hit a limit is not known to be valid.
  if (exhausted_) report.violations.push_back({"", "", exhausted_});
  return std::move(report.violations);
}

bool Validator::spend(std::size_t steps) {
  if (steps > steps_) exhausted_ = "could not be checked within the limit of steps; make the value or its schema simpler";
  steps_ -= std::min(steps, steps_);
  return !exhausted_;
}

void Validator::add(Report& report, const Path& path, const char* keyword, std::string message) {
  if (!report.full()) report.violations.push_back({path.pointer(), keyword, std::move(message)});
}

bool Validator::valid(const SchemaNode& node, const Json& value, const Path& path) {
  Report report{{}, 1};
  visit(node, value, path, report);
  return report.violations.empty();
}

bool Validator::search(const PatternString& pattern, const std::string& text) {
  const Pattern::Answer answer = pattern.compiled->search(text, steps_);
  if (answer == Pattern::Answer::too_expensive)
    exhausted_ = "could not be checked, as a pattern of its schema takes too long to match; make the value or the pattern simpler";
  return answer == Pattern::Answer::yes;
}

void Validator::visit(const SchemaNode& node, const Json& value, const Path& path, Report& report) {
  if (exhausted_ || report.full() || !spend(1) || !enter(node)) return;
  if (node.never) {
    add(report, path, "false", "no value is allowed here");
  } else {
    check_value(node, value, path, report);
    if (value.is_number()) check_number(node, value, path, report);
    if (value.is_string()) check_string(node, value, path, report);
    if (value.is_array()) check_array(node, value, path, report);
    if (value.is_object()) check_object(node, value, path, report);
    check_combinations(node, value, path, report);
    if (node.unevaluated_properties || node.unevaluated_items) check_unevaluated(node, value, path, report);
  }
  leave();
}

bool Validator::enter(const SchemaNode& node) {
  if (scope_.size() == kMaxVisitDepth) {
    exhausted_ = "is nested too deeply for its schema";
    return false;
  }
  scope_.push_back(node.resource);
  return true;
}

void Validator::leave() { scope_.pop_back(); }

void Validator::check_value(const SchemaNode& node, const Json& value, const Path& path, Report& report) {
  const bool has_fraction = node.literal_integers && value.is_number_float() && !exceeds_64_bits(value);  // 1.0, as it was written
  const int type = has_fraction ? static_cast<int>(kNumberType) : type_of(value);
  if ((node.types & type) == 0) add(report, path, "type", "must be " + types_in_words(node.types) + ", found " + value_in_words(value));
  if (node.enum_values) {
    const std::string text = canonical(value);
    if (!spend(text.size() / 64)) return;
    if (!node.enum_texts.contains(text)) add(report, path, "enum", shown(value) + " is not one of " + list_in_words(*node.enum_values));
  }
  if (node.constant && !equal(*node.constant, value))
    add(report, path, "const", "must be " + shown(*node.constant, 200) + ", found " + shown(value));
}

bool Validator::equal(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) return compare_numbers(a, b) == 0;
  if (a.type() != b.type() || a.size() != b.size()) return false;
  if (!a.is_structured()) return a == b;
  const std::string text = canonical(a);
  return spend(1 + text.size() / 64) && text == canonical(b);
}

void Validator::check_number(const SchemaNode& node, const Json& value, const Path& path, Report& report) {
  for (const Bound& minimum : node.minima) {
    const int order = compare_numbers(value, minimum.value);
    if (order < 0 || (order == 0 && minimum.exclusive))
      add(report, path, minimum.exclusive ? "exclusiveMinimum" : "minimum",
          "must be " + std::string(minimum.exclusive ? "greater than " : "at least ") + minimum.value.dump() + ", found " + value.dump());
  }
  for (const Bound& maximum : node.maxima) {
    const int order = compare_numbers(value, maximum.value);
    if (order > 0 || (order == 0 && maximum.exclusive))
      add(report, path, maximum.exclusive ? "exclusiveMaximum" : "maximum",
          "must be " + std::string(maximum.exclusive ? "less than " : "at most ") + maximum.value.dump() + ", found " + value.dump());
  }
  if (node.multiple_of && !is_multiple(value, *node.multiple_of))
    add(report, path, "multipleOf", "must be a multiple of " + node.multiple_of->dump() + ", found " + value.dump());
}

void Validator::check_string(const SchemaNode& node, const Json& value, const Path& path, Report& report) {
  const std::string& text = value.get_ref<const std::string&>();
  if (node.min_length || node.max_length) {
    const std::size_t length = code_points(text);
    if (!spend(text.size() / 1024)) return;
    if (node.min_length && length < *node.min_length)
      add(report, path, "minLength",
          "must have at least " + counted(*node.min_length, "character") + ", found " + std::to_string(length) + " in " + shown(value));
    if (node.max_length && length > *node.max_length)
      add(report, path, "maxLength",
          "must have at most " + counted(*node.max_length, "character") + ", found " + std::to_string(length) + " in " + shown(value));
  }
  if (node.pattern && !search(*node.pattern, text) && !exhausted_)
    add(report, path, "pattern", shown(value) + " does not match the pattern " + node.pattern->source);
  if (const Format* format = node.format.empty() ? nullptr : find_format(node.format); format && !format->matches(text))
    add(report, path, "format", shown(value) + " is not " + std::string(format->described));
}

void Validator::check_array(const SchemaNode& node, const Json& value, const Path& path, Report& report) {
  if (node.min_items && value.size() < *node.min_items)
    add(report, path, "minItems", "must have at least " + counted(*node.min_items, "element") + ", found " + std::to_string(value.size()));
  if (node.max_items && value.size() > *node.max_items)
    add(report, path, "maxItems", "must have at most " + counted(*node.max_items, "element") + ", found " + std::to_string(value.size()));
  for (std::size_t i = 0; i < value.size() && !report.full() && !exhausted_; ++i) {
    const SchemaNode* element = i < node.prefix_items.size() ? node.prefix_items[i] : node.items;
    if (!element) break;
    if (element->never) {
      add(report, path, "items", "must have at most " + counted(i, "element") + ", found " + std::to_string(value.size()));
      break;
    }
    visit(*element, value[i], Path{&path, {}, i}, report);
  }
  if (node.unique_items) check_unique(value, path, report);
  if (node.contains) check_contains(node, value, path, report);
}

void Validator::check_unique(const Json& value, const Path& path, Report& report) {
  std::unordered_map<std::string, std::size_t> seen;
  for (std::size_t i = 0; i < value.size(); ++i) {
    std::string text = canonical(value[i]);
    if (!spend(1 + text.size() / 64)) return;
    const auto [first, fresh] = seen.emplace(std::move(text), i);
    if (fresh) continue;
    add(report, path, "uniqueItems",
        "elements must differ, found " + shown(value[i]) + " at both " + std::to_string(first->second) + " and " + std::to_string(i));
    return;
  }
}

void Validator::check_contains(const SchemaNode& node, const Json& value, const Path& path, Report& report) {
  const std::uint64_t least = node.min_contains.value_or(1);
  std::uint64_t found = 0;
  for (std::size_t i = 0; i < value.size() && !exhausted_; ++i) found += valid(*node.contains, value[i], Path{&path, {}, i});
  if (exhausted_) return;
  const std::string described = kind_in_words(*node.contains);
  if (found < least)
    add(report, path, node.min_contains ? "minContains" : "contains",
        "must contain at least " + counted(least, "element") + " that " + described + ", found " + std::to_string(found));
  if (node.max_contains && found > *node.max_contains)
    add(report, path, "maxContains",
        "must contain at most " + counted(*node.max_contains, "element") + " that " + described + ", found " + std::to_string(found));
}

void Validator::check_object(const SchemaNode& node, const Json& value, const Path& path, Report& report) {
  if (node.min_properties && value.size() < *node.min_properties)
    add(report, path, "minProperties",
        "must have at least " + counted_properties(*node.min_properties) + ", found " + std::to_string(value.size()));
  if (node.max_properties && value.size() > *node.max_properties)
    add(report, path, "maxProperties",
        "must have at most " + counted_properties(*node.max_properties) + ", found " + std::to_string(value.size()));
  check_members(node, value, path, report);
  if (!spend(node.dependent_schemas.size() * value.size() / 8)) return;  // each is searched for among all members
  for (const auto& [name, schema] : node.dependent_schemas)
    if (value.contains(name)) visit(*schema, value, path, report);
}

void Validator::check_members(const SchemaNode& node, const Json& value, const Path& path, Report& report) {
  if (!spend((node.properties.size() + node.required.size() + node.dependent_required.size() + value.size()) / 8)) return;
  // ordered_json finds a member by a linear search.
  std::unordered_map<std::string_view, const Json*> members;
  const auto& object = value.get_ref<const Json::object_t&>();
  for (const auto& [name, member] : object) members.emplace(name, &member);

  for (const std::string& name : node.required)
    if (!members.count(name)) add(report, Path{&path, name, 0}, "required", "required property is missing" + hint(node, name, members));
  for (const auto& [name, needed] : node.dependent_required)
    if (members.count(name))
      for (const std::string& other : needed)
        if (!members.count(other))
          add(report, Path{&path, other, 0}, "dependentRequired", "required beside " + shown(name) + ", and missing");

  std::unordered_set<std::string_view> known;
  for (const auto& [name, schema] : node.properties) {
    const auto member = members.find(name);
    if (member == members.end()) continue;
    known.insert(name);
    visit(*schema, *member->second, Path{&path, name, 0}, report);
  }
  for (const auto& [name, member] : object) {
    if (report.full() || exhausted_) return;
    const Path at{&path, name, 0};
    if (node.property_names) check_name(*node.property_names, name, at, report);
    bool other = !known.count(name);
    for (const auto& [pattern, schema] : node.pattern_properties) {
      if (!search(pattern, name)) continue;
      other = false;
      visit(*schema, member, at, report);
    }
    if (!other || !node.additional_properties || exhausted_) continue;
    if (node.additional_properties->never)
      add(report, at, "additionalProperties", "is not a known property" + known_properties(node));
    else
      visit(*node.additional_properties, member, at, report);
  }
}

const SchemaNode& Validator::dynamic_target(const SchemaNode& node) const {
  for (const std::size_t resource : scope_) {
    for (const auto& [of, target] : node.dynamic_ref) {
      if (of == resource) return *target;
    }
  }
  return *node.dynamic_ref.front().second;
}

void Validator::check_name(const SchemaNode& names, const std::string& name, const Path& path, Report& report) {
  Report inner{{}, 1};
  visit(names, Json(name), path, inner);
  for (const Violation& violation : inner.violations)
    add(report, path, "propertyNames", "the property's name is not allowed: " + violation.message);
}

void Validator::check_combinations(const SchemaNode& node, const Json& value, const Path& path, Report& report) {
  if (node.ref) visit(*node.ref, value, path, report);
  if (!node.dynamic_ref.empty() && spend(scope_.size() * node.dynamic_ref.size() / 8)) visit(dynamic_target(node), value, path, report);
  for (const SchemaNode* part : node.all_of) visit(*part, value, path, report);
  if (!node.any_of.empty()) check_alternatives(node.any_of, "anyOf", value, path, report);
  if (!node.one_of.empty()) check_alternatives(node.one_of, "oneOf", value, path, report);
  if (node.not_schema && valid(*node.not_schema, value, path) && !exhausted_)
    add(report, path, "not", "must not be a value that " + kind_in_words(*node.not_schema) + ", found " + shown(value));
  if (node.if_schema && (node.then_schema || node.else_schema)) {
    const SchemaNode* branch = valid(*node.if_schema, value, path) ? node.then_schema : node.else_schema;
    if (branch) visit(*branch, value, path, report);
  }
}

void Validator::check_alternatives(const std::vector<SchemaNode::Child>& alternatives, const char* keyword, const Json& value,
                                   const Path& path, Report& report) {
  const bool one = std::string_view(keyword) == "oneOf";
  std::vector<std::vector<Violation>> failures;
  std::vector<std::size_t> matching;
  for (std::size_t i = 0; i < alternatives.size() && !report.full(); ++i) {
    // A yes-or-no question does not need the details.
    Report inner{{}, report.limit == 1 ? 1 : Schema::kMaxViolations};
    visit(*alternatives[i], value, path, inner);
    if (exhausted_) return;
    if (!inner.violations.empty()) {
      failures.push_back(std::move(inner.violations));
      continue;
    }
    matching.push_back(i);
    if (!one || matching.size() == 2) break;
  }
  if (matching.size() == 2)
    add(report, path, keyword,
        "fits alternative " + std::to_string(matching[0] + 1) + " as well as " + std::to_string(matching[1] + 1) + " of " +
            std::to_string(alternatives.size()) + ", and must fit exactly one");
  if (matching.empty() && !report.full()) report_no_alternative(failures, alternatives, keyword, value, path, report);
}

void Validator::report_no_alternative(const std::vector<std::vector<Violation>>& failures,
                                      const std::vector<SchemaNode::Child>& alternatives, const char* keyword, const Json& value,
                                      const Path& path, Report& report) {
  const std::string here = path.pointer();
  const auto wrong_type = [&](const std::vector<Violation>& f) { return f.front().pointer == here && f.front().keyword == "type"; };
  int types = 0;
  for (const SchemaNode* alternative : alternatives) types |= (alternative->ref ? alternative->ref : alternative)->types;
  if (std::all_of(failures.begin(), failures.end(), wrong_type) && types != kAnyType) {
    add(report, path, keyword, "must be " + types_in_words(types) + ", found " + value_in_words(value));
    return;
  }
  // The alternative that was probably intended: the right type first, then the tag (a const or enum below), then the fewest faults.
  const auto distance = [&](const std::vector<Violation>& f) {
    std::size_t sum = wrong_type(f) ? 1000 : 0;
    for (const Violation& v : f) sum += v.keyword == "const" || v.keyword == "enum" ? 100 : 1;
    return sum;
  };
  const auto closest =
      std::min_element(failures.begin(), failures.end(), [&](const auto& a, const auto& b) { return distance(a) < distance(b); });
  std::string message = "fits none of " + std::to_string(alternatives.size()) + " alternatives; the closest is number " +
                        std::to_string(closest - failures.begin() + 1) + ", but";
  constexpr std::size_t kShown = 3;
  for (std::size_t i = 0; i < std::min(kShown, closest->size()); ++i) {
    const Violation& v = (*closest)[i];
    message += (i ? "; " : " ") + (v.pointer == here ? "it " + v.message : v.to_string());
  }
  add(report, path, keyword, std::move(message));
}

}  // namespace baton::llm
