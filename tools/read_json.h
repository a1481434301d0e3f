#pragma once
// Reads JSON from untrusted sources: request bodies, server replies, the arguments of calls. Reading takes time linear in the text.
// Json::parse is not linear: ordered_json looks a key up among all keys of its object, and a parse with a callback scans the values that an
// array holds already, so 8 MB of one wide object take minutes.
#include <baton/tools/tool.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace baton::tools {

// Limits on a document. The defaults are for a request body of 8 MiB. All code after the reader looks keys up linearly, so the keys of one
// object bound the time of each look-up, and a whole pass over a document takes at most keys * keys_of_object / 2 comparisons. The widest
// objects that clients send are the `properties` and `$defs` of schemas, with some hundreds of keys.
// The sums bound the memory: a key takes some 150 bytes while its object is read, a value 16 (a number) to 64 (a short string). An answer
// of 10,000 tokens with `top_logprobs` of 5, sent back by a client, has 200,000 keys and 400,000 values.
struct JsonLimits {
  std::size_t levels = 64;  // nesting of objects and arrays; code that walks a document recurses
  std::size_t keys_of_object = 4096;
  std::size_t keys = 500'000;  // of all objects together
  std::size_t values = 1'000'000;
};

// A file chosen by its user: only the nesting is bounded, because it could overflow a stack.
inline constexpr JsonLimits kLimitsOfFile{.levels = 200, .keys_of_object = SIZE_MAX, .keys = SIZE_MAX, .values = SIZE_MAX};

struct ReadJson {
  Json value;
  std::size_t keys = 0;  // keys of all objects together, duplicates counted
  // JSON pointers of duplicate keys, in the order of the text: the first kMostRepeated, long ones cut. As with Json::parse, the last value
  // counts, in the place of the first.
  std::vector<std::string> repeated;
  static constexpr std::size_t kMostRepeated = 20;
};

// Accepts the same texts as Json::parse. errc::invalid_argument: not JSON; errc::too_large: beyond a limit. Both messages name the byte
// that was read last: "invalid JSON at byte 12: expected a value, found 'x'".
Result<ReadJson> read_json(std::string_view text, const JsonLimits& limits = {});

}  // namespace baton::tools
