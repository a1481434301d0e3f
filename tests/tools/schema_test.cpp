#include <baton/tools/schema.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace baton::tools {
namespace {

using testing::HasSubstr;

enum class Unit { celsius, fahrenheit };
BOOST_DESCRIBE_ENUM(Unit, celsius, fahrenheit)

struct Place {
  std::string name;
  double lat = 0;
  std::optional<double> lon;
};
BOOST_DESCRIBE_STRUCT(Place, (), (name, lat, lon))

struct Everything {
  bool flag = false;
  int count = 0;
  unsigned char small = 0;
  std::uint64_t big = 0;
  float ratio = 0;
  std::string text;
  std::optional<Unit> unit;
  std::vector<Place> places;
  std::map<std::string, std::vector<int>> table;
  Json anything;
};
BOOST_DESCRIBE_STRUCT(Everything, (), (flag, count, small, big, ratio, text, unit, places, table, anything))

struct Base {
  std::string id;
};
BOOST_DESCRIBE_STRUCT(Base, (), (id))
struct Derived : Base {
  int n = 7;
};
BOOST_DESCRIBE_STRUCT(Derived, (Base), (n))

struct Flags {
  std::vector<bool> bits;
};
BOOST_DESCRIBE_STRUCT(Flags, (), (bits))

struct Tree {
  int value = 0;
  std::vector<Tree> children;
};
BOOST_DESCRIBE_STRUCT(Tree, (), (value, children))

struct Nothing {};
BOOST_DESCRIBE_STRUCT(Nothing, (), ())

TEST(Schema, says_every_type_in_the_order_of_the_members) {
  const Json schema = schema_of<Everything>({}).value();
  const Json expected = Json::parse(R"({"type":"object","properties":{
    "flag":{"type":"boolean"},"count":{"type":"integer"},"small":{"type":"integer","minimum":0},"big":{"type":"integer","minimum":0},
    "ratio":{"type":"number"},"text":{"type":"string"},"unit":{"type":"string","enum":["celsius","fahrenheit"]},
    "places":{"type":"array","items":{"type":"object","properties":{"name":{"type":"string"},"lat":{"type":"number"},"lon":{"type":"number"}},
      "required":["name","lat"]}},
    "table":{"type":"object","additionalProperties":{"type":"array","items":{"type":"integer"}}},
    "anything":{}},
    "required":["flag","count","small","big","ratio","text","places","table","anything"]})");
  EXPECT_EQ(schema.dump(), expected.dump());
}

TEST(Schema, says_descriptions_bounds_and_defaults_also_of_nested_structs) {
  const Json schema = schema_of<Everything>({field(&Everything::count, "how many").min(1).max(10),
                                             field(&Everything::text, "").min_length(1).max_length(80).pattern("^[a-z]*$"),
                                             field(&Everything::places, "where").min_items(1).max_items(3),
                                             field(&Everything::ratio, "share").default_value(0.5), field(&Everything::flag, "").optional(),
                                             field(&Place::lat, "degrees north").min(-90).max(90)})
                          .value();
  const Json& properties = schema["properties"];
  EXPECT_EQ(properties["count"], Json::parse(R"({"type":"integer","minimum":1,"maximum":10,"description":"how many"})"));
  EXPECT_EQ(properties["text"], Json::parse(R"({"type":"string","minLength":1,"maxLength":80,"pattern":"^[a-z]*$"})"));
  EXPECT_EQ(properties["places"]["minItems"], 1);
  EXPECT_EQ(properties["places"]["maxItems"], 3);
  EXPECT_EQ(properties["places"]["items"]["properties"]["lat"],
            Json::parse(R"({"type":"number","minimum":-90,"maximum":90,"description":"degrees north"})"));
  EXPECT_EQ(properties["ratio"]["default"], 0.5);
  EXPECT_EQ(schema["required"], Json::parse(R"(["count","small","big","text","places","table","anything"])"));
}

TEST(Schema, of_a_struct_without_members_is_an_empty_object) {
  EXPECT_EQ(schema_of<Nothing>({}).value().dump(), R"({"type":"object","properties":{},"required":[]})");
  EXPECT_TRUE(value_of<Nothing>(Json::object(), {}));
}

TEST(Schema, covers_inherited_members) {
  const std::vector<Field> fields = {field(&Derived::n, "number").optional(), field(&Derived::id, "which")};
  // &Derived::id is a pointer to a member of Base, so its notes belong to Base; those of inherited members are looked up there.
  const Json schema = schema_of<Derived>(fields).value();
  EXPECT_EQ(schema["properties"]["id"]["description"], "which");
  EXPECT_EQ(value_of<Derived>(Json::parse(R"({"id":"a"})"), fields).value().n, 7);
}

TEST(Schema, refuses_fields_that_do_not_fit) {
  const auto error = [](auto result) { return result ? std::string("no error") : result.error().message; };
  EXPECT_THAT(error(schema_of<Place>({field(&Place::lat, "").max_length(3)})),
              HasSubstr("field 'lat': maxLength does not fit its type, number"));
  EXPECT_THAT(error(schema_of<Place>({field(&Place::name, "").min(3)})), HasSubstr("field 'name': minimum does not fit its type, string"));
  EXPECT_THAT(error(schema_of<Place>({field(&Everything::flag, "")})), HasSubstr("'flag' belongs to a struct that is not part"));
  EXPECT_THAT(error(schema_of<Place>({field(&Place::lat, "a"), field(&Place::lat, "b")})), HasSubstr("'lat' is described twice"));
  EXPECT_THAT(error(schema_of<Place>({field(&Place::lat, "").default_value("north")})), HasSubstr("field 'lat': its default does not fit"));
  EXPECT_THAT(error(schema_of<Tree>({})), HasSubstr("contains itself"));
}

TEST(Arguments, become_a_struct) {
  const auto value =
      value_of<Everything>(Json::parse(R"({"flag":true,"count":-3,"small":255,"big":18446744073709551615,"ratio":1,"text":"ü",
      "unit":"fahrenheit","places":[{"name":"a","lat":1.5},{"name":"b","lat":2,"lon":3}],"table":{"x":[1,2],"y":[]},"anything":[null]})"),
                           {});
  ASSERT_TRUE(value) << value.error().message;
  EXPECT_TRUE(value->flag);
  EXPECT_EQ(value->count, -3);
  EXPECT_EQ(value->small, 255);
  EXPECT_EQ(value->big, UINT64_MAX);
  EXPECT_EQ(value->ratio, 1.0f);
  EXPECT_EQ(value->text, "ü");
  EXPECT_EQ(value->unit, Unit::fahrenheit);
  ASSERT_EQ(value->places.size(), 2u);
  EXPECT_FALSE(value->places[0].lon);
  EXPECT_EQ(value->places[1].lon, 3.0);
  EXPECT_EQ(value->table.at("x"), (std::vector<int>{1, 2}));
  EXPECT_EQ(value->anything.dump(), "[null]");
  EXPECT_EQ(value_of<Flags>(Json::parse(R"({"bits":[true,false]})"), {}).value().bits, (std::vector<bool>{true, false}));
}

TEST(Arguments, take_defaults_and_leave_initializers) {
  const std::vector<Field> fields = {field(&Place::name, "").optional(), field(&Place::lat, "").default_value(48.5)};
  const Place place = value_of<Place>(Json::object(), fields).value();
  EXPECT_EQ(place.name, "");
  EXPECT_EQ(place.lat, 48.5);
  EXPECT_FALSE(value_of<Place>(Json::parse(R"({"lon":null})"), fields).value().lon);
}

TEST(Arguments, of_integer_type_are_read_exactly_or_refused) {
  const auto count = [](const char* number) { return value_of<Everything>(Json{{"count", Json::parse(number)}}, {}).error().message; };
  EXPECT_THAT(count("3.0"), testing::Not(HasSubstr("'count':")));
  EXPECT_THAT(count("3.5"), HasSubstr("argument 'count': expected an integer, found the number 3.5"));
  EXPECT_THAT(count("3000000000"), HasSubstr("expected an integer from -2147483648 to 2147483647, found the number 3000000000"));
  EXPECT_THAT(count("-3000000000"), HasSubstr("found the number -3000000000"));
  EXPECT_THAT(count("1e300"), HasSubstr("expected an integer"));
  EXPECT_THAT(value_of<Everything>(Json{{"small", 256}}, {}).error().message, HasSubstr("from 0 to 255, found the number 256"));
  EXPECT_THAT(value_of<Everything>(Json{{"big", -1}}, {}).error().message, HasSubstr("found the number -1"));
}

TEST(Arguments, that_do_not_fit_are_named_with_path_expectation_and_finding) {
  const auto value = value_of<Everything>(Json::parse(R"({"flag":"yes","count":"3","small":1,"big":1,"ratio":1,"text":5,"unit":"kelvin",
      "places":[{"name":"a","lat":1},{"name":"b","lat":"12"}],"table":{"x":[1,"two"]},"anything":1,"colour":"red"})"),
                                          {});
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().code, errc::invalid_argument);
  const std::string& message = value.error().message;
  EXPECT_THAT(message, HasSubstr(R"(argument 'flag': expected true or false, found the string "yes")"));
  EXPECT_THAT(message, HasSubstr(R"(argument 'count': expected an integer, found the string "3")"));
  EXPECT_THAT(message, HasSubstr(R"(argument 'text': expected a string, found the number 5)"));
  EXPECT_THAT(message, HasSubstr(R"(argument 'unit': expected one of celsius, fahrenheit, found the string "kelvin")"));
  EXPECT_THAT(message, HasSubstr(R"(argument 'places[1].lat': expected a number, found the string "12")"));
  EXPECT_THAT(message, HasSubstr(R"(argument 'table.x[1]': expected an integer, found the string "two")"));
  EXPECT_THAT(message, HasSubstr("'colour' is unknown; known are flag, count,"));
}

TEST(Arguments, that_are_all_wrong_give_a_short_message) {
  Json places = Json::array();
  for (int i = 0; i < 5000; ++i) places.push_back(std::string(10'000, 'x'));
  const std::string message = value_of<Everything>(Json{{"places", places}}, {}).error().message;
  EXPECT_LT(message.size(), 2000u);
  EXPECT_THAT(message, HasSubstr(" more"));
  EXPECT_THAT(value_of<Place>(Json::array(), {}).error().message, HasSubstr("the arguments: expected an object, found the array []"));
  EXPECT_THAT(value_of<Place>(Json::object(), {}).error().message, HasSubstr("'name' is missing; the arguments: 'lat' is missing"));
}

}  // namespace
}  // namespace baton::tools
