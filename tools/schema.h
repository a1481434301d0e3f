#pragma once
// JSON schemas from C++ types, and values from JSON: the basis of ToolSet::add<T>.
//
// T is a struct described by BOOST_DESCRIBE_STRUCT. Its members may be bool, integers, float, double, std::string, enums described by
// BOOST_DESCRIBE_ENUM (a string with the enumerators' names), std::optional, std::vector, std::map<std::string, ...>, Json (anything) and
// further described structs. A member is required unless it is an optional, or its field() says default_value() or optional().
#include <baton/tools/tool.h>

#include <boost/describe.hpp>
#include <boost/mp11.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <type_traits>
#include <typeindex>
#include <vector>

namespace baton::tools {

// Facts about one member in addition to its C++ type. Created by field().
class Field {
 public:
  Field(std::type_index owner, std::string name, std::string description)
      : owner_(owner), name_(std::move(name)), description_(std::move(description)) {}

  // Bounds are written to the schema, which is checked before the tool starts. For numbers:
  Field& min(Json bound) { return keyword("minimum", std::move(bound)); }
  Field& max(Json bound) { return keyword("maximum", std::move(bound)); }
  // For strings, in code points; pattern is a regular expression (ECMA 262).
  Field& min_length(std::size_t n) { return keyword("minLength", n); }
  Field& max_length(std::size_t n) { return keyword("maxLength", n); }
  Field& pattern(std::string regex) { return keyword("pattern", std::move(regex)); }
  // For vectors:
  Field& min_items(std::size_t n) { return keyword("minItems", n); }
  Field& max_items(std::size_t n) { return keyword("maxItems", n); }

  // The member is not required: if it is missing, the struct's own initializer stays ...
  Field& optional() {
    required_ = false;
    return *this;
  }
  // ... or the member becomes `value`, which the schema tells the model.
  Field& default_value(Json value) {
    required_ = false;
    return keyword("default", std::move(value));
  }

  std::type_index owner() const { return owner_; }  // the struct that the member belongs to
  const std::string& name() const { return name_; }
  const std::string& description() const { return description_; }
  const Json& keywords() const { return keywords_; }
  bool required() const { return required_; }

 private:
  Field& keyword(const char* name, Json value) {
    keywords_[name] = std::move(value);
    return *this;
  }

  std::type_index owner_;
  std::string name_;
  std::string description_;
  Json keywords_ = Json::object();
  bool required_ = true;
};

// field(&T::member, "what it means, for the model"). The list of add<T>() takes the fields of nested structs too. A member that
// BOOST_DESCRIBE_STRUCT does not name gives a field without a name, which add<T>() refuses.
template <class C, class M>
Field field(M C::*member, std::string description) {
  std::string name;
  boost::mp11::mp_for_each<boost::describe::describe_members<C, boost::describe::mod_public | boost::describe::mod_inherited>>([&](auto d) {
    if constexpr (std::is_same_v<std::remove_cv_t<decltype(d.pointer)>, M C::*>) {
      if (d.pointer == member) name = d.name;
    }
  });
  return Field(typeid(C), std::move(name), std::move(description));
}

// Internals of the template layer; schema.cpp holds its texts and rules.
namespace detail {

template <class T>
using Members = boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>;

template <class T>
inline constexpr bool is_struct = boost::describe::has_describe_members<T>::value && !std::is_union_v<T>;
template <class T>
inline constexpr bool is_enum = boost::describe::has_describe_enumerators<T>::value;
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_vector = false;
template <class T, class A>
inline constexpr bool is_vector<std::vector<T, A>> = true;
template <class T>
inline constexpr bool is_map = false;
template <class T, class C, class A>
inline constexpr bool is_map<std::map<std::string, T, C, A>> = true;
template <class T>
inline constexpr bool unsupported = false;

// The struct that declares a member; for an inherited member, the base.
template <class C, class M>
std::type_index owner_of(M C::*) {
  return typeid(C);
}

// Builds one schema and collects the faults of the fields.
class SchemaWriter {
 public:
  explicit SchemaWriter(const std::vector<Field>& fields) : fields_(fields), used_(fields.size(), false) {}

  // False if `type` contains itself: such a schema would be infinite.
  bool enter(std::type_index type);
  void leave() { open_.pop_back(); }
  void member(Json& object, std::type_index owner, const char* name, Json schema, bool optional_type);
  const Json* default_of(std::type_index owner, const char* name) const;  // null: none
  void wrong_default(const char* name, const Error& error);
  // Called after the last member. Reports fields that do not belong to any struct of the schema, and all faults collected on the way.
  Result<void> finish() const;

 private:
  const std::vector<Field>& fields_;
  std::vector<bool> used_;
  std::vector<std::type_index> open_;
  std::vector<std::string> errors_;
};

// Reads one value and collects the mismatches, each with its path.
class ValueReader {
 public:
  // ignored: receives the paths of members that are not in any struct; null: they are errors.
  explicit ValueReader(const std::vector<Field>& fields, std::vector<std::string>* ignored = nullptr)
      : fields_(fields), ignored_(ignored) {}

  void expected(const char* what, const Json& found);  // at the current path
  void wrong(std::string message);
  bool integer(const Json& value, std::int64_t min, std::uint64_t max, std::int64_t& out);  // out: the bits, for either sign
  // The value of a member: from `object`, or its default. Null if it is missing; reports it if it is required.
  const Json* member(const Json& object, std::type_index owner, const char* name, bool optional_type);
  void unknown_members(const Json& object, const std::vector<const char*>& names);

  void push(const std::string& name) { path_.push_back(path_.empty() ? name : "." + name); }
  void push(std::size_t index) { path_.push_back("[" + std::to_string(index) + "]"); }
  void pop() { path_.pop_back(); }
  Result<void> finish() const;

 private:
  const std::vector<Field>& fields_;
  std::vector<std::string>* ignored_;
  std::vector<std::string> path_;
  std::vector<std::string> errors_;
};

template <class M>
void check_default(const Json& value, const char* name, SchemaWriter& writer);

template <class T>
Json type_schema(SchemaWriter& writer) {
  if constexpr (std::is_same_v<T, Json>) {
    return Json::object();
  } else if constexpr (std::is_same_v<T, bool>) {
    return Json{{"type", "boolean"}};
  } else if constexpr (std::is_integral_v<T>) {
    Json schema{{"type", "integer"}};
    if (std::is_unsigned_v<T>) schema["minimum"] = 0;
    return schema;
  } else if constexpr (std::is_floating_point_v<T>) {
    return Json{{"type", "number"}};
  } else if constexpr (std::is_same_v<T, std::string>) {
    return Json{{"type", "string"}};
  } else if constexpr (is_optional<T>) {
    return type_schema<typename T::value_type>(writer);
  } else if constexpr (is_vector<T>) {
    return Json{{"type", "array"}, {"items", type_schema<typename T::value_type>(writer)}};
  } else if constexpr (is_map<T>) {
    return Json{{"type", "object"}, {"additionalProperties", type_schema<typename T::mapped_type>(writer)}};
  } else if constexpr (is_enum<T>) {
    Json names = Json::array();
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>([&](auto d) { names.push_back(d.name); });
    return Json{{"type", "string"}, {"enum", std::move(names)}};
  } else if constexpr (is_struct<T>) {
    Json schema{{"type", "object"}, {"properties", Json::object()}, {"required", Json::array()}};
    if (!writer.enter(typeid(T))) return schema;
    boost::mp11::mp_for_each<Members<T>>([&](auto d) {
      using M = std::remove_cvref_t<decltype(std::declval<T&>().*d.pointer)>;
      if (const Json* value = writer.default_of(owner_of(d.pointer), d.name)) check_default<M>(*value, d.name, writer);
      writer.member(schema, owner_of(d.pointer), d.name, type_schema<M>(writer), is_optional<M>);
    });
    writer.leave();
    return schema;
  } else {
    static_assert(unsupported<T>, "a tool's arguments: this type has no JSON schema (is it described by BOOST_DESCRIBE_STRUCT or _ENUM?)");
  }
}

template <class T>
void read_value(const Json& value, T& out, ValueReader& reader) {
  if constexpr (std::is_same_v<T, Json>) {
    out = value;
  } else if constexpr (std::is_same_v<T, bool>) {
    value.is_boolean() ? void(out = value.get<bool>()) : reader.expected("true or false", value);
  } else if constexpr (std::is_integral_v<T>) {
    std::int64_t bits = 0;
    if (reader.integer(value, static_cast<std::int64_t>(std::numeric_limits<T>::min()),
                       static_cast<std::uint64_t>(std::numeric_limits<T>::max()), bits)) {
      out = static_cast<T>(bits);
    }
  } else if constexpr (std::is_floating_point_v<T>) {
    value.is_number() ? void(out = value.get<T>()) : reader.expected("a number", value);
  } else if constexpr (std::is_same_v<T, std::string>) {
    value.is_string() ? void(out = value.get_ref<const std::string&>()) : reader.expected("a string", value);
  } else if constexpr (is_optional<T>) {
    value.is_null() ? out.reset() : read_value(value, out.emplace(), reader);
  } else if constexpr (is_vector<T>) {
    if (!value.is_array()) return reader.expected("an array", value);
    out.clear();
    for (std::size_t i = 0; i < value.size(); ++i) {
      reader.push(i);
      typename T::value_type item{};  // by value, because vector<bool> has no bool& to give
      read_value(value[i], item, reader);
      out.push_back(std::move(item));
      reader.pop();
    }
  } else if constexpr (is_map<T>) {
    if (!value.is_object()) return reader.expected("an object", value);
    out.clear();
    for (const auto& [key, item] : value.items()) {
      reader.push(key);
      read_value(item, out[key], reader);
      reader.pop();
    }
  } else if constexpr (is_enum<T>) {
    bool found = false;
    std::string names;
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>([&](auto d) {
      if (value.is_string() && value.get_ref<const std::string&>() == d.name) {
        out = d.value;
        found = true;
      }
      names += (names.empty() ? "" : ", ") + std::string(d.name);
    });
    if (!found) reader.expected(("one of " + names).c_str(), value);
  } else {
    if (!value.is_object()) return reader.expected("an object", value);
    std::vector<const char*> names;
    boost::mp11::mp_for_each<Members<T>>([&](auto d) {
      using M = std::remove_cvref_t<decltype(out.*d.pointer)>;
      names.push_back(d.name);
      const Json* member = reader.member(value, owner_of(d.pointer), d.name, is_optional<M>);
      if (member == nullptr) return;
      reader.push(d.name);
      read_value(*member, out.*d.pointer, reader);
      reader.pop();
    });
    reader.unknown_members(value, names);
  }
}

template <class M>
void check_default(const Json& value, const char* name, SchemaWriter& writer) {
  const std::vector<Field> none;
  ValueReader reader(none);
  M member{};
  read_value(value, member, reader);
  if (Result<void> ok = reader.finish(); !ok) writer.wrong_default(name, ok.error());
}

}  // namespace detail

// The schema of T as a tool's parameters. errc::invalid_argument names each field that does not fit its member (a max_length on a number),
// does not belong to any struct of T, or has a default that T cannot take. The same error is returned if T contains itself.
template <class T>
Result<Json> schema_of(const std::vector<Field>& fields) {
  static_assert(detail::is_struct<T>, "a tool's arguments are a struct described by BOOST_DESCRIBE_STRUCT");
  detail::SchemaWriter writer(fields);
  Json schema = detail::type_schema<T>(writer);
  if (Result<void> ok = writer.finish(); !ok) return ok.error();
  return {boost::system::in_place_value, std::move(schema)};  // a plain return is ambiguous, because Json converts to so many types
}

// A T from a call's arguments. errc::invalid_argument names, for each value that does not fit, its path, the value found and the value
// expected; at most the first eight. Members that T does not have are errors; with `ignored` they are skipped and listed there.
template <class T>
Result<T> value_of(const Json& arguments, const std::vector<Field>& fields, std::vector<std::string>* ignored = nullptr) {
  detail::ValueReader reader(fields, ignored);
  T value{};
  detail::read_value(arguments, value, reader);
  if (Result<void> ok = reader.finish(); !ok) return ok.error();
  return {boost::system::in_place_value, std::move(value)};
}

}  // namespace baton::tools
