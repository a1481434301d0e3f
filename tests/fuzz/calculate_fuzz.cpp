// Any expression has a value or an error, after a short time.
#include <baton/tools/builtin/calculate.h>

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto value = baton::tools::calculate({reinterpret_cast<const char*>(data), size});
  if (value ? value->empty() : value.error().message.empty()) __builtin_trap();
  return 0;
}
