#pragma once
// Keys that stand twice in an object: of the two a parser keeps one, and nobody sees that.
#include <baton/tools/tool.h>

#include <set>
#include <string>
#include <vector>

namespace baton::tools {

// Sees what Json::parse tells its callback, from the first event on.
class RepeatedKeys {
 public:
  static constexpr std::size_t kMost = 20;  // that are kept: a pointer may be as long as the text
  void see(Json::parse_event_t event, const Json& value);
  // Their JSON pointers, in the order of the text; the first kMost.
  const std::vector<std::string>& pointers() const { return pointers_; }

 private:
  struct Level {  // an object or an array that is open
    bool array = false;
    std::set<std::string> keys;
    std::string key;        // the last one
    std::size_t index = 0;  // of the element that comes next
  };
  void end_value();

  std::vector<Level> levels_;
  std::vector<std::string> pointers_;
};

}  // namespace baton::tools
