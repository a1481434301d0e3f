#pragma once
// What of a request had no effect: it asks for nothing that is done here, or nobody knows it. The response lists it (`baton.ignored`), the
// log gives a hint where a known field seems to be meant.
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace baton::agent::server {

// Of one request. Bounded, whatever the request holds: beyond kMostIgnored only a count is kept.
class Notes {
 public:
  // `path`: of the field, "tools[0].type". Of fields that differ in their indices only ("messages[3].mood") the first is kept.
  void ignore(const std::string& path);
  // The same of a field that is in no protocol. `known`: the fields of its object; one that is written alike is the hint.
  void ignore_unknown(const std::string& path, const std::string& key, const std::set<std::string>& known);

  // What another reading of the same request noted, of which `renamed` tells what the client calls it.
  void add(const Notes& others, const std::function<std::string(const std::string&)>& renamed);

  // For the response; the last entry says how many more there were, if there were.
  std::vector<std::string> ignored() const;
  // The same without the places in lists, "messages[].mood": alike for all requests of a client.
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
inline constexpr std::size_t kMostIgnoredBytes = 128;  // of a path; the rest of it is left out

// The member of `known` that `key` may be a misspelling of: at most two letters differ, are missing or too many, fewer in short words, or
// the words are written together otherwise ("maxTokens"). Empty: none.
std::string likely_meant(std::string_view key, const std::set<std::string>& known);

}  // namespace baton::agent::server
