// A schema and a value, one JSON text a line; the value stays in its bounds whatever the schema says.
#include <baton/llm/json_schema/json_schema.h>

#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace baton::llm;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = input.find('\n');
  const Json schema = Json::parse(input.substr(0, line), nullptr, false);
  if (schema.is_discarded()) return 0;
  const auto parsed = Schema::parse(schema);
  if (!parsed) {
    if (parsed.error().message.empty()) std::abort();
    return 0;
  }
  // The schema itself is also a value, and the one that shares most with the schema.
  const Json value = line == input.npos ? Json() : Json::parse(input.substr(line + 1), nullptr, false);
  for (const Json* instance : {&schema, &value}) {
    if (instance->is_discarded()) continue;
    const auto violations = parsed->validate(*instance);
    if (violations.size() > Schema::kMaxViolations + 1) std::abort();
    if (violations.empty() != parsed->check(*instance).has_value()) std::abort();
  }
  return 0;
}
