// Every writing of a number, with and without an exponent, against the validator.
#include "grammar_fixture.h"

#include <array>
#include <cmath>
#include <random>

namespace baton::llm {
namespace {

const std::vector<const char*> kSchemas = {
    R"({"type":"number"})",
    R"({"type":"number","minimum":0})",
    R"({"type":"number","maximum":0})",
    R"({"type":"number","exclusiveMinimum":0})",
    R"({"type":"number","minimum":0,"maximum":1})",
    R"({"type":"number","minimum":0,"maximum":0.01})",
    R"({"type":"number","minimum":0.00015,"maximum":2500})",
    R"({"type":"number","minimum":-180.5,"exclusiveMaximum":180})",
    R"({"type":"number","exclusiveMinimum":-0.5,"maximum":-1e-5})",
    R"({"type":"number","minimum":1e10,"maximum":3.5e40})",
    R"({"type":"number","maximum":1e90})",
    R"({"type":"number","minimum":-2.5e85,"maximum":3e100})",
    R"({"type":"number","multipleOf":0.01})",
    R"({"type":"number","multipleOf":5,"minimum":-100})",
    R"({"type":"integer"})",
    R"({"type":"integer","minimum":1,"maximum":100})",
    R"({"type":"integer","minimum":-7,"exclusiveMaximum":100000})",
    R"({"type":"integer","multipleOf":8})",
    R"({"type":"integer","minimum":-2147483648,"maximum":2147483647})",
};

bool within(Written& written, const std::string& text) { return written.schema().validate(Json::parse(text)).empty(); }

// Writings that are left out according to number_range.h.
bool is_left_out(const Json& schema, const std::string& text) {
  const auto e = text.find_first_of("eE");
  const auto point = text.find('.');
  const bool integer = schema["type"] == "integer" || (schema.contains("multipleOf") && schema["multipleOf"] == 5);
  const std::string mantissa = text.substr(text[0] == '-', e - (text[0] == '-'));
  const bool scientific = mantissa[0] != '0' && (mantissa.size() == 1 || mantissa[1] == '.');
  if (!scientific && e != std::string::npos && std::abs(std::stoi(text.substr(e + 1))) > 280) return true;
  if (integer) return point != std::string::npos || (e != std::string::npos && text.find('-', e) != std::string::npos);
  if (schema.contains("multipleOf")) return true;
  return e != std::string::npos && !scientific;
}

TEST(NumberRange, what_is_written_is_within_and_what_is_within_is_written) {
  std::mt19937 random(3);
  const auto digits = [&](unsigned n) {
    std::string text;
    for (unsigned i = 0; i < n; ++i) text += static_cast<char>('0' + (random() % 3 == 0 ? 0 : random() % 10));
    return text;
  };
  for (const char* schema : kSchemas) {
    Written written(schema);
    int n_taken = 0, n_with_exponent = 0;
    for (int i = 0; i < 3000; ++i) {
      std::string text = random() % 3 == 0 ? "-" : "";
      text += random() % 3 == 0 ? "0" : static_cast<char>('1' + random() % 9) + digits(random() % 3 == 0 ? random() % 12 : 0);
      if (random() % 2) text += "." + digits(1 + random() % 5);
      if (random() % 2) {
        text += random() % 2 ? "e" : "E";
        text += std::array{"", "+", "-"}[random() % 3];
        text += random() % 20 == 0 ? digits(3) : digits(1 + random() % 2);
      }
      const Json value = Json::parse(text, nullptr, false);
      if (value.is_discarded()) continue;  // beyond a double
      const bool taken = written.takes(text);
      n_taken += taken;
      n_with_exponent += taken && text.find_first_of("eE") != std::string::npos;
      if (taken) {
        EXPECT_TRUE(within(written, text)) << schema << " " << text;
      } else if (within(written, text) && std::abs(value.get<double>()) > 1e-300) {
        EXPECT_TRUE(is_left_out(written.json(), text)) << schema << " " << text;
      }
    }
    EXPECT_GT(n_taken, 5) << schema;
    EXPECT_GT(n_with_exponent, 0) << schema;
  }
}

TEST(NumberRange, exponents_are_checked_exactly) {
  const auto takes = [](const char* schema, const std::vector<const char*>& texts, bool expected) {
    Written written(schema);
    for (const char* text : texts) EXPECT_EQ(written.takes(text), expected) << schema << " " << text;
  };
  takes(R"({"type":"number","minimum":0})", {"1e-4", "1E-4", "1e-04", "0.0001", "1.0e-4", "1e+3", "1e300", "0"}, true);
  takes(R"({"type":"number","minimum":0})", {"-1e-4", "1e--4", "1e-400"}, false);
  takes(R"({"type":"number","minimum":0,"maximum":0.01})", {"1e-4", "9.99e-3", "1e-2", "1.000e-2", "0.01"}, true);
  takes(R"({"type":"number","minimum":0,"maximum":0.01})", {"1.01e-2", "1e-1", "0.011", "1"}, false);
  takes(R"({"type":"number","minimum":1e-4,"maximum":1e3})", {"1e-4", "1e3", "1.0e3", "10e2", "9.999e2", "1000"}, true);
  takes(R"({"type":"number","minimum":1e-4,"maximum":1e3})", {"9.9e-5", "1.0001e3", "1e4", "11e2"}, false);
  takes(R"({"type":"integer","minimum":0,"exclusiveMaximum":1000})", {"1e2", "9e2", "99e1", "0"}, true);
  takes(R"({"type":"integer","minimum":0,"exclusiveMaximum":1000})", {"1e3", "10e2", "1e-1", "1.5e1", "1.0"}, false);
  takes(R"({"type":"integer","multipleOf":16})", {"16", "1e4", "2e3", "-8e1"}, true);
  takes(R"({"type":"integer","multipleOf":16})", {"1e3", "8e0", "1e1"}, false);
}

TEST(NumberRange, bounds_beyond_eighty_digits_hold) {
  Written most(R"({"type":"number","maximum":1e90})");
  for (const char* text : {"1e90", "9.99e89", "10e87", "123456.75e60", "-1e300"}) EXPECT_TRUE(most.takes(text)) << text;
  for (const char* text : {"1.1e90", "10e200", "10.5e100", "12345678901234567890e71", "1e91"}) EXPECT_FALSE(most.takes(text)) << text;
  Written whole(R"({"type":"integer","maximum":1e90})");
  EXPECT_TRUE(whole.takes("1e90") && whole.takes("10e88") && whole.takes("123456789012345e75"));
  EXPECT_FALSE(whole.takes("2e90") || whole.takes("10e200") || whole.takes("123456789012345e77"));
  Written least(R"({"type":"integer","minimum":1e90})");
  EXPECT_TRUE(least.takes("1e90") && least.takes("25e89"));
  EXPECT_FALSE(least.takes("9e89") || least.takes("5"));
}

// Draft 4: no point and no exponent. Readers make a double of more than 64 bits.
TEST(NumberRange, integers_of_draft_4_may_have_more_digits_than_64_bits_hold) {
  const std::string draft = R"({"$schema":"http://json-schema.org/draft-04/schema#","type":"integer")";
  const std::string zeros(90, '0');
  Written any((draft + "}").c_str());
  for (const std::string text : {"12345678901234567890123", "-9223372036854775809", "18446744073709551616", "18446744073709551615"}) {
    EXPECT_TRUE(any.takes(text)) << text;
    EXPECT_TRUE(within(any, text)) << text;
  }
  for (const std::string text : {"1.0", "1e2", "-4.0"}) {
    EXPECT_FALSE(any.takes(text)) << text;
    EXPECT_FALSE(within(any, text)) << text;
  }
  Written large((draft + R"(,"minimum":1e90,"maximum":2e90})").c_str());
  EXPECT_TRUE(large.possible());
  EXPECT_TRUE(large.takes("1" + zeros) && within(large, "1" + zeros));
  for (const std::string& text : {"3" + zeros, "1" + zeros.substr(1), "1" + zeros + "0"}) EXPECT_FALSE(large.takes(text)) << text;
}

// A model in a loop writes zeros for ever.
TEST(NumberRange, digits_are_bounded) {
  for (const char* schema : kSchemas) {
    Written written(schema);
    for (const std::string begin : {"0.", "1.", "1", "2.5", "1e"})
      EXPECT_FALSE(written.begins(begin + std::string(100, '0'))) << schema << " " << begin;
  }
}

TEST(NumberRange, a_number_has_few_nodes) {
  for (const char* schema : kSchemas) {
    Automaton automaton;
    const Schema parsed = Schema::parse(Json::parse(schema)).value();
    SchemaCompiler(automaton, WritingStyle{}).rule(parsed);
    EXPECT_LT(automaton.nodes().size(), 1000u) << schema;
  }
  Json many = {{"type", "object"}, {"properties", Json::object()}, {"additionalProperties", false}};
  for (int i = 0; i < 50; ++i) many["properties"]["n" + std::to_string(i)] = {{"type", "number"}, {"minimum", 0}};
  Automaton automaton;
  const Schema parsed = Schema::parse(many).value();
  SchemaCompiler(automaton, WritingStyle{}).rule(parsed);
  EXPECT_LT(automaton.nodes().size(), 2500u) << "those of one range share it";
}

}  // namespace
}  // namespace baton::llm
