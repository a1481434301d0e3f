#pragma once
// Shows foreign text to a person safely: characters that could steer a terminal, or make a line read differently from its content, are
// escaped. Foreign text is any text that Baton did not write itself: titles, answers, results, names in files, messages of other programs.
#include <string>
#include <string_view>

namespace baton::tools {

enum class LineBreaks {
  escaped,  // the text is shown on one line: \n and \t are escaped
  kept,     // newlines and tabs stay
};

// Control characters (C0, DEL, C1), Unicode's line separators and those that change the direction of writing, and bytes that are not UTF-8:
// \x1b, \u009b, \u202e. All other characters stay.
std::string visible(std::string_view text, LineBreaks breaks);

// The same for text that comes in pieces: a character that is split over two pieces is one character. Newlines and tabs stay.
class VisibleStream {
 public:
  std::string add(std::string_view piece);
  std::string end();  // the unfinished end of the last piece

 private:
  std::string held_;
};

// JSON text in which those characters have JSON's own escapes, so its meaning is the same.
std::string visible_json(std::string_view json);

}  // namespace baton::tools
