// Any bytes as JSON: if no limit applies, read_json accepts the texts that Json::parse accepts, and reads the same value.
#include <baton/tools/read_json.h>

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace baton::tools;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Json expected = Json::parse(text, nullptr, false);
  const auto read = read_json(text, kLimitsOfFile);
  if (!read) {
    if (read.error().message.empty()) std::abort();
    if (read.error().code != errc::too_large && !expected.is_discarded()) std::abort();
  } else if (expected.is_discarded() || read->value != expected || read->value.dump() != expected.dump()) {
    std::abort();
  }
  // Small limits, which inputs of this size reach.
  const auto bounded = read_json(text, {.levels = 3, .keys_of_object = 10, .keys = 20, .values = 30});
  if (bounded && (!read || bounded->value != read->value || bounded->keys > 20 || bounded->repeated.size() > ReadJson::kMostRepeated))
    std::abort();
  return 0;
}
