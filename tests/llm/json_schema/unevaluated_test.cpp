#include <baton/llm/json_schema/json_schema.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>

#include "sanitized.h"

namespace baton::llm {
namespace {

using testing::HasSubstr;

// "p00007": names of one length, which take longest to distinguish.
std::string numbered(char letter, int i) {
  const std::string digits = std::to_string(i);
  return letter + std::string(5 - digits.size(), '0') + digits;
}

Json object_of(char letter, int n, const Json& value) {
  Json object = Json::object();
  auto& members = object.get_ref<Json::object_t&>();
  for (int i = 0; i < n; ++i) members.emplace_back(numbered(letter, i), value);
  return object;
}

TEST(Unevaluated, members_are_looked_up_in_linear_time) {
  constexpr int kMembers = 20'000;
  Json schema = {{"$defs", {{"wide", {{"properties", object_of('p', kMembers, true)}}}}},
                 {"allOf", Json::array()},
                 {"unevaluatedProperties", {{"type", "integer"}}}};
  for (int i = 0; i < 20; ++i) schema["allOf"].push_back({{"$ref", "#/$defs/wide"}});
  const Schema parsed = Schema::parse(schema).value();
  const Json value = object_of('m', kMembers, 1);
  const std::clock_t start = std::clock();  // processor time, which other programs do not lengthen
  EXPECT_TRUE(parsed.validate(value).empty());
  EXPECT_TRUE(kSanitized || (std::clock() - start) / CLOCKS_PER_SEC < 8) << "each member was compared with each property";
}

TEST(Unevaluated, schemas_that_depend_on_a_member_are_paid_for) {
  Json schema = {{"dependentSchemas", object_of('d', 5'000, true)}};
  const Json value = object_of('m', 20'000, 1);
  EXPECT_THAT(Schema::parse(schema).value().validate(value).at(0).message, HasSubstr("within the limit of steps"));
  schema = {{"dependentSchemas", object_of('d', 50, true)}, {"unevaluatedProperties", true}};
  EXPECT_TRUE(Schema::parse(schema).value().validate(value).empty());
}

}  // namespace
}  // namespace baton::llm
