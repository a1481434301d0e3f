#pragma once
// Foreign text that is shown to a person: what could steer a terminal, or make a line read otherwise than it is stored, is written as an
// escape. Foreign is whatever Baton did not write itself: titles, answers, results, names in files, messages of other programs.
#include <string>
#include <string_view>

namespace baton::tools {

enum class LineBreaks {
  escaped,  // the text stands on one line: \n and \t are written out
  kept,     // newlines and tabs stay
};

// Control characters (C0, DEL, C1), Unicode's line separators and those that change the direction of writing, and bytes that are not
// UTF-8: \x1b, \u009b, \u202e. All else stays.
std::string visible(std::string_view text, LineBreaks breaks);

// The same for text that comes in pieces: a character that is split over two pieces is one character. Newlines and tabs stay.
class VisibleStream {
 public:
  std::string add(std::string_view piece);
  std::string end();  // what a piece began and none ended

 private:
  std::string held_;
};

// JSON text in which those characters are escaped as JSON has it: it means the same.
std::string visible_json(std::string_view json);

}  // namespace baton::tools
