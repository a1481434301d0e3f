#pragma once
// The operations of JSON Schema on values: equality, order and divisibility of numbers, length of strings.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace baton::llm {

using Json = nlohmann::ordered_json;

// Nesting and number of values; stops counting beyond the given bounds. Not recursive.
struct JsonSize {
  int depth = 0;  // 0 for a scalar
  std::size_t values = 0;
};
JsonSize measure(const Json& json, int max_depth, std::size_t max_values);

// The same text for equal values: 1 and 1.0 are equal, the order of members does not matter. Recursive: call measure() first.
std::string canonical(const Json& json);

bool is_integer(const Json& number);  // 1.0 is an integer
// Whether it is a double beyond the integers of 64 bits: it may have been written without a point and an exponent.
bool exceeds_64_bits(const Json& number);
// -1, 0, 1. Exact between integers and floats.
int compare_numbers(const Json& a, const Json& b);
// Uses the decimal notation of both, so that 0.3 is a multiple of 0.1.
bool is_multiple(const Json& number, const Json& of);

std::size_t code_points(std::string_view utf8);

// The value as JSON for a message, cut after about `max_bytes`.
std::string shown(const Json& json, std::size_t max_bytes = 80);

}  // namespace baton::llm
