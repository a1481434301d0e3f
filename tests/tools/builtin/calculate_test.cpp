#include <baton/tools/builtin/calculate.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

namespace baton::tools {
namespace {

using testing::HasSubstr;

std::string value(std::string_view expression) {
  const auto result = calculate(expression);
  return result ? *result : "error: " + result.error().message;
}

std::string error(std::string_view expression) {
  const auto result = calculate(expression);
  return result ? "no error: " + *result : result.error().message;
}

TEST(Calculate, knows_operators_and_their_order) {
  EXPECT_EQ(value("1 + 2 * 3"), "7");
  EXPECT_EQ(value("(1 + 2) * 3"), "9");
  EXPECT_EQ(value("10 - 2 - 3"), "5");
  EXPECT_EQ(value("24 / 4 / 2"), "3");
  EXPECT_EQ(value("2^3^2"), "512");
  EXPECT_EQ(value("2**-2"), "0.25");
  EXPECT_EQ(value("-2^2"), "-4");
  EXPECT_EQ(value("(-2)^2"), "4");
  EXPECT_EQ(value("--3 - -+4"), "7");
  EXPECT_EQ(value("7 // 2"), "3");
  EXPECT_EQ(value("-7 // 2"), "-4");
}

// Python's rule.
TEST(Calculate, gives_the_remainder_the_sign_of_the_divisor) {
  EXPECT_EQ(value("10 % 3"), "1");
  EXPECT_EQ(value("-10 % 3"), "2");
  EXPECT_EQ(value("10 % -3"), "-2");
  EXPECT_EQ(value("10 mod 4"), "2");
  EXPECT_EQ(value("mod(10, 4)"), "2");
  EXPECT_EQ(value("5.5 % 2"), "1.5");
}

TEST(Calculate, understands_percentages_as_people_write_them) {
  EXPECT_EQ(value("17.5% of 2340"), "409.5");
  EXPECT_EQ(value("0.175 * 2340"), "409.5");
  EXPECT_EQ(value("2340*17.5/100"), "409.5");
  EXPECT_EQ(value("2340 * 17.5%"), "409.5");
  EXPECT_EQ(value("17.5 % of 2340"), "409.5");
  EXPECT_EQ(value("200 + 10%"), "220");
  EXPECT_EQ(value("200 - 10%"), "180");
  EXPECT_EQ(value("100 + 50 + 10%"), "165");
  EXPECT_EQ(value("10% + 5%"), "0.15");
  EXPECT_EQ(value("50%"), "0.5");
  EXPECT_EQ(value("(5%) * 3"), "0.15");
  EXPECT_EQ(value("50% - 0.1"), "0.4");
  EXPECT_EQ(value("10% of 50 + 3"), "8");
}

TEST(Calculate, is_exact_where_that_is_cheap) {
  EXPECT_EQ(value("0.1 + 0.2"), "0.3");
  EXPECT_EQ(value("2^200"), "1606938044258990275541962092341162602522202993782792835301376");
  EXPECT_EQ(value("123456789012345678901234567890 * 987654321098765432109876543210"),
            "121932631137021795226185032733622923332237463801111263526900");
  EXPECT_EQ(value("1/3*3"), "1");
  EXPECT_EQ(value("1.10 * 3"), "3.3");
  EXPECT_EQ(value("25!"), "15511210043330985984000000");
  EXPECT_EQ(value("9007199254740993 + 0"), "9007199254740993");
  EXPECT_EQ(value("sqrt(144/25)"), "2.4");
  EXPECT_EQ(value("1e30"), "1000000000000000000000000000000");
  EXPECT_EQ(value("007.50"), "7.5");
  EXPECT_EQ(value("1000!").size(), static_cast<std::size_t>(std::lgamma(1001.0) / std::log(10.0)) + 1);
}

TEST(Calculate, rounds_the_rest_to_sixteen_digits) {
  EXPECT_EQ(value("1/3"), "0.3333333333333333");
  EXPECT_EQ(value("2/3"), "0.6666666666666667");
  EXPECT_EQ(value("sqrt(2)"), "1.414213562373095");
  EXPECT_EQ(value("pi"), "3.141592653589793");
  EXPECT_EQ(value("-pi"), "-3.141592653589793");
  EXPECT_EQ(value("sqrt(2)^2"), "2");
  EXPECT_EQ(value("2^200/3"), "5.356460147529968e59");
  EXPECT_EQ(value("1/3e20"), "3.333333333333333e-21");
  EXPECT_EQ(value("1/30000"), "0.00003333333333333333");
  EXPECT_EQ(value("10^15/3"), "333333333333333.3");
  EXPECT_EQ(value("10^20/3"), "33333333333333330000");
}

TEST(Calculate, has_the_usual_functions) {
  EXPECT_EQ(value("max(3, 7, 5) + min(2, 1)"), "8");
  EXPECT_EQ(value("abs(-5.5)"), "5.5");
  EXPECT_EQ(value("floor(-2.5)"), "-3");
  EXPECT_EQ(value("ceil(-2.5)"), "-2");
  EXPECT_EQ(value("trunc(-2.5)"), "-2");
  EXPECT_EQ(value("round(2.5)"), "3");
  EXPECT_EQ(value("round(-2.5)"), "-3");
  EXPECT_EQ(value("round(2.345, 2)"), "2.35");
  EXPECT_EQ(value("round(1234, -2)"), "1200");
  EXPECT_EQ(value("gcd(12, 18, 27)"), "3");
  EXPECT_EQ(value("lcm(4, 6)"), "12");
  EXPECT_EQ(value("factorial(5) + 3!"), "126");
  EXPECT_EQ(value("comb(49, 6)"), "13983816");
  EXPECT_EQ(value("perm(10, 3)"), "720");
  EXPECT_EQ(value("sum(1, 2, 3) / avg(2, 4)"), "2");
  EXPECT_EQ(value("hypot(3, 4)"), "5");
  EXPECT_EQ(value("log10(1000)"), "3");
  EXPECT_EQ(value("log2(8)"), "3");
  EXPECT_EQ(value("log(81, 3)"), "4");
  EXPECT_EQ(value("ln(e)"), "1");
  EXPECT_EQ(value("exp(0)"), "1");
  EXPECT_EQ(value("cbrt(-27)"), "-3");
  EXPECT_EQ(value("4^0.5"), "2");
  EXPECT_EQ(value("floor(sqrt(2)^2)"), "2");
  EXPECT_EQ(value("sinh(0) + cosh(0)"), "1");
}

TEST(Calculate, has_angles_in_radians_and_degrees) {
  EXPECT_EQ(value("sin(pi)"), "0");
  EXPECT_EQ(value("cos(pi)"), "-1");
  EXPECT_EQ(value("sin(30°)"), "0.5");
  EXPECT_EQ(value("tan(radians(45))"), "1");
  EXPECT_EQ(value("degrees(pi)"), "180");
  EXPECT_EQ(value("atan2(1, 1) * 4 - pi"), "0");
  EXPECT_THAT(error("tan(90°)"), HasSubstr("tan is not defined"));
}

TEST(Calculate, reads_what_models_and_people_write) {
  EXPECT_EQ(value("3 × 4"), "12");
  EXPECT_EQ(value("12 ÷ 4 − 1"), "2");
  EXPECT_EQ(value("12,000 / 3"), "4000");
  EXPECT_EQ(value("1,234,567.5 * 2"), "2469135");
  EXPECT_EQ(value("12_000 / 3"), "4000");
  EXPECT_EQ(value("x = 3*4"), "12");
  EXPECT_EQ(value("= 3*4"), "12");
  EXPECT_EQ(value("3*4 = ?"), "12");
  EXPECT_EQ(value("3 x 4"), "12");
  EXPECT_EQ(value("2pi - pi*2"), "0");
  EXPECT_EQ(value("3(4+5)(2)"), "54");
  EXPECT_EQ(value("√16 + 3²"), "13");
  EXPECT_EQ(value("√(9)"), "3");
  EXPECT_EQ(value("math.sqrt(16) * Math.PI / np.pi"), "4");
  EXPECT_EQ(value("$1,200 * 3"), "3600");
  EXPECT_EQ(value("[1 + {2}] * 3"), "9");
  EXPECT_EQ(value("sqrt(12,100)"), "110");
  EXPECT_EQ(value(".5 + 5."), "5.5");
  EXPECT_EQ(value("1.5e3 + 2E-1"), "1500.2");
  EXPECT_EQ(value("\n 1\t+\u00A01 "), "2");
}

TEST(Calculate, does_not_guess_what_a_comma_means) {
  EXPECT_EQ(value("max(1, 234)"), "234");
  EXPECT_EQ(value("max(1,234)"), "234");
  EXPECT_THAT(error("max(12,000, 5)"), HasSubstr("at position 7 (','): this comma may separate thousands or arguments"));
  EXPECT_THAT(error("max(1,234, 5,678)"), HasSubstr("this comma may separate thousands or arguments"));
  EXPECT_EQ(value("max(sqrt(10,000), 5)"), "100");
  EXPECT_THAT(error("1,23 + 1"), HasSubstr("at position 2 (',')"));
  EXPECT_THAT(error("1/2pi"), HasSubstr("ambiguous"));
  EXPECT_THAT(error("log(100)"), HasSubstr("log is ambiguous: write ln(x), log10(x)"));
}

TEST(Calculate, names_position_and_token_of_what_is_wrong) {
  EXPECT_EQ(error("2 + * 3"), "at position 5 ('*'): expected a number, a name or '(' here");
  EXPECT_EQ(error("2 +"), "at the end: expected a number, a name or '(' here");
  EXPECT_EQ(error("(2 + 3"), "at the end: expected ')' for the '(' at position 1");
  EXPECT_EQ(error("2 + 3)"), "at position 6 (')'): expected an operator or the end here");
  EXPECT_EQ(error("12 34"), "at position 4 ('34'): expected an operator or the end here");
  EXPECT_EQ(error("× 3"), "at position 1 ('*'): expected a number, a name or '(' here");
  EXPECT_EQ(error("5 # 3"), "at position 3 ('#'): this character has no meaning here");
  EXPECT_EQ(error("1 + sqr(4)"), "at position 5 ('sqr'): unknown name; did you mean sqrt?");
  EXPECT_THAT(error("__import__('os')"), HasSubstr("at position 12 ('''): this character has no meaning"));
  EXPECT_THAT(error("sqrt"), HasSubstr("a function needs its arguments in parentheses: sqrt(...)"));
  EXPECT_THAT(error("sqrt(1, 2)"), HasSubstr("takes 1 argument(s), not 2"));
  EXPECT_THAT(error("round()"), HasSubstr("takes 1 or 2 argument(s), not 0"));
  EXPECT_THAT(error("max()"), HasSubstr("takes at least 1 argument(s), not 0"));
  for (const char* empty : {"", "   ", "=", "= ="}) EXPECT_THAT(error(empty), testing::Not(HasSubstr("no error"))) << empty;
  EXPECT_THAT(error("\xFF\xFE"), HasSubstr("no meaning"));
}

TEST(Calculate, refuses_what_has_no_value) {
  EXPECT_EQ(error("1 / 0"), "at position 3 ('/'): division by zero");
  EXPECT_THAT(error("5 % (2-2)"), HasSubstr("division by zero"));
  EXPECT_THAT(error("0^-1"), HasSubstr("division by zero"));
  EXPECT_THAT(error("sqrt(-4)"), HasSubstr("square root of a negative number, -4"));
  EXPECT_THAT(error("(-8)^(1/3)"), HasSubstr("no real result"));
  EXPECT_THAT(error("ln(0)"), HasSubstr("above 0"));
  EXPECT_THAT(error("log(5, 1)"), HasSubstr("division by zero"));
  EXPECT_THAT(error("asin(2)"), HasSubstr("from -1 to 1"));
  EXPECT_THAT(error("2.5!"), HasSubstr("whole number that is not negative, not 2.5"));
  EXPECT_THAT(error("gcd(1.5, 2)"), HasSubstr("gcd needs whole numbers, not 1.5"));
}

TEST(Calculate, is_bounded) {
  EXPECT_THAT(error("9^9^9"), HasSubstr("too large: past 10^1000000"));
  EXPECT_THAT(error("9^9^9^9^9"), HasSubstr("too large"));
  EXPECT_THAT(error("10^1000001"), HasSubstr("too large"));
  EXPECT_THAT(error("5!!!!"), HasSubstr("limited to 1700!"));
  EXPECT_THAT(error("1e999999999999"), HasSubstr("exponent is too large"));
  EXPECT_THAT(error("exp(exp(100))"), HasSubstr("too large"));
  EXPECT_THAT(error("1e1000000 * 1e1000000"), HasSubstr("too large"));
  EXPECT_EQ(value("2^-9999999"), "0");
  EXPECT_EQ(value("exp(-1e20)"), "0");
  EXPECT_THAT(error("sin(1e300)"), HasSubstr("too large; angles are in radians"));
  EXPECT_THAT(error(std::string(400, '(') + "1"), HasSubstr("nested too deeply"));
  EXPECT_THAT(error(std::string(900, '-') + "1"), HasSubstr("nested too deeply"));
  EXPECT_THAT(error("2" + std::string(900, '^') + "2"), HasSubstr("expected a number"));
  EXPECT_THAT(error(std::string(1001, '1')), HasSubstr("has 1001 characters; at most 1000"));
  EXPECT_EQ(value(std::string(1000, '9')), std::string(1000, '9'));
  EXPECT_EQ(value("1700! / 1699!"), "1700");
  EXPECT_EQ(value("(-1)^123456789123456789"), "-1");
  EXPECT_EQ(value("(2^16000 * 2^16000) / (2^16000)^2"), "1");
}

// double is the oracle: trees of random operators, printed with the parentheses of C++'s own tree.
TEST(Calculate, agrees_with_double_arithmetic) {
  std::mt19937 random(7);
  const std::function<std::pair<std::string, double>(int)> tree = [&](int depth) -> std::pair<std::string, double> {
    if (depth == 0) {
      const int n = static_cast<int>(random() % 19) + 1;
      return {std::to_string(n), n};
    }
    const auto [a, x] = tree(depth - 1);
    const auto [b, y] = tree(depth - 1);
    switch (random() % 4) {
      case 0:
        return {"(" + a + "+" + b + ")", x + y};
      case 1:
        return {"(" + a + "-" + b + ")", x - y};
      case 2:
        return {a + "*" + b, x * y};
      default:
        return y == 0 ? std::pair{a, x} : std::pair{"(" + a + "/(" + b + "))", x / y};
    }
  };
  int compared = 0;
  for (int i = 0; i < 300; ++i) {
    const auto [text, expected] = tree(4);
    const auto result = calculate(text);
    if (!result) continue;  // a divisor that is exactly 0, which double may miss by a rounding error
    EXPECT_NEAR(std::stod(*result), expected, 1e-9 * std::max(1.0, std::abs(expected))) << text;
    ++compared;
  }
  EXPECT_GT(compared, 250);
}

}  // namespace
}  // namespace baton::tools
