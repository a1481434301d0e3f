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
    R"({"type":"number","multipleOf":0.01})",
    R"({"type":"number","multipleOf":5,"minimum":-100})",
    R"({"type":"integer"})",
    R"({"type":"integer","minimum":1,"maximum":100})",
    R"({"type":"integer","minimum":-7,"exclusiveMaximum":100000})",
    R"({"type":"integer","multipleOf":8})",
    R"({"type":"integer","minimum":-2147483648,"maximum":2147483647})",
};

bool within(Written& written, const std::string& text) { return written.schema().validate(Json::parse(text)).empty(); }

// What number_range.h says is not written.
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

// A model that has lost its way writes zeros for ever.
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
