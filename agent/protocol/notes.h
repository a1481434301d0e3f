#pragma once
// The parts of a request without effect: fields that are not implemented here, or are unknown. The response lists them (`baton.ignored`),
// the log gives a hint if an unknown field looks like a misspelt known one.
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace baton::agent::protocol {

// For one request. Bounded, whatever the request contains: beyond kMostIgnored only a count is kept.
class Notes {
 public:
  // `path`: of the field, "tools[0].type". Of fields that differ in their indices only ("messages[3].mood") the first is kept.
  void ignore(const std::string& path);
  // The same for a field that is in no protocol. `known`: the fields of its object; one with a similar name is the hint.
  void ignore_unknown(const std::string& path, const std::string& key, const std::set<std::string>& known);

  // The notes of another reading of the same request; `renamed` maps them to the client's names.
  void add(const Notes& others, const std::function<std::string(const std::string&)>& renamed);

  // For the response; if there were more, the last entry says how many.
  std::vector<std::string> ignored() const;
  // The same without the places in lists, "messages[].mood": equal for all requests of a client.
  std::vector<std::string> kinds() const;
  // "temprature: did you mean 'temperature'?", for the log.
  std::vector<std::string> hints() const;

 private:
  struct Ignored {
    std::string path;
    std::string meant;  // empty: no hint
  };
  void keep(const std::string& path, const std::function<std::string()>& meant);

  std::vector<Ignored> kept_;
  std::set<std::string> kinds_;  // paths without their indices
  std::size_t n_more_ = 0;
};

inline constexpr std::size_t kMostIgnored = 32;
inline constexpr std::size_t kMostIgnoredBytes = 128;  // of a path; the rest of it is cut off

// The member of `known` that `key` may be a misspelling of: at most two letters differ, are missing or too many, fewer in short words, or
// the words are written together otherwise ("maxTokens"). Empty: none.
std::string likely_meant(std::string_view key, const std::set<std::string>& known);

}  // namespace baton::agent::protocol
