#include "repeated_keys.h"

namespace baton::tools {

void RepeatedKeys::end_value() {
  if (!levels_.empty() && levels_.back().array) ++levels_.back().index;
}

void RepeatedKeys::see(Json::parse_event_t event, const Json& value) {
  using Event = Json::parse_event_t;
  switch (event) {
    case Event::object_start:
    case Event::array_start:
      levels_.push_back({event == Event::array_start, {}, "", 0});
      break;
    case Event::object_end:
    case Event::array_end:
      levels_.pop_back();
      end_value();
      break;
    case Event::value:
      end_value();
      break;
    case Event::key: {
      Level& here = levels_.back();
      here.key = value.get<std::string>();
      if (here.keys.insert(here.key).second || pointers_.size() == kMost) break;
      Json::json_pointer pointer;
      for (const Level& level : levels_) level.array ? pointer /= level.index : pointer /= level.key;
      pointers_.push_back(pointer.to_string());
      break;
    }
  }
}

}  // namespace baton::tools
