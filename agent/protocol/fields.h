#pragma once
// Reads the fields of a JSON object one after the other, and notes those that were not read.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>

#include "api_error.h"
#include "notes.h"

namespace baton::agent::protocol {

// The first error is kept; after it every read returns nothing.
class Fields {
 public:
  // `path`: of the object, for messages; empty: the body itself. `notes`: of the request, collects the fields without effect.
  Fields(const Json& object, std::string path, Notes& notes) : object_(object), path_(std::move(path)), notes_(notes) {
    if (!object_.is_object())
      fail(ApiError::invalid(path_, (path_.empty() ? std::string("the body") : "'" + path_ + "'") + " must be a JSON object"));
  }

  std::string path(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }

  // A null value counts as absent.
  const Json* any(const char* key) {
    read_.insert(key);
    if (error_) return nullptr;
    const auto at = object_.find(key);
    return at == object_.end() || at->is_null() ? nullptr : &*at;
  }
  std::optional<std::string> string(const char* key, std::size_t max_bytes = 1 << 20) {
    const Json* value = any(key);
    if (!value) return std::nullopt;
    if (!value->is_string()) return wrong_type(key, "a string");
    auto text = value->get<std::string>();
    if (text.size() > max_bytes) {
      fail(ApiError::invalid(path(key), "'" + path(key) + "' has " + std::to_string(text.size()) + " bytes; at most " +
                                            std::to_string(max_bytes) + " are allowed"));
      return std::nullopt;
    }
    return text;
  }
  std::optional<bool> boolean(const char* key) {
    const Json* value = any(key);
    if (!value) return std::nullopt;
    if (!value->is_boolean()) return wrong_type(key, "true or false");
    return value->get<bool>();
  }
  std::optional<std::int64_t> integer(const char* key, std::int64_t least, std::int64_t most) {
    const Json* value = any(key);
    if (!value) return std::nullopt;
    if (!value->is_number_integer()) return wrong_type(key, "an integer");
    const bool huge =
        value->is_number_unsigned() && value->get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    const std::int64_t number = huge ? std::numeric_limits<std::int64_t>::max() : value->get<std::int64_t>();
    if (number < least || number > most) {
      fail(ApiError::invalid(path(key), "'" + path(key) + "' must be from " + std::to_string(least) + " to " + std::to_string(most)));
      return std::nullopt;
    }
    return number;
  }
  std::optional<double> number(const char* key, double least, double most) {
    const Json* value = any(key);
    if (!value) return std::nullopt;
    if (!value->is_number()) return wrong_type(key, "a number");
    const double number = value->get<double>();
    if (!(number >= least && number <= most)) {
      fail(ApiError::invalid(path(key), "'" + path(key) + "' must be from " + Json(least).dump() + " to " + Json(most).dump()));
      return std::nullopt;
    }
    return number;
  }
  const Json* array(const char* key) {
    const Json* value = any(key);
    if (value && !value->is_array()) {
      wrong_type(key, "an array");
      return nullptr;
    }
    return value;
  }
  // None of them is noted. In linear time: any() looks through the whole object.
  void skip_all() {
    if (!object_.is_object()) return;
    for (const auto& [key, value] : object_.items()) read_.insert(key);
  }
  // Fields that Baton added itself, and that are sent back.
  void skip_own() {
    for (const auto& [key, value] : object_.items()) {
      if (key.starts_with("baton.")) read_.insert(key);
    }
  }
  // Not supported: an error if the field is present with another value than the harmless ones.
  void unsupported(const char* key, const std::string& why, std::initializer_list<Json> harmless = {}) {
    const Json* value = any(key);
    if (!value) return;
    if (std::find(harmless.begin(), harmless.end(), *value) == harmless.end()) fail(ApiError::unsupported(path(key), why));
  }

  // Known, but without effect here: noted if it is present with another value than the harmless ones.
  void no_effect(const char* key, std::initializer_list<Json> harmless = {}) {
    const Json* value = any(key);
    if (value && std::find(harmless.begin(), harmless.end(), *value) == harmless.end()) notes_.ignore(path(key));
  }
  Notes& notes() { return notes_; }

  void fail(ApiError error) {
    if (!error_) error_ = std::move(error);
  }
  // The first one.
  const std::optional<ApiError>& error() const { return error_; }
  // Returns the first error. Without one, the fields that were not read are noted.
  std::optional<ApiError> finish() {
    if (error_ || !object_.is_object()) return error_;
    for (const auto& [key, value] : object_.items()) {
      if (!value.is_null() && !read_.contains(key)) notes_.ignore_unknown(path(key), key, read_);
    }
    return std::nullopt;
  }

 private:
  std::nullopt_t wrong_type(const char* key, const char* wanted) {
    fail(ApiError::invalid(path(key), "'" + path(key) + "' must be " + wanted, "invalid_type"));
    return std::nullopt;
  }

  const Json& object_;
  const std::string path_;
  Notes& notes_;
  std::set<std::string> read_;
  std::optional<ApiError> error_;
};

}  // namespace baton::agent::protocol
