#pragma once
// Evaluates arithmetic as people and models write it.
#include <baton/tools/error.h>

#include <string>
#include <string_view>

namespace baton::tools {

// The value of an expression, as text: exact for whole numbers (2^200) and decimals that end (0.1 + 0.2 is 0.3), else 16 significant
// digits of a calculation with 50.
//
//   + - * / // % ^ ** ( )   // rounds down, % between two numbers is the remainder, with the divisor's sign; ^ and ** are powers
//   50%                     0.5;  10% of 80;  200 + 10% is 220, as on a pocket calculator;  10% + 5% is 0.15
//   5!  30°  √2  x²         also × · ÷ − and "3 x 4"
//   12,000  1_000  1.5e3    a comma is a thousands separator, except between the arguments of a function that takes several
//   sqrt(2)  pi  math.pi    functions.h lists them; log with one argument is refused, because people mean ln or log10
//   x = 3*4   3*4 =         a name in front and a = at the end are skipped
//
// Errors (invalid_argument) name the position, counted in characters from 1, and the piece of text there. Bounded: 1000 characters,
// depth 100, results up to 10^1000000 (exact up to 4932 digits).
Result<std::string> calculate(std::string_view expression);

}  // namespace baton::tools
